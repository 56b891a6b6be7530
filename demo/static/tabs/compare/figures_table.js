// The measured figures of both sides of Compare, each with its floor, and which side is better.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const FIRST_ROWS = 6; // that are shown; the others unfold
  // The column heads name the models, so a shared label says only "samples".
  const labelText = (label) => T.translate(label).replace("samples", T.t("samples"));

  // The card. `.show(left, right)`: two sides as T.sides.both() gives them.
  T.figuresTable = () => {
    const body = el("div", { class: "tf-figures-body" });
    const card = el("section", { class: "tf-card", "aria-label": T.t("Quality, side by side") }, el("h3", {}, T.t("Quality, side by side")), body);
    let shown = "";

    const cell = (figure, { unit, better }, whose) => {
      if (!figure) return el("td", { "data-of": whose }, "–");
      const known = { ...figure, unit, better };
      return el("td", { "data-of": whose }, T.figureText(known), el("span", { class: "tf-quiet" }, T.floorText(known)), T.figureBar(known));
    };
    const verdicts = {
      left: () => T.t("◀ left is better"),
      right: () => T.t("right is better ▶"),
      level: () => T.t("no clear difference"),
      incomparable: () => T.t("not comparable"),
      alone: () => T.t("one side only"),
    };
    const table = (rows, sides, caption) =>
      el(
        "div",
        { class: "tf-scroll", tabindex: 0, role: "region", "aria-label": caption },
        el(
          "table",
          { class: "tf-figures" },
          el("caption", {}, caption),
          el("thead", {}, el("tr", {}, ...[T.t("Figure"), sides[0].title, sides[1].title, T.t("Result")].map((name) => el("th", { scope: "col" }, name)))),
          el(
            "tbody",
            {},
            ...rows.map((row) =>
              el(
                "tr",
                {},
                el("th", { scope: "row" }, labelText(row.label), el("span", { class: "tf-quiet" }, T.betterText(row.better))),
                cell(row.left, row, sides[0].title),
                cell(row.right, row, sides[1].title),
                el("td", { class: `tf-result tf-${row.verdict}-better` }, verdicts[row.verdict]()),
              ),
            ),
          ),
        ),
      );
    const measured = (facts, side) => {
      if (facts.samples === null) return el("p", {}, T.t("{model} has no measured figures.", { model: side.title }));
      const seed = facts.seed === null ? T.t("the command's default seed") : T.t("seed {seed}", { seed: facts.seed });
      return el(
        "div",
        {},
        el("p", {}, T.t("{model}: measured on {n} pictures, {seed}.", { model: side.title, n: T.wholeNumber(facts.samples), seed })),
        facts.features ? el("p", { class: "tf-quiet" }, T.t("Distances between features of: {features}", { features: facts.features })) : null,
        T.code(facts.command),
      );
    };
    // What moves along attributes do on each side, folded: each bundle has its own.
    const attributes = (sides) => {
      const [left, right] = sides;
      const shown = left.b === right.b ? [[left.bundle, [...new Set([left.m, right.m])]]] : sides.map((side) => [side.bundle, [side.m]]);
      const tables = shown.map(([bundle, ms]) => [bundle.title, T.attributeTable(bundle, ms)]).filter(([, one]) => one);
      for (const [, one] of tables) one.querySelector("table").classList.add("tf-figures");
      const parts = tables.flatMap(([title, one]) => [el("h4", {}, title), one]);
      return parts.length ? el("details", { class: "tf-more" }, el("summary", {}, T.t("Attributes")), el("p", { class: "tf-quiet" }, T.attributeWords()), ...parts) : null;
    };
    const comparison = (n, counts) => T.n(n, "Of {n} figure that both have, the left is better in {left}, the right in {right}; {level} show no clear difference.", "Of {n} figures that both have, the left is better in {left}, the right in {right}; {level} show no clear difference.", counts);
    const draw = (report, sides) => {
      const both = report.rows.filter((row) => row.left && row.right);
      const more = both.slice(FIRST_ROWS);
      const rest = report.rows.filter((row) => !row.left || !row.right);
      const count = (verdict) => both.filter((row) => row.verdict === verdict).length;
      const same = sides[0].key === sides[1].key;
      const address = T.url("compare/figures", { left: sides[0].key, right: sides[1].key });
      const name = `${sides[0].key}-${sides[1].key}`.replaceAll(".", "-");
      const incomparable = count("incomparable");
      const parts = [
        el("p", { class: "tf-quiet" }, T.t("The floor is what real held-out pictures reach in the same measurement, unless stated otherwise; after a stroke, what other training pictures reach. No clear difference: within two standard errors or, where none is known, within 1 %.")),
        both.length && !same && incomparable < both.length
          ? el("p", { class: "tf-caption" }, comparison(both.length - incomparable, { left: count("left"), right: count("right"), level: count("level") }))
          : null,
        incomparable ? el("p", {}, T.n(incomparable, "{n} figure was measured on different pictures or features and cannot be compared directly: read it against its own floor.", "{n} figures were measured on different pictures or features and cannot be compared directly: read each against its own floor.")) : null,
        both.length ? table(both.slice(0, FIRST_ROWS), sides, T.t("Figures of both")) : el("p", {}, T.t("The two have no figure in common.")),
        more.length ? el("details", { class: "tf-more" }, el("summary", {}, T.n(more.length, "{n} more figure", "{n} more figures")), table(more, sides, T.t("More figures of both"))) : null,
        rest.length ? el("details", { class: "tf-more" }, el("summary", {}, T.n(rest.length, "{n} figure of one side only", "{n} figures of one side only")), table(rest, sides, T.t("Figures of one side only"))) : null,
        attributes(sides),
        el("details", { class: "tf-more" }, el("summary", {}, T.t("How they were measured")), measured(report.left, sides[0]), same ? null : measured(report.right, sides[1])),
        el(
          "div",
          { class: "tf-buttons" },
          el("a", { class: "tf-button", href: `${address}&f=csv`, download: `${name}.csv` }, T.t("Download CSV")),
          el("a", { class: "tf-button", href: address, download: `${name}.json` }, T.t("Download JSON")),
        ),
      ];
      body.replaceChildren(...parts.filter(Boolean));
    };

    card.show = async (left, right) => {
      const wanted = [left, right].map((side) => `${T.versionOf(side.bundle)} ${side.key}`).join("|");
      if (wanted === shown) return;
      shown = wanted;
      try {
        const report = await T.getJson("compare/figures", { left: left.key, right: right.key });
        if (shown === wanted) draw(report, [left, right]);
      } catch (failure) {
        if (shown !== wanted) return;
        shown = ""; // asked again at the next change
        const error = T.errorNote();
        error.show(failure.message);
        body.replaceChildren(error);
      }
    };
    return card;
  };
})();

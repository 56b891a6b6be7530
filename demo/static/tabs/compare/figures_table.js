// The measured figures of both sides of Compare, each with its floor, and which side is better.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const round = (value) => Number(value.toPrecision(4)).toString();
  // The column heads name the models, so a shared label says only "samples".
  const named = (label) => T.translate(label).replace("samples", T.t("samples"));

  // `.show(left, right)`: two sides as T.pair.sides() gives them.
  T.figuresTable = () => {
    const body = el("div", { class: "tf-verdict" });
    const card = el("section", { class: "tf-card", "aria-label": T.t("Quality, side by side") }, el("h3", {}, T.t("Quality, side by side")), body);
    let shown = "";

    const cell = (figure, unit, whose) => {
      if (!figure) return el("td", { "data-of": whose }, "–");
      const value = `${round(figure.value)}${unit ? ` ${unit}` : ""}`;
      const error = figure.error === null ? "" : ` ± ${Number(figure.error.toPrecision(2))}`;
      const of = figure.floor_is === "held-out pictures" ? "" : ` (${T.translate(figure.floor_is)})`;
      const floors = [figure.floor, figure.training_floor].filter((one) => one !== null).map(round).join(" / ");
      const floor = floors ? T.t("floor {value}", { value: floors }) + of : T.t("no floor");
      const quiet = el("span", { class: "tf-quiet" }, T.counted(floor, figure.count));
      return el("td", { "data-of": whose }, el("span", { class: "tf-value" }, value + error), quiet);
    };
    const words = {
      left: () => T.t("◀ left is better"),
      right: () => T.t("right is better ▶"),
      level: () => T.t("no clear difference"),
      incomparable: () => T.t("not comparable"),
      alone: () => T.t("one side only"),
    };
    const better = { lower: () => T.t("lower is better"), higher: () => T.t("higher is better"), floor: () => T.t("best near the floor") };
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
                el("th", { scope: "row" }, named(row.label), el("span", { class: "tf-quiet" }, better[row.better]())),
                cell(row.left, row.unit, sides[0].title),
                cell(row.right, row.unit, sides[1].title),
                el("td", { class: `tf-result tf-is-${row.verdict}` }, words[row.verdict]()),
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
        el("pre", { class: "tf-code", tabindex: 0 }, el("code", {}, facts.command)),
      );
    };
    const draw = (report, sides) => {
      const both = report.rows.filter((row) => row.left && row.right);
      const rest = report.rows.filter((row) => !row.left || !row.right);
      const count = (verdict) => both.filter((row) => row.verdict === verdict).length;
      const same = sides[0].key === sides[1].key;
      const address = T.url("compare/figures", { left: sides[0].key, right: sides[1].key });
      const name = `${sides[0].key}-${sides[1].key}`.replaceAll(".", "-");
      const odd = count("incomparable");
      const parts = [
        el("p", { class: "tf-quiet" }, T.t("The floor is what real held-out pictures reach in the same measurement, unless stated otherwise; after a stroke, what other training pictures reach. No clear difference: within two standard errors or, where none is known, within 1 %.")),
        both.length && !same && odd < both.length
          ? el("p", { class: "tf-caption" }, T.t("Of {n} figures that both have, the left is better in {left}, the right in {right}; {level} show no clear difference.", { n: both.length - odd, left: count("left"), right: count("right"), level: count("level") }))
          : null,
        odd ? el("p", {}, T.t("{n} figures were measured on different pictures or features and cannot be compared directly: read each against its own floor.", { n: odd })) : null,
        both.length ? table(both, sides, T.t("Figures of both")) : el("p", {}, T.t("The two have no figure in common.")),
        rest.length ? el("details", { class: "tf-more" }, el("summary", {}, T.t("{n} figures of one side only", { n: rest.length })), table(rest, sides, T.t("Figures of one side only"))) : null,
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
      const wish = `${left.key}|${right.key}`;
      if (wish === shown) return;
      shown = wish;
      try {
        const answer = await fetch(T.url("compare/figures", { left: left.key, right: right.key }));
        if (!answer.ok) throw new Error(await answer.text());
        const report = await answer.json();
        if (shown === wish) draw(report, [left, right]);
      } catch (error) {
        if (shown !== wish) return;
        shown = "";
        body.replaceChildren(el("p", { class: "tf-trouble", role: "alert" }, T.translate(error.message)));
      }
    };
    return card;
  };
})();

// The training curves of both sides of Compare: an SVG plot per measure, and the numbers as a table.
(() => {
  const T = window.Twofold;
  const { el, svg } = T;

  const WIDE = 360;
  const HIGH = 170;
  const EDGE = { left: 54, right: 12, top: 10, bottom: 28 };
  const thousands = (n) => (n >= 1e6 ? `${T.digits(n / 1e6)} M` : n >= 1e3 ? `${T.digits(n / 1e3)} k` : String(n));

  // The drawing of one measure. lines: [{ images, values, title, i }], one or two; nulls are gaps.
  const plot = (name, lines) => {
    const known = lines.flatMap((line) => line.values.filter((v) => v !== null));
    let low = Math.min(...known);
    let high = Math.max(...known);
    if (low === high) [low, high] = [low - 1, high + 1];
    const last = Math.max(...lines.flatMap((line) => line.images));
    const x = (n) => EDGE.left + (n / last) * (WIDE - EDGE.left - EDGE.right);
    const y = (v) => EDGE.top + ((high - v) / (high - low)) * (HIGH - EDGE.top - EDGE.bottom);
    const path = (line) => {
      let command = "M"; // move the pen; after that "L", draw a line
      let d = "";
      line.values.forEach((v, i) => {
        if (v === null) command = "M";
        else {
          d += `${command}${x(line.images[i]).toFixed(1)} ${y(v).toFixed(1)}`;
          command = "L";
        }
      });
      return d;
    };
    const text = (words, at, side) => svg("text", { ...at, "text-anchor": side }, words);
    const ends = lines.map((line) => {
      const values = line.values.filter((v) => v !== null);
      return T.t("{title}: from {first} to {last}", { title: line.title, first: T.digits(values[0]), last: T.digits(values[values.length - 1]) });
    });
    const words = T.t("{name} over the pictures seen. {ends}.", { name, ends: ends.join("; ") });
    const drawing = svg(
      "svg",
      { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "tf-plot", role: "img", "aria-label": words },
      svg("path", { class: "tf-axis", d: `M${EDGE.left} ${EDGE.top}V${HIGH - EDGE.bottom}H${WIDE - EDGE.right}` }),
      ...(low < 0 && high > 0 ? [svg("path", { class: "tf-zero", d: `M${EDGE.left} ${y(0)}H${WIDE - EDGE.right}` })] : []),
      text(T.digits(high), { x: EDGE.left - 8, y: EDGE.top + 10 }, "end"),
      text(T.digits(low), { x: EDGE.left - 8, y: HIGH - EDGE.bottom }, "end"),
      text("0", { x: EDGE.left, y: HIGH - 8 }, "middle"),
      text(thousands(last), { x: WIDE - EDGE.right, y: HIGH - 8 }, "end"),
      ...lines.map((line) => svg("path", { class: `tf-line tf-line-${line.i}`, d: path(line) })),
    );
    return el("figure", {}, drawing, el("figcaption", {}, name));
  };
  const table = (name, line) => {
    const names = Object.keys(line.curve.series);
    const caption = T.t("{stage} of {title}", { stage: name, title: line.title });
    const rows = line.curve.images.map((n, i) => [T.wholeNumber(n), ...names.map((one) => line.curve.series[one][i] ?? "–")]);
    return T.table(caption, [T.t("Pictures seen"), ...names], rows, "tf-points");
  };

  // The card. `.show(left, right)`: two sides as T.pair.sides() gives them.
  T.trainingCurves = () => {
    const body = el("div", {});
    const card = el("section", { class: "tf-card tf-training", "aria-label": T.t("Training curves") }, el("h3", {}, T.t("Training curves")), body);
    const indices = new Map(); // promises of a bundle's curves by stage
    let shown = "";
    let stage = null;

    // The curves are in bundle.json, which is fetched when they are first shown.
    const curvesOf = (bundle) => {
      const key = `${bundle.name}@${bundle.version}`;
      if (!bundle.training.some((one) => one.curve)) return Promise.resolve({});
      if (!indices.has(key)) {
        const reading = T.getJson(`${bundle.files}/bundle.json`, { v: bundle.version }).then(({ training }) =>
          Object.fromEntries(Object.entries(training).filter(([, trained]) => trained.curve).map(([name, trained]) => [name, trained.curve])),
        );
        reading.catch(() => indices.delete(key));
        indices.set(key, reading);
      }
      return indices.get(key);
    };
    const draw = (sides, curves) => {
      const stages = [...new Set(curves.flatMap((one) => Object.keys(one)))];
      const withoutCurves = sides.filter((_, i) => !Object.keys(curves[i]).length).map((side) => side.bundle.title);
      const parts = [];
      if (withoutCurves.length) parts.push(el("p", { class: "tf-quiet" }, T.t("{titles}: this bundle has no training curves. It was exported by an older version, or without its run folder; python -m export bundle adds them from there.", { titles: withoutCurves.join(", ") })));
      if (stages.length) {
        if (!stages.includes(stage)) stage = stages.includes(sides[0].m) ? sides[0].m : stages[0];
        const lines = sides.map((side, i) => ({ title: side.bundle.title, curve: curves[i][stage], i })).filter((line) => line.curve);
        const names = [...new Set(lines.flatMap((line) => Object.keys(line.curve.series)))];
        const pick = T.segmented("tf-stage-of", T.t("Stage"), stages.map((name) => [name, T.translate(name), name]), stage, (name) => {
          stage = name;
          draw(sides, curves);
          card.querySelector("input:checked").focus();
        });
        parts.push(
          el("p", { class: "tf-quiet" }, T.t("Each point is the mean of a stretch of the training; the horizontal axis counts the pictures seen.")),
          el("div", { class: "tf-inline" }, pick),
          lines.length > 1 ? el("p", { class: "tf-curve-names" }, ...lines.map((line) => el("span", { class: `tf-curve-name-${line.i}` }, line.title))) : null,
          el(
            "div",
            { class: "tf-plots" },
            ...names.map((name) =>
              plot(
                name,
                lines
                  .filter((line) => line.curve.series[name]?.some((v) => v !== null))
                  .map((line) => ({ title: line.title, i: line.i, images: line.curve.images, values: line.curve.series[name] })),
              ),
            ),
          ),
          el("details", { class: "tf-more" }, el("summary", {}, T.t("The curves in numbers")), ...lines.map((line) => table(stage, line))),
        );
      }
      body.replaceChildren(...parts.filter(Boolean));
    };
    card.show = async (left, right) => {
      const sides = left.b === right.b ? [left] : [left, right];
      const wanted = sides.map((side) => `${side.b}@${side.bundle.version}`).join("|") + `|${left.m}`;
      if (wanted === shown) return;
      shown = wanted;
      stage = left.m;
      try {
        const curves = await Promise.all(sides.map((side) => curvesOf(side.bundle)));
        if (shown === wanted) draw(sides, curves);
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

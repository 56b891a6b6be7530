// The training curves of both sides of Compare: a plot per measure, and the numbers as a table.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const table = (name, line) => {
    const names = Object.keys(line.curve.series);
    const caption = T.t("{stage} of {title}", { stage: name, title: line.title });
    const rows = line.curve.images.map((n, i) => [T.wholeNumber(n), ...names.map((one) => line.curve.series[one][i] ?? "–")]);
    return T.table(caption, [T.t("Pictures seen"), ...names.map(T.curveName)], rows, "tf-points");
  };

  // The card. `.show(left, right)`: two sides as T.sides.both() gives them.
  T.trainingCurves = () => {
    const body = el("div", {});
    const card = el("section", { class: "tf-card tf-training", "aria-label": T.t("Training curves") }, el("h3", {}, T.t("Training curves")), body);
    let shown = "";
    let stage = null;

    const draw = (sides, curves) => {
      const stages = [...new Set(curves.flatMap((one) => Object.keys(one)))];
      const withoutCurves = sides.filter((_, i) => !Object.keys(curves[i]).length).map((side) => side.bundle.title);
      const parts = [];
      if (withoutCurves.length) parts.push(el("p", { class: "tf-quiet" }, T.t("{titles}: this bundle has no training curves. It was exported by an older version, or without its run folder; python -m export bundle adds them from there.", { titles: withoutCurves.join(", ") })));
      if (stages.length) {
        if (!stages.includes(stage)) stage = stages.includes(sides[0].m) ? sides[0].m : stages[0];
        const lines = sides.map((side, i) => ({ title: side.bundle.title, curve: curves[i][stage], i })).filter((line) => line.curve);
        const names = [...new Set(lines.flatMap((line) => Object.keys(line.curve.series)))];
        const pick = T.segmented("tf-stage-of", T.t("Stage"), stages.map((name) => [name, T.trainingStage(name), name]), stage, (name) => {
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
              T.plot(
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
      const wanted = sides.map((side) => T.versionOf(side.bundle)).join("|") + `|${left.m}`;
      if (wanted === shown) return;
      shown = wanted;
      stage = left.m;
      try {
        const curves = await Promise.all(sides.map((side) => (side.bundle.training.some((one) => one.curve) ? T.curvesOf(side.bundle) : {})));
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

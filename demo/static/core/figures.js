// Measured figures in words, and how near each is to its floor, for About and Compare.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // Floors that real pictures set. Those of a repair (the undamaged picture) and of samples (its own reconstructions) say
  // nothing of how good a model is beside others.
  const REACHABLE = ["held-out pictures", "training pictures", "by definition"];
  const LEVELS = [
    [0.8, "good"],
    [0.4, "fair"],
    [0, "poor"],
  ];

  // How near a figure is to its floor, 0 to 1, or to 1 where it is a share without a floor; null where that says nothing.
  const nearness = ({ value, floor, floor_is: floorIs, better, unit }) => {
    if (floor === null) return better === "higher" && !unit && value >= 0 && value <= 1 ? value : null;
    if (!REACHABLE.includes(floorIs) || floor <= 0) return null;
    const share = { lower: value > 0 ? floor / value : 1, higher: value / floor, floor: 1 - Math.abs(value - floor) / floor }[better];
    return Math.min(1, Math.max(0, share));
  };

  Object.assign(T, {
    // A figure's value with its unit and, where it is known, its standard error: two or three digits, as people read them.
    figureText: ({ value, error, unit }) =>
      [T.digits(value), error ? ` ± ${T.digits(error, 2)}` : "", unit ? ` ${unit}` : ""].join(""),
    // A figure's floor, after a stroke that of other training pictures, what was measured for it unless that is the
    // usual, and the number of pictures where that is the figure's own.
    floorText({ floor, floor_is: floorIs, training_floor: training, unit, count }) {
      const values = [floor, training].filter(Number.isFinite).map((value) => T.digits(value) + (unit ? ` ${unit}` : ""));
      const of = floorIs === "held-out pictures" ? "" : ` (${T.translate(floorIs)})`;
      const text = floor === null ? T.t("no floor") : T.t("floor {value}", { value: values.join(" / ") }) + of;
      return count ? T.t("{figure}, {n} pictures", { figure: text, n: T.wholeNumber(count) }) : text;
    },
    // In which direction a figure is better.
    betterText: (better) => ({ lower: T.t("lower is better"), higher: T.t("higher is better"), floor: T.t("best near the floor") })[better],
    // A bar that is full, and green, where the figure has reached its floor; null where there is none to reach.
    figureBar(figure) {
      const share = nearness(figure);
      if (share === null) return null;
      const percent = Math.round(100 * share);
      return T.shareBar(share, figure.floor === null ? T.t("{percent} %", { percent }) : T.t("{percent} % of the way to its floor", { percent }));
    },
    // A bar that is full at 1, in a colour that says how good that is; `words` say what it shows.
    shareBar(share, words) {
      const level = LEVELS.find(([least]) => share >= least)[1];
      const fill = el("i", {});
      fill.style.width = `${Math.max(3, Math.round(100 * share))}%`;
      return el("span", { class: `tf-meter tf-meter-${level}`, role: "img", "aria-label": words, title: words }, fill);
    },
  });
})();

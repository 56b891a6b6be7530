// The error over the rounds of a search, as an SVG line that only falls.
(() => {
  const T = window.Twofold;
  const { el, svg } = T;

  const WIDTH = 480;
  const HEIGHT = 160;
  const MARGIN = { left: 8, right: 8, top: 10, bottom: 10 };

  // The element with the curve; label: what the error is. `.put(values, total, format)`: the value at the start and after each round, of `total` rounds.
  T.errorCurve = (label) => {
    const line = svg("polyline", { class: "tf-curve-line", fill: "none" });
    const dot = svg("circle", { class: "tf-curve-dot", r: 4 });
    const base = svg("line", { class: "tf-curve-base", x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 });
    const plot = svg("svg", { class: "tf-curve-plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    plot.append(base, line, dot);
    const high = el("span", {});
    const low = el("span", {});
    const first = el("span", {}, "0");
    const last = el("span", {});
    const frame = el(
      "figure",
      { class: "tf-curve", hidden: true },
      el("div", { class: "tf-curve-y", "aria-hidden": "true" }, high, low),
      plot,
      el("div", { class: "tf-curve-x", "aria-hidden": "true" }, first, el("span", {}, T.t("rounds of search")), last),
    );
    frame.put = (values, total, format) => {
      frame.hidden = !values.length;
      if (!values.length) return;
      const top = values[0];
      const bottom = Math.min(values[values.length - 1], top);
      const span = top - bottom || 1;
      const x = (i) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * i) / Math.max(1, total);
      const y = (value) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - (value - bottom) / span);
      line.setAttribute("points", values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" "));
      dot.setAttribute("cx", x(values.length - 1));
      dot.setAttribute("cy", y(values[values.length - 1]));
      high.textContent = format(top);
      low.textContent = format(bottom);
      last.textContent = String(total);
      const words = T.n(values.length - 1, "{label}: {start} at the start, {now} after {n} round", "{label}: {start} at the start, {now} after {n} rounds", { label, start: format(top), now: format(bottom) });
      plot.setAttribute("aria-label", words);
    };
    frame.rename = (text) => (label = text);
    return frame;
  };
})();

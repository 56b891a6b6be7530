// A path drawn on the latent map: with a stroke, or point by point; it becomes keyframes of Morph.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const CLICK = 6; // pixels of the drawing that a pointer moves in a click, which places one point
  const CLOSED = 0.06; // of the map's side: a stroke that ends this near to its beginning is a loop
  const CLOSE = 2; // pixels that the path may leave a stroke by; of single points, all are kept
  const PER_SIDE = 8; // seconds of a film for a path as long as the map is wide

  // The path of a map whose drawing has `side` pixels: `.drawing` is whether one is drawn now; start, go, end take pixels of
  // the drawing; `.paint(context, ink, paper)` draws it; `.key(name, point)` takes a key, whether it was the path's; `.show(projection)` forgets
  // the path where another map is shown. changed() is called when it must be painted anew; toPlace turns shares of the
  // drawing's sides into a place of the map.
  T.mapPath = (side, changed, toPlace) => {
    let points = []; // [x, y] in pixels
    let strokes = []; // { from, drawn }: how many points there were before each stroke, or before a single point
    let projection = "pca";
    let down = null; // where the pointer came down, while it is

    const drawing = el("input", { type: "checkbox", role: "switch" });
    const loop = el("input", { type: "checkbox" });
    const told = el("span", { class: "tf-quiet", role: "status" });
    const error = T.errorNote();
    const button = (text, action, style = "") => el("button", { type: "button", class: `tf-button ${style}`, onclick: action }, text);
    const back = button(T.t("Take back"), () => takeBack());
    const clear = button(T.t("Start again"), () => forget());
    const open = button(T.t("Open in Morph"), () => openInMorph(), "tf-primary");
    const tools = el(
      "div",
      { hidden: true },
      el("p", { class: "tf-quiet" }, T.t("Draw on the map, or click point by point. With the keyboard: arrow keys move, Enter places a point, Backspace takes it back.")),
      el("div", { class: "tf-inline" }, el("label", { class: "tf-check" }, loop, T.t("Close the path to a loop")), told),
      el("div", { class: "tf-buttons" }, open, back, clear),
      error,
    );
    const box = el("div", { class: "tf-map-path" }, el("label", { class: "tf-switch" }, drawing, el("span", {}, T.t("Draw a path"))), tools);

    const keyframes = () => T.stroke.simplified(points, T.keyframes.most, strokes.some(({ drawn }) => drawn) ? CLOSE : -1);
    const refresh = () => {
      tools.hidden = !drawing.checked;
      told.textContent = points.length ? T.n(keyframes().length, "{n} keyframe", "{n} keyframes") : "";
      back.disabled = clear.disabled = !points.length;
      if (points.length > 1) error.show("");
      changed();
    };
    const forget = () => {
      points = [];
      strokes = [];
      loop.checked = false;
      refresh();
    };
    const takeBack = () => {
      if (strokes.length) points.length = strokes.pop().from;
      refresh();
    };
    const openInMorph = () => {
      const chosen = keyframes();
      if (chosen.length < 2 || T.stroke.lengths(points).at(-1) === 0) {
        error.show(T.t("A path has two points at least: draw a line, or place another point."));
        return;
      }
      const closing = loop.checked ? T.stroke.apart(points[0], points.at(-1)) : 0;
      // A loop that was drawn to its beginning ends there once, not twice.
      if (loop.checked && chosen.length > 2 && closing < CLOSED * side) chosen.pop();
      const lengths = T.stroke.lengths(points);
      const whole = lengths.at(-1) + closing;
      const seconds = Math.round(Math.min(T.timing.longest, Math.max(T.timing.shortest, (PER_SIDE * whole) / side)) * 10) / 10;
      const times = T.timing.spaced(chosen.map((i) => (lengths[i] / whole) * seconds), loop.checked, seconds);
      const keys = chosen.map((i) => [projection, ...toPlace(points[i][0] / side, points[i][1] / side).map((value) => Number(value.toFixed(3)))]);
      const { m, ...page } = T.state;
      T.openMorph({ keys, classes: [], path: "spline", loop: loop.checked, times, seconds }, { ...page, m: "vae" });
    };

    Object.defineProperty(box, "drawing", { get: () => drawing.checked });
    Object.assign(box, {
      start(point) {
        down = { point, stroke: { from: points.length, drawn: false } };
        strokes.push(down.stroke);
        points.push(point);
        refresh();
      },
      go(point) {
        if (!down) return;
        down.stroke.drawn ||= T.stroke.apart(point, down.point) > CLICK;
        if (!down.stroke.drawn || T.stroke.apart(point, points.at(-1)) < 1) return;
        points.push(point);
        refresh();
      },
      end() {
        if (!down) return;
        const long = T.stroke.lengths(points).at(-1) > 4 * CLOSED * side;
        if (down.stroke.drawn && long && T.stroke.apart(points[0], points.at(-1)) < CLOSED * side) loop.checked = true;
        down = null;
        refresh();
      },
      // What a key does; whether it was one of the path's.
      key(name, point) {
        if (name === "Enter" && point) {
          strokes.push({ from: points.length, drawn: false });
          points.push(point);
          refresh();
        } else if (name === "Backspace") takeBack();
        else return false;
        return true;
      },
      // Of another map nothing can stay.
      show(nextProjection) {
        projection = nextProjection;
        forget();
      },
      paint(context, ink, paper) {
        if (!drawing.checked || !points.length) return;
        const line = (width, colour) => {
          context.strokeStyle = colour;
          context.lineWidth = width;
          context.beginPath();
          points.forEach(([x, y]) => context.lineTo(x, y));
          if (loop.checked) context.closePath();
          context.stroke();
        };
        context.lineJoin = context.lineCap = "round";
        line(7, paper);
        line(3.5, ink);
        for (const i of keyframes()) {
          context.beginPath();
          context.arc(...points[i], 6, 0, 2 * Math.PI);
          context.fillStyle = paper;
          context.fill();
          context.strokeStyle = ink;
          context.lineWidth = 3;
          context.stroke();
        }
      },
    });
    drawing.addEventListener("change", refresh);
    loop.addEventListener("change", refresh);
    refresh();
    return box;
  };
})();

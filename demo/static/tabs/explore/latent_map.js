// The latent map: the data's codes as dots on a plane; hovering, dragging or arrow keys decode the point below.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SIDE = 440; // pixels of the drawing
  // Okabe and Ito's colours, which colour-blind people can tell apart, then the same as rings; names are beside the dots.
  const INKS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#b5a800"];
  const STEP = 0.02; // of the map's side, for an arrow key

  // `.show()` draws the map of the bundle on screen; heard(map) is called with the server's description of it.
  T.latentMap = (heard) => {
    const chart = el("canvas", {
      class: "tf-latent-map",
      width: SIDE,
      height: SIDE,
      tabindex: 0,
      role: "application",
      "aria-label": T.t("Latent map. Move the pointer over it, drag, or use the arrow keys: the picture at each point is drawn beside it."),
    });
    const picture = el("canvas", { class: "tf-picture tf-map-picture", width: 32, height: 32, role: "img", "aria-label": T.t("The picture at this point of the map") });
    const where = el("p", { class: "tf-caption", "aria-live": "polite" });
    const note = el("p", { class: "tf-quiet" });
    const legend = el("div", { class: "tf-map-legend", role: "group", "aria-label": T.t("Classes on the map") });
    const ways = T.segmented(
      "tf-map-way",
      T.t("Directions of the map"),
      [
        ["pca", T.t("Most variance"), T.t("The two directions in which the codes differ most (PCA)")],
        ["lda", T.t("Classes apart"), T.t("The two directions that separate the classes best (LDA)")],
      ],
      "pca",
      (value) => {
        way = value;
        fetchMap();
      },
    );
    let way = "pca";
    let known = null; // the server's description of this map
    let drawn = ""; // the bundle and way of `known`
    let place = null;
    let hidden = new Set();

    const across = () => [known.high[0] - known.low[0], known.high[1] - known.low[1]];
    const toPixels = ([u, w]) => {
      const [wide, tall] = across();
      return [((u - known.low[0]) / wide) * SIDE, SIDE - ((w - known.low[1]) / tall) * SIDE];
    };
    const toPlace = (x, y) => {
      const [wide, tall] = across();
      return [known.low[0] + x * wide, known.low[1] + (1 - y) * tall];
    };
    const ring = (k) => k >= INKS.length;
    const ink = (k) => INKS[Math.max(0, k) % INKS.length];
    const dot = (pen, x, y, k) => {
      pen.beginPath();
      pen.arc(x, y, 3, 0, 2 * Math.PI);
      if (ring(k)) {
        pen.strokeStyle = ink(k);
        pen.lineWidth = 1.5;
        pen.stroke();
      } else {
        pen.fillStyle = ink(k);
        pen.fill();
      }
    };
    const paint = () => {
      if (!known) return;
      const style = getComputedStyle(chart);
      const pen = chart.getContext("2d");
      pen.clearRect(0, 0, SIDE, SIDE);
      const sums = new Map();
      for (const [u, w, k] of known.dots) {
        if (hidden.has(k)) continue;
        const [x, y] = toPixels([u, w]);
        dot(pen, x, y, k);
        const [a, b, n] = sums.get(k) ?? [0, 0, 0];
        sums.set(k, [a + x, b + y, n + 1]);
      }
      pen.font = "700 15px sans-serif";
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.lineWidth = 4;
      for (const [k, [x, y, n]] of sums) {
        const name = T.className(k);
        if (!name) continue;
        pen.strokeStyle = style.backgroundColor;
        pen.fillStyle = style.color;
        pen.strokeText(name, x / n, y / n);
        pen.fillText(name, x / n, y / n);
      }
      if (!place) return;
      const [x, y] = toPixels(place);
      pen.strokeStyle = style.color;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, 8, 0, 2 * Math.PI);
      pen.moveTo(x - 14, y);
      pen.lineTo(x + 14, y);
      pen.moveTo(x, y - 14);
      pen.lineTo(x, y + 14);
      pen.stroke();
    };
    const live = T.liveCanvas((image) => T.paint(picture, image));
    const nearest = () => {
      let best = null;
      let least = Infinity;
      for (const [u, w, k] of known.dots) {
        const d = (u - place[0]) ** 2 + (w - place[1]) ** 2;
        if (d < least) [least, best] = [d, k];
      }
      return T.className(best);
    };
    const ask = T.frame(() => {
      paint();
      if (!known || !place) return;
      live(T.picturePath(T.state, "/map"), { way, mapx: place[0].toFixed(4), mapy: place[1].toFixed(4) });
      settle();
    });
    const settle = T.later(() => {
      const name = nearest();
      const words = { x: place[0].toFixed(2), y: place[1].toFixed(2), name };
      where.textContent = name ? T.t("Point ({x}, {y}), nearest dot: {name}", words) : T.t("Point ({x}, {y})", words);
      picture.setAttribute("aria-label", where.textContent);
    }, 120);
    const go = (next) => {
      place = next.map((value, i) => Math.min(known.high[i], Math.max(known.low[i], value)));
      ask();
    };
    chart.addEventListener("pointerdown", (event) => chart.setPointerCapture(event.pointerId));
    for (const kind of ["pointerdown", "pointermove"]) {
      chart.addEventListener(kind, (event) => {
        if (!known) return;
        const box = chart.getBoundingClientRect();
        go(toPlace((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height));
      });
    }
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step || !known) return;
      event.preventDefault();
      event.stopPropagation();
      go(place.map((value, i) => value + step[i] * STEP * across()[i]));
    });

    const drawLegend = () => {
      const bundle = T.bundle();
      legend.hidden = !bundle.classes.length;
      legend.replaceChildren(
        ...bundle.classes.map((name, k) => {
          const box = el("input", { type: "checkbox", checked: !hidden.has(k) });
          box.addEventListener("change", () => {
            if (box.checked) hidden.delete(k);
            else hidden.add(k);
            paint();
          });
          const mark = el("i", { "aria-hidden": "true", class: ring(k) ? "tf-ring" : "" });
          mark.style.setProperty("--tf-ink-of", ink(k));
          return el("label", {}, box, mark, el("span", {}, name));
        }),
      );
    };
    const fetchMap = async () => {
      const bundle = T.bundle();
      if (!bundle.models.includes("vae")) return;
      if (bundle.classes.length < 3) way = "pca";
      const wanted = `${bundle.name} ${bundle.version} ${way}`;
      if (drawn === wanted) return;
      if (!drawn.startsWith(`${bundle.name} `)) hidden = new Set();
      drawn = wanted;
      ways.hidden = bundle.classes.length < 3;
      ways.choose(way);
      const answer = await fetch(T.url(`explore/${encodeURIComponent(bundle.name)}`, { way, v: bundle.version })).catch(() => null);
      if (drawn !== wanted) return;
      if (!answer?.ok) {
        drawn = "";
        T.showMessage(T.t("The server does not answer. Is it still running?"));
        return;
      }
      known = await answer.json();
      note.textContent =
        known.from === "training"
          ? T.t("Each dot is the code of a training picture.")
          : T.t("Each dot is a sample from the fitted prior: this bundle has no training codes.");
      heard(known);
      drawLegend();
      go(toPlace(0.5, 0.5));
    };
    const box = el(
      "div",
      { class: "tf-map-box" },
      el("div", {}, chart, ways, legend),
      el("div", { class: "tf-map-side" }, picture, where, note),
    );
    box.show = fetchMap;
    return box;
  };
})();

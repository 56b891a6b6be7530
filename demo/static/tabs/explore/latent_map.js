// The latent map: the data's codes as dots on a plane; hovering, dragging or arrow keys decode the point below.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SIDE = 640; // pixels of the drawing
  // Okabe and Ito's colours, which colour-blind people can tell apart, then the same as rings; names are beside the dots.
  const INKS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c8c8c", "#b5a800"];
  const STEP = 0.02; // of the map's side, for an arrow key
  const FEWEST_CLASSES = 3; // that directions which separate the classes are for

  const isRing = (k) => k >= INKS.length;
  const inkOf = (k) => INKS[Math.max(0, k) % INKS.length];
  const drawDot = (context, x, y, k) => {
    context.beginPath();
    context.arc(x, y, 4, 0, 2 * Math.PI);
    if (isRing(k)) {
      context.strokeStyle = inkOf(k);
      context.lineWidth = 2;
      context.stroke();
    } else {
      context.fillStyle = inkOf(k);
      context.fill();
    }
  };
  const drawCross = (context, x, y, ink) => {
    context.strokeStyle = ink;
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    context.moveTo(x - 20, y);
    context.lineTo(x + 20, y);
    context.moveTo(x, y - 20);
    context.lineTo(x, y + 20);
    context.stroke();
  };

  // The element with the map. `.show()` draws the map of the bundle on screen; onFacts(map) is called with the server's
  // description of it (demo/tabs/explore/latent_map.py).
  T.latentMap = (onFacts) => {
    const chart = el("canvas", {
      class: "tf-latent-map",
      width: SIDE,
      height: SIDE,
      tabindex: 0,
      role: "application",
      "aria-label": T.t("Latent map. Move the pointer over it, drag, or use the arrow keys: the picture at each point is drawn beside it."),
    });
    const picture = T.pictureCanvas(T.t("The picture at this point of the map"), "tf-map-picture");
    const caption = el("p", { class: "tf-caption", "aria-live": "polite" });
    const note = el("p", { class: "tf-quiet" });
    const error = T.errorNote();
    const legend = el("div", { class: "tf-map-legend", role: "group", "aria-label": T.t("Classes on the map") });
    const projections = T.segmented(
      "tf-map-projection",
      T.t("Directions of the map"),
      [
        ["pca", T.t("Most variance"), T.t("The two directions in which the codes differ most (PCA)")],
        ["lda", T.t("Classes apart"), T.t("The two directions that separate the classes best (LDA)")],
      ],
      "pca",
      (value) => {
        projection = value;
        fetchMap();
      },
    );
    let projection = "pca";
    let facts = null; // the server's description of this map
    let shown = ""; // the bundle and projection of `facts`, or of the request on its way
    let place = null; // [x, y] on the map
    let hidden = new Set(); // classes

    const extent = () => [facts.high[0] - facts.low[0], facts.high[1] - facts.low[1]];
    const toPixels = ([x, y]) => {
      const [wide, high] = extent();
      return [((x - facts.low[0]) / wide) * SIDE, SIDE - ((y - facts.low[1]) / high) * SIDE];
    };
    // across, down: shares of the chart's sides.
    const toPlace = (across, down) => {
      const [wide, high] = extent();
      return [facts.low[0] + across * wide, facts.low[1] + (1 - down) * high];
    };
    const draw = () => {
      if (!facts) return;
      const style = getComputedStyle(chart);
      const context = chart.getContext("2d");
      context.clearRect(0, 0, SIDE, SIDE);
      const sums = new Map(); // by class, for the middle of its dots
      for (const [mapX, mapY, k] of facts.dots) {
        if (hidden.has(k)) continue;
        const [x, y] = toPixels([mapX, mapY]);
        drawDot(context, x, y, k);
        const [sumX, sumY, n] = sums.get(k) ?? [0, 0, 0];
        sums.set(k, [sumX + x, sumY + y, n + 1]);
      }
      context.font = "700 22px sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.lineWidth = 6;
      for (const [k, [sumX, sumY, n]] of sums) {
        const name = T.className(k);
        if (!name) continue;
        context.strokeStyle = style.backgroundColor;
        context.fillStyle = style.color;
        context.strokeText(name, sumX / n, sumY / n);
        context.fillText(name, sumX / n, sumY / n);
      }
      path.paint(context, style.getPropertyValue("--tf-accent"), style.backgroundColor);
      if (place) drawCross(context, ...toPixels(place), style.color);
    };
    const showPicture = T.newestPicture((image) => facts && T.paint(picture, image)); // not once its map is gone
    // The class of the dot on the map that is nearest to the place, by name.
    const nearestClass = () => {
      let best = null;
      let least = Infinity;
      for (const [x, y, k] of facts.dots) {
        if (hidden.has(k)) continue;
        const distance = (x - place[0]) ** 2 + (y - place[1]) ** 2;
        if (distance < least) [least, best] = [distance, k];
      }
      return T.className(best);
    };
    const refresh = T.oncePerFrame(() => {
      draw();
      if (!facts || !place) return;
      showPicture(T.picturePath(T.state, "/map"), { projection, mapx: place[0].toFixed(4), mapy: place[1].toFixed(4) });
      describeSoon();
    });
    const describeSoon = T.debounced(() => {
      const name = nearestClass();
      const words = { x: place[0].toFixed(2), y: place[1].toFixed(2), name };
      caption.textContent = name ? T.t("Point ({x}, {y}), nearest dot: {name}", words) : T.t("Point ({x}, {y})", words);
      picture.setAttribute("aria-label", caption.textContent);
    }, 120);
    const go = (next) => {
      place = next.map((value, i) => Math.min(facts.high[i], Math.max(facts.low[i], value)));
      refresh();
    };
    const path = T.mapPath(SIDE, () => refresh(), (across, down) => toPlace(across, down));
    let pen = null; // the pointer that draws: a second finger does not
    const pixelsOf = (event) => {
      const box = chart.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    };
    const inside = ([x, y]) => [x, y].map((value) => Math.min(SIDE, Math.max(0, value)));
    chart.addEventListener("pointerdown", (event) => {
      chart.setPointerCapture(event.pointerId);
      if (!facts || !path.drawing || event.button !== 0 || pen !== null) return;
      pen = event.pointerId;
      path.start(inside(pixelsOf(event)));
    });
    chart.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pen) return;
      for (const one of event.getCoalescedEvents?.() ?? [event]) path.go(inside(pixelsOf(one)));
    });
    for (const name of ["pointerup", "pointercancel"]) {
      chart.addEventListener(name, (event) => {
        if (event.pointerId !== pen) return;
        pen = null;
        path.end();
      });
    }
    for (const name of ["pointerdown", "pointermove"]) {
      chart.addEventListener(name, (event) => {
        if (!facts) return;
        const [x, y] = pixelsOf(event);
        go(toPlace(x / SIDE, y / SIDE));
      });
    }
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (facts && path.drawing && path.key(event.key, place && toPixels(place))) {
        event.preventDefault();
        event.stopPropagation();
      }
      if (!step || !facts) return;
      event.preventDefault();
      event.stopPropagation();
      go(place.map((value, i) => value + step[i] * STEP * extent()[i]));
    });

    const drawLegend = () => {
      const { classes } = T.bundle();
      legend.hidden = !classes.length;
      legend.replaceChildren(
        ...classes.map((name, k) => {
          const box = el("input", { type: "checkbox", checked: !hidden.has(k) });
          box.addEventListener("change", () => {
            if (box.checked) hidden.delete(k);
            else hidden.add(k);
            draw();
            describeSoon();
          });
          const swatch = el("i", { "aria-hidden": "true", class: isRing(k) ? "tf-ring" : "" });
          swatch.style.setProperty("--tf-ink-of", inkOf(k));
          return el("label", {}, box, swatch, el("span", {}, name));
        }),
      );
    };
    // Clears the map that was shown before another one failed: its places are not those of what is on screen now.
    const forget = () => {
      facts = place = null;
      describeSoon.cancel();
      for (const canvas of [chart, picture]) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      picture.setAttribute("aria-label", T.t("The picture at this point of the map"));
      caption.textContent = note.textContent = "";
      legend.replaceChildren();
      path.show(projection);
      onFacts(null);
    };
    const fetchMap = async () => {
      const bundle = T.bundle();
      if (!bundle.models.includes("vae")) return;
      if (bundle.classes.length < FEWEST_CLASSES) projection = "pca";
      const wanted = `${T.versionOf(bundle)} ${projection}`;
      if (shown === wanted) return;
      if (!shown.startsWith(`${bundle.name}@`)) hidden = new Set();
      shown = wanted;
      projections.hidden = bundle.classes.length < FEWEST_CLASSES;
      projections.choose(projection);
      try {
        const found = await T.getJson(`explore/${encodeURIComponent(bundle.name)}`, { projection, v: bundle.version });
        if (shown !== wanted) return;
        if (T.state.b !== bundle.name) {
          shown = ""; // another bundle, without a map, was chosen meanwhile: asked again where this one is back
          return;
        }
        facts = found;
      } catch (failure) {
        if (shown !== wanted) return;
        shown = ""; // asked again at the next refresh
        forget();
        error.show(T.t("The map could not be drawn. {reason}", { reason: T.translate(failure.message) }));
        return;
      }
      error.show("");
      note.textContent =
        facts.from === "training"
          ? T.t("Each dot is the code of a training picture.")
          : T.t("Each dot is a sample from the fitted prior: this bundle has no training codes.");
      onFacts(facts);
      drawLegend();
      path.show(projection);
      go(toPlace(0.5, 0.5));
    };
    const box = el(
      "div",
      { class: "tf-map-box" },
      chart,
      el("div", { class: "tf-map-side" }, el("div", {}, picture), el("div", { class: "tf-map-words" }, error, caption, note, projections, legend, path)),
    );
    box.show = fetchMap;
    return box;
  };
})();

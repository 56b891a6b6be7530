// The family of the picture in Play: eight children around it, and the ancestors that it was chosen from.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const CHILDREN = 8;
  const MOST_ANCESTORS = 12;

  // The card with both. busy(): whether the picture is on the move, when no child is worth drawing. `.refresh()` draws the
  // children soon, `.forget()` drops the ancestors.
  T.family = (busy) => {
    let distance = 0.35; // of the children from their parent, in seeds
    let turn = 0; // of the eight directions
    let ancestors = []; // states, the oldest first
    const fillChildren = T.canvasFiller();
    const fillAncestors = T.canvasFiller();

    const pictures = Array.from({ length: CHILDREN }, () => T.pictureCanvas());
    const children = el(
      "div",
      { class: "tf-children" },
      ...pictures.map((picture, i) =>
        el("button", { type: "button", "aria-label": T.t("Child {n} of 8: make it the parent", { n: i + 1 }), onclick: () => adopt(i) }, picture),
      ),
    );
    const trail = el("div", { class: "tf-trail", role: "group", "aria-label": T.t("Ancestors") });
    const howDifferent = T.slider(
      T.t("How different"),
      { min: 0.05, max: 1, step: 0.05, value: distance, format: (v) => Number(v).toFixed(2), hint: T.t("Distance of the children from their parent, in seeds") },
      (value) => {
        distance = value;
        drawSoon();
      },
    );
    T.parameters.addSlider("distance", howDifferent);
    const others = el("button", { type: "button", class: "tf-button", title: T.t("Eight other directions"), onclick: () => turnAround() }, T.t("Other children"));
    const card = el(
      "section",
      { class: "tf-card", "aria-label": T.t("Children") },
      el("h3", {}, T.t("Children")),
      el("p", { class: "tf-quiet" }, T.t("Eight steps in eight directions. Choose one, and it becomes the parent.")),
      trail,
      children,
      el("div", { class: "tf-inline tf-children-controls" }, howDifferent, others),
    );

    const childState = (i) => {
      const angle = turn + (2 * Math.PI * i) / CHILDREN;
      return T.valid({ ...T.state, x: T.state.x + distance * Math.cos(angle), y: T.state.y + distance * Math.sin(angle) });
    };
    const draw = () => {
      if (busy() || !T.visible(children)) return;
      fillChildren(pictures.map((canvas, i) => ({ canvas, path: T.picturePath(), params: T.pictureParams(childState(i)) })));
    };
    const drawSoon = T.debounced(draw, 180);
    const turnAround = () => {
      turn = Math.random() * 2 * Math.PI;
      draw();
    };
    const drawAncestors = () => {
      const canvases = ancestors.map((state) => T.pictureCanvas(null, "", T.bundle(state.b)));
      trail.replaceChildren(
        ...ancestors.map((state, i) => {
          const words = T.describe(state);
          const label = T.t("Back to ancestor {n}: {what}", { n: i + 1, what: words });
          return el("button", { type: "button", "aria-label": label, title: words, onclick: () => goBack(i) }, canvases[i]);
        }),
      );
      fillAncestors(ancestors.map((state, i) => ({ canvas: canvases[i], path: T.picturePath(state), params: T.pictureParams(state) })));
    };
    const goBack = (i) => {
      const state = ancestors[i];
      ancestors = ancestors.slice(0, i);
      T.set(state, { undo: true });
      drawAncestors();
      (trail.lastChild ?? children.firstChild).focus({ preventScroll: true }); // the one that was pressed is gone
    };
    const adopt = (i) => {
      ancestors = [...ancestors, T.state].slice(-MOST_ANCESTORS);
      T.set(childState(i), { undo: true });
      drawAncestors();
    };
    card.refresh = drawSoon;
    card.forget = () => {
      if (!ancestors.length) return;
      ancestors = [];
      drawAncestors();
    };
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && drawSoon()).observe(children);
    return card;
  };
})();

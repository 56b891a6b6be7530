// A drift that comes back: a closed curve through the latent space that begins and ends at the present picture. It is a
// morph, a loop of a spline through points of a circle on the plane, so that Morph can show it and export it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const RADIUS = { least: 0.1, most: 2, usual: 0.6 }; // in seeds
  const USUAL_SECONDS = 12;
  const BETWEEN = 0.7; // seeds from one keyframe to the next, about
  const FEWEST = 8; // keyframes
  const hundredths = (value) => Math.round(value * 100) / 100;

  // The element with its controls. changed() is called when they are. `.on` is whether a drift is one, `.seconds` how long it
  // takes, `.morph(state)` what T.openMorph takes for that through the picture of a state, `.placeAt(state, share)` the point
  // of the plane at a share of it.
  T.driftLoop = (changed) => {
    const asked = T.query.get("drift")?.split(":") ?? [];
    let radius = hundredths(T.numberWithin(asked[0] || null, RADIUS.least, RADIUS.most, RADIUS.usual));
    const box = el("input", { type: "checkbox", checked: asked.length === 2 });
    const seconds = el("input", {
      type: "number",
      min: T.timing.shortest,
      max: T.timing.longest,
      step: 0.5,
      inputmode: "decimal",
      value: hundredths(T.numberWithin(asked[1] || null, T.timing.shortest, T.timing.longest, USUAL_SECONDS)),
    });
    const error = T.errorNote();
    const wide = T.slider(T.t("Radius"), { min: RADIUS.least, max: RADIUS.most, step: 0.05, value: radius, format: (v) => Number(v).toFixed(2), hint: T.t("How far the loop leads away from this picture, in seeds") }, (value) => {
      radius = hundredths(value);
      note();
    });
    const open = el("button", { type: "button", class: "tf-button", title: T.t("There it is played and saved as a film"), onclick: () => T.openMorph(fold.morph(T.state), T.state) }, T.t("Open in Morph"));
    const controls = el(
      "div",
      {},
      wide,
      el("div", { class: "tf-inline" }, el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Seconds of the loop")), seconds), open),
      error,
    );
    const fold = el("div", { class: "tf-drift-loop" }, el("label", { class: "tf-check" }, box, T.t("Drift in a loop, back to this picture")), controls);

    const onPlane = (value) => T.numberWithin(value, -T.maxCoordinate, T.maxCoordinate, 0);
    // The place at a share of the circle; it begins on its left, at the state's own, and keeps to the plane.
    const placeAt = ({ x, y }, share) => ({
      x: onPlane(x + radius * (1 - Math.cos(2 * Math.PI * share))),
      y: onPlane(y + radius * Math.sin(2 * Math.PI * share)),
    });
    const note = () => {
      controls.hidden = !box.checked;
      T.noteInAddress({ drift: box.checked ? `${radius}:${fold.seconds}` : null });
      changed();
    };
    Object.assign(fold, {
      seconds: Number(seconds.value),
      placeAt,
      morph(state) {
        const count = Math.min(T.keyframes.most, Math.max(FEWEST, Math.ceil((2 * Math.PI * radius) / BETWEEN)));
        const places = Array.from({ length: count }, (_, i) => placeAt(state, i / count));
        const keys = places.map(({ x, y }) => T.keyframes.at(...[x, y].map((value) => Number(T.fourDecimals(value)))));
        return { keys, classes: keys.map(() => state.c), path: "spline", loop: true, seconds: fold.seconds };
      },
    });
    Object.defineProperty(fold, "on", { get: () => box.checked });
    box.addEventListener("change", note);
    seconds.addEventListener("input", () => {
      const value = hundredths(Number(seconds.value));
      const right = seconds.value !== "" && value >= T.timing.shortest && value <= T.timing.longest;
      seconds.setAttribute("aria-invalid", String(!right));
      error.show(right ? "" : T.t("A loop is {shortest} to {longest} seconds long.", { shortest: T.timing.shortest, longest: T.timing.longest }));
      if (!right) return;
      fold.seconds = value;
      note();
    });
    controls.hidden = !box.checked;
    if (box.checked) T.noteInAddress({ drift: `${radius}:${fold.seconds}` });
    return fold;
  };
})();

// Play: travel through the seed plane by dragging; its family and the sample sheet have scripts of their own.
const T = window.Twofold;
const { el } = T;

const KEY_STEP = 0.1; // what an arrow key moves, in seeds
const DRIFT = 0.35; // seeds a second
const DRIFT_BEAT = 0.25; // … and at each beat of a tempo
const AXIS_STEP = 4; // standard deviations, where an attribute is the axis of the drag and a seed otherwise
const STEP_SIZE = { least: 0.1, most: 8 }; // times as far as a drag of one picture's width, or an arrow key, moves
const RANDOM_SEEDS = 100_000;

// After a click with the mouse the keys belong to the picture again, so that Space does not repeat the button.
const press = (event, action) => {
  action();
  if (event.detail) canvas.focus({ preventScroll: true });
};
const button = (text, key, hint, action) =>
  el(
    "button",
    { type: "button", class: "tf-button", title: hint, onclick: (event) => press(event, action), "aria-keyshortcuts": key || null },
    el("span", {}, text),
    key ? el("kbd", { "aria-hidden": "true" }, key === " " ? T.t("Space") : key.toUpperCase()) : null,
  );

const canvas = T.pictureCanvas(null, "tf-travel");
canvas.tabIndex = 0;
canvas.setAttribute("role", "application");
canvas.setAttribute("aria-label", T.t("Generated picture. Drag or use the arrow keys to travel between seeds."));
const caption = el("p", { class: "tf-caption", "aria-live": "polite" });
const dropped = el("p", { class: "tf-quiet", role: "status", hidden: true });
const rate = el("span", { class: "tf-rate" });
const seedField = el("input", { type: "number", min: 0, max: T.lastSeed, step: 1, "aria-label": T.t("Go to seed"), inputmode: "numeric" });
const drift = button(T.t("Drift"), "a", T.t("Travel by itself"), () => toggleDrift());

// How far a gesture goes: by wheel, by two fingers, by slider. The slider runs over the logarithm.
let stepSize = 1;
const stepSlider = T.slider(
  T.t("Step size"),
  {
    min: Math.log2(STEP_SIZE.least),
    max: Math.log2(STEP_SIZE.most),
    step: 0.01,
    value: 0,
    format: (v) => `× ${Number((2 ** v).toPrecision(2))}`,
    hint: T.t("How far a drag or an arrow key moves. The wheel, or two fingers on the picture, change it too."),
  },
  (value) => (stepSize = 2 ** value),
);
const setStepSize = (next) => {
  stepSize = Math.min(STEP_SIZE.most, Math.max(STEP_SIZE.least, next));
  stepSlider.put(Math.log2(stepSize));
};
const pixels = el("input", { type: "checkbox", checked: T.hardPixels() });
pixels.addEventListener("change", () => {
  T.choosePixels(pixels.checked);
  fullScreen.show(canvas);
});

const frame = el("div", { class: "tf-frame" }, canvas, rate);
const fullScreen = T.fullScreen(frame, canvas, [
  [T.t("New random"), T.t("Jump to a random seed"), () => random()],
  [T.t("Keep"), T.t("Add to the favourites in this browser"), () => keep()],
  [T.t("Drift"), T.t("Travel by itself"), () => toggleDrift()],
  [T.t("Instrument"), T.t("Play the picture with MIDI, a gamepad, a pen or sound (I)"), () => instrument.toggle()],
], () => instrument.leaveFullScreen());
const instrument = T.instrumentFold(frame);

const driftLoop = T.driftLoop(() => drifting && stopDrift());
let dragging = null; // { id, x, y } of the finger or mouse that drags
let drifting = null; // { angle, time, frame, loop } while the picture travels by itself; loop: { morph, from, share }
const family = T.family(() => Boolean(dragging || drifting || T.parameters.moving()));
const sheet = T.sampleSheet((place) => jump(place));

// --- attributes ------------------------------------------------------------------------------------
// The attribute that a drag to the left and right moves; "" where it travels between seeds. wantedAxis: the same, also while
// the bundle that has it is not there.
let wantedAxis = T.query.get("axis") ?? "";
let axis = wantedAxis;
const axisChoice = el("select", { "aria-label": T.t("A drag to the left and right moves") });
axisChoice.addEventListener("change", () => {
  axis = wantedAxis = axisChoice.value;
  T.noteInAddress({ axis: axis || null });
});
const attributeSliders = T.attributeSliders(false);
const attributeSummary = el("summary", {});
const attributeFold = el(
  "details",
  { class: "tf-more tf-slider-fold tf-attribute-fold" },
  attributeSummary,
  attributeSliders,
  el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("A drag to the left and right moves")), axisChoice),
);
let axisFor = null; // whose attributes can be chosen as axis
const showAttributes = (state) => {
  const names = T.movable();
  attributeFold.hidden = !names.length;
  if (axisFor !== names.join()) {
    axisFor = names.join();
    T.parameters.replace("direction.", []);
    T.parameters.replace("attribute.", T.moveParameters());
    axis = names.includes(wantedAxis) ? wantedAxis : "";
    axisChoice.replaceChildren(el("option", { value: "" }, T.t("between seeds")), ...names.map((name) => el("option", { value: name }, T.moveLabel(name))));
    axisChoice.value = axis;
    T.noteInAddress({ axis: axis || null });
  }
  const words = T.describeMoves(state);
  const heading = T.attributesOf().length ? T.t("Attributes") : T.t("Directions of your own");
  attributeSummary.textContent = words ? `${heading} · ${words}` : heading;
  attributeSliders.refresh();
};
const bendFold = T.bendFold();

element.replaceChildren(
  el(
    "div",
    { class: "tf-play" },
    el(
      "div",
      { class: "tf-column" },
      el(
        "section",
        { class: "tf-card tf-viewer", "aria-label": T.t("The picture") },
        frame,
        caption,
        dropped,
        el(
          "div",
          { class: "tf-buttons" },
          button(T.t("New random"), " ", T.t("Jump to a random seed"), () => random()),
          button(T.t("Keep"), "f", T.t("Add to the favourites in this browser"), () => keep()),
          button(T.t("Undo"), "z", T.t("Back to the previous picture"), () => T.undo()),
          drift,
          button(T.t("Full screen"), "s", T.t("The picture alone, as large as the screen; a double click does it too"), () => fullScreen.toggle()),
          button(T.t("Save PNG"), "", T.t("Download this picture"), () => save()),
        ),
        driftLoop,
        attributeFold,
        bendFold,
        instrument,
        el(
          "p",
          { class: "tf-quiet tf-hint" },
          T.t("Drag on the picture to travel."),
          el("span", { class: "tf-keyboard" }, T.t(" Arrow keys travel too, and the wheel changes the step size."), " ", T.t("A saved picture that is dropped here is opened again.")),
        ),
        el(
          "div",
          { class: "tf-viewer-controls" },
          stepSlider,
          el(
            "form",
            { class: "tf-field", onsubmit: (event) => goToSeed(event) },
            el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Seed")), seedField),
            el("button", { type: "submit", class: "tf-button" }, T.t("Go")),
          ),
          el("label", { class: "tf-check", title: T.t("Draw small pictures as hard squares instead of smoothly") }, pixels, T.t("Pixels")),
        ),
        T.deviceSwitch?.(),
      ),
      T.favouritesCard(),
    ),
    el("div", { class: "tf-column" }, family, sheet),
  ),
);

// --- the picture ---------------------------------------------------------------------------------
let times = []; // when pictures were shown, in the last second
let rateShownAt = 0;
let shown = null; // the state of the picture on the canvas, which may be older than that of the page
const show = T.newestPicture((picture, { state }) => {
  T.paint(canvas, picture);
  fullScreen.show(picture);
  shown = state;
  const now = performance.now();
  times.push(now);
  times = times.filter((time) => now - time < 1000);
  const moving = dragging || drifting || T.parameters.moving();
  if (moving && times.length > 5 && now - rateShownAt > 250) {
    rate.textContent = T.t("{n} pictures/s", { n: times.length });
    rateShownAt = now;
  }
});
// The picture at a moment of a drift in a loop: a frame of a morph. Its state says so, for the mark of a saved picture.
const showLoop = ({ morph, from, share }) => {
  const { c, x, y, ...shown } = T.pictureParams(from);
  const { keys, path } = morph;
  const shares = from.mix ? T.readMix(from.mix) : from.c; // of a mix, where Morph takes the largest
  const classes = keys.map(() => shares);
  const named = T.bundle().classes.length ? { classes: keys.map(() => (from.mix || String(from.c)).replaceAll(",", "|")).join(",") } : {};
  const p = Number(share.toFixed(6));
  const params = { ...shown, keys: T.keyframes.texts(keys), ...named, path, loop: 1, p };
  const about = { draw: "morph", keys, ...(named.classes ? { classes } : {}), path, loop: true, p };
  show(T.picturePath(from, "/morph"), params, { ...from, about });
};
// Not at the next frame: hands would wait for it.
const draw = T.oncePerTask(() => {
  if (drifting?.loop) showLoop(drifting.loop);
  else show(T.picturePath(), T.pictureParams(), T.state);
});
const describeSoon = T.debounced(() => {
  caption.textContent = T.describe();
  canvas.setAttribute("aria-label", T.t("Generated picture: {what}. Drag or use the arrow keys to travel.", { what: T.describe() }));
  if (!dragging && !drifting && !T.parameters.moving()) rate.textContent = "";
}, 120);
// After a drag or a drift.
const comeToRest = () => {
  describeSoon();
  family.refresh();
};

const travel = (dx, dy) => T.set({ x: T.state.x + dx, y: T.state.y + dy });
// What a drag or an arrow key does: it travels, or moves the attribute that was chosen as its axis.
const move = (dx, dy) => {
  if (!axis) travel(dx, dy);
  else T.set({ ...T.attributeMoved(axis, T.amountOf(T.readMoves(T.state.attributes)[axis]) + AXIS_STEP * dx), y: T.state.y + dy });
};
const jump = (patch) => {
  family.forget();
  T.set(patch, { undo: true });
};
const random = () => jump({ x: Math.floor(Math.random() * RANDOM_SEEDS), y: 0 });
const goToSeed = (event) => {
  event.preventDefault();
  const seed = Math.round(Number(seedField.value));
  if (seedField.value !== "" && seed >= 0 && seed <= T.lastSeed) jump(T.seedPlace(seed));
};

// --- dragging, and two fingers that set the step size ----------------------------------------------
const touches = new Map(); // { x, y } of the fingers on the picture, by their ids
const fingersApart = () => {
  const [a, b] = [...touches.values()];
  return Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
};
let pinch = null; // { apart, stepSize } when the second finger came down
canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  stopDrift();
  canvas.setPointerCapture(event.pointerId);
  canvas.focus({ preventScroll: true });
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (touches.size === 2) {
    pinch = { apart: fingersApart(), stepSize };
    dragging = null;
  } else if (touches.size === 1) {
    T.remember();
    dragging = { id: event.pointerId, x: event.clientX, y: event.clientY };
  }
});
canvas.addEventListener("pointermove", (event) => {
  if (touches.has(event.pointerId)) touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pinch && touches.size === 2) setStepSize((pinch.stepSize * fingersApart()) / pinch.apart);
  if (dragging?.id !== event.pointerId) return;
  const perSeed = (canvas.clientWidth || 384) / stepSize; // screen pixels, the same down as across
  move((event.clientX - dragging.x) / perSeed, (event.clientY - dragging.y) / perSeed);
  dragging.x = event.clientX;
  dragging.y = event.clientY;
});
canvas.addEventListener(
  "wheel",
  (event) => {
    if (event.ctrlKey || !event.deltaY) return; // the page's own zoom
    event.preventDefault();
    setStepSize(stepSize * 2 ** (-Math.sign(event.deltaY) / 4));
  },
  { passive: false },
);
const endDrag = (event) => {
  touches.delete(event.pointerId);
  if (touches.size < 2) pinch = null;
  if (dragging?.id !== event.pointerId) return;
  dragging = null;
  comeToRest();
};
canvas.addEventListener("pointerup", endDrag);
canvas.addEventListener("pointercancel", endDrag);

// --- drifting ------------------------------------------------------------------------------------
// The place of a drift in a loop, whose state stays where it began: the loop is a curve near the circle on the plane.
const placeOf = ({ from, share }) => driftLoop.placeAt(from, share);
const stopDrift = () => {
  if (!drifting) return;
  cancelAnimationFrame(drifting.frame);
  const { loop } = drifting;
  drifting = null;
  if (loop && T.state.b === loop.from.b) T.set(placeOf(loop)); // the visitor goes on from there
  drift.setAttribute("aria-pressed", "false");
  drift.firstChild.textContent = T.t("Drift");
  comeToRest();
};
const toggleDrift = () => {
  if (drifting) {
    stopDrift();
    return;
  }
  T.remember();
  const loop = driftLoop.on ? { morph: driftLoop.morph(T.state), from: T.state, share: 0 } : null;
  drifting = { angle: Math.random() * 2 * Math.PI, time: performance.now(), frame: 0, loop };
  drift.setAttribute("aria-pressed", "true");
  drift.firstChild.textContent = T.t("Stop");
  const tick = (now) => {
    if (!drifting) return;
    if (!T.visible(canvas)) {
      stopDrift();
      return;
    }
    const seconds = Math.min(0.1, Math.max(0, (now - drifting.time) / 1000));
    drifting.time = now;
    if (drifting.loop) {
      const length = T.tempo ? T.tempoOf.inBars(T.tempo, driftLoop.seconds) : driftLoop.seconds;
      drifting.loop.share = (drifting.loop.share + seconds / length) % 1;
      draw();
    } else {
      drifting.angle += 0.3 * seconds;
      const speed = T.tempo ? DRIFT_BEAT * T.tempoOf.push(T.tempo, performance.now()) : DRIFT;
      const distance = (T.reducedMotion.matches ? 0.3 : 1) * speed * seconds;
      travel(distance * Math.cos(drifting.angle), distance * Math.sin(drifting.angle));
    }
    drifting.frame = requestAnimationFrame(tick);
  };
  drifting.frame = requestAnimationFrame(tick);
};

// --- dropped pictures ------------------------------------------------------------------------------
let drops = 0; // so that a large file that is read for long does not come after a later one
T.dropZone(element, async (file) => {
  const mine = ++drops;
  const told = await T.openDropped(file, () => mine === drops);
  if (mine !== drops) return;
  stopDrift();
  family.forget();
  dropped.textContent = told;
  dropped.hidden = false;
});
T.on((after, before) => {
  if (!dropped.hidden && after.x !== before.x && dragging) dropped.hidden = true;
});

// --- keeping, saving and keys -----------------------------------------------------------------------
// Keeps what is on the screen.
const keep = () => T.keepFavourite(drifting?.loop ? T.valid({ ...T.state, ...placeOf(drifting.loop) }) : T.state);
const save = () => {
  if (!shown) return;
  const { b, m, x, y, about } = shown;
  const { x: _, y: __, c, ...state } = T.markState(shown);
  T.savePicture(canvas, `${b}-${m}-${x}-${y}.png`, about ? { ...state, ...about } : T.markState(shown), T.bundle(b));
};

document.addEventListener("keydown", (event) => {
  if (!T.visible(canvas) || event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  if (target.closest?.("input, select, textarea, [contenteditable], audio, video, [role=tab], [role=menu]")) return;
  const step = stepSize * (event.shiftKey ? 1 : KEY_STEP);
  const arrows = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const key = event.key.toLowerCase();
  if (arrows[event.key] && !target.closest?.(".tf-sheet")) {
    if (!event.repeat) T.remember();
    move(...arrows[event.key]);
  } else if (key === " " && !target.closest?.("button, summary, a")) random();
  else if (key === "z") T.undo();
  else if (key === "f") keep();
  else if (key === "a") toggleDrift();
  else if (key === "s") fullScreen.toggle();
  else if (key === "i") instrument.toggle();
  else if (key === "t") instrument.tap();
  else return;
  event.preventDefault();
});

// --- in step with the page -------------------------------------------------------------------------
let bundleShown = null; // its version
const refresh = (state, before = null) => {
  if (drifting?.loop && drifting.loop.from !== state) drifting.loop = { morph: driftLoop.morph(state), from: state, share: 0 };
  const version = T.versionOf();
  if (bundleShown !== version) sheet.show(T.bundle());
  if (bundleShown && bundleShown !== version) family.forget();
  bundleShown = version;
  const changed = (key) => !before || ["b", "m", key].some((one) => state[one] !== before[one]);
  if (changed("attributes")) showAttributes(state); // not at every step of a drag
  if (changed("bend")) bendFold.refresh();
  sheet.highlight();
  draw();
  comeToRest();
};
T.on(refresh);
T.ownDirections.on(() => showAttributes(T.state));
document.addEventListener("twofold-device", () => refresh(T.state));
document.addEventListener("twofold-rest", comeToRest);
T.parameters.addSlider("step", stepSlider, { usual: [-1, 2] });
T.travelParameters(travel, () => T.visible(canvas));
refresh(T.state);
caption.textContent = T.describe();

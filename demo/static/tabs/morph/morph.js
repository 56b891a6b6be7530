// Morph: a path through keyframes in their time; scrub it live, play it, export it.
const T = window.Twofold;
const { el } = T;

const choice = T.morphInAddress();
const field = el("input", { type: "text", value: T.keyframes.texts(choice.keys), "aria-label": T.t("Seeds of the keyframes"), "aria-describedby": "tf-seeds-hint", autocomplete: "off", spellcheck: "false" });
const error = T.errorNote();
const modelError = T.errorNote();
const canvas = T.pictureCanvas(T.t("Frame of the morph"));
const caption = el("p", { class: "tf-caption" });
const play = el("button", { type: "button", class: "tf-button", "aria-pressed": "false", onclick: () => toggle() }, T.t("Play"));
const percent = (v) => `${Math.round(v * 100)} %`;
const scrub = T.slider(T.t("Position"), { min: 0, max: 1, step: 0.001, value: choice.position, format: percent }, (position) => {
  goTo(position);
});
const goTo = (position) => {
  stop();
  choice.position = position;
  scrub.put(position);
  draw();
};
T.parameters.addSlider("morph.position", scrub, { label: T.t("Position in the morph") });
const frames = T.slider(T.t("Frames of a strip"), { min: 2, max: 240, step: 1, value: choice.frames }, (value) => {
  choice.frames = value;
  describe();
});
const length = el("input", { type: "number", min: T.timing.shortest, max: T.timing.longest, step: 0.5, value: choice.seconds, inputmode: "decimal", "aria-describedby": "tf-length-hint" });
const lengthError = T.errorNote();
const stretch = T.timing.stretcher();
length.addEventListener("input", () => {
  const seconds = Math.round(Number(length.value) * 100) / 100;
  const right = length.value !== "" && seconds >= T.timing.shortest && seconds <= T.timing.longest;
  length.setAttribute("aria-invalid", String(!right));
  lengthError.show(right ? "" : T.t("A film is {shortest} to {longest} seconds long.", { shortest: T.timing.shortest, longest: T.timing.longest }));
  if (!right) return;
  choice.times = stretch(choice, seconds);
  choice.seconds = seconds;
  showTimes();
});
const frameRate = T.segmented(
  "tf-frame-rate",
  T.t("Frames per second"),
  T.timing.rates.map((rate) => [String(rate), String(rate), T.t("{n} frames a second", { n: rate })]),
  String(choice.fps),
  (value) => {
    choice.fps = Number(value);
    describe();
  },
);
const gifNote = el("p", { class: "tf-quiet" }, T.t("GIF counts in hundredths of a second and holds {n} frames a second: a GIF of this film has those, in the same time.", { n: T.timing.gifRate }));
const seamNote = el("p", { class: "tf-quiet", role: "status" });
const pathChoice = T.segmented(
  "tf-path",
  T.t("Path"),
  [
    ["linear", T.t("Linear"), T.t("The straight line between two latents")],
    ["spherical", T.t("Spherical"), T.t("Along the arc: keeps the length of the latent")],
    ["spline", T.t("Spline"), T.t("One smooth curve through all keyframes")],
  ],
  choice.path,
  (value) => {
    choice.path = value;
    draw();
  },
);
const loop = el("input", { type: "checkbox", checked: choice.loop });
loop.addEventListener("change", () => {
  choice.loop = loop.checked;
  choice.times = T.timing.looped(choice.times, choice.loop, choice.seconds);
  showTimes();
});
const list = T.keyframeList(
  choice,
  () => {
    field.value = T.keyframes.texts(choice.keys);
    complain("");
    list.draw();
    timeline.draw();
    draw();
  },
  () => showTimes(),
);
const timeline = T.timeline(choice, () => showTimes(), goTo);
const showTimes = () => {
  list.showTimes();
  timeline.draw();
  draw();
};
const spread = () => {
  choice.times = T.timing.even(choice.keys.length, choice.loop, choice.seconds);
  showTimes();
};

const filmExport = T.filmExport(choice, () => {
  stop();
  return request();
});

element.replaceChildren(
  el(
    "div",
    { class: "tf-morph" },
    el(
      "section",
      { class: "tf-card tf-viewer", "aria-label": T.t("Preview") },
      el("div", { class: "tf-frame" }, canvas),
      caption,
      scrub,
      el("div", { class: "tf-buttons" }, play),
    ),
    el(
      "section",
      { class: "tf-card", "aria-label": T.t("Keyframes") },
      el("h3", {}, T.t("Keyframes")),
      el("p", { class: "tf-quiet", id: "tf-seeds-hint" }, T.t("{least} to {most}: seeds and ranges, for example 0,1,4-6, or points x:y between seeds, such as 7.25:0.5.", { least: T.keyframes.least, most: T.keyframes.most })),
      el(
        "div",
        { class: "tf-inline" },
        field,
        el("button", { type: "button", class: "tf-button", onclick: () => dice() }, T.t("Random seeds")),
      ),
      error,
      modelError,
      list,
      el("h3", {}, T.t("Timeline")),
      el("p", { class: "tf-quiet" }, T.t("Drag a number to move its keyframe in time; press the line to look there.")),
      timeline,
      el(
        "div",
        { class: "tf-inline" },
        el("label", { class: "tf-field" }, el("span", { class: "tf-label", id: "tf-length-hint" }, T.t("Length in seconds")), length),
        el("button", { type: "button", class: "tf-button", title: T.t("The same time from each keyframe to the next"), onclick: () => spread() }, T.t("Spread evenly")),
      ),
      lengthError,
      el("h3", {}, T.t("Path")),
      el("div", { class: "tf-inline" }, pathChoice, el("label", { class: "tf-check" }, loop, T.t("Loop back to the first"))),
      seamNote,
      el("h3", {}, T.t("Export")),
      filmExport.formats > 1 ? el("div", { class: "tf-inline" }, el("span", { class: "tf-label" }, T.t("Frames per second")), frameRate) : null,
      gifNote,
      frames,
      ...filmExport.parts,
    ),
  ),
);

// What the server must know to draw this morph.
const request = () => ({
  m: T.state.m,
  t: T.state.t,
  attributes: T.readMoves(T.state.attributes),
  bend: T.readMoves(T.state.bend),
  keys: [...choice.keys],
  classes: T.bundle().classes.length ? choice.keys.map((_, i) => list.classOf(i)) : [],
  path: choice.path,
  loop: choice.loop,
  seconds: choice.seconds,
  ...T.timing.fields(choice),
});
// The parameters of the live picture at a position of the path.
const liveParams = (position) => {
  const { m, t, classes, loop: closed } = request();
  const params = { m, t, keys: T.keyframes.texts(choice.keys), path: choice.path, loop: closed ? 1 : 0, p: Number(position.toFixed(7)), ...T.timing.params(request()) };
  if (classes.length) params.classes = classes.join(",");
  if (T.state.attributes) params.attributes = T.state.attributes;
  if (T.state.bend) params.bend = T.state.bend;
  return params;
};

const show = T.newestPicture((picture) => T.paint(canvas, picture));
// Places of the map are codes of the VAE.
const drawable = () => T.state.m === "vae" || !choice.keys.some(T.keyframes.onMap);
const draw = T.oncePerFrame(() => {
  if (T.visible(canvas) && drawable()) show(T.picturePath(T.state, "/morph"), liveParams(choice.position));
  if (drawable() === Boolean(modelError.textContent)) modelError.show(drawable() ? "" : T.t("A place of the latent map is a picture of the VAE: choose the VAE, or other keyframes."));
  timeline.show(choice.position);
  describe();
});
const describe = () => {
  const words = { keys: choice.keys.length, frames: Math.round(choice.seconds * choice.fps), seconds: Number(choice.seconds.toFixed(2)) };
  caption.textContent = T.t("{keys} keyframes, {frames} frames, {seconds} s", words);
  gifNote.hidden = choice.fps <= T.timing.gifRate || filmExport.formats < 2;
  const seam = choice.path === "spline" ? T.t("No seam and no corner: the step from the last frame to the first is like those beside it.") : T.t("No seam, but a corner at each keyframe; a spline has none.");
  if (seamNote.textContent !== (choice.loop ? seam : "")) seamNote.textContent = choice.loop ? seam : "";
  if (T.visible(canvas)) T.noteMorph(choice);
};

// --- keyframes -----------------------------------------------------------------------------------
const complain = (sentence) => {
  error.show(sentence);
  field.setAttribute("aria-invalid", String(Boolean(sentence)));
};
const read = () => {
  const keys = T.keyframes.read(field.value);
  complain(typeof keys === "string" ? keys : "");
  if (typeof keys === "string") return;
  // A key that stays keeps its class and its easing, whatever its new position.
  const before = choice.keys.map((key, i) => [T.keyframes.text(key), choice.classes[i], choice.easing[i]]);
  const kept = keys.map((key) => {
    const found = before.findIndex(([text]) => text === T.keyframes.text(key));
    return found < 0 ? ["", T.keyframes.ownClass(key), "linear"] : before.splice(found, 1)[0];
  });
  choice.classes = kept.map(([, c]) => c);
  choice.easing = kept.map(([, , easing]) => easing);
  if (keys.length !== choice.keys.length) choice.times = T.timing.even(keys.length, choice.loop, choice.seconds);
  choice.keys = keys;
  list.draw();
  timeline.draw();
  draw();
};
field.addEventListener("input", T.debounced(read, 250));
const dice = () => {
  field.value = Array.from({ length: choice.keys.length }, () => Math.floor(Math.random() * 10000)).join(",");
  read();
};

// --- playing -------------------------------------------------------------------------------------
let playing = null;
let forward = 1;
const stop = () => {
  if (!playing) return;
  cancelAnimationFrame(playing.frame);
  playing = null;
  play.textContent = T.t("Play");
  play.setAttribute("aria-pressed", "false");
};
const toggle = () => {
  if (playing) {
    stop();
    return;
  }
  playing = { time: performance.now(), frame: 0 };
  play.textContent = T.t("Pause");
  play.setAttribute("aria-pressed", "true");
  const tick = (now) => {
    if (!playing) return;
    if (!T.visible(canvas)) {
      stop();
      return;
    }
    const seconds = Math.min(0.2, Math.max(0, (now - playing.time) / 1000));
    playing.time = now;
    if (choice.loop) forward = 1; // only an open film plays backwards
    let position = choice.position + (forward * seconds) / (T.tempo ? T.tempoOf.inBars(T.tempo, choice.seconds) : choice.seconds);
    if (choice.loop) position %= 1;
    else if (position > 1 || position < 0) {
      forward = position > 1 ? -1 : 1;
      position = Math.min(1, Math.max(0, position));
    }
    choice.position = position;
    scrub.put(choice.position);
    draw();
    playing.frame = requestAnimationFrame(tick);
  };
  playing.frame = requestAnimationFrame(tick);
};

// --- a morph that a mark names -----------------------------------------------------------------------
const fromMark = ({ keys, classes, path, loop: closed, frames: count, fps, p, times, easing, seconds }) => {
  stop();
  choice.keys = keys;
  choice.classes = keys.map((key, i) => (Number.isInteger(classes[i]) && classes[i] < T.bundle().classes.length ? classes[i] : T.keyframes.ownClass(key)));
  if (T.morphPaths.includes(path)) choice.path = path;
  choice.loop = Boolean(closed);
  if (fps) choice.fps = T.timing.nearestRate(T.numberWithin(fps, 1, 60, choice.fps));
  else choice.frames = Math.round(T.numberWithin(count ?? null, 2, 240, choice.frames));
  choice.seconds = T.numberWithin(seconds || (fps && count / fps) || null, T.timing.shortest, T.timing.longest, choice.seconds);
  const timed = Array.isArray(times) && times.length === keys.length ? times.map((time) => (time * choice.seconds) / (seconds || choice.seconds)) : null;
  choice.times = timed ? T.timing.spaced(timed, choice.loop, choice.seconds) : T.timing.even(keys.length, choice.loop, choice.seconds);
  choice.easing = keys.map((_, i) => (T.timing.easings.includes(easing?.[i]) ? easing[i] : "linear"));
  choice.position = T.numberWithin(p ?? null, 0, 1, 0);
  field.value = T.keyframes.texts(choice.keys);
  complain("");
  pathChoice.choose(choice.path);
  loop.checked = choice.loop;
  frames.put(choice.frames);
  frameRate.choose(String(choice.fps));
  length.value = choice.seconds;
  length.setAttribute("aria-invalid", "false");
  lengthError.show("");
  scrub.put(choice.position);
  classesOf = T.state.b;
  drawn = "";
  refresh();
};

let classesOf = T.state.b; // the bundle whose classes the keyframes have
let awaited = T.bundle(T.query.get("b") ?? T.state.b) ? null : T.query.get("b"); // the address's bundle, until it comes
let drawn = ""; // what the row of keyframes shows: redrawing it needlessly would make it flicker and lose the focus
// The keyframes' classes in another bundle: those of the address where it is the one that the address asks for.
const classesHere = () => {
  const asked = awaited === T.state.b ? T.morphInAddress() : null;
  if (asked) awaited = null;
  return asked && T.keyframes.texts(asked.keys) === T.keyframes.texts(choice.keys) ? asked.classes : choice.keys.map(T.keyframes.ownClass);
};
const refresh = () => {
  if (classesOf !== T.state.b) choice.classes = classesHere();
  classesOf = T.state.b;
  const { m, c, t, attributes, bend } = T.state;
  const now = JSON.stringify([T.versionOf(), m, c, t, attributes, bend]);
  if (drawn !== now) list.draw();
  timeline.draw();
  drawn = now;
  draw();
};
T.on(T.debounced(() => T.visible(canvas) && refresh(), 80));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(canvas);
new ResizeObserver(() => T.noteOpenTab("morph", T.visible(canvas))).observe(canvas);
T.showMorph = fromMark;
describe();
if (T.morphToOpen) fromMark(T.morphToOpen); // it was asked for before this tab was there

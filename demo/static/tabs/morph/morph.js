// Morph: a path through keyframes in their time; scrub it live, play it, export it.
const T = window.Twofold;
const { el } = T;

const PATHS = ["linear", "spherical", "spline"];
const { query } = T;
// A whole number in the address; `fallback` where it is missing or out of range.
const whole = (name, low, high, fallback) => {
  const value = Number(query.get(name) ?? NaN);
  return Number.isInteger(value) && value >= low && value <= high ? value : fallback;
};
// The rate that is offered and comes nearest to one.
const nearestRate = (fps) => T.timing.rates.reduce((best, rate) => (Math.abs(rate - fps) < Math.abs(best - fps) ? rate : best));
// A keyframe starts with the class that its seed has on the sample sheet.
const ownClass = (key) => T.seedClass(T.keyframes.seed(key));
// The morph in the address; what is missing or wrong there has its default.
const fromAddress = () => {
  const asked = T.keyframes.read(query.get("keys") ?? "");
  const keys = Array.isArray(asked) ? asked : [0, 1, 4, 5];
  const classes = (query.get("classes") ?? "").split(",");
  const count = T.bundle().classes.length;
  const given = (c) => (c === "" ? null : /^\d{1,4}$/.test(c) && Number(c) < count ? Number(c) : undefined);
  const place = Number(query.get("p") ?? 0);
  const loop = query.get("loop") !== "0";
  const frames = whole("frames", 2, 240, 60);
  // Older addresses give a number of frames and how many a second, which together were the length.
  const seconds = T.numberWithin(query.get("seconds"), T.timing.shortest, T.timing.longest, Math.max(T.timing.shortest, frames / whole("fps", 1, 60, 20)));
  const times = (query.get("times") ?? "").split(",").map(Number);
  const easing = (query.get("easing") ?? "").split(",");
  return {
    keys,
    times: times.length === keys.length ? T.timing.spaced(times, loop, seconds) : T.timing.even(keys.length, loop, seconds),
    easing: keys.map((_, i) => (easing.length === keys.length && T.timing.easings.includes(easing[i]) ? easing[i] : "linear")),
    seconds,
    classes: keys.map((key, i) => {
      const c = classes.length === keys.length && count ? given(classes[i]) : undefined;
      return c === undefined ? ownClass(key) : c;
    }),
    mode: PATHS.includes(query.get("path")) ? query.get("path") : "spherical",
    loop,
    frames, // of a strip
    fps: nearestRate(whole("fps", 1, 60, 30)),
    u: place >= 0 && place <= 1 ? place : 0,
  };
};
const choice = fromAddress();
// The keyframes as text.
const keysText = () => choice.keys.map(T.keyframes.text).join(",");
// Puts this morph into the address, so that a copied link leads to it.
const noteMorph = () =>
  T.noteInAddress({
    keys: keysText(),
    ...{ times: null, easing: null, ...T.timing.params({ ...T.timing.fields(choice), seconds: choice.seconds }) },
    seconds: choice.seconds,
    classes: T.bundle().classes.length ? choice.classes.map((c) => c ?? "").join(",") : null,
    path: choice.mode,
    loop: choice.loop ? "1" : "0",
    frames: choice.frames,
    fps: choice.fps,
    p: Number(choice.u.toFixed(3)),
  });

const field = el("input", { type: "text", value: keysText(), "aria-label": T.t("Seeds of the keyframes"), "aria-describedby": "tf-seeds-hint", autocomplete: "off", spellcheck: "false" });
const error = T.errorNote();
const modelError = T.errorNote();
const canvas = T.pictureCanvas(T.t("Frame of the morph"));
const caption = el("p", { class: "tf-caption" });
const play = el("button", { type: "button", class: "tf-button", "aria-pressed": "false", onclick: () => toggle() }, T.t("Play"));
const progress = el("progress", { max: 1, value: 0, "aria-label": T.t("Export progress") });
const progressText = el("span", { class: "tf-quiet", "aria-live": "polite" });
const cancel = el("button", { type: "button", class: "tf-button", onclick: () => stopExport() }, T.t("Cancel"));
const progressRow = el("div", { class: "tf-progress", hidden: true }, progress, progressText, cancel);
const result = el("div", { class: "tf-export", hidden: true });

const percent = (v) => `${Math.round(v * 100)} %`;
const scrub = T.slider(T.t("Position"), { min: 0, max: 1, step: 0.001, value: choice.u, format: percent }, (u) => {
  goTo(u);
});
const goTo = (u) => {
  stop();
  choice.u = u;
  scrub.put(u);
  draw();
};
T.parameters.addSlider("morph.position", scrub, { label: T.t("Position in the morph") });
const frames = T.slider(T.t("Frames of a strip"), { min: 2, max: 240, step: 1, value: choice.frames }, (value) => {
  choice.frames = value;
  describe();
});
const length = el("input", { type: "number", min: T.timing.shortest, max: T.timing.longest, step: 0.5, value: choice.seconds, inputmode: "decimal", "aria-describedby": "tf-length-hint" });
const lengthError = T.errorNote();
length.addEventListener("input", () => {
  const seconds = Math.round(Number(length.value) * 100) / 100;
  const right = length.value !== "" && seconds >= T.timing.shortest && seconds <= T.timing.longest;
  length.setAttribute("aria-invalid", String(!right));
  lengthError.show(right ? "" : T.t("A film is 2 seconds to 10 minutes long: 2 to 600 seconds."));
  if (!right) return;
  choice.times = T.timing.stretched(choice.times, choice.loop, choice.seconds, seconds);
  choice.seconds = seconds;
  showTimes();
});
const speed = T.segmented(
  "tf-rate",
  T.t("Frames per second"),
  T.timing.rates.map((rate) => [String(rate), String(rate), T.t("{n} frames a second", { n: rate })]),
  String(choice.fps),
  (value) => {
    choice.fps = Number(value);
    describe();
  },
);
const gifNote = el("p", { class: "tf-quiet" }, T.t("GIF counts in hundredths of a second and holds 50 frames a second: a GIF of this film has those, in the same time."));
const seamNote = el("p", { class: "tf-quiet", role: "status" });
const mode = T.segmented(
  "tf-path",
  T.t("Path"),
  [
    ["linear", T.t("Linear"), T.t("The straight line between two latents")],
    ["spherical", T.t("Spherical"), T.t("Along the arc: keeps the length of the latent")],
    ["spline", T.t("Spline"), T.t("One smooth curve through all keyframes")],
  ],
  choice.mode,
  (value) => {
    choice.mode = value;
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
    field.value = keysText();
    complain("");
    list.draw();
    timeline.draw();
    draw();
  },
  () => showTimes(),
);
const timeline = T.timeline(choice, () => showTimes(), (u) => goTo(u));
const showTimes = () => {
  list.showTimes();
  timeline.draw();
  draw();
};
const spread = () => {
  choice.times = T.timing.even(choice.keys.length, choice.loop, choice.seconds);
  showTimes();
};

// The export formats: the server says which; the static page has one.
const missing = {};
const missingEncoder = T.facts.exports?.mp4; // why the server cannot write MP4: demo/tabs/morph/video.py
if (missingEncoder?.includes("H.264")) missing.mp4 = T.t("The ffmpeg of this server has no H.264 encoder: pip install imageio-ffmpeg, or put an ffmpeg program on the PATH, then start the server again.");
else if (missingEncoder) missing.mp4 = T.t("There is no MP4 encoder on this server: pip install imageio-ffmpeg, or put an ffmpeg program on the PATH, then start the server again.");
const FORMATS = {
  webp: [T.t("Export WebP"), T.t("Animated, lossless, plays in every browser")],
  gif: [T.t("Export GIF"), T.t("Animated, plays everywhere")],
  mp4: [T.t("Export MP4"), T.t("A video for slides, phones and editing")],
  "film-strip": [T.t("Export film strip"), T.t("All frames in rows on white, A4 wide, to print")],
  "png-strip": [T.t("Export PNG strip"), T.t("All frames in rows, in one picture")],
  zip: [T.t("Export ZIP"), T.t("Every frame as PNG, and path.json to draw them again")],
};
const STRIPS = ["film-strip", "png-strip"]; // of as many frames as are asked for, whatever the length
const exports = Object.keys(T.facts.exports ?? { "png-strip": "" }).map((fmt) => {
  const [text, hint] = FORMATS[fmt];
  const words = missing[fmt] ? T.t("{export} (needs an encoder)", { export: text }) : text;
  return el("button", { type: "button", class: `tf-button${missing[fmt] ? " tf-needs-encoder" : ""}`, title: missing[fmt] || hint, "data-format": fmt, onclick: () => startExport(fmt) }, words);
});

element.replaceChildren(
  el(
    "div",
    { class: "tf-morph" },
    el(
      "section",
      { class: "tf-card tf-stage", "aria-label": T.t("Preview") },
      el("div", { class: "tf-frame" }, canvas),
      caption,
      scrub,
      el("div", { class: "tf-buttons" }, play),
    ),
    el(
      "section",
      { class: "tf-card", "aria-label": T.t("Keyframes") },
      el("h3", {}, T.t("Keyframes")),
      el("p", { class: "tf-quiet", id: "tf-seeds-hint" }, T.t("Two to sixteen: seeds and ranges, for example 0,1,4-6, or points x:y between seeds, such as 7.25:0.5.")),
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
      el("div", { class: "tf-inline" }, mode, el("label", { class: "tf-check" }, loop, T.t("Loop back to the first"))),
      seamNote,
      el("h3", {}, T.t("Export")),
      exports.length > 1 ? el("div", { class: "tf-inline" }, el("span", { class: "tf-label" }, T.t("Frames per second")), speed) : null,
      gifNote,
      frames,
      el("div", { class: "tf-buttons" }, ...exports),
      progressRow,
      result,
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
  mode: choice.mode,
  loop: choice.loop,
  seconds: choice.seconds,
  ...T.timing.fields(choice),
});
// The parameters of the live picture at share u of the path.
const liveParams = (u) => {
  const { m, t, classes, mode: path, loop: closed } = request();
  const params = { m, t, keys: keysText(), path, loop: closed ? 1 : 0, p: Number(u.toFixed(7)), ...T.timing.params(request()) };
  if (classes.length) params.classes = classes.join(",");
  if (T.state.attributes) params.attributes = T.state.attributes;
  if (T.state.bend) params.bend = T.state.bend;
  return params;
};

const show = T.newestPicture((picture) => T.paint(canvas, picture));
// Places of the map are codes of the VAE.
const drawable = () => T.state.m === "vae" || !choice.keys.some(T.keyframes.onMap);
const draw = T.oncePerFrame(() => {
  if (T.visible(canvas) && drawable()) show(T.picturePath(T.state, "/morph"), liveParams(choice.u));
  if (drawable() === Boolean(modelError.textContent)) modelError.show(drawable() ? "" : T.t("A place of the latent map is a picture of the VAE: choose the VAE, or other keyframes."));
  timeline.show(choice.u);
  describe();
});
const describe = () => {
  const words = { keys: choice.keys.length, frames: Math.round(choice.seconds * choice.fps), seconds: Number(choice.seconds.toFixed(2)) };
  caption.textContent = T.t("{keys} keyframes, {frames} frames, {seconds} s", words);
  gifNote.hidden = choice.fps <= 50 || exports.length < 2;
  const seam = choice.mode === "spline" ? T.t("No seam and no corner: the step from the last frame to the first is like those beside it.") : T.t("No seam, but a corner at each keyframe; a spline has none.");
  if (seamNote.textContent !== (choice.loop ? seam : "")) seamNote.textContent = choice.loop ? seam : "";
  if (T.visible(canvas)) noteMorph();
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
    return found < 0 ? ["", ownClass(key), "linear"] : before.splice(found, 1)[0];
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
    let u = choice.u + (forward * seconds) / (T.tempo ? T.tempoOf.inBars(T.tempo, choice.seconds) : choice.seconds);
    if (choice.loop) u %= 1;
    else if (u > 1 || u < 0) {
      forward = u > 1 ? -1 : 1;
      u = Math.min(1, Math.max(0, u));
    }
    choice.u = Math.abs(u);
    scrub.put(choice.u);
    draw();
    playing.frame = requestAnimationFrame(tick);
  };
  playing.frame = requestAnimationFrame(tick);
};

// --- export --------------------------------------------------------------------------------------
let job = null; // the AbortController of the export that is waited for
let description = ""; // of what is exported
let format = "";
let address = ""; // of the file that is shown
const giveUp = T.debounced(() => stopExport(T.busyMessage), T.replyTimeout);
const busy = (on) => {
  for (const each of exports) each.disabled = on;
};
const startExport = (fmt) => {
  if (missing[fmt]) {
    finish(missing[fmt]);
    return;
  }
  stop();
  job = new AbortController();
  format = fmt;
  const strip = STRIPS.includes(fmt);
  const length = strip ? { frames: choice.frames } : {};
  description = T.t("{n} frames through {keys}", {
    n: strip ? choice.frames : Math.round(choice.seconds * (fmt === "gif" ? Math.min(50, choice.fps) : choice.fps)),
    keys: choice.keys.map(T.keyframes.name).join(", "),
  });
  busy(true);
  result.hidden = true;
  progressRow.hidden = false;
  progress.removeAttribute("value");
  progressText.textContent = T.t("Waiting in the queue");
  follow(job, { ...request(), b: T.state.b, format: fmt, fps: choice.fps, ...length });
  cancel.focus();
  giveUp();
};
// Shows the reports of an export as they arrive.
const follow = async (mine, asked) => {
  const parts = []; // of a long file
  try {
    for await (const report of T.exportMorph(asked, mine.signal)) {
      if (job !== mine) return; // it was given up meanwhile
      if (report.part) parts.push(Uint8Array.from(atob(report.part), (letter) => letter.charCodeAt(0)));
      else if (report.bytes && !report.href) showReport({ ...report, href: addressOf(new Blob(parts, { type: report.type })) });
      else showReport(report);
      giveUp(); // none of them is late
    }
  } catch (error) {
    if (job === mine) finish(T.translate(error.message));
  }
};
// The visitor cancels, or the server does not answer in time.
const stopExport = (sentence = "") => {
  job?.abort();
  job = null;
  finish(sentence);
  if (!sentence) {
    result.replaceChildren(el("p", { class: "tf-quiet", role: "status" }, T.t("Cancelled: nothing was exported.")));
    result.hidden = false;
  }
  exports.find((each) => each.dataset.format === format)?.focus();
};
const finish = (sentence) => {
  giveUp.cancel();
  busy(false);
  progressRow.hidden = true;
  result.hidden = !sentence;
  if (sentence) result.replaceChildren(el("p", { class: "tf-error", role: "alert" }, sentence));
};
// A blob instead of a long data address: it downloads in every browser, and plays in <video>. The one before is let go.
const addressOf = (blob) => {
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(blob);
  return address;
};
const fileAt = (href) => {
  if (!href.startsWith("data:")) return href;
  const [head, body] = href.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return addressOf(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
};
// The element that shows an exported file.
const preview = (fmt, href) => {
  const alt = T.t("The exported morph: {about}", { about: description });
  if (fmt === "zip") return el("p", { class: "tf-quiet" }, description);
  if (fmt === "mp4") return el("video", { src: href, class: "tf-picture", controls: true, loop: true, muted: true, playsinline: true, "aria-label": alt });
  if (fmt === "png-strip" || fmt === "film-strip") return el("img", { src: href, alt, class: fmt === "png-strip" ? "tf-strip" : "tf-film" });
  if (T.reducedMotion.matches) return el("p", { class: "tf-quiet" }, T.t("Not played here: this device is set to reduce motion."));
  return el("img", { src: href, alt, class: "tf-picture" });
};
const showReport = (value) => {
  if (value.href) {
    finish("");
    const href = fileAt(value.href);
    const kilobytes = Math.max(1, Math.round(value.bytes / 1000));
    const download = el("a", { class: "tf-button tf-primary", href, download: value.name }, T.t("Download {name}", { name: value.name }));
    result.replaceChildren(preview(value.format, href), el("div", { class: "tf-buttons" }, download, el("span", { class: "tf-quiet" }, `${kilobytes} kB`)));
    result.hidden = false;
    download.focus({ preventScroll: true });
  } else {
    if (value.waiting) return;
    progress.value = value.progress;
    const done = { n: value.done, all: value.of };
    const left = value.left === null || value.left === undefined ? "" : ` · ${T.t("{time} left", { time: T.timing.words(value.left) })}`;
    const words = value.done < value.of ? T.t("{n} of {all} frames", done) + left : T.t("Finishing the file");
    progressText.textContent = value.about ?? words;
  }
};

// --- a morph that a mark names -----------------------------------------------------------------------
const fromMark = ({ keys, classes, path, loop: closed, frames: count, fps, p, times, easing, seconds }) => {
  stop();
  choice.keys = keys;
  choice.classes = keys.map((key, i) => (Number.isInteger(classes[i]) && classes[i] < T.bundle().classes.length ? classes[i] : ownClass(key)));
  if (PATHS.includes(path)) choice.mode = path;
  choice.loop = Boolean(closed);
  if (fps) choice.fps = nearestRate(T.numberWithin(fps, 1, 60, choice.fps));
  else choice.frames = Math.round(T.numberWithin(count ?? null, 2, 240, choice.frames));
  choice.seconds = T.numberWithin(seconds || (fps && count / fps) || null, T.timing.shortest, T.timing.longest, choice.seconds);
  const timed = Array.isArray(times) && times.length === keys.length ? times.map((time) => (time * choice.seconds) / (seconds || choice.seconds)) : null;
  choice.times = timed ? T.timing.spaced(timed, choice.loop, choice.seconds) : T.timing.even(keys.length, choice.loop, choice.seconds);
  choice.easing = keys.map((_, i) => (T.timing.easings.includes(easing?.[i]) ? easing[i] : "linear"));
  choice.u = T.numberWithin(p ?? null, 0, 1, 0);
  field.value = keysText();
  complain("");
  mode.choose(choice.mode);
  loop.checked = choice.loop;
  frames.put(choice.frames);
  speed.choose(String(choice.fps));
  length.value = choice.seconds;
  lengthError.show("");
  scrub.put(choice.u);
  before = T.state.b; // whose classes these are
  drawn = "";
  refresh();
};

let before = T.state.b;
let drawn = ""; // what the row of keyframes shows: redrawing it needlessly would make it flicker and lose the focus
const refresh = () => {
  if (before !== T.state.b) choice.classes = choice.keys.map(ownClass);
  before = T.state.b;
  const { b, m, c, t, attributes, bend } = T.state;
  const now = JSON.stringify([b, m, c, t, attributes, bend]);
  if (drawn !== now) list.draw();
  timeline.draw();
  drawn = now;
  draw();
};
T.on(T.debounced(() => T.visible(canvas) && refresh(), 80));
new IntersectionObserver((entries) => {
  if (entries.some((entry) => entry.isIntersecting)) refresh();
  T.noteOpenTab("morph", T.visible(canvas));
}).observe(canvas);
T.showMorph = fromMark;
describe();
if (T.morphToOpen) fromMark(T.morphToOpen); // it was asked for before this tab was there

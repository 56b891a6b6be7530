// Morph: a path through two to six keyframes; scrub it live, play it, export it.
const T = window.Twofold;
const { el } = T;
T.init(props.facts);

const LEAST = 2;
const MOST = 6;
const choice = { keys: [0, 1, 4, 5], classes: [], mode: "spherical", loop: true, frames: 60, fps: 20, u: 0 };

// "0,1,4-6" → [0, 1, 4, 5, 6]; a sentence when it cannot be read.
const readSeeds = (text) => {
  const seeds = [];
  for (const part of text.split(/[,\s]+/).filter(Boolean)) {
    const range = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    if (!range) return `“${part.slice(0, 20)}” is not a seed. Write whole numbers and ranges, such as 0,1,4-6.`;
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : Number(range[2]);
    if (last < first) return `The range ${part} runs backwards.`;
    if (last >= 2 ** 32) return "Seeds end at 4294967295.";
    if (last - first >= MOST) return `At most ${MOST} keyframes are possible.`;
    for (let seed = first; seed <= last; seed += 1) seeds.push(seed);
  }
  if (seeds.length < LEAST) return `At least ${LEAST} keyframes are needed.`;
  if (seeds.length > MOST) return `At most ${MOST} keyframes are possible.`;
  return seeds;
};

const field = el("input", { type: "text", value: "0,1,4-5", "aria-label": "Seeds of the keyframes", "aria-describedby": "tf-seeds-hint", autocomplete: "off", spellcheck: "false" });
const complaint = el("p", { class: "tf-trouble", role: "alert", hidden: true });
const strip = el("div", { class: "tf-keys" });
const canvas = el("canvas", { class: "tf-picture", width: 32, height: 32, role: "img", "aria-label": "Frame of the morph" });
const caption = el("p", { class: "tf-caption" });
const play = el("button", { type: "button", class: "tf-button", "aria-pressed": "false", onclick: () => toggle() }, "Play");
const progress = el("progress", { max: 1, value: 0, "aria-label": "Export progress" });
const progressText = el("span", { class: "tf-quiet", "aria-live": "polite" });
const progressRow = el("div", { class: "tf-progress", hidden: true }, progress, progressText);
const result = el("div", { class: "tf-export", hidden: true });

const scrub = T.slider("Position", { min: 0, max: 1, step: 0.001, value: 0, format: (v) => `${Math.round(v * 100)} %` }, (u) => {
  stop();
  choice.u = u;
  draw();
});
const frames = T.slider("Frames", { min: 2, max: 240, step: 1, value: choice.frames }, (value) => {
  choice.frames = value;
  describe();
});
const speed = T.slider("Frames a second", { min: 5, max: 30, step: 1, value: choice.fps }, (value) => {
  choice.fps = value;
  describe();
});
const mode = T.segmented(
  "tf-path",
  "Path",
  [
    ["linear", "Linear", "The straight line between two latents"],
    ["spherical", "Spherical", "Along the arc: keeps the length of the latent"],
    ["spline", "Spline", "One smooth curve through all keyframes"],
  ],
  choice.mode,
  (value) => {
    choice.mode = value;
    draw();
  },
);
const loop = el("input", { type: "checkbox", checked: true });
loop.addEventListener("change", () => {
  choice.loop = loop.checked;
  draw();
});
const exports = [
  ["webp", "WebP", "Animated, lossless, plays in every browser"],
  ["gif", "GIF", "Animated, plays everywhere"],
  ["png-strip", "PNG strip", "All frames side by side in one picture"],
].map(([fmt, text, hint]) =>
  el("button", { type: "button", class: "tf-button", title: hint, "data-format": fmt, onclick: () => make(fmt) }, `Export ${text}`),
);

element.replaceChildren(
  el(
    "div",
    { class: "tf-morph" },
    el(
      "section",
      { class: "tf-card tf-stage", "aria-label": "Preview" },
      el("div", { class: "tf-frame" }, canvas),
      caption,
      scrub,
      el("div", { class: "tf-buttons" }, play),
    ),
    el(
      "section",
      { class: "tf-card", "aria-label": "Keyframes" },
      el("h3", {}, "Keyframes"),
      el("p", { class: "tf-quiet", id: "tf-seeds-hint" }, "Two to six seeds, for example 0,1,4-6."),
      el(
        "div",
        { class: "tf-inline" },
        field,
        el("button", { type: "button", class: "tf-button", onclick: () => dice() }, "Random seeds"),
      ),
      complaint,
      strip,
      el("h3", {}, "Path"),
      el("div", { class: "tf-inline" }, mode, el("label", { class: "tf-check" }, loop, "Loop back to the first")),
      frames,
      speed,
      el("h3", {}, "Export"),
      el("div", { class: "tf-buttons" }, ...exports),
      progressRow,
      result,
    ),
  ),
);

// Until the visitor says otherwise a keyframe has the class that its seed has on the sample sheet.
const ownClass = (seed) => (T.bundle().classes.length ? seed % T.bundle().classes.length : null);
const classOf = (i) => (choice.classes[i] === undefined || choice.classes[i] === null ? T.state.c : choice.classes[i]);
const request = () => {
  const conditional = T.bundle().classes.length > 0;
  return {
    m: T.state.m,
    t: T.state.t,
    seeds: choice.keys,
    classes: conditional ? choice.keys.map((_, i) => classOf(i)) : [],
    mode: choice.mode,
    loop: choice.loop,
  };
};
const livePath = () => T.picturePath(T.state, "/morph");
const liveParams = (u) => {
  const { m, t, seeds, classes, mode: path, loop: round } = request();
  const params = { m, t, keys: seeds.join(","), mode: path, loop: round ? 1 : 0, p: u };
  if (classes.length) params.classes = classes.join(",");
  return params;
};

const show = T.live((picture) => T.paint(canvas, picture));
const draw = T.frame(() => {
  if (T.visible(canvas)) show(livePath(), liveParams(choice.u));
  describe();
});
const describe = () => {
  const seconds = choice.frames / choice.fps;
  caption.textContent = `${choice.keys.length} keyframes, ${choice.frames} frames, ${seconds.toFixed(1)} s`;
};

// --- keyframes -----------------------------------------------------------------------------------
const fillKeys = T.album();
const drawKeys = () => {
  const bundle = T.bundle();
  const jobs = [];
  strip.replaceChildren(
    ...choice.keys.map((seed, i) => {
      const picture = el("canvas", { class: "tf-picture", width: 32, height: 32, role: "img", "aria-label": `Keyframe ${i + 1}: seed ${seed}` });
      const params = { m: T.state.m, t: T.state.t, keys: seed }; // a morph of one key: x and y do not reach every seed
      if (bundle.classes.length) params.classes = classOf(i);
      jobs.push({ canvas: picture, path: livePath(), params });
      const select = bundle.classes.length ? el("select", { "aria-label": `Class of keyframe ${i + 1}` }) : null;
      if (select) {
        select.append(el("option", { value: "" }, "as above"));
        bundle.classes.forEach((name, c) => select.append(el("option", { value: c }, name)));
        select.value = choice.classes[i] ?? "";
        select.addEventListener("change", () => {
          choice.classes[i] = select.value === "" ? null : Number(select.value);
          drawKeys();
          draw();
        });
      }
      return el("figure", {}, picture, el("figcaption", {}, `Seed ${seed}`), select);
    }),
  );
  fillKeys(jobs);
};
const read = () => {
  const seeds = readSeeds(field.value);
  const wrong = typeof seeds === "string";
  complaint.hidden = !wrong;
  complaint.textContent = wrong ? seeds : "";
  field.setAttribute("aria-invalid", String(wrong));
  if (wrong) return;
  choice.classes = seeds.map((seed, i) => (seed === choice.keys[i] ? choice.classes[i] : ownClass(seed)));
  choice.keys = seeds;
  drawKeys();
  draw();
};
field.addEventListener("input", T.later(read, 250));
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
  play.textContent = "Play";
  play.setAttribute("aria-pressed", "false");
};
const toggle = () => {
  if (playing) {
    stop();
    return;
  }
  playing = { time: performance.now(), frame: 0 };
  play.textContent = "Pause";
  play.setAttribute("aria-pressed", "true");
  const tick = (now) => {
    if (!playing) return;
    if (!T.visible(canvas)) {
      stop();
      return;
    }
    const seconds = Math.min(0.2, Math.max(0, (now - playing.time) / 1000));
    playing.time = now;
    let u = choice.u + (forward * seconds * choice.fps) / choice.frames;
    if (choice.loop) u %= 1;
    else if (u > 1 || u < 0) {
      forward = u > 1 ? -1 : 1;
      u = Math.min(1, Math.max(0, u));
    }
    choice.u = Number(Math.abs(u).toFixed(4));
    scrub.put(choice.u);
    draw();
    playing.frame = requestAnimationFrame(tick);
  };
  playing.frame = requestAnimationFrame(tick);
};

// --- export --------------------------------------------------------------------------------------
let job = 0;
const giveUp = T.later(() => finish(T.turnedAway), T.patience);
const busy = (on) => {
  for (const each of exports) each.disabled = on;
};
const make = (fmt) => {
  stop();
  job += 1;
  busy(true);
  result.hidden = true;
  progressRow.hidden = false;
  progress.removeAttribute("value");
  progressText.textContent = "Waiting for a turn";
  trigger("export", { ...request(), b: T.state.b, format: fmt, frames: choice.frames, fps: choice.fps, job });
  giveUp();
};
const finish = (sentence) => {
  giveUp.cancel();
  busy(false);
  progressRow.hidden = true;
  result.hidden = !sentence;
  if (sentence) result.replaceChildren(el("p", { class: "tf-trouble", role: "alert" }, sentence));
};
watch("value", () => {
  const value = props.value;
  if (!value || value.job !== job) return;
  if (value.error) finish(value.error);
  else if (value.href) {
    finish("");
    const kilobytes = Math.max(1, Math.round(value.bytes / 1000));
    const picture = el("img", { src: value.href, alt: `The exported morph: ${value.about}`, class: value.format === "png-strip" ? "tf-strip" : "tf-picture" });
    const still = T.calm.matches && value.format !== "png-strip";
    result.replaceChildren(
      still ? el("p", { class: "tf-quiet" }, "Not played here, because this device asks for less motion.") : picture,
      el(
        "div",
        { class: "tf-buttons" },
        el("a", { class: "tf-button tf-primary", href: value.href, download: value.name }, `Download ${value.name}`),
        el("span", { class: "tf-quiet" }, `${kilobytes} kB`),
      ),
    );
    result.hidden = false;
  } else {
    giveUp();
    progress.value = value.progress;
    progressText.textContent = value.about;
  }
});

let before = null;
const refresh = () => {
  if (before !== T.state.b) choice.classes = choice.keys.map(ownClass);
  before = T.state.b;
  drawKeys();
  draw();
};
T.on(T.later(() => T.visible(canvas) && refresh(), 80));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(canvas);
describe();

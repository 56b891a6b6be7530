// Play: travel through the seed plane by dragging; children, ancestors, and the sample sheet.
const T = window.Twofold;
const { el } = T;

const STEP = 0.1; // what an arrow key moves, in seeds
const LAST_SEED = 99_999_999; // the last that the plane reaches
const DRIFT = 0.35; // seeds a second
const PACES = { least: 0.1, most: 8 }; // times as far as a drag of one picture's width, or an arrow key, moves
const ANCESTORS = 12; // that are shown

const button = (text, key, hint, action) =>
  el(
    "button",
    { type: "button", class: "tf-button", title: hint, onclick: (event) => press(event, action), "aria-keyshortcuts": key || null },
    el("span", {}, text),
    key ? el("kbd", { "aria-hidden": "true" }, key === " " ? T.t("Space") : key.toUpperCase()) : null,
  );

// After a click with the mouse the keys belong to the picture again, so that Space does not repeat the button.
const press = (event, action) => {
  action();
  if (event.detail) canvas.focus({ preventScroll: true });
};

const canvas = el("canvas", {
  class: "tf-picture tf-travel",
  width: 32,
  height: 32,
  tabindex: 0,
  role: "application",
  "aria-label": T.t("Generated picture. Drag or use the arrow keys to travel between seeds."),
});
const caption = el("p", { class: "tf-caption", "aria-live": "polite" });
const rate = el("span", { class: "tf-rate" });
const seedField = el("input", { type: "number", min: 0, max: LAST_SEED, step: 1, "aria-label": T.t("Go to seed"), inputmode: "numeric" });
const drift = button(T.t("Drift"), "a", T.t("Travel by itself"), () => toggleDrift());
const children = el("div", { class: "tf-children" });
const trail = el("div", { class: "tf-trail", role: "group", "aria-label": T.t("Ancestors") });
const sheet = el("div", { class: "tf-sheet", role: "group" });

// How far a gesture goes: by wheel, by two fingers, by slider. The slider runs over the logarithm.
let pace = 1;
const paceSlider = T.slider(
  T.t("Step size"),
  {
    min: Math.log2(PACES.least),
    max: Math.log2(PACES.most),
    step: 0.01,
    value: 0,
    format: (v) => `× ${Number((2 ** v).toPrecision(2))}`,
    hint: T.t("How far a drag or an arrow key moves. The wheel, or two fingers on the picture, change it too."),
  },
  (value) => (pace = 2 ** value),
);
const setPace = (next) => {
  pace = Math.min(PACES.most, Math.max(PACES.least, next));
  paceSlider.put(Math.log2(pace));
};

let different = 0.35;
let turn = 0;
const howDifferent = T.slider(
  T.t("How different"),
  { min: 0.05, max: 1, step: 0.05, value: different, format: (v) => Number(v).toFixed(2), hint: T.t("Distance of the children from their parent, in seeds") },
  (value) => {
    different = value;
    drawChildrenSoon();
  },
);

element.replaceChildren(
  el(
    "div",
    { class: "tf-play" },
    el(
      "section",
      { class: "tf-card tf-stage", "aria-label": T.t("The picture") },
      el("div", { class: "tf-frame" }, canvas, rate),
      caption,
      el(
        "p",
        { class: "tf-quiet" },
        T.t("Drag on the picture to travel."),
        el("span", { class: "tf-keyboard" }, T.t(" Arrow keys travel too, and the wheel changes the step size.")),
      ),
      paceSlider,
      el(
        "div",
        { class: "tf-buttons" },
        button(T.t("New random"), " ", T.t("Jump to a random seed"), () => random()),
        button(T.t("Undo"), "z", T.t("Back to the previous picture"), () => T.undo()),
        button(T.t("Keep"), "f", T.t("Add to the favourites in this browser"), () => T.keepFavourite?.()),
        drift,
        button(T.t("Save PNG"), "", T.t("Download this picture"), () => save()),
      ),
      el(
        "form",
        { class: "tf-inline", onsubmit: (event) => goToSeed(event) },
        el("label", { class: "tf-name" }, T.t("Seed"), seedField),
        el("button", { type: "submit", class: "tf-button" }, T.t("Go")),
      ),
      T.deviceSwitch?.(),
    ),
    el(
      "section",
      { class: "tf-card", "aria-label": T.t("Children") },
      el("h3", {}, T.t("Children")),
      el("p", { class: "tf-quiet" }, T.t("Eight steps in eight directions. Choose one, and it becomes the parent.")),
      trail,
      children,
      howDifferent,
      el("div", { class: "tf-buttons" }, button(T.t("Other children"), "", T.t("Eight other directions"), () => shuffle())),
    ),
    el(
      "section",
      { class: "tf-card", "aria-label": T.t("Sample sheet") },
      el("h3", {}, T.t("Start from a seed")),
      el("p", { class: "tf-quiet tf-sheet-note" }),
      sheet,
    ),
  ),
);

// --- the picture ---------------------------------------------------------------------------------
let times = [];
let told = 0;
const show = T.liveCanvas((picture) => {
  T.paint(canvas, picture);
  const now = performance.now();
  times.push(now);
  times = times.filter((time) => now - time < 1000);
  const moving = dragging || drifting;
  if (moving && times.length > 5 && now - told > 250) {
    rate.textContent = T.t("{n} pictures/s", { n: times.length });
    told = now;
  }
});
const ask = T.frame(() => show(T.picturePath(), T.pictureParams()));
const settle = T.later(() => {
  caption.textContent = T.describe();
  canvas.setAttribute("aria-label", T.t("Generated picture: {what}. Drag or use the arrow keys to travel.", { what: T.describe() }));
  if (!dragging && !drifting) rate.textContent = "";
}, 120);

const move = (dx, dy) => T.set({ x: T.state.x + dx, y: T.state.y + dy });
const jump = (patch) => {
  forget(); // another family
  T.set(patch, { undo: true });
};
const random = () => jump({ x: Math.floor(Math.random() * 100000), y: 0 });
const goToSeed = (event) => {
  event.preventDefault();
  const seed = Math.round(Number(seedField.value));
  if (seedField.value === "" || !(seed >= 0 && seed <= LAST_SEED)) return;
  const y = seed > T.reach ? Math.floor(seed / 100) : 0; // beyond the reach of x: further down the plane
  jump({ x: seed - 100 * y, y });
};

let dragging = null;
const touches = new Map(); // fingers on the picture: one drags, two set the step size
const apart = () => {
  const [a, b] = [...touches.values()];
  return Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
};
let pinch = null;
canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  stopDrift();
  canvas.setPointerCapture(event.pointerId);
  canvas.focus({ preventScroll: true });
  touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (touches.size === 2) {
    pinch = { apart: apart(), pace };
    dragging = null;
  } else if (touches.size === 1) {
    T.remember();
    dragging = { id: event.pointerId, x: event.clientX, y: event.clientY };
  }
});
canvas.addEventListener("pointermove", (event) => {
  if (touches.has(event.pointerId)) touches.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pinch && touches.size === 2) setPace((pinch.pace * apart()) / pinch.apart);
  if (dragging?.id !== event.pointerId) return;
  const side = (canvas.clientWidth || 384) / pace;
  move((event.clientX - dragging.x) / side, (event.clientY - dragging.y) / side);
  dragging.x = event.clientX;
  dragging.y = event.clientY;
});
canvas.addEventListener(
  "wheel",
  (event) => {
    if (event.ctrlKey || !event.deltaY) return; // the page's own zoom
    event.preventDefault();
    setPace(pace * 2 ** (-Math.sign(event.deltaY) / 4));
  },
  { passive: false },
);
const drop = (event) => {
  touches.delete(event.pointerId);
  if (touches.size < 2) pinch = null;
  if (dragging?.id !== event.pointerId) return;
  dragging = null;
  settle();
  drawChildrenSoon();
};
canvas.addEventListener("pointerup", drop);
canvas.addEventListener("pointercancel", drop);

// --- drifting ------------------------------------------------------------------------------------
let drifting = null;
const stopDrift = () => {
  if (!drifting) return;
  cancelAnimationFrame(drifting.frame);
  drifting = null;
  drift.setAttribute("aria-pressed", "false");
  drift.firstChild.textContent = T.t("Drift");
  settle();
  drawChildrenSoon();
};
const toggleDrift = () => {
  if (drifting) {
    stopDrift();
    return;
  }
  T.remember();
  drifting = { angle: Math.random() * 2 * Math.PI, time: performance.now(), frame: 0 };
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
    drifting.angle += 0.3 * seconds;
    const speed = (T.reducedMotion.matches ? 0.3 : 1) * DRIFT * seconds;
    move(speed * Math.cos(drifting.angle), speed * Math.sin(drifting.angle));
    drifting.frame = requestAnimationFrame(tick);
  };
  drifting.frame = requestAnimationFrame(tick);
};

// --- children ------------------------------------------------------------------------------------
const kids = Array.from({ length: 8 }, (_, i) => {
  const picture = el("canvas", { class: "tf-picture", width: 32, height: 32 });
  const choose = el(
    "button",
    { type: "button", "aria-label": T.t("Child {n} of 8: make it the parent", { n: i + 1 }), onclick: () => adopt(i) },
    picture,
  );
  children.append(choose);
  return picture;
});
const fillKids = T.canvasFiller();
const childState = (i) => {
  const angle = turn + (i * Math.PI) / 4;
  return T.valid({
    ...T.state,
    x: T.state.x + different * Math.cos(angle),
    y: T.state.y + different * Math.sin(angle),
  });
};
const drawChildren = () => {
  if (dragging || drifting || !T.visible(children)) return;
  fillKids(kids.map((kid, i) => ({ canvas: kid, path: T.picturePath(), params: T.pictureParams(childState(i)) })));
};
const drawChildrenSoon = T.later(drawChildren, 180);
// --- ancestors: who was the parent before ----------------------------------------------------------
let ancestors = [];
const fillTrail = T.canvasFiller();
const drawTrail = () => {
  const jobs = [];
  trail.replaceChildren(
    ...ancestors.map((state, i) => {
      const picture = el("canvas", { class: "tf-picture", width: 32, height: 32 });
      jobs.push({ canvas: picture, path: T.picturePath(state), params: T.pictureParams(state) });
      const name = T.describe(state);
      const label = T.t("Back to ancestor {n}: {what}", { n: i + 1, what: name });
      return el("button", { type: "button", "aria-label": label, title: name, onclick: () => goBack(i) }, picture);
    }),
  );
  fillTrail(jobs);
};
const forget = () => {
  if (!ancestors.length) return;
  ancestors = [];
  drawTrail();
};
const goBack = (i) => {
  const state = ancestors[i];
  ancestors = ancestors.slice(0, i);
  T.set(state, { undo: true });
  drawTrail();
};
const adopt = (i) => {
  ancestors = [...ancestors, T.state].slice(-ANCESTORS);
  T.set(childState(i), { undo: true });
  drawTrail();
};
const shuffle = () => {
  turn = Math.random() * 2 * Math.PI;
  drawChildren();
};

// --- the sheet -----------------------------------------------------------------------------------
const drawSheet = (bundle) => {
  const columns = 8;
  const count = bundle.sheet.count;
  const rows = Math.ceil(count / columns);
  const source = T.url(bundle.sheet.url);
  sheet.setAttribute("aria-label", T.t("{count} sample pictures of {title}, seeds 0 to {last}. Arrow keys move.", { count, title: bundle.title, last: count - 1 }));
  element.querySelector(".tf-sheet-note").textContent = bundle.models.includes("gan")
    ? T.t("The GAN's pictures of seeds 0 to {last}, drawn when the bundle was made.", { last: count - 1 })
    : T.t("Pictures of seeds 0 to {last}, drawn when the bundle was made.", { last: count - 1 });
  sheet.replaceChildren();
  marked = -1;
  for (let seed = 0; seed < count; seed += 1) {
    const c = bundle.classes.length ? seed % bundle.classes.length : null;
    const name = c === null ? "" : ` · ${T.t("class {name}", { name: bundle.classes[c] })}`;
    const column = seed % columns;
    const row = Math.floor(seed / columns);
    const tile = el("button", {
      type: "button",
      tabindex: seed === 0 ? 0 : -1,
      "aria-label": `${T.t("Seed {seed}", { seed })}${name}`,
      title: `${T.t("Seed {seed}", { seed })}${name}`,
      onclick: () => jump({ m: bundle.models[0], x: seed, y: 0, c }),
    });
    tile.style.backgroundImage = `url("${source}")`;
    tile.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
    tile.style.backgroundPosition = `${(100 * column) / (columns - 1)}% ${rows > 1 ? (100 * row) / (rows - 1) : 0}%`;
    sheet.append(tile);
  }
};
sheet.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8 }[event.key];
  const tiles = [...sheet.children];
  const next = tiles[tiles.indexOf(document.activeElement) + step];
  if (!step || !next) return;
  event.preventDefault();
  event.stopPropagation();
  document.activeElement.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});
let marked = -1;
const markSheet = () => {
  const seed = T.state.y === 0 && Number.isInteger(T.state.x) && T.state.m === T.bundle().models[0] ? T.state.x : -1;
  if (seed === marked) return;
  sheet.children[marked]?.classList.remove("tf-chosen");
  sheet.children[seed]?.classList.add("tf-chosen");
  marked = seed;
};

// --- saving and keys -------------------------------------------------------------------------------
const save = () => {
  const { b, m, x, y } = T.state;
  T.save(canvas.toDataURL("image/png"), `${b}-${m}-${x}-${y}.png`);
};

document.addEventListener("keydown", (event) => {
  if (!T.visible(canvas) || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  const typing = target.closest?.("input, select, textarea, [contenteditable], [role=tab], [role=menu]");
  if (typing) return;
  const size = pace * (event.shiftKey ? 1 : STEP);
  const arrows = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, -size], ArrowDown: [0, size] };
  const key = event.key.toLowerCase();
  if (arrows[event.key] && !target.closest?.(".tf-sheet")) {
    if (!event.repeat) T.remember();
    move(...arrows[event.key]);
  } else if (key === " " && !target.closest?.("button, summary, a")) random();
  else if (key === "z") T.undo();
  else if (key === "f") T.keepFavourite?.();
  else if (key === "a") toggleDrift();
  else return;
  event.preventDefault();
});

// --- in step with the page -------------------------------------------------------------------------
let drawn = null;
const refresh = (state) => {
  if (drawn !== state.b) drawSheet(T.bundle());
  if (drawn && drawn !== state.b) forget();
  drawn = state.b;
  markSheet();
  ask();
  settle();
  drawChildrenSoon();
};
T.on(refresh);
document.addEventListener("twofold-device", () => refresh(T.state));
refresh(T.state);
caption.textContent = T.describe();
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && drawChildrenSoon()).observe(children);

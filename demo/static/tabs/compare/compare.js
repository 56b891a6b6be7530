// Compare: two models on the same seeds, side by side, blinking or under a slider; a closer look; their measured figures.
const T = window.Twofold;
const { el } = T;

const { pair } = T;
let view = "side";
let zoom = false; // only the chosen pair, not the whole sheets
let sheets = [null, null];

const models = (label) => {
  const select = el("select", { "aria-label": label });
  const offer = (bundle) => {
    for (const m of bundle.models) select.append(el("option", { value: `${bundle.name}.${m}` }, `${bundle.title} · ${m.toUpperCase()}`));
  };
  T.facts.bundles.forEach(offer);
  T.bundleListeners.push(offer);
  return select;
};
const left = models(T.t("Left model"));
const right = models(T.t("Right model"));
left.addEventListener("change", () => {
  const [b, m] = left.value.split(".");
  pair.set({ right: pair.sides()[1].key });
  T.set({ b, m, x: 0, y: 0 }, { undo: true });
});
right.addEventListener("change", () => pair.set({ right: right.value }));
const exchange = el("button", { type: "button", class: "tf-button", onclick: () => {
  const [a, b] = pair.sides();
  pair.set({ right: a.key });
  T.set({ b: b.b, m: b.m, x: 0, y: 0 }, { undo: true });
} }, T.t("Swap sides"));

const first = el("input", { type: "number", min: 0, max: 2 ** 32 - 1, step: 1, inputmode: "numeric", "aria-label": T.t("First seed") });
let typing = false; // pictures that arrive meanwhile must not overwrite what is being typed
first.addEventListener("input", () => (typing = true));
first.addEventListener("blur", () => (typing = false));
first.addEventListener("change", () => {
  typing = false;
  pair.set({ first: first.value });
});
const page = (way) => pair.set({ first: Math.max(0, pair.first + way * pair.side ** 2) });
const size = T.segmented(
  "tf-pair-size",
  T.t("Pictures a side"),
  pair.SIDES.map((n) => [n, `${n} × ${n}`, T.t("{n} seeds", { n: n * n })]),
  pair.side,
  (side) => pair.set({ side }),
);
const kind = el("select", { "aria-label": T.t("Class of the pictures") });
kind.addEventListener("change", () => {
  if (kind.value === "") pair.set({ each: true });
  else {
    pair.set({ each: false });
    T.set({ c: Number(kind.value) }, { undo: true });
  }
});
const kindField = el("label", { class: "tf-field" }, el("span", { class: "tf-name" }, T.t("Class")), kind);
const ways = T.segmented(
  "tf-pair-view",
  T.t("How to compare"),
  [
    ["side", T.t("Side by side"), T.t("Two grids; a tile marks its partner")],
    ["blink", T.t("Blink"), T.t("One over the other, switched by a key")],
    ["slide", T.t("Slider"), T.t("One over the other, revealed by a slider")],
  ],
  view,
  (value) => {
    view = value;
    lay();
  },
);
const alone = el("input", { type: "checkbox" });
alone.addEventListener("change", () => {
  zoom = alone.checked;
  lay();
});
const aloneField = el("label", { class: "tf-check" }, alone, T.t("Only the chosen pair"));
const grids = T.grids((side, i) => pair.set({ pick: { side, i } }));
const stacked = T.stacked();
const summary = el("p", { class: "tf-quiet" });
const closer = T.closerLook(async ({ b, n, picture, ...wish }) => {
  const found = await T.post(`compare/look/${encodeURIComponent(b)}`, wish, picture).catch((error) => ({ error: error.message }));
  closer.answer({ ...found, n });
});
const verdict = T.figuresTable();
const training = T.trainingCurves();

element.replaceChildren(
  el(
    "div",
    { class: "tf-compare" },
    el(
      "section",
      { class: "tf-card", "aria-label": T.t("Two models, the same seeds") },
      el("h3", {}, T.t("Two models, the same seeds")),
      el("p", { class: "tf-quiet" }, T.t("Both sides use the same random numbers, as many as each model needs. Truncation is set in the bar above.")),
      el(
        "div",
        { class: "tf-inline" },
        el("label", { class: "tf-field" }, el("span", { class: "tf-name" }, T.t("Left")), left),
        el("label", { class: "tf-field" }, el("span", { class: "tf-name" }, T.t("Right")), right),
        exchange,
      ),
      el(
        "div",
        { class: "tf-inline" },
        el("label", { class: "tf-field" }, el("span", { class: "tf-name" }, T.t("First seed")), first),
        el("button", { type: "button", class: "tf-button", onclick: () => page(-1) }, T.t("Previous seeds")),
        el("button", { type: "button", class: "tf-button", onclick: () => page(1) }, T.t("Next seeds")),
        el("button", { type: "button", class: "tf-button", onclick: () => pair.set({ first: Math.floor(Math.random() * 1e6) }) }, T.t("Random seeds")),
        size,
        kindField,
      ),
      el("div", { class: "tf-inline" }, ways, aloneField),
      grids,
      stacked,
      grids.note,
      summary,
    ),
    closer,
    verdict,
    training,
  ),
);

const lay = () => {
  grids.hidden = view !== "side";
  grids.note.hidden = view !== "side";
  stacked.hidden = view === "side";
  aloneField.hidden = view === "side";
  if (view === "side") return;
  stacked.view(view);
  const { side, pick } = pair;
  const titles = pair.sides().map((one, i) => (zoom ? `${one.title}, ${grids.name(i, pick.i)}` : one.title));
  stacked.show(sheets.map((sheet) => (sheet && zoom ? T.cutPicture(sheet, sheet.across ?? side, pick.i) : sheet)), titles);
};
const show = () => {
  const fresh = sheets.every((sheet) => sheet?.across === pair.side);
  grids.show(fresh ? sheets.map((sheet) => Array.from({ length: pair.side ** 2 }, (_, i) => T.cutPicture(sheet, pair.side, i))) : [[], []]);
  summary.textContent = fresh ? grids.summary() : "";
  lay();
};
const asked = [null, null];
const draws = [0, 1].map((side) =>
  T.liveCanvas((picture, job) => {
    picture.across = job.params.grid;
    sheets[side] = picture;
    show();
  }),
);
const draw = () => {
  if (!T.visible(first)) return;
  pair.sides().forEach((one, side) => {
    const state = { b: one.b };
    const params = { m: one.m, t: T.state.t, seed: pair.first, grid: pair.side };
    if (!pair.each && one.bundle.classes.length) params.c = pair.classOf(side, 0);
    const wish = JSON.stringify([one.key, one.bundle.version, params]);
    if (asked[side] === wish) return;
    asked[side] = wish;
    draws[side](T.picturePath(state, "/grid"), params);
  });
};
const refresh = () => {
  const [a, b] = pair.sides();
  left.value = a.key;
  right.value = b.key;
  if (!typing) first.value = pair.first;
  size.choose(String(pair.side));
  kindField.hidden = !a.bundle.classes.length;
  kind.replaceChildren(el("option", { value: "" }, T.t("Every class in turn")), ...a.bundle.classes.map((name, c) => el("option", { value: c }, name)));
  kind.value = pair.each ? "" : String(T.state.c ?? "");
  show();
  draw();
  if (!T.visible(first)) return;
  verdict.show(a, b);
  training.show(a, b);
};
pair.on(T.later(refresh, 60));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(first);
refresh();

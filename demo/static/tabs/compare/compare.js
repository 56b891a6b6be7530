// Compare: two models on the same seeds, side by side, blinking or under a slider; a closer look; their measured figures.
const T = window.Twofold;
const { el } = T;

const { sides } = T;
let view = "side";
let pairOnly = false; // instead of the whole sheets
const sheets = [null, null]; // { pictures, image, of: the request that it answers } of each side

const models = (label) => {
  const select = el("select", { "aria-label": label });
  const offer = (bundle, isGone) => {
    const known = new Map([...select.options].filter((option) => option.value.split(".")[0] === bundle.name).map((option) => [option.value, option]));
    for (const m of isGone ? [] : bundle.models) {
      const value = `${bundle.name}.${m}`;
      const option = known.get(value) ?? el("option", { value });
      option.textContent = `${bundle.title} · ${m.toUpperCase()}`;
      if (!known.delete(value)) select.append(option);
    }
    for (const option of known.values()) option.remove();
  };
  T.facts.bundles.forEach((bundle) => offer(bundle));
  T.bundleListeners.push(offer);
  return select;
};
const left = models(T.t("Left model"));
const right = models(T.t("Right model"));
left.addEventListener("change", () => {
  const [b, m] = left.value.split(".");
  sides.set({ right: sides.both()[1].key });
  T.set({ b, m, x: 0, y: 0 }, { undo: true });
});
right.addEventListener("change", () => sides.set({ right: right.value }));
const swap = el("button", { type: "button", class: "tf-button", onclick: () => {
  const [a, b] = sides.both();
  sides.set({ right: a.key });
  T.set({ b: b.b, m: b.m, x: 0, y: 0 }, { undo: true });
} }, T.t("Swap sides"));

const first = el("input", { type: "number", min: 0, max: 2 ** 32 - 1, step: 1, inputmode: "numeric", "aria-label": T.t("First seed") });
let typing = false; // pictures that arrive meanwhile must not overwrite what is being typed
first.addEventListener("input", () => (typing = true));
first.addEventListener("blur", () => (typing = false));
first.addEventListener("change", () => {
  typing = false;
  sides.set({ first: first.value });
});
const turnPage = (pages) => sides.set({ first: Math.max(0, sides.first + pages * sides.count) });
const columns = T.segmented(
  "tf-sides-size",
  T.t("Pictures a side"),
  sides.columnChoices.map((n) => [n, `${n} × ${n}`, T.t("{n} seeds", { n: n * n })]),
  sides.columns,
  (n) => sides.set({ columns: n }),
);
const classChoice = el("select", { "aria-label": T.t("Class of the pictures") });
classChoice.addEventListener("change", () => {
  if (classChoice.value === "") sides.set({ everyClass: true });
  else {
    sides.set({ everyClass: false });
    T.set({ c: Number(classChoice.value) }, { undo: true });
  }
});
const classField = el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Class")), classChoice);
const viewChoice = T.segmented(
  "tf-sides-view",
  T.t("How to compare"),
  [
    ["side", T.t("Side by side"), T.t("Two grids; a tile marks its partner")],
    ["blink", T.t("Blink"), T.t("One over the other, switched by a key")],
    ["slide", T.t("Slider"), T.t("One over the other, revealed by a slider")],
  ],
  view,
  (value) => {
    view = value;
    update();
  },
);
const pairOnlyBox = el("input", { type: "checkbox" });
pairOnlyBox.addEventListener("change", () => {
  pairOnly = pairOnlyBox.checked;
  update();
});
const pairOnlyField = el("label", { class: "tf-check" }, pairOnlyBox, T.t("Only the chosen pair"));
const grids = T.grids((side, i) => sides.set({ pick: { side, i } }));
const stacked = T.stacked();
const summary = el("p", { class: "tf-quiet" });
const closer = T.closerLook(async ({ b, n, picture, ...asked }) => {
  const answer = await T.post(`compare/look/${encodeURIComponent(b)}`, asked, picture).catch((error) => ({ error: error.message }));
  closer.answer({ ...answer, n });
});
const figures = T.figuresTable();
const curves = T.trainingCurves();

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
        el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Left")), left),
        el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Right")), right),
        swap,
      ),
      el(
        "div",
        { class: "tf-inline" },
        el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("First seed")), first),
        el("button", { type: "button", class: "tf-button", onclick: () => turnPage(-1) }, T.t("Previous seeds")),
        el("button", { type: "button", class: "tf-button", onclick: () => turnPage(1) }, T.t("Next seeds")),
        el("button", { type: "button", class: "tf-button", onclick: () => sides.set({ first: Math.floor(Math.random() * 1e6) }) }, T.t("Random seeds")),
        columns,
        classField,
      ),
      el("div", { class: "tf-inline" }, viewChoice, pairOnlyField),
      grids,
      stacked,
      grids.note,
      summary,
    ),
    closer,
    figures,
    curves,
  ),
);

const update = () => {
  grids.hidden = view !== "side";
  grids.note.hidden = view !== "side";
  stacked.hidden = view === "side";
  pairOnlyField.hidden = view === "side";
  if (view === "side") return;
  stacked.view(view);
  const { pick } = sides;
  const titles = sides.both().map((side, i) => (pairOnly ? `${side.title}, ${grids.name(i, pick.i)}` : side.title));
  stacked.show(sheets.map((sheet) => (pairOnly ? sheet?.pictures[pick.i] : sheet?.image)), titles);
};
const show = () => {
  const complete = sides.both().every((side, i) => sheets[i]?.of === requestOf(side, i).wanted);
  grids.show(complete ? sheets.map((sheet) => sheet.pictures) : [[], []]);
  summary.textContent = complete ? grids.summary() : "";
  update();
};
// The request for the sheet of a side as it is now; `wanted` tells it from others.
const requestOf = ({ b, m, bundle, key }, side) => {
  const params = { m, t: T.state.t, seed: sides.first, grid: sides.columns };
  if (!sides.everyClass && bundle.classes.length) params.c = sides.classOf(side, 0);
  return { path: T.picturePath({ b }, "/grid"), params, wanted: JSON.stringify([key, bundle.version, params]) };
};
const onTheirWay = [null, null]; // { wanted, control } of each side's request
const failed = [false, false]; // whether each side's last request did
const ask = async (side, { path, params, wanted }) => {
  onTheirWay[side]?.control.abort();
  const mine = { wanted, control: new AbortController() };
  onTheirWay[side] = mine;
  try {
    const { picture, modelMs, roundMs } = await T.fetchPicture(path, params, mine.control.signal);
    if (onTheirWay[side] !== mine) return;
    sheets[side] = { image: picture, of: wanted, pictures: T.cutSheet(picture, params.grid, params.grid ** 2) };
    T.reportLatency(modelMs, roundMs);
    failed[side] = false;
    if (!failed.includes(true)) T.endComplaint();
  } catch (error) {
    if (onTheirWay[side] !== mine) return;
    sheets[side] = null; // what was there is of something else; asked for again at the next change
    grids.clear(side);
    failed[side] = true;
    T.complain(error.message);
  }
  onTheirWay[side] = null;
  show();
};
const draw = () => {
  if (!T.visible(first)) return;
  sides.both().forEach((one, side) => {
    const request = requestOf(one, side);
    if (sheets[side]?.of !== request.wanted && onTheirWay[side]?.wanted !== request.wanted) ask(side, request);
  });
};
const refresh = () => {
  const [a, b] = sides.both();
  left.value = a.key;
  right.value = b.key;
  if (!typing) first.value = sides.first;
  columns.choose(String(sides.columns));
  classField.hidden = !a.bundle.classes.length;
  classChoice.replaceChildren(el("option", { value: "" }, T.t("Every class in turn")), ...a.bundle.classes.map((name, c) => el("option", { value: c }, name)));
  classChoice.value = sides.everyClass ? "" : String(T.state.c ?? "");
  show();
  draw();
  if (!T.visible(first)) return;
  figures.show(a, b);
  curves.show(a, b);
};
sides.on(T.debounced(refresh, 60));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(first);
// The address names this tab while it is open, so that a link leads here. The size changes when a tab opens or closes, wherever
// the page was scrolled to.
new ResizeObserver(() => T.noteOpenTab("compare", T.visible(element))).observe(element);
sides.noteInAddress();
refresh();

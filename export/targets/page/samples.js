// Samples: many seeds at once, drawn on this device with the model, class and truncation that the bar says.
const T = window.Twofold;
const { el } = T;

const COUNT = 40;
const COLUMNS = 10; // of a saved sheet
let first = 0;
let everyClass = true; // in turn, as on the sample sheet
let wanted = null; // what is being drawn: { state, first, everyClass }
let drawn = null; // what the tiles show, once all of it is there

const note = el("p", { class: "tf-quiet", "aria-live": "polite" });
const grid = el("div", { class: "tf-samples", role: "group" });
const classes = el("input", { type: "checkbox", checked: true });
classes.addEventListener("change", () => {
  everyClass = classes.checked;
  draw();
});
const classesField = el("label", { class: "tf-check" }, classes, T.t("Every class in turn"));
const button = (text, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, text);
const goTo = (seed) => {
  first = Math.min(Math.max(seed, 0), T.lastSeed - COUNT + 1);
  draw();
};
const saving = button(T.t("Save PNG"), T.t("Download this sheet"), () => save());
saving.disabled = true; // until the tiles are drawn
const before = button(T.t("Previous"), T.t("The {n} seeds before", { n: COUNT }), () => goTo(first - COUNT));

element.replaceChildren(
  el(
    "section",
    { class: "tf-card", "aria-label": T.t("Samples") },
    el("h3", {}, T.t("Samples")),
    note,
    grid,
    el(
      "div",
      { class: "tf-buttons" },
      before,
      button(T.t("Next"), T.t("The {n} seeds after", { n: COUNT }), () => goTo(first + COUNT)),
      button(T.t("Random"), T.t("Seeds from anywhere"), () => goTo(Math.floor(Math.random() * 1e6))),
      saving,
      classesField,
    ),
  ),
);

// The state of the page that shows a seed.
const stateOf = (seed) => ({ ...T.state, ...T.seedPlace(seed), c: everyClass ? T.seedClass(seed) : T.state.c, mix: everyClass ? "" : T.state.mix });
const tiles = Array.from({ length: COUNT }, (_, i) => {
  const picture = T.pictureCanvas();
  const tile = el("button", { type: "button", tabindex: i ? -1 : 0, onclick: () => visit(i) }, picture);
  grid.append(tile);
  return { tile, picture };
});
const visit = (i) => {
  T.set(stateOf(first + i), { undo: true });
  T.showPlay();
};

const fill = T.canvasFiller();
const draw = async () => {
  if (!T.visible(grid)) return;
  const mine = { state: T.state, first, everyClass };
  wanted = mine;
  drawn = null;
  saving.disabled = true; // some of the tiles are of before
  const bundle = T.bundle();
  classesField.hidden = !bundle.classes.length;
  before.disabled = first === 0;
  grid.setAttribute("aria-label", T.t("{n} pictures, seeds {first} to {last}. Arrow keys move.", { n: COUNT, first, last: first + COUNT - 1 }));
  note.textContent = T.t("Seeds {first} to {last}, drawn on this device. Choose one to travel from it.", { first, last: first + COUNT - 1 });
  const jobs = tiles.map(({ tile, picture }, i) => {
    const seed = first + i;
    const state = stateOf(seed);
    const words = state.c === null ? T.t("Seed {seed}", { seed }) : T.t("Seed {seed}, class {name}", { seed, name: bundle.classes[state.c] });
    tile.setAttribute("aria-label", words);
    tile.title = words;
    return { canvas: picture, path: T.picturePath(state), params: T.pictureParams(state) };
  });
  if (!(await fill(jobs)) || wanted !== mine) return;
  drawn = mine;
  saving.disabled = false;
};
const drawSoon = T.debounced(draw, 80);

const columnsShown = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
T.arrowKeys(grid, () => tiles.map(({ tile }) => tile), columnsShown);

const save = () => {
  if (!drawn) return;
  const { state, first: seed, everyClass: inTurn } = drawn;
  const bundle = T.bundle(state.b);
  const { width, height } = bundle;
  const sheet = el("canvas", { width: COLUMNS * width, height: (COUNT / COLUMNS) * height });
  const context = sheet.getContext("2d");
  tiles.forEach(({ picture }, i) => context.drawImage(picture, (i % COLUMNS) * width, Math.floor(i / COLUMNS) * height));
  const { x, y, ...mark } = T.markState(inTurn ? { ...state, c: null } : state, { draw: "sheet", seed, count: COUNT, columns: COLUMNS });
  T.savePicture(sheet, `${state.b}-${state.m}-seeds-${seed}-${seed + COUNT - 1}.png`, mark, bundle);
};

const shownOf = ({ b, m, c, mix, t, attributes, bend }) => JSON.stringify([b, m, t, attributes, bend, ...(everyClass ? [] : [c, mix])]);
T.on((after, earlier) => shownOf(after) !== shownOf(earlier) && drawSoon());
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && drawSoon()).observe(grid);

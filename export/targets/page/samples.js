// Samples: many seeds at once, drawn on this device with the model, class and truncation that the bar says.
const T = window.Twofold;
const { el } = T;

const COUNT = 40;
const COLUMNS = 10; // of a saved sheet
const LAST = 99_999_999; // the last seed that the plane reaches
let first = 0;
let mixed = true; // every class in turn, as on the sample sheet

const note = el("p", { class: "tf-quiet", "aria-live": "polite" });
const grid = el("div", { class: "tf-samples", role: "group" });
const classes = el("input", { type: "checkbox", checked: true });
classes.addEventListener("change", () => {
  mixed = classes.checked;
  draw();
});
const classesField = el("label", { class: "tf-check" }, classes, T.t("Every class in turn"));
const button = (text, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, text);
const turn = (seed) => {
  first = Math.min(Math.max(seed, 0), LAST - COUNT + 1);
  draw();
};
const before = button(T.t("Previous"), T.t("The {n} seeds before", { n: COUNT }), () => turn(first - COUNT));

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
      button(T.t("Next"), T.t("The {n} seeds after", { n: COUNT }), () => turn(first + COUNT)),
      button(T.t("Random"), T.t("Seeds from anywhere"), () => turn(Math.floor(Math.random() * 1e6))),
      button(T.t("Save PNG"), T.t("Download this sheet"), () => save()),
      classesField,
    ),
  ),
);

const classOf = (seed) => {
  const kinds = T.bundle().classes.length;
  return kinds ? (mixed ? seed % kinds : T.state.c) : null;
};
// A seed as a point of the plane: x alone reaches the first million.
const stateOf = (seed) => {
  const y = seed > T.reach ? Math.floor(seed / 100) : 0;
  return { ...T.state, x: seed - 100 * y, y, c: classOf(seed) };
};
const tiles = Array.from({ length: COUNT }, (_, i) => {
  const picture = el("canvas", { class: "tf-picture", width: 32, height: 32 });
  const tile = el("button", { type: "button", tabindex: i ? -1 : 0, onclick: () => visit(i) }, picture);
  grid.append(tile);
  return { tile, picture };
});
const visit = (i) => {
  T.set(stateOf(first + i), { undo: true });
  T.showPlay();
};

const fill = T.canvasFiller();
const draw = () => {
  if (!T.visible(grid)) return;
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
  return fill(jobs);
};
const drawSoon = T.later(draw, 80);

grid.addEventListener("keydown", (event) => {
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  const at = tiles.findIndex(({ tile }) => tile === document.activeElement);
  const next = tiles[at + step]?.tile;
  if (!step || !next) return;
  event.preventDefault();
  event.stopPropagation();
  document.activeElement.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

const save = () => {
  const side = tiles[0].picture.width;
  const sheet = el("canvas", { width: COLUMNS * side, height: (COUNT / COLUMNS) * side });
  const pen = sheet.getContext("2d");
  tiles.forEach(({ picture }, i) => pen.drawImage(picture, (i % COLUMNS) * side, Math.floor(i / COLUMNS) * side));
  T.save(sheet.toDataURL("image/png"), `${T.state.b}-${T.state.m}-seeds-${first}-${first + COUNT - 1}.png`);
};

const drawn = (state) => JSON.stringify([state.b, state.m, state.t, mixed ? null : state.c]);
T.on((after, earlier) => drawn(after) !== drawn(earlier) && drawSoon());
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && drawSoon()).observe(grid);

// Real or generated? Up to twenty pictures, half of each. The server tells the truth about a picture only after the answer.
const T = window.Twofold;
const { el } = T;

const { sides } = T;
const [QUESTIONS, COLUMNS] = [20, 5]; // of a quiz, and of its sheet: as in demo/tabs/compare/quiz.py
const percent = (share) => Math.round(100 * share);
const TRUTHS = { r: () => T.t("real"), g: () => T.t("generated") };

let game = null; // { side, key, pictures, answers, truth, score, busy }

const canvas = T.pictureCanvas("");
const where = el("p", { class: "tf-caption", role: "status" });
const feedback = el("p", { class: "tf-quiz-feedback", role: "status" });
const error = T.errorNote();
const choice = (text, key, letter) =>
  el(
    "button",
    { type: "button", class: "tf-button", "aria-keyshortcuts": key, onclick: () => answer(letter) },
    el("span", {}, text),
    el("kbd", { "aria-hidden": "true" }, key.toUpperCase()),
  );
const choices = [choice(T.t("Real"), "r", "r"), choice(T.t("Generated"), "g", "g")];
const start = el("button", { type: "button", class: "tf-button tf-primary", onclick: () => begin() });
const intro = el("p", { class: "tf-quiet" });
const best = el("p", { class: "tf-quiet" });
const board = el("div", { class: "tf-quiz-play", hidden: true }, el("div", { class: "tf-quiz-picture" }, canvas), el("div", {}, where, el("div", { class: "tf-buttons" }, ...choices), feedback));
const result = el("div", { class: "tf-quiz-result", hidden: true });
element.replaceChildren(
  el(
    "section",
    { class: "tf-card tf-quiz", "aria-label": T.t("Real or generated?") },
    el("h3", {}, T.t("Real or generated?")),
    intro,
    best,
    error,
    board,
    result,
    el("div", { class: "tf-buttons" }, start),
  ),
);

// --- what this browser keeps -----------------------------------------------------------------------
const records = () => {
  const all = T.storage.read("quiz");
  return all && typeof all === "object" && !Array.isArray(all) ? all : {};
};
const opponent = (side) => `${side.key}@${side.bundle.version}`; // a new export is a new opponent
const bestOf = (side) => {
  const record = records()[opponent(side)];
  return Number.isInteger(record?.right) && Number.isInteger(record?.of) ? record : null;
};
const keep = (side, score) => {
  const before = bestOf(side);
  if (before && before.right >= score.right) return;
  T.storage.keep("quiz", { ...records(), [opponent(side)]: { right: score.right, of: score.of } });
};

// --- playing ---------------------------------------------------------------------------------------
const begin = async () => {
  const [side] = sides.both();
  error.show("");
  start.disabled = true;
  const key = Math.floor(Math.random() * 2 ** 32);
  try {
    const { picture } = await T.fetchPicture(T.picturePath({ b: side.b }, "/quiz"), { m: side.m, quiz: key });
    const count = Math.min(QUESTIONS, 2 * side.bundle.examples);
    const pictures = T.cutSheet(picture, COLUMNS, count);
    game = { side, key, pictures, answers: "", truth: "", score: null, busy: false };
    feedback.textContent = "";
    result.hidden = true;
    draw();
    board.scrollIntoView({ block: "nearest" });
    choices[0].focus({ preventScroll: true });
  } catch (failure) {
    error.show(failure.message);
  }
  start.disabled = false;
};
const answer = async (letter) => {
  if (!game || game.busy || game.answers.length >= game.pictures.length) return;
  const mine = game;
  mine.busy = true;
  try {
    const score = await T.getJson(`compare/quiz/${encodeURIComponent(mine.side.b)}`, { quiz: mine.key, answers: mine.answers + letter });
    if (game !== mine) return;
    mine.answers += letter;
    mine.truth = score.truth;
    mine.score = score;
    const truth = TRUTHS[score.truth.at(-1)]();
    feedback.textContent =
      score.truth.at(-1) === letter
        ? T.t("Right: picture {n} was {truth}. {right} of {of} so far.", { n: score.of, truth, right: score.right, of: score.of })
        : T.t("Wrong: picture {n} was {truth}. {right} of {of} so far.", { n: score.of, truth, right: score.right, of: score.of });
    error.show("");
    if (mine.answers.length === mine.pictures.length) finish();
    else draw();
  } catch (failure) {
    error.show(failure.message);
  }
  mine.busy = false;
};
const draw = () => {
  board.hidden = false;
  const n = game.answers.length;
  T.paint(canvas, game.pictures[n]);
  where.textContent = T.t("Picture {n} of {of}", { n: n + 1, of: game.pictures.length });
  canvas.setAttribute("aria-label", T.t("Picture {n}: real or generated?", { n: n + 1 }));
  start.replaceChildren(T.t("Start again"));
  start.classList.remove("tf-primary");
};
document.addEventListener("keydown", (event) => {
  if (!game || board.hidden || !T.visible(board) || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (T.typing(event)) return;
  const letter = { r: "r", g: "g" }[event.key.toLowerCase()];
  if (!letter) return;
  event.preventDefault();
  answer(letter);
});

// --- the end ---------------------------------------------------------------------------------------
const verdict = (score) => {
  if (score.low > 0.5) return T.t("You did better than guessing.");
  if (score.high < 0.5) return T.t("You did worse than guessing: the generated pictures look more real to you.");
  return T.t("That is no better than guessing: the model fooled you, or {n} pictures are too few to tell.", { n: score.of });
};
const finish = () => {
  const { score, side, pictures, answers, truth } = game;
  keep(side, score);
  board.hidden = true;
  const interval = { low: percent(score.low), high: percent(score.high) };
  const text = T.t("Real or generated? I was right about {right} of {of} pictures of {model} (95 % interval {low} to {high} %; guessing gives {half}).", {
    right: score.right,
    of: score.of,
    model: side.title,
    half: score.of / 2,
    ...interval,
  });
  const shared = el("textarea", { class: "tf-share", readonly: true, rows: 3, "aria-label": T.t("Result to share") });
  shared.value = `${text} ${T.link()}`;
  const copy = T.copyButton(T.t("Copy result"), () => shared.value);
  const heading = el("h4", { tabindex: -1 }, T.t("{right} of {of} right", { right: score.right, of: score.of }));
  result.replaceChildren(
    heading,
    el("p", {}, verdict(score)),
    el(
      "p",
      { class: "tf-quiet" },
      T.t("You were right on {share} %; the 95 % interval (Wilson) is {low} to {high} %. Guessing gets {half} right on average, and {from} to {to} in 95 of 100 games; it gets a score like yours or better in {chance} % of games.", {
        share: percent(score.right / score.of),
        half: score.of / 2,
        from: score.guess_low,
        to: score.guess_high,
        chance: Number((100 * score.p_value).toPrecision(2)),
        ...interval,
      }),
    ),
    el(
      "div",
      { class: "tf-quiz-all" },
      ...pictures.map((picture, i) => {
        const right = truth[i] === answers[i];
        const small = T.pictureCanvas(T.t("Picture {n}: real or generated?", { n: i + 1 }), "", side.bundle);
        T.paint(small, picture);
        return el("figure", {}, small, el("figcaption", {}, `${right ? "✓" : "✗"} ${TRUTHS[truth[i]]()}`));
      }),
    ),
    el("p", { class: "tf-quiet" }, T.t("✓ you were right, ✗ you were wrong; the word says what the picture is.")),
    shared,
    el("div", { class: "tf-buttons" }, copy),
  );
  result.hidden = false;
  start.replaceChildren(T.t("Another {n} pictures", { n: score.of }));
  start.classList.add("tf-primary");
  game = null;
  describe();
  heading.focus({ preventScroll: false });
};
const describe = () => {
  const [side] = sides.both();
  const possible = side.bundle.examples > 0;
  intro.textContent = possible
    ? T.t("Half of the pictures are held-out pictures, which no model has seen in training; half are drawn by {model}, of the same classes and without truncation. Press R or G, or use the buttons.", { model: side.title })
    : T.t("{model} has no held-out pictures, so there is no quiz.", { model: side.title });
  const record = bestOf(side);
  best.textContent = record ? T.t("Best result in this browser: {right} of {of}.", record) : "";
  start.hidden = !possible;
};
sides.on(
  T.debounced(() => {
    const [side] = sides.both();
    if (game && game.side.key !== side.key) {
      game = null;
      board.hidden = true;
    }
    if (!game && result.dataset.of !== side.key) {
      result.hidden = true;
      start.replaceChildren(T.t("Start"));
      start.classList.add("tf-primary");
    }
    result.dataset.of = side.key;
    describe();
  }, 60),
);
start.replaceChildren(T.t("Start"));
result.dataset.of = sides.both()[0].key;
describe();

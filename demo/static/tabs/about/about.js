// About: what the bundle is, how good its models are, what they cannot do, and how to make your own.
const T = window.Twofold;
const { el } = T;

const FIRST_FIGURES = 8; // that are shown; the others unfold

const SHOWN_ATTRIBUTES = 8; // longer tables unfold

const { table, code } = T;
const card = (title, ...content) => el("section", { class: "tf-card" }, el("h3", {}, title), ...content);
const term = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
const source = (text) =>
  /^https?:\/\//.test(text) ? el("a", { href: text, rel: "noopener noreferrer", target: "_blank" }, text) : text;
const fold = (title, ...content) => el("details", { class: "tf-more" }, el("summary", {}, title), ...content);

const aboutData = (bundle) => {
  const { dataset } = bundle;
  const counts = { train: T.wholeNumber(dataset.train_images), test: T.wholeNumber(dataset.test_images) };
  return card(
    bundle.title,
    el(
      "dl",
      { class: "tf-facts" },
      term(T.t("Data set"), source(dataset.source)),
      term(T.t("Licence of the data"), dataset.licence),
      term(T.t("Pictures"), dataset.train_images ? T.t("{train} to train, {test} held out", counts) : T.t("unknown")),
      term(T.t("Size"), T.pictureKind(bundle)),
      term(T.t("Classes"), bundle.classes.length ? bundle.classes.join(", ") : T.t("none")),
      term(T.t("Models"), T.modelNames(bundle)),
      term(T.t("Made"), bundle.created),
    ),
  );
};

// What a stage was trained on, in words: train/hardware.py counts its threads.
const hardware = (words) => (words ?? "").replace(/(\d+) thread\(s\)/, (_, n) => T.n(Number(n), "{n} thread", "{n} threads"));
const aboutTraining = (bundle) => {
  if (!bundle.training.length) return null;
  const rows = bundle.training.map((stage) => [T.trainingStage(stage.name), T.duration(stage.seconds), T.wholeNumber(stage.images), hardware(stage.hardware)]);
  const snapshots = Object.keys(bundle.snapshots).length > 0;
  if (!snapshots) learned.show(bundle, T.state.m); // a sentence, which needs no card
  return card(T.t("How it was trained"), table(T.t("Stages of the training"), [T.t("Stage"), T.t("Time"), T.t("Pictures seen"), T.t("Hardware")], rows), snapshots ? null : learned);
};
const learned = T.howItLearned();
const aboutLearning = (bundle) => {
  if (!Object.keys(bundle.snapshots).length) return null;
  learned.show(bundle, T.state.m);
  const whole = card(T.t("How it learned"), learned);
  whole.classList.add("tf-wide");
  return whole;
};

const aboutQuality = ({ quality }) => {
  const title = T.t("How good they are");
  if (!quality) return card(title, el("p", { class: "tf-quiet" }, T.t("This bundle has no measured figures.")));
  const byName = new Map(quality.figures.map((figure) => [figure.name, figure]));
  const names = [...quality.first, ...quality.figures.map((figure) => figure.name).filter((name) => !quality.first.includes(name))];
  const figures = names.map((name) => byName.get(name));
  const row = (figure) => [
    el("span", {}, T.translate(figure.label), el("span", { class: "tf-quiet" }, T.betterText(figure.better))),
    el("span", { class: "tf-figure-value" }, T.figureText(figure), el("span", { class: "tf-quiet" }, T.floorText(figure)), T.figureBar(figure)),
  ];
  const head = [T.t("Figure"), T.t("Value and floor")];
  const rest = figures.slice(FIRST_FIGURES);
  return card(
    title,
    el("p", { class: "tf-quiet" }, T.t("The floor is what real held-out pictures reach in the same measurement, unless stated otherwise; after a stroke, what other training pictures reach. No model can be expected to do better.")),
    el("p", { class: "tf-quiet" }, T.t("A full bar has reached its floor.")),
    table(T.t("Measured on {n} pictures", { n: T.wholeNumber(quality.samples) }), head, figures.slice(0, FIRST_FIGURES).map(row)),
    rest.length ? fold(T.n(rest.length, "{n} more figure", "{n} more figures"), table(T.t("More figures"), head, rest.map(row))) : null,
    fold(
      T.t("How they were measured"),
      ...quality.notes.map((note) => el("p", { class: "tf-quiet" }, T.translate(note))),
      el("p", { class: "tf-quiet" }, T.t("The command that measures it:")),
      code(quality.command),
    ),
  );
};

const aboutAttributes = (bundle) => {
  const effects = T.attributeTable(bundle, bundle.models);
  if (!effects) return null;
  const count = bundle.attributes.length;
  const shown = count > SHOWN_ATTRIBUTES ? fold(T.n(count, "{n} attribute", "{n} attributes"), effects) : effects;
  return card(T.t("Attributes"), el("p", { class: "tf-quiet" }, T.attributeWords()), shown);
};

const aboutLimits = () =>
  card(
    T.t("What to keep in mind"),
    el(
      "ul",
      {},
      el("li", {}, T.t("The models know only the data set above. Whatever you draw or upload is pulled towards it.")),
      el("li", {}, T.t("The VAE averages what it is unsure of, so its pictures are softer. The GAN is sharper, but it may leave out rare variants.")),
      el("li", {}, T.t("A repair is a plausible guess, never a recovery of what was there.")),
      el("li", {}, T.t("What you draw or upload to Rebuild is used for your answer and is not stored. Favourites stay in your browser.")),
      T.facts.make ? el("li", {}, T.t("What you bring to Make is kept there until you delete its project.")) : null,
    ),
  );

// For the owner of a server without onnxruntime-web; `command`: what that gets it.
const missingRuntime = (command) =>
  command ? [el("p", { class: "tf-quiet" }, T.t("Visitors cannot draw on their own device yet. To allow it, run this command on the server and start it again; export a Space again.")), code(command)] : [];

const aboutProcessor = (bundle) =>
  card(
    T.t("Where it runs"),
    el(
      "dl",
      { class: "tf-facts" },
      term(T.t("Processor in use"), T.translate(bundle.processor)),
      term(T.t("onnxruntime provider"), bundle.provider),
      term(T.t("Why"), T.translate(bundle.reason)),
      T.facts.device.runtime ? term(T.t("On your own device"), T.t("{runtime}; switch it on in Play", { runtime: T.facts.device.runtime })) : null,
    ),
    ...missingRuntime(T.facts.device.install),
    ...T.unavailableBundles(),
  );

// --- a generator from elsewhere --------------------------------------------------------------------
const modelFile = el("input", { type: "file", accept: ".onnx", "aria-label": T.t("ONNX file of a generator") });
const progress = el("p", { class: "tf-quiet", role: "status" });
modelFile.addEventListener("change", async () => {
  const file = modelFile.files[0];
  if (!file) return;
  modelFile.disabled = true;
  progress.textContent = T.t("Checking {file} …", { file: file.name });
  try {
    await T.reading(file.slice(0, 1).arrayBuffer()); // or the server would be blamed
    const address = T.url("uploads", { title: file.name.replace(/\.onnx$/i, "") });
    const answer = await T.ask(address, { method: "POST", body: file, headers: { "X-Twofold": "upload" } });
    const bundle = await answer.json();
    progress.textContent = T.t("{title} is ready: choose it under Pictures.", { title: bundle.title });
    T.addBundle(bundle);
    T.set({ b: bundle.name, x: 0, y: 0 }, { undo: true });
  } catch (failure) {
    progress.textContent = T.translate(failure.message);
  }
  modelFile.value = "";
  modelFile.disabled = false;
});
const uploadCard = card(
  T.t("Bring a generator"),
  el("p", { class: "tf-quiet" }, T.t("A generator from anywhere as one .onnx file; PyTorch writes one with external_data=False. What it takes and gives is found by trying. Everyone on this page can use it until the server stops.")),
  modelFile,
  progress,
);
const verifyCard = T.verifyCard(T.t("The file is checked by this server and not kept."));
const recipeCard = card(T.t("Make your own"), el("p", { class: "tf-quiet" }, T.t("Train on a folder of pictures, export, and open the result here:")), code(T.facts.recipe));

const draw = () => {
  const bundle = T.bundle();
  const column = (...cards) => el("div", { class: "tf-column" }, ...cards);
  element.replaceChildren(
    el(
      "div",
      { class: "tf-about" },
      aboutLearning(bundle),
      column(aboutData(bundle), aboutAttributes(bundle), aboutTraining(bundle), aboutLimits(), aboutProcessor(bundle)),
      column(aboutQuality(bundle), verifyCard, recipeCard, T.facts.uploads ? uploadCard : null),
    ),
  );
};
T.on((after, before) => {
  if (after.b !== before.b) draw();
  else if (after.m !== before.m) learned.show(T.bundle(), after.m);
});
draw();

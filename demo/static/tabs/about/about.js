// About: what the bundle is, how good its models are, what they cannot do, and how to make your own.
const T = window.Twofold;
const { el } = T;

const { table, code } = T;
const term = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
const figureText = (value, unit) => `${Number(value.toPrecision(4))}${unit ? ` ${unit}` : ""}`;
const floorText = (f) =>
  f.floor === null ? T.t("none") : figureText(f.floor, f.unit) + (f.training_floor === null ? "" : ` / ${figureText(f.training_floor, f.unit)}`) + (f.floor_is === "held-out pictures" ? "" : ` (${T.translate(f.floor_is)})`);
const minutes = (seconds) => (seconds < 90 ? T.t("{n} s", { n: Math.round(seconds) }) : T.t("{n} min", { n: Math.round(seconds / 60) }));
const source = (text) =>
  /^https?:\/\//.test(text) ? el("a", { href: text, rel: "noopener noreferrer", target: "_blank" }, text) : text;

const better = { floor: T.t("near the floor"), higher: T.t("higher"), lower: T.t("lower") };

const quality = (bundle) => {
  const card = el("section", { class: "tf-card" }, el("h3", {}, T.t("How good they are")));
  const { quality: q } = bundle;
  if (!q) {
    card.append(el("p", { class: "tf-quiet" }, T.t("This bundle has no measured figures.")));
    return card;
  }
  const byName = new Map(q.figures.map((f) => [f.name, f]));
  const rows = (figures) => figures.map((f) => [T.counted(T.translate(f.label), f.count), figureText(f.value, f.unit), floorText(f), better[f.better]]);
  const others = q.figures.filter((f) => !q.first.includes(f.name));
  const head = [T.t("Figure"), T.t("Value"), T.t("Floor"), T.t("Better")];
  card.append(
    el("p", { class: "tf-quiet" }, T.t("The floor is what real held-out pictures reach in the same measurement, unless stated otherwise; after a stroke, what other training pictures reach. No model can be expected to do better.")),
    table(T.t("Measured on {n} pictures", { n: T.wholeNumber(q.samples) }), head, rows(q.first.map((name) => byName.get(name)))),
  );
  if (others.length) {
    card.append(el("details", { class: "tf-more" }, el("summary", {}, T.n(others.length, "{n} more figure", "{n} more figures")), table(T.t("More figures"), head, rows(others))));
  }
  card.append(
    ...q.notes.map((note) => el("p", { class: "tf-quiet" }, T.translate(note))),
    el("p", { class: "tf-quiet" }, T.t("The command that measures it:")),
    code(q.command),
  );
  return card;
};

const draw = () => {
  const bundle = T.bundle();
  const training = bundle.training.map((stage) => [T.translate(stage.name), minutes(stage.seconds), T.wholeNumber(stage.images), stage.hardware]);
  element.replaceChildren(
    el(
      "div",
      { class: "tf-about" },
      el(
        "div",
        { class: "tf-column" },
        el(
          "section",
          { class: "tf-card" },
          el("h3", {}, bundle.title),
          el(
            "dl",
            { class: "tf-facts" },
            term(T.t("Data set"), source(bundle.dataset.source)),
            term(T.t("Licence of the data"), bundle.dataset.licence),
            term(T.t("Pictures"), bundle.dataset.train_images ? T.t("{train} to train, {test} held out", { train: T.wholeNumber(bundle.dataset.train_images), test: T.wholeNumber(bundle.dataset.test_images) }) : T.t("unknown")),
            term(T.t("Size"), `${bundle.size} × ${bundle.size}, ${bundle.channels === 1 ? T.t("grey") : T.t("colour")}`),
            term(T.t("Classes"), bundle.classes.length ? bundle.classes.join(", ") : T.t("none")),
            term(T.t("Models"), T.models(bundle)),
            term(T.t("Made"), bundle.created),
          ),
        ),
        training.length
          ? el("section", { class: "tf-card" }, el("h3", {}, T.t("How it was trained")), table(T.t("Stages of the training"), [T.t("Stage"), T.t("Time"), T.t("Pictures seen"), T.t("Hardware")], training))
          : null,
        el(
          "section",
          { class: "tf-card" },
          el("h3", {}, T.t("What to keep in mind")),
          el(
            "ul",
            {},
            el("li", {}, T.t("The models know only the data set above. Whatever you draw or upload is pulled towards it.")),
            el("li", {}, T.t("The VAE averages what it is unsure of, so its pictures are softer. The GAN is sharper, but it may leave out rare variants.")),
            el("li", {}, T.t("A repair is a plausible guess, never a recovery of what was there.")),
            el("li", {}, T.t("What you draw or upload is used for your answer and is not stored. Favourites stay in your browser.")),
          ),
        ),
        el(
          "section",
          { class: "tf-card" },
          el("h3", {}, T.t("Where it runs")),
          el("dl", { class: "tf-facts" }, term(T.t("Processor in use"), T.translate(bundle.processor)), term(T.t("onnxruntime provider"), bundle.provider), term(T.t("Why"), T.translate(bundle.reason))),
          ...T.facts.unavailable.map((one) => el("p", { class: "tf-trouble" }, T.t("{name} is unavailable: {reason}", { name: one.name, reason: T.translate(one.reason) }))),
        ),
      ),
      quality(bundle),
      el(
        "section",
        { class: "tf-card tf-wide" },
        el("h3", {}, T.t("Make your own")),
        el("p", { class: "tf-quiet" }, T.t("Train on a folder of pictures, export, and open the result here:")),
        code(T.facts.recipe),
      ),
      T.facts.uploads ? guests : null,
    ),
  );
};
const bring = el("input", { type: "file", accept: ".onnx", "aria-label": T.t("ONNX file of a generator") });
const said = el("p", { class: "tf-quiet", role: "status" });
bring.addEventListener("change", async () => {
  const file = bring.files[0];
  if (!file) return;
  bring.disabled = true;
  said.textContent = T.t("Checking {file} …", { file: file.name });
  try {
    const address = T.url("uploads", { title: file.name.replace(/\.onnx$/i, "") });
    const answer = await fetch(address, { method: "POST", body: file, headers: { "X-Twofold": "upload" } });
    if (!answer.ok) throw new Error(await answer.text());
    const bundle = await answer.json();
    said.textContent = T.t("{title} is ready: choose it under Pictures.", { title: bundle.title });
    T.add(bundle);
    T.set({ b: bundle.name, x: 0, y: 0 }, { undo: true });
  } catch (error) {
    said.textContent = T.translate(error.message);
  }
  bring.value = "";
  bring.disabled = false;
});
const guests = el(
  "section",
  { class: "tf-card tf-wide" },
  el("h3", {}, T.t("Bring a generator")),
  el("p", { class: "tf-quiet" }, T.t("An .onnx file from anywhere, with one input z and pictures from 0 to 1 or -1 to 1 as output. Everyone on this page can use it until the server stops.")),
  bring,
  said,
);
T.on((after, before) => after.b !== before.b && draw());
draw();

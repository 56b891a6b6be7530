// About: what the pictures are, how good they are, what it cannot do, and how to make a bundle.
const T = window.Twofold;
const { el } = T;
T.init(props.facts);

const { table, code, count: whole } = T;
const term = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, ...value));
const figureText = (value, unit) => `${Number(value.toPrecision(4))}${unit ? ` ${unit}` : ""}`;
const floorText = (f) =>
  f.floor === null ? "none" : figureText(f.floor, f.unit) + (f.floor_is === "held-out pictures" ? "" : ` (${f.floor_is})`);
const minutes = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`);
const source = (text) =>
  /^https?:\/\//.test(text) ? el("a", { href: text, rel: "noopener noreferrer", target: "_blank" }, text) : text;

const quality = (bundle) => {
  const card = el("section", { class: "tf-card" }, el("h3", {}, "How good they are"));
  const { quality: q } = bundle;
  if (!q) {
    card.append(el("p", { class: "tf-quiet" }, "This bundle carries no measured figures."));
    return card;
  }
  const byName = new Map(q.figures.map((f) => [f.name, f]));
  const rows = (figures) => figures.map((f) => [f.label, figureText(f.value, f.unit), floorText(f), f.better === "floor" ? "near the floor" : f.better]);
  const others = q.figures.filter((f) => !q.first.includes(f.name));
  const head = ["Figure", "Value", "Floor", "Better"];
  card.append(
    el("p", { class: "tf-quiet" }, "The floor is what real held-out pictures reach in the same measurement, unless another is named: no model can be expected to do better."),
    table(`Measured on ${whole(q.samples)} pictures`, head, rows(q.first.map((name) => byName.get(name)))),
  );
  if (others.length) {
    card.append(el("details", { class: "tf-more" }, el("summary", {}, `${others.length} more figures`), table("More figures", head, rows(others))));
  }
  card.append(
    ...q.notes.map((note) => el("p", { class: "tf-quiet" }, note)),
    el("p", { class: "tf-quiet" }, "The command that measures it:"),
    code(q.command),
  );
  return card;
};

const draw = () => {
  const bundle = T.bundle();
  const training = bundle.training.map((stage) => [stage.name, minutes(stage.seconds), whole(stage.images), stage.hardware]);
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
            term("Data set", source(bundle.dataset.source)),
            term("Licence of the data", bundle.dataset.licence),
            term("Pictures", bundle.dataset.train_images ? `${whole(bundle.dataset.train_images)} to train, ${whole(bundle.dataset.test_images)} held out` : "unknown"),
            term("Size", `${bundle.size} × ${bundle.size}, ${bundle.channels === 1 ? "grey" : "colour"}`),
            term("Classes", bundle.classes.length ? bundle.classes.join(", ") : "none"),
            term("Models", bundle.models.map((m) => m.toUpperCase()).join(" and ")),
            term("Made", bundle.created),
          ),
        ),
        training.length
          ? el("section", { class: "tf-card" }, el("h3", {}, "How it was trained"), table("Stages of the training", ["Stage", "Time", "Pictures seen", "On"], training))
          : null,
        el(
          "section",
          { class: "tf-card" },
          el("h3", {}, "What to keep in mind"),
          el(
            "ul",
            {},
            el("li", {}, "The models know only the data set above. Whatever you draw or upload is bent towards it."),
            el("li", {}, "The VAE averages what it is unsure of, so its pictures are softer. The GAN is sharper, but it may leave out rare variants."),
            el("li", {}, "A repair is a plausible guess, never a recovery of what was there."),
            el("li", {}, "What you draw or upload is used for your answer and is not stored. Favourites stay in your browser."),
          ),
        ),
        el(
          "section",
          { class: "tf-card" },
          el("h3", {}, "Where it runs"),
          el("dl", { class: "tf-facts" }, term("Processor in use", bundle.processor), term("onnxruntime provider", bundle.provider), term("Why", bundle.reason)),
          ...T.facts.unavailable.map((one) => el("p", { class: "tf-trouble" }, `${one.name} is unavailable: ${one.reason}`)),
        ),
      ),
      quality(bundle),
      el(
        "section",
        { class: "tf-card tf-wide" },
        el("h3", {}, "Make your own"),
        el("p", { class: "tf-quiet" }, "Train on a folder of pictures, export, and open the result here:"),
        code(T.facts.recipe),
      ),
      T.facts.uploads ? guests : null,
    ),
  );
};
const bring = el("input", { type: "file", accept: ".onnx", "aria-label": "ONNX file of a generator" });
const said = el("p", { class: "tf-quiet", role: "status" });
bring.addEventListener("change", async () => {
  const file = bring.files[0];
  if (!file) return;
  bring.disabled = true;
  said.textContent = `Looking at ${file.name} …`;
  try {
    const address = T.url("uploads", { title: file.name.replace(/\.onnx$/i, "") });
    const answer = await fetch(address, { method: "POST", body: file, headers: { "X-Twofold": "upload" } });
    if (!answer.ok) throw new Error(await answer.text());
    const bundle = await answer.json();
    said.textContent = `${bundle.title} is here, under Pictures.`;
    T.add(bundle);
    T.set({ b: bundle.name, x: 0, y: 0 }, { undo: true });
  } catch (error) {
    said.textContent = error.message;
  }
  bring.value = "";
  bring.disabled = false;
});
const guests = el(
  "section",
  { class: "tf-card tf-wide" },
  el("h3", {}, "Bring a generator"),
  el("p", { class: "tf-quiet" }, "An .onnx file from anywhere with one input z and pictures from 0 to 1 or -1 to 1 as output. Everybody on this page can see it until the server ends."),
  bring,
  said,
);
T.on((after, before) => after.b !== before.b && draw());
draw();

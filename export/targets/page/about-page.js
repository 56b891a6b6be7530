// About this page: what the pictures are, whose, and where they are computed.
const T = window.Twofold;
const { el } = T;
T.init(props.facts);

const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const term = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
const graphNames = (bundle) => Object.entries(bundle.graphs).map(([name, file]) => `${name} (${size(file.bytes)})`);
const kind = (bundle) => `${bundle.size} x ${bundle.size} ${bundle.channels === 1 ? "grey" : "colour"}`;

const card = el("section", { class: "tf-card", "aria-label": "The pictures" });
const refresh = () => {
  const bundle = T.bundle();
  const { dataset } = bundle;
  card.replaceChildren(
    el("h3", {}, bundle.title),
    el(
      "dl",
      { class: "tf-facts" },
      term("Pictures", kind(bundle)),
      term("Learned from", `${dataset.train_images.toLocaleString("en")} pictures: ${dataset.source}`),
      term("Their licence", dataset.licence),
      bundle.classes.length ? term("Classes", bundle.classes.join(", ")) : null,
      term("Models", bundle.models.map((name) => name.toUpperCase()).join(" and ")),
      term("Files", graphNames(bundle).join(", ")),
      term("Exported", bundle.created),
    ),
  );
};
element.replaceChildren(
  el(
    "div",
    { class: "tf-about" },
    card,
    el(
      "section",
      { class: "tf-card", "aria-label": "This page" },
      el("h3", {}, "This page"),
      el("p", {}, "Every picture is computed on this device by onnxruntime-web, from a seed. Nothing is sent anywhere, and once the models are loaded the page needs no network."),
      el("p", {}, "The same seed, class and truncation give the picture that the server of the studio draws, to within one grey level."),
      el("p", {}, "Pictures are generated: they show nobody and nothing that exists, though they may resemble what the models learned from."),
      el("p", { class: "tf-quiet" }, `Twofold, Apache License 2.0; ${T.facts.runtime}, MIT License. `, el("a", { href: "LICENSES.txt" }, "The licences")),
    ),
  ),
);
T.on((after, before) => after.b !== before.b && refresh());
refresh();

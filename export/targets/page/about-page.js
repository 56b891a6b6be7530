// About this page: what the pictures are, whose, and where they are computed.
const T = window.Twofold;
const { el } = T;

const term = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
const graphNames = (bundle) => Object.entries(bundle.graphs).map(([name, file]) => `${name} (${T.bytes(file.bytes)})`);

const card = el("section", { class: "tf-card", "aria-label": T.t("The pictures") });
const learned = T.howItLearned();
const learning = el("section", { class: "tf-card tf-wide", "aria-label": T.t("How it learned") }, el("h3", {}, T.t("How it learned")));
const refresh = () => {
  const bundle = T.bundle();
  const { dataset } = bundle;
  card.replaceChildren(
    el("h3", {}, bundle.title),
    el(
      "dl",
      { class: "tf-facts" },
      term(T.t("Pictures"), T.pictureKind(bundle)),
      term(T.t("Learned from"), dataset.train_images ? T.t("{n} pictures: {source}", { n: T.wholeNumber(dataset.train_images), source: dataset.source }) : dataset.source),
      term(T.t("Their licence"), dataset.licence),
      bundle.classes.length ? term(T.t("Classes"), bundle.classes.join(", ")) : null,
      term(T.t("Models"), T.modelNames(bundle)),
      term(T.t("Files"), graphNames(bundle).join(", ")),
      term(T.t("Exported"), bundle.created),
    ),
  );
  learned.show(bundle, T.state.m);
  // Without snapshots it is a sentence, which needs no card of its own.
  learning.hidden = !Object.keys(bundle.snapshots).length;
  (learning.hidden ? card : learning).append(learned);
};
const kept = el("p", { role: "status" });
const sayKept = () => {
  kept.textContent = T.keptOffline
    ? T.t("This browser keeps the whole page: it opens without a network from now on, and can be installed as an app.")
    : T.t("After a visit with a network the browser keeps the whole page, unless it is told to save data.");
};
document.addEventListener("twofold-kept", sayKept);
sayKept();
const page = el(
  "section",
  { class: "tf-card", "aria-label": T.t("This page") },
  el("h3", {}, T.t("This page")),
  el("p", {}, T.t("Every picture is computed on this device by onnxruntime-web, from a seed. Nothing is sent anywhere, and once the models are loaded the page needs no network.")),
  kept,
  el("p", {}, T.t("The same seed, class and truncation give the same picture as the studio's server, to within one grey level.")),
  el("p", {}, T.t("Pictures are generated: they show nobody and nothing that exists, though they may resemble what the models learned from.")),
  el("p", { class: "tf-quiet" }, T.t("Twofold, Apache License 2.0; {runtime}, MIT License. ", { runtime: T.facts.runtime }), el("a", { href: "LICENSES.txt" }, T.t("The licences"))),
);
const column = el("div", { class: "tf-about-column" }, T.verifyCard(T.t("The file stays on this device.")), page);
element.replaceChildren(el("div", { class: "tf-about" }, learning, card, column));
T.on((after, before) => (after.b !== before.b || after.m !== before.m) && refresh());
refresh();

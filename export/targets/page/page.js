// The page without a server: the demo's own widgets over pictures that worker.js computes on this device.
import { localPictures } from "./local.js";
import { keepOffline } from "./offline.js";
import { exportStrip } from "./strip.js";
import { verifyHere } from "./verify_here.js";

const T = window.Twofold;
const { el } = T;

const start = document.getElementById("tf-start");
// Says which file has not arrived, in the place of the page.
const giveUp = (file) => {
  start.textContent = T.t("{file} could not be loaded. Check the connection and reload the page.", { file });
  throw new Error(start.textContent);
};
const answer = await fetch("facts.json").catch(() => null);
if (!answer?.ok) giveUp("facts.json");
const facts = await answer.json();
// A sample sheet is drawn again whenever its bundle is chosen: kept here, it needs the network once only.
const keepSheet = async (bundle) => {
  if (!bundle || bundle.sheet.url.startsWith("blob:")) return;
  const sheet = await fetch(bundle.sheet.url).catch(() => null);
  if (sheet?.ok) bundle.sheet.url = URL.createObjectURL(await sheet.blob());
};
T.init(facts);
await keepSheet(T.bundle());
T.on((after, before) => after.b !== before.b && keepSheet(T.bundle()));
const page = document.getElementById("tf-page");

// --- loading -------------------------------------------------------------------------------------
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Loading the models") });
const words = el("span", { class: "tf-quiet", role: "status" }, T.t("Loading the models"));
const loading = el("div", { class: "tf-progress", id: "tf-loading", hidden: true }, bar, words);
const onProgress = (loaded, total) => {
  loading.hidden = !total;
  bar.value = total ? Math.min(1, loaded / total) : 0;
  words.textContent =
    loaded < total ? T.t("Loading the models, once: {loaded} of {total} MB", { loaded: megabytes(loaded), total: megabytes(total) }) : T.t("Starting the models");
};
const announce = () => document.dispatchEvent(new Event("twofold-device"));
const pictures = localPictures(T.bundle, facts.builds, onProgress, announce, T.storage);
T.pictureSource = pictures;
T.exportMorph = exportStrip;
T.verifyFile = verifyHere;
T.processor = (bundle) => T.deviceName(pictures.status(bundle.name));
T.processorReason = (bundle) => `${T.translate(bundle.reason)} ${T.deviceWords(pictures.status(bundle.name))}`;
T.scriptAddress = (name) => name;
T.deviceSwitch = () => el("div", { class: "tf-device" }, T.deviceSpeed(() => pictures)); // always on

// --- widgets -------------------------------------------------------------------------------------
// A widget of the demo: its element, and `build`, which fills it.
const widget = async (name) => {
  const element = el("div", { class: "tf-widget", id: `tf-${name}` });
  const { default: script } = await import(`./${name}.js`).catch(() => giveUp(`${name}.js`));
  return { element, build: () => script(element) };
};
const topBar = await widget("bar");
// The name of a tab of the demo. Their translations stand apart, as in the demo: on a button, "Play" is another word.
const tabName = (name) => facts.tabs[T.language]?.[name] ?? name;
const tabs = [
  [tabName("Play"), [await widget("play")]],
  [T.t("Samples"), [await widget("samples")]],
  ...(facts.gallery?.length ? [[T.t("Gallery"), [await widget("gallery")]]] : []),
  [tabName("Morph"), [await widget("morph")]],
  [tabName("About"), [await widget("about-page")]],
];

// --- tabs ----------------------------------------------------------------------------------------
const heads = tabs.map(([name], i) =>
  el("button", { type: "button", role: "tab", id: `tf-tab-${i}`, "data-tab-id": tabs[i][1][0].element.id.replace("tf-", ""), "aria-controls": `tf-panel-${i}`, onclick: () => choose(i) }, name),
);
const panels = tabs.map(([, widgets], i) =>
  el("div", { class: "tabitem", role: "tabpanel", id: `tf-panel-${i}`, "aria-labelledby": `tf-tab-${i}`, hidden: i > 0 }, ...widgets.map((w) => w.element)),
);
const choose = (chosen) => {
  heads.forEach((head, i) => {
    head.classList.toggle("selected", i === chosen);
    head.setAttribute("aria-selected", String(i === chosen));
    head.tabIndex = i === chosen ? 0 : -1;
    panels[i].hidden = i !== chosen;
  });
};
const list = el("div", { class: "tab-container", role: "tablist", "aria-label": T.t("What to do") }, ...heads);
list.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const next = (heads.indexOf(document.activeElement) + step + heads.length) % heads.length;
  event.preventDefault();
  choose(next);
  heads[next].focus();
});
T.showPlay = () => {
  choose(0);
  panels[0].querySelector(".tf-travel").focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: T.reducedMotion.matches ? "auto" : "smooth" });
};

start.remove();
page.append(topBar.element, loading, el("div", { id: "tf-tabs" }, el("div", { class: "tab-wrapper" }, list), ...panels));
choose(0);
for (const one of [topBar, ...tabs.flatMap(([, widgets]) => widgets)]) one.build();
keepOffline();

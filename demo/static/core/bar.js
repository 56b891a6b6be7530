// The bar above the tabs: bundle, model, class, truncation, processor, speed, link and language.
const T = window.Twofold;
const { el } = T;

const root = el("header", { class: "tf-bar" });
element.replaceChildren(root);
const brand = el("div", { class: "tf-brand" }, el("strong", {}, "Twofold"), el("span", {}, T.t("a GAN and a VAE, side by side")));
const other = T.language === "en" ? "zh-CN" : "en";
const language = el("button", { type: "button", class: "tf-button tf-language", lang: other, onclick: () => T.switchLanguage(other) }, T.languages[other]);

// Gradio follows the browser's language and cannot be told another, so its tabs and its footer are renamed whenever it has
// drawn them.
const tables = T.facts.page ?? {};
const translated = (english) => tables[T.language]?.[english] ?? english;
const englishOf = (text) => Object.values(tables).flatMap(Object.entries).find((pair) => pair.includes(text))?.[0];
const relabel = (selector, words) => {
  for (const button of document.querySelectorAll(selector)) {
    const node = [...button.childNodes].find((child) => child.nodeType === Node.TEXT_NODE && child.nodeValue.trim());
    const next = node && words(node.nodeValue.trim());
    if (next && next !== node.nodeValue.trim()) node.nodeValue = `${next} `;
    for (const image of node ? button.querySelectorAll("img[alt]") : []) image.alt = ""; // it repeats the words beside it
  }
};
let tab = null; // the place of the tab to return to, after the language was changed
try {
  tab = sessionStorage.getItem("twofold.tab");
  sessionStorage.removeItem("twofold.tab");
} catch {
  // no storage, no tab to return to
}
const followGradio = T.oncePerFrame(() => {
  if (T.facts.page) {
    relabel("#tf-tabs .tab-wrapper button", (text) => englishOf(text) && translated(englishOf(text)));
    relabel("footer .show-api", () => translated("Use via API"));
    relabel("footer .settings", () => translated("Settings"));
  }
  const chosen = tab === null ? null : T.tabs()[Number(tab)];
  if (!chosen) return;
  tab = null;
  chosen.click();
  language.focus({ preventScroll: true });
});
new MutationObserver(followGradio).observe(document.body, { childList: true, characterData: true, subtree: true });
followGradio();

if (!T.facts.bundles.length) {
  root.append(el("div", { class: "tf-bar-row" }, brand, language));
} else {
  const picker = el("select", { "aria-label": T.t("Pictures (bundle)") });
  const offer = (bundle, isGone) => T.offerBundle(picker, bundle, isGone);
  T.facts.bundles.forEach((bundle) => offer(bundle));
  T.bundleListeners.push(offer);
  for (const bundle of T.facts.unavailable) {
    picker.append(el("option", { disabled: true, value: "" }, T.t("{name} (unavailable)", { name: bundle.name })));
  }
  picker.addEventListener("change", () => T.set({ b: picker.value, x: 0, y: 0 }, { undo: true }));

  const models = T.segmented(
    "tf-model",
    T.t("Model"),
    [
      ["gan", "GAN", T.t("Generative adversarial network")],
      ["vae", "VAE", T.t("Variational autoencoder")],
    ],
    T.state.m,
    (m) => T.set({ m }, { undo: true }),
  );
  const chips = el("div", { class: "tf-chips", role: "radiogroup", "aria-label": T.t("Class") });
  const classField = el("div", { class: "tf-field tf-classes" }, el("span", { class: "tf-label" }, T.t("Class")), chips);
  let sliding = false; // one undo for a whole movement of the slider
  const truncation = T.slider(
    T.t("Truncation"),
    { min: 0, max: 1.5, step: 0.05, value: T.state.t, format: (v) => Number(v).toFixed(2) },
    (t) => {
      T.set({ t }, { undo: !sliding });
      sliding = true;
    },
  );
  truncation.input.addEventListener("change", () => (sliding = false));
  truncation.classList.add("tf-truncation");
  // One parameter of both models, which call it differently.
  T.parameters.addSlider("truncation", truncation, { label: `${T.t("Truncation")} / ${T.t("Temperature")}`, get: () => T.state.t, set: (t) => T.set({ t }), usual: [0.3, 1.2] });

  const clock = el("span", { class: "tf-clock" });
  const processor = el("span", { class: "tf-processor" });
  const reason = el("p", {});
  const status = el("details", { class: "tf-status" }, el("summary", {}, processor, clock), reason);
  const copy = el("button", { type: "button", class: "tf-button", onclick: () => copyLink() }, T.t("Copy link"));
  const message = T.errorNote();
  T.barMore = el("div", { class: "tf-bar-more" }); // what Make has to say of a bundle

  root.append(
    el("div", { class: "tf-bar-row" }, brand, el("div", { class: "tf-bar-end" }, status, copy, language)),
    el(
      "div",
      { class: "tf-bar-row tf-bar-controls" },
      el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Pictures")), picker),
      el("div", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Model")), models),
      classField,
      truncation,
    ),
    T.barMore,
    message,
  );

  const drawChips = (bundle) => {
    chips.replaceChildren();
    classField.hidden = !bundle.classes.length;
    if (bundle.classes.length > 16) {
      const select = el("select", { "aria-label": T.t("Class") });
      select.append(el("option", { value: "", disabled: true, hidden: true }, T.t("a mix")));
      bundle.classes.forEach((name, c) => select.append(el("option", { value: c }, name)));
      select.addEventListener("change", () => T.set({ c: Number(select.value) }, { undo: true }));
      chips.append(select);
      return;
    }
    bundle.classes.forEach((name, c) => {
      const input = el("input", { type: "radio", name: "tf-class", value: c });
      input.addEventListener("change", () => T.set({ c }, { undo: true }));
      chips.append(el("label", {}, input, el("span", {}, name)));
    });
  };
  const markChips = () => {
    for (const input of chips.querySelectorAll("input")) input.closest("label").dataset.parameter = T.classParameter(Number(input.value));
  };
  let drawn = null; // the version of the bundle whose classes are shown
  const refresh = (state) => {
    const bundle = T.bundle();
    if (drawn !== T.versionOf(bundle)) {
      drawChips(bundle);
      markChips();
      T.parameters.replace("class.", T.classParameters());
      document.documentElement.style.setProperty("--tf-aspect", bundle.width / bundle.height); // for the styles
    }
    drawn = T.versionOf(bundle);
    picker.value = state.b;
    models.choose(state.m);
    for (const input of models.querySelectorAll("input")) input.disabled = !bundle.models.includes(input.value);
    const single = state.mix ? "" : state.c; // of a mix none is chosen, so that each of its classes can be
    for (const input of chips.querySelectorAll("input")) input.checked = Number(input.value) === single;
    const select = chips.querySelector("select");
    if (select) select.value = single;
    truncation.put(state.t);
    truncation.rename(state.m === "vae" ? T.t("Temperature") : T.t("Truncation"));
    truncation.title =
      state.m === "vae"
        ? T.t("How far the code may be from the centre of its cluster: 0 = the most typical picture, 1 = as varied as the data.")
        : T.t("How far the picture may be from the average: 0 = the average picture, 1 = full variety, above 1 = exaggerated.");
    processor.textContent = T.processor?.(bundle) ?? T.translate(bundle.processor);
    reason.textContent = T.processorReason?.(bundle) ?? T.translate(bundle.reason);
    status.title = reason.textContent;
  };
  T.on((after, before) => ["b", "m", "c", "mix", "t"].some((key) => after[key] !== before[key]) && refresh(after));
  refresh(T.state);
  document.addEventListener("twofold-device", () => refresh(T.state));

  // Four times a second at most: faster, nobody could read it.
  let shownAt = 0;
  let newest;
  const showLatency = (modelMs, roundMs) => {
    shownAt = performance.now();
    const parts = modelMs === null ? [] : [T.t("{ms} ms model", { ms: modelMs.toFixed(1) })];
    clock.textContent = ` · ${[...parts, T.t("{ms} ms total", { ms: Math.round(roundMs) })].join(" · ")}`;
  };
  T.latencyListeners.push((modelMs, roundMs) => {
    clearTimeout(newest);
    if (performance.now() - shownAt > 250) showLatency(modelMs, roundMs);
    else newest = setTimeout(showLatency, 250, modelMs, roundMs);
  });
  T.messageListeners.push((sentence) => message.show(sentence));

  const copyLink = async () => {
    const link = T.link();
    history.replaceState(history.state, "", link);
    copy.textContent = (await T.copyText(link)) ? T.t("Link copied") : T.t("The link is in the address bar");
    setTimeout(() => (copy.textContent = T.t("Copy link")), 2000);
  };
}

// Rebuild: a picture through the VAE, beside the GAN's look-alike; what its code leaves open; repair of a hidden part;
// refinement by search. The cards have scripts of their own; this one connects them to the server.
const T = window.Twofold;
const { el } = T;

const PARTS = ["seen", "posterior", "repair"]; // of an answer, as demo/tabs/rebuild/answers.py names them
const MOST_BARS = 10; // classes that are shown with their probabilities
let pending = null; // { b, parts } of the request on its way, or { b, parts, control } of the search; one at a time
const wanted = new Set(); // parts to be asked for next
let queuedSearch = null; // a search that waits for them
let answered = false;

// --- the cards ----------------------------------------------------------------------------------------
const error = T.errorNote();
const sources = T.sources(
  () => ask({ newInput: true }, ...PARTS),
  (sentence) => error.show(sentence),
);
const input = T.captionedPicture(T.t("Input"), T.t("The input as the models see it"));
// A model's answer to the input, its difference, and how large that is. `.put(answer)`: null where there is none.
const reconstruction = (name, title, alt, differenceAlt) => {
  const picture = T.captionedPicture(title, alt);
  const difference = T.captionedPicture(T.t("Difference"), differenceAlt);
  const numbers = el("div", {});
  const group = el("div", { class: "tf-reconstruction", role: "group", "aria-label": name }, picture, difference, numbers);
  group.put = (answer) => {
    group.hidden = !answer;
    picture.put(answer?.image, answer?.reading);
    difference.put(answer?.difference);
    numbers.replaceChildren();
    if (!answer) return;
    numbers.append(
      T.numberList([
        ["MSE", T.digits(answer.mse), T.t("Mean squared error: 0 is perfect")],
        ["PSNR", answer.psnr === null ? "∞" : `${answer.psnr.toFixed(1)} dB`, T.t("Peak signal-to-noise ratio: more is better")],
        ["SSIM", answer.ssim === null ? "–" : answer.ssim.toFixed(3), T.t("Structural similarity: 1 is perfect")],
      ]),
    );
  };
  group.href = () => picture.href();
  return group;
};
const vae = reconstruction(
  "VAE",
  T.t("VAE: reconstruction"),
  T.t("The VAE's reconstruction of the input"),
  T.t("Absolute difference between input and reconstruction: bright where they differ"),
);
const gan = reconstruction(
  "GAN",
  T.t("GAN: look-alike"),
  T.t("The GAN's closest picture to the input"),
  T.t("Absolute difference between the input and the GAN's picture: bright where they differ"),
);
const bars = el("div", { class: "tf-class-bars" });
const barsBlock = el("div", {}, el("h4", {}, T.t("What the classifier reads in the input")), bars);
const attributeBars = el("div", { class: "tf-class-bars" });
const attributesBlock = el("div", { hidden: true }, el("h4", {}, T.t("Attributes that are read in the input")), attributeBars);
const explanation = el("p", { class: "tf-quiet" });
const seenCard = el(
  "section",
  { class: "tf-card", "aria-label": T.t("The picture as the models see it") },
  el("h3", {}, T.t("As the models see it")),
  explanation,
  el("div", { class: "tf-reconstructions" }, input, vae, gan),
  barsBlock,
  attributesBlock,
);
const posterior = T.posteriorCard(() => ask({ newInput: false }, "posterior"));
const repair = T.repairCard(({ newMask }) => ask({ newInput: newMask }, "repair"));
const refine = T.refineCard(
  (request) => search(request),
  () => endSearch(),
);

// --- before and after -----------------------------------------------------------------------------------
const wipe = T.beforeAfter();
const layers = el("select", { "aria-label": T.t("What is laid over the input"), onchange: () => showWipe(layers.value) });
let chosenLayer = null; // null: the latest result
const wipeCard = el(
  "section",
  { class: "tf-card tf-wipe-card", "aria-label": T.t("Before and after"), hidden: true },
  el("h3", {}, T.t("Before and after")),
  el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Over the input")), layers),
  wipe,
);
const layerList = () =>
  [[T.t("VAE: reconstruction"), vae.href()], [T.t("GAN: look-alike"), gan.href()], ...repair.pictures(), ...refine.pictures()].filter(([, href]) => href);
const showWipe = (choice = chosenLayer) => {
  chosenLayer = choice;
  const list = layerList();
  const layer = list.find(([name]) => name === chosenLayer) ?? list.find(([name]) => name === T.t("Repaired by the VAE")) ?? list[0];
  wipeCard.hidden = !layer || !input.href();
  if (wipeCard.hidden) return;
  const names = list.map(([name]) => name);
  if (names.join() !== [...layers.options].map((option) => option.value).join()) {
    layers.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  }
  layers.value = layer[0];
  wipe.put(input.href(), layer[1], layer[0]);
};

element.replaceChildren(
  el(
    "div",
    { class: "tf-rebuild" },
    el("section", { class: "tf-card", "aria-label": T.t("Your picture") }, el("h3", {}, T.t("Your picture")), sources, error),
    seenCard,
    repair,
    wipeCard,
    posterior,
    refine,
  ),
);

// --- what comes back ------------------------------------------------------------------------------------
// A name, a bar that is full at 1, and a value in words.
const barLine = (name, share, value, best) => {
  const fill = el("i", {});
  fill.style.width = `${Math.max(0.5, 100 * share)}%`;
  return el(
    "div",
    { class: best ? "tf-class-bar tf-best" : "tf-class-bar" },
    el("span", {}, name),
    el("b", { "aria-hidden": "true" }, fill),
    el("span", { class: "tf-percent" }, value),
  );
};
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const showBars = (probabilities) => {
  barsBlock.hidden = !probabilities;
  if (!probabilities) return;
  const all = probabilities.map((p, c) => [p, c]);
  const shown = all.length > MOST_BARS ? all.sort((a, b) => b[0] - a[0]).slice(0, MOST_BARS) : all;
  const best = probabilities.indexOf(Math.max(...probabilities));
  bars.replaceChildren(...shown.map(([p, c]) => barLine(T.className(c) || String(c), p, percent(p), c === best)));
};
// The probability of an attribute that is there or not; the value of one that is a number, between the ends of its range.
const showAttributes = (values) => {
  const { attributes } = T.bundle();
  attributesBlock.hidden = !values || values.length !== attributes?.length;
  if (attributesBlock.hidden) return;
  attributeBars.replaceChildren(
    ...attributes.map(({ name, kind, low, high }, i) => {
      const binary = kind === "binary";
      const share = binary ? values[i] : (values[i] - low) / (high - low || 1);
      return barLine(T.attributeLabel(name), Math.min(1, Math.max(0, share)), binary ? percent(values[i]) : T.digits(values[i], 3), binary && values[i] >= 0.5);
    }),
  );
};
const showSeen = (seen) => {
  input.put(seen.input.image, seen.input.reading);
  vae.put(seen.vae);
  gan.put(seen.gan);
  showBars(seen.input.reading);
  showAttributes(seen.input.attributes);
  const image = new Image();
  image.onload = () => repair.put(image);
  image.src = seen.input.image;
};
const endRequest = () => {
  giveUp.cancel();
  pending = null;
  element.classList.toggle("tf-busy", wanted.size > 0);
};
const fail = (sentence) => {
  for (const part of pending?.parts ?? []) wanted.add(part);
  pending?.control?.abort(); // or the server would search on for nobody
  endRequest();
  element.classList.remove("tf-busy");
  queuedSearch = null;
  refine.over();
  error.show(sentence);
};
const show = (parts) => {
  const current = pending.b === T.state.b;
  endRequest();
  if (wanted.size) sendSoon();
  if (!current) return;
  answered = true;
  error.show("");
  if (parts.seen) showSeen(parts.seen);
  if ("posterior" in parts) posterior.show(parts.posterior);
  if ("repair" in parts) repair.show(parts.repair);
  if (queuedSearch && !wanted.size) search(queuedSearch);
  showWipe();
};

// --- asking ---------------------------------------------------------------------------------------------
// The request for what the page shows now; null where there is no picture, or the bundle takes none.
const request = () => {
  const picture = T.bundle().rebuilds ? sources.request() : null; // uploaded models only draw
  return picture && { b: T.state.b, ...picture, ...repair.request() };
};
const send = async () => {
  const asked = request();
  if (pending) return;
  element.classList.remove("tf-busy");
  if (!asked || !T.visible(element)) return;
  const mine = { b: asked.b, parts: [...wanted] };
  pending = mine;
  wanted.clear();
  element.classList.add("tf-busy");
  giveUp();
  const { b, picture, ...rest } = { ...asked, ...posterior.request(), parts: mine.parts };
  try {
    const parts = await T.post(`rebuild/${encodeURIComponent(b)}`, rest, picture);
    if (pending === mine) show(parts);
  } catch (failure) {
    if (pending === mine) fail(failure.message);
  }
};
const giveUp = T.debounced(() => fail(T.busyMessage), T.replyTimeout);
const sendSoon = T.debounced(send, 60);
// newInput: the picture or the mask changed, so the results of a search no longer apply.
const ask = ({ newInput }, ...parts) => {
  for (const part of parts) wanted.add(part);
  if (newInput) refine.reset();
  else refine.stop();
  sendSoon();
};
const search = (how) => {
  queuedSearch = null;
  const asked = request();
  if (!asked) refine.over();
  else if (pending || wanted.size) {
    queuedSearch = how;
    if (!pending) sendSoon(); // what an answer that failed has left over is asked for by nobody else
  } else {
    pending = { b: asked.b, parts: [], control: new AbortController() };
    giveUp();
    follow(pending, { ...asked, ...how });
  }
};
// Shows the reports of a search as they arrive.
const follow = async (mine, { b, picture, ...rest }) => {
  try {
    for await (const report of T.reports(`rebuild/${encodeURIComponent(b)}/search`, rest, picture, mine.control.signal)) {
      if (pending !== mine) return; // it was ended meanwhile
      giveUp();
      refine.show(report);
      if (!refine.running()) endRequest();
      showWipe();
    }
  } catch (failure) {
    if (pending === mine) fail(failure.message);
  }
};
const endSearch = () => {
  if (queuedSearch) {
    queuedSearch = null; // it had not begun
    return;
  }
  pending?.control?.abort();
  endRequest(); // reports that are on their way are ignored
};

// --- in step with the page --------------------------------------------------------------------------------
let bundleShown = null; // its version
const useBundle = () => {
  const bundle = T.bundle();
  if (bundleShown === T.versionOf(bundle)) return;
  bundleShown = T.versionOf(bundle);
  sources.useBundle(bundle);
  repair.useBundle(bundle);
  refine.useBundle(bundle);
  for (const part of [input, vae, gan]) part.put("");
  barsBlock.hidden = true;
  posterior.show(null);
  repair.show(null);
  showWipe();
  const encodes = bundle.models.includes("vae");
  if (encodes && bundle.inverts) explanation.textContent = T.t("The VAE encodes the picture into a short code and decodes it again; the GAN's inverter finds the closest picture that the GAN can draw. What a model cannot represent is lost.");
  else if (encodes) explanation.textContent = T.t("The VAE encodes the picture into a short code and decodes it again. What it cannot represent is lost.");
  else if (bundle.rebuilds) explanation.textContent = T.t("This bundle has no VAE, so there is no reconstruction.");
  else explanation.textContent = T.t("This bundle cannot take a picture: it has no VAE, no inverter and no classifier.");
};
const refresh = () => {
  if (bundleShown === T.versionOf() && answered) return;
  useBundle();
  ask({ newInput: true }, ...PARTS);
};
T.on((after, before) => after.b !== before.b && T.visible(element) && refresh());
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && (bundleShown !== T.versionOf() || !answered) && refresh()).observe(element);
useBundle();
ask({ newInput: true }, ...PARTS);

// Rebuild: a picture through the VAE, beside the GAN's look-alike; what its code leaves open; repair of a hidden part;
// refinement by search. The parts have scripts of their own; this one connects them to the server.
const T = window.Twofold;
const { el } = T;

const PARTS = ["seen", "posterior", "repair"];
let flying = null; // { b, parts } of the request on its way, or { b, parts, control } of the search; one at a time
const wanted = new Set(); // parts to be asked for next
let queued = null; // a search that waits for them
let answered = false;

// --- the blocks ---------------------------------------------------------------------------------------
const trouble = el("p", { class: "tf-trouble", role: "alert", hidden: true });
const complain = (sentence) => {
  trouble.textContent = sentence;
  trouble.hidden = !sentence;
};
const sources = T.sources(
  () => ask({ fresh: true }, ...PARTS),
  (sentence) => complain(sentence),
);
const input = T.figure(T.t("Input"), T.t("The input as the models see it"));
const twin = (name, title, alt, difference) => {
  const answer = T.figure(title, alt);
  const off = T.figure(T.t("Difference"), difference);
  const numbers = el("div", {});
  const group = el("div", { class: "tf-twin", role: "group", "aria-label": name }, answer, off, numbers);
  group.put = (found) => {
    group.hidden = !found;
    answer.put(found?.image, found?.reading);
    off.put(found?.difference);
    numbers.replaceChildren();
    if (!found) return;
    numbers.append(
      T.numberList([
        ["MSE", found.mse.toFixed(5), T.t("Mean squared error: 0 is perfect")],
        ["PSNR", found.psnr === null ? "∞" : `${found.psnr.toFixed(1)} dB`, T.t("Peak signal-to-noise ratio: more is better")],
        ["SSIM", found.ssim === null ? "–" : found.ssim.toFixed(3), T.t("Structural similarity: 1 is perfect")],
      ]),
    );
  };
  group.href = () => answer.href();
  return group;
};
const vae = twin(
  "VAE",
  T.t("VAE: reconstruction"),
  T.t("The VAE's reconstruction of the input"),
  T.t("Absolute difference between input and reconstruction: bright where they differ"),
);
const gan = twin(
  "GAN",
  T.t("GAN: look-alike"),
  T.t("The GAN's closest picture to the input"),
  T.t("Absolute difference between the input and the GAN's picture: bright where they differ"),
);
const reading = el("div", { class: "tf-reading" });
const readingBlock = el("div", {}, el("h4", {}, T.t("What the classifier reads in the input")), reading);
const seenText = el("p", { class: "tf-quiet" });
const seenBlock = el(
  "section",
  { class: "tf-card", "aria-label": T.t("The picture as the models see it") },
  el("h3", {}, T.t("As the models see it")),
  seenText,
  el("div", { class: "tf-twins" }, input, vae, gan),
  readingBlock,
);
const posterior = T.posteriorBlock(() => ask({ fresh: false }, "posterior"));
const repair = T.repairBlock((fresh) => ask({ fresh }, "repair"));
const refine = T.refineBlock(
  (wish) => search(wish),
  () => endSearch(),
);

// --- before and after -----------------------------------------------------------------------------------
const wipe = T.beforeAfter();
const layers = el("select", { "aria-label": T.t("What is laid over the input"), onchange: () => lay(layers.value) });
let layer = null; // what the visitor chose; null: the latest result
const wipeBlock = el(
  "section",
  { class: "tf-card", "aria-label": T.t("Before and after"), hidden: true },
  el("h3", {}, T.t("Before and after")),
  el("label", { class: "tf-field" }, el("span", { class: "tf-name" }, T.t("Over the input")), layers),
  wipe,
);
const layerList = () =>
  [[T.t("VAE: reconstruction"), vae.href()], [T.t("GAN: look-alike"), gan.href()], ...repair.pictures(), ...refine.pictures()].filter(([, href]) => href);
const lay = (choice = layer) => {
  layer = choice;
  const list = layerList();
  const chosen = list.find(([name]) => name === layer) ?? list.find(([name]) => name === T.t("Repaired by the VAE")) ?? list[0];
  wipeBlock.hidden = !chosen || !input.href();
  if (wipeBlock.hidden) return;
  const names = list.map(([name]) => name);
  if (names.join() !== [...layers.options].map((option) => option.value).join()) {
    layers.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  }
  layers.value = chosen[0];
  wipe.put(input.href(), chosen[1], chosen[0]);
};

element.replaceChildren(
  el(
    "div",
    { class: "tf-rebuild" },
    el("section", { class: "tf-card", "aria-label": T.t("Your picture") }, el("h3", {}, T.t("Your picture")), sources, trouble),
    seenBlock,
    repair,
    posterior,
    wipeBlock,
    refine,
  ),
);

// --- what comes back ------------------------------------------------------------------------------------
const bars = (probabilities) => {
  const bundle = T.bundle();
  readingBlock.hidden = !probabilities;
  if (!probabilities) return;
  const order = probabilities.map((p, c) => [p, c]);
  const shown = order.length > 10 ? order.sort((a, b) => b[0] - a[0]).slice(0, 10) : order;
  const best = probabilities.indexOf(Math.max(...probabilities));
  reading.replaceChildren(
    ...shown.map(([p, c]) => {
      const fill = el("i", {});
      fill.style.width = `${Math.max(0.5, 100 * p)}%`;
      return el(
        "div",
        { class: c === best ? "tf-bar-line tf-best" : "tf-bar-line" },
        el("span", {}, bundle.classes[c] ?? String(c)),
        el("b", { "aria-hidden": "true" }, fill),
        el("span", { class: "tf-percent" }, `${(100 * p).toFixed(1)} %`),
      );
    }),
  );
};
const showSeen = (seen) => {
  input.put(seen.input.image, seen.input.reading);
  vae.put(seen.vae);
  gan.put(seen.gan);
  bars(seen.input.reading);
  const image = new Image();
  image.onload = () => repair.put(image);
  image.src = seen.input.image;
};
const settled = () => {
  giveUp.cancel();
  flying = null;
  element.classList.toggle("tf-busy", wanted.size > 0);
};
const failed = (sentence) => {
  for (const part of flying?.parts ?? []) wanted.add(part);
  settled();
  element.classList.remove("tf-busy");
  queued = null;
  refine.over();
  complain(T.translate(sentence));
};
const show = (parts) => {
  const here = flying.b === T.state.b;
  settled();
  if (wanted.size) sendSoon();
  if (!here) return;
  answered = true;
  complain("");
  if (parts.seen) showSeen(parts.seen);
  if ("posterior" in parts) posterior.show(parts.posterior);
  if ("repair" in parts) repair.show(parts.repair);
  if (queued && !wanted.size) search(queued);
  lay();
};

// --- asking ---------------------------------------------------------------------------------------------
const wish = () => {
  const subject = T.bundle().rebuilds ? sources.wish() : null; // uploaded models only draw
  return subject && { b: T.state.b, ...subject, ...repair.wish() };
};
const send = async () => {
  const asked = wish();
  if (flying) return;
  element.classList.remove("tf-busy");
  if (!asked || !T.visible(element)) return;
  flying = { b: asked.b, parts: [...wanted] };
  wanted.clear();
  element.classList.add("tf-busy");
  giveUp();
  const mine = flying;
  const { b, picture, ...request } = { ...asked, ...posterior.wish(), parts: mine.parts };
  try {
    const parts = await T.post(`rebuild/${encodeURIComponent(b)}`, request, picture);
    if (flying === mine) show(parts);
  } catch (error) {
    if (flying === mine) failed(error.message);
  }
};
const giveUp = T.later(() => failed(T.busyMessage), T.patience);
const sendSoon = T.later(send, 60);
// `fresh`: the picture or the mask changed, so the results of a search no longer apply.
const ask = ({ fresh }, ...parts) => {
  for (const part of parts) wanted.add(part);
  if (fresh) refine.reset();
  else refine.halt();
  sendSoon();
};
const search = (how) => {
  queued = null;
  const asked = wish();
  if (!asked) refine.over();
  else if (flying || wanted.size) queued = how;
  else {
    flying = { b: asked.b, parts: [], control: new AbortController() };
    giveUp();
    follow(flying, { ...asked, ...how });
  }
};
const follow = async (mine, { b, picture, ...request }) => {
  try {
    for await (const report of T.reports(`rebuild/${encodeURIComponent(b)}/search`, request, picture, mine.control.signal)) {
      if (flying !== mine) return; // it was ended meanwhile
      giveUp();
      refine.show(report);
      if (!refine.running()) settled();
      lay();
    }
  } catch (error) {
    if (flying === mine) failed(error.message);
  }
};
const endSearch = () => {
  if (queued) {
    queued = null; // it had not begun
    return;
  }
  flying?.control?.abort();
  settled(); // reports that are on their way are ignored
};

// --- in step with the page --------------------------------------------------------------------------------
let suited = null;
const suit = () => {
  const bundle = T.bundle();
  if (suited === bundle.name) return;
  suited = bundle.name;
  sources.suit(bundle);
  repair.suit(bundle);
  refine.suit(bundle);
  for (const part of [input, vae, gan]) part.put("");
  readingBlock.hidden = true;
  posterior.show(null);
  repair.show(null);
  lay();
  seenText.textContent = bundle.models.includes("vae")
    ? T.t("The VAE encodes the picture into a short code and decodes it again; the GAN's inverter finds the closest picture that the GAN can draw. What a model cannot represent is lost.")
    : bundle.rebuilds
      ? T.t("This bundle has no VAE, so there is no reconstruction.")
      : T.t("This bundle cannot take a picture: it has no VAE, no inverter and no classifier.");
};
const refresh = () => {
  if (suited === T.state.b && answered) return;
  suit();
  ask({ fresh: true }, ...PARTS);
};
T.on((after, before) => after.b !== before.b && T.visible(element) && refresh());
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && (suited !== T.state.b || !answered) && refresh()).observe(element);
suit();
ask({ fresh: true }, ...PARTS);

// Rebuild: a picture that the visitor brings, through the VAE; a hole in it repaired; the GAN's closest answer.
const T = window.Twofold;
const { el } = T;
T.init(props.facts);

const LARGEST = 5_000_000; // bytes of an uploaded file
const ROUNDS = 20; // of search, each time "Refine" is pressed
let source = "test";
let brought = null; // { data, name } of an uploaded file
let test = 0;
let rounds = 0;
let sent = 0;
let answered = 0;

const board = T.drawingBoard(() => ask());
const mask = T.maskBoard(() => ask());

// --- where the picture comes from -------------------------------------------------------------------
const file = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/gif,image/bmp", class: "tf-hidden", "aria-label": "Choose a picture file" });
const dropzone = el(
  "label",
  { class: "tf-drop" },
  file,
  el("strong", {}, "Choose a picture"),
  el("span", { class: "tf-quiet" }, "or drop or paste one here: PNG, JPEG, WebP or GIF, up to 5 MB"),
  el("span", { class: "tf-file-name" }),
);
const tests = el("div", { class: "tf-tests", role: "group", "aria-label": "Test pictures" });
const panels = { draw: board, upload: dropzone, test: tests };
const choose = T.segmented(
  "tf-source",
  "Where the picture comes from",
  [
    ["test", "Test picture", "A picture that neither model has seen in training"],
    ["draw", "Draw", "Draw one yourself"],
    ["upload", "Upload", "Bring a file"],
  ],
  source,
  (value) => {
    source = value;
    showPanel();
    ask();
  },
);
const showPanel = () => {
  for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== source;
};

// --- what comes back ----------------------------------------------------------------------------------
const trouble = el("p", { class: "tf-trouble", role: "alert", hidden: true });
const pictures = {};
const figure = (key, title, alt) => {
  pictures[key] = el("img", { class: "tf-picture", alt, hidden: true });
  const note = el("span", { class: "tf-quiet" });
  pictures[key].note = note;
  return el("figure", {}, el("div", { class: "tf-hole" }, pictures[key]), el("figcaption", {}, el("strong", {}, title), note));
};
const numbers = el("dl", { class: "tf-numbers" });
const reading = el("div", { class: "tf-reading" });
const readingBlock = el("div", {}, el("h4", {}, "What the classifier reads"), reading);
const refine = el("button", { type: "button", class: "tf-button", onclick: () => search() }, `Refine (${ROUNDS} rounds)`);
const seenTitle = el("h3", {});
const seenText = el("p", { class: "tf-quiet" });
const seenBlock = el(
  "section",
  { class: "tf-card", "aria-label": "The picture as the models see it" },
  seenTitle,
  seenText,
  el(
    "div",
    { class: "tf-row" },
    figure("input", "Input", "The input as the models see it"),
    figure("vae", "Reconstruction", "The VAE's reconstruction of the input"),
    figure("difference", "Difference", "Absolute difference between input and reconstruction: bright where they differ"),
  ),
  numbers,
  readingBlock,
);
const repairFigure = figure("repair", "Repaired by the VAE", "The picture with its hidden pixels filled in by the VAE");
const ganRepairFigure = figure("ganRepair", "Repaired by the GAN", "The picture with its hidden pixels filled in by the GAN");
const ganFigure = figure("gan", "Closest GAN picture", "The GAN's closest picture to the input");
const repairHint = el("p", { class: "tf-quiet" }, "Paint over the picture or choose a preset. Pixels that stay visible are kept exactly.");
const repairBlock = el(
  "section",
  { class: "tf-card", "aria-label": "Repair and inversion" },
  el("h3", {}, "Hide a part, and have it repaired"),
  repairHint,
  el(
    "div",
    { class: "tf-repair" },
    mask,
    el(
      "div",
      { class: "tf-answers" },
      el("div", { class: "tf-row" }, repairFigure, ganRepairFigure, ganFigure),
      el("div", { class: "tf-buttons tf-refine" }, refine, el("span", { class: "tf-quiet tf-refine-note", "aria-live": "polite" })),
    ),
  ),
);

element.replaceChildren(
  el(
    "div",
    { class: "tf-rebuild" },
    el("section", { class: "tf-card", "aria-label": "Your picture" }, el("h3", {}, "Your picture"), choose, board, dropzone, tests, trouble),
    seenBlock,
    repairBlock,
  ),
);
showPanel();

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
const put = (key, href, note = "") => {
  const picture = pictures[key];
  picture.hidden = !href;
  if (href) picture.src = href;
  picture.closest("figure").hidden = !href;
  picture.note.textContent = note;
};
const complain = (sentence) => {
  trouble.textContent = sentence;
  trouble.hidden = !sentence;
};

watch("value", () => {
  const value = props.value;
  if (!value || value.n < answered) return;
  answered = value.n;
  if (value.n === sent) giveUp.cancel();
  element.classList.toggle("tf-busy", value.n !== sent);
  if (value.n === sent) refine.disabled = false;
  complain(value.error ?? "");
  if (value.error) return;
  put("input", value.input);
  put("vae", value.vae);
  put("difference", value.difference);
  numbers.replaceChildren();
  for (const [name, text, hint] of value.numbers) {
    numbers.append(el("div", { title: hint }, el("dt", {}, name), el("dd", {}, text)));
  }
  bars(value.probabilities);
  put("repair", value.repair, value.repair ? "kept pixels unchanged" : "");
  put("ganRepair", value.ganRepair, value.ganRepair ? "kept pixels unchanged" : "");
  put("gan", value.gan, value.gan ? `MSE ${value.ganError}` : "");
  element.querySelector(".tf-refine").hidden = !value.gan;
  element.querySelector(".tf-refine-note").textContent = value.rounds ? `after ${value.rounds} rounds of search` : "one pass, no search";
  const image = new Image();
  image.onload = () => mask.put(image);
  image.src = value.input;
});

// --- asking -------------------------------------------------------------------------------------------
const send = () => {
  const picture = { draw: () => board.data(), upload: () => brought?.data, test: () => null }[source]();
  if (source === "upload" && !picture) return;
  if (source === "draw" && !board.drawn()) return;
  sent += 1;
  element.classList.add("tf-busy");
  refine.disabled = true;
  trigger("rebuild", {
    b: T.state.b,
    n: sent,
    picture,
    test: source === "test" ? test : null,
    mask: mask.masked() ? mask.cells() : null,
    rounds,
  });
  giveUp();
};
const giveUp = T.later(() => {
  element.classList.remove("tf-busy");
  refine.disabled = false;
  complain(T.turnedAway);
}, T.patience);
const ask = T.later(() => {
  rounds = 0;
  if (T.visible(element)) send();
}, 60);
const search = () => {
  rounds = Math.min(100, rounds + ROUNDS);
  send();
};

const take = (picked) => {
  if (!picked) return;
  if (picked.size > LARGEST) {
    complain("The file is too large: at most 5 MB are accepted.");
    return;
  }
  const reader = new FileReader();
  reader.onload = () => {
    brought = { data: reader.result, name: picked.name };
    dropzone.querySelector(".tf-file-name").textContent = picked.name;
    source = "upload";
    choose.choose(source);
    showPanel();
    ask();
  };
  reader.onerror = () => complain("This file cannot be read.");
  reader.readAsDataURL(picked);
};
file.addEventListener("change", () => {
  take(file.files[0]);
  file.value = "";
});
dropzone.addEventListener("dragover", (event) => event.preventDefault());
dropzone.addEventListener("drop", (event) => {
  event.preventDefault();
  take(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  if (T.visible(element)) take([...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/")));
});

// --- in step with the page ----------------------------------------------------------------------------
let suited = null;
const suit = () => {
  const bundle = T.bundle();
  if (suited === bundle.name) return;
  suited = bundle.name;
  board.suit(bundle.channels);
  mask.suit(bundle.size);
  test = 0;
  seenTitle.textContent = bundle.models.includes("vae") ? "Through the VAE" : "As the models see it";
  seenText.textContent = bundle.models.includes("vae")
    ? "Encoded into a short code and decoded again. What the code cannot hold is lost."
    : bundle.rebuilds
      ? "This bundle has no VAE, so there is no reconstruction."
      : "This bundle holds nothing that takes a picture: it has neither a VAE nor an inverter nor a classifier.";
  repairBlock.hidden = !bundle.repairs && !bundle.inverts;
  mask.hidden = !bundle.repairs && !bundle.inverts;
  const count = Math.min(24, bundle.examples);
  tests.replaceChildren(
    ...Array.from({ length: count }, (_, i) => {
      const button = el(
        "button",
        { type: "button", "aria-label": `Test picture ${i + 1}`, "aria-pressed": String(i === 0), onclick: () => pick(i) },
        el("img", { class: "tf-picture", src: T.url(`${bundle.files}/examples/${i}.png`, { v: bundle.version }), alt: "", loading: "lazy" }),
      );
      return button;
    }),
  );
};
const pick = (i) => {
  test = i;
  [...tests.children].forEach((tile, k) => tile.setAttribute("aria-pressed", String(k === i)));
  ask();
};
for (const key of Object.keys(pictures)) put(key, "");
const refresh = () => {
  if (suited === T.state.b && answered) return;
  suit();
  ask();
};
T.on((after, before) => after.b !== before.b && T.visible(element) && refresh());
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && suited !== T.state.b && refresh()).observe(element);
suit();
ask();

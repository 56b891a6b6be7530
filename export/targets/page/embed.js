// <twofold-generator bundle="digits" seed="7"></twofold-generator>: a picture of this page's generators in any other page.
//
//     <script type="module" src="https://…/embed.js"></script>
//
// Attributes: bundle (default: the first), seed (default 0), model (gan or vae), of-class (its number; default: that of the
// seed), truncation (default 1). A click, Enter or the space bar draws the next seed, unless it has `still`. It is drawn on the
// visitor's device, when it comes into view. Events: "draw" after each picture, with { seed } as detail.
import { localPictures } from "./local.js";

const HOME = new URL(".", import.meta.url);
const FACTS = new URL("facts.json", HOME);
const WATCHED = ["bundle", "seed", "model", "of-class", "class", "truncation", "still"];
const NUMBER = /^\d+$/; // older pages give the class of the picture in `class`, HTML's own attribute: it is one only where it is a number
const SEEDS = 2 ** 32;

// The facts of the page, with whole addresses, since the element stands in another page; loaded once for all elements.
const withHome = (value) => {
  if (Array.isArray(value)) return value.map(withHome);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, found]) => [key, key === "url" || key === "script" ? new URL(found, HOME).href : withHome(found)]),
  );
};
let sharing = null;
const share = async () => {
  const answer = await fetch(FACTS).catch(() => null);
  if (!answer?.ok) throw new Error(`${FACTS} could not be loaded.`);
  const { bundles, builds } = withHome(await answer.json());
  const memory = { read: () => null, keep: () => false }; // this page's storage is not ours
  const factsOf = (name) => bundles.find((bundle) => bundle.name === name);
  return { bundles, factsOf, pictures: localPictures(factsOf, builds, () => {}, () => {}, memory) };
};
const shared = () => {
  sharing ??= share().catch((error) => {
    sharing = null; // the next element tries again
    throw error;
  });
  return sharing;
};

const seeInView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) target.appear();
});

class TwofoldGenerator extends HTMLElement {
  static observedAttributes = WATCHED;
  #canvas = document.createElement("canvas");
  #seen = false;
  #wanted = 0; // how many pictures were asked for: an older one never replaces a newer one
  #given = null; // which of the attributes that make it a button are the page's own

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(this.#canvas);
    Object.assign(this.#canvas.style, { display: "block", width: "100%", height: "auto" });
    this.#canvas.setAttribute("role", "img");
    this.addEventListener("click", () => this.hasAttribute("still") || this.setAttribute("seed", (this.seed + 1) % SEEDS));
    this.addEventListener("keydown", (event) => {
      if (this.hasAttribute("still") || !["Enter", " "].includes(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault(); // the space bar would scroll
      this.click();
    });
  }
  // A button, named `label`, unless it is still; what the page itself has set stays.
  #present(label = null) {
    const button = this.hasAttribute("still") ? {} : { role: "button", tabindex: "0", "aria-label": label };
    this.#given ??= ["role", "tabindex", "aria-label"].filter((name) => this.hasAttribute(name));
    for (const name of ["role", "tabindex", "aria-label"]) {
      if (this.#given.includes(name)) continue;
      if (button[name]) this.setAttribute(name, button[name]);
      else this.removeAttribute(name);
    }
  }
  // Again whenever a page moves it to another place.
  connectedCallback() {
    this.style.display ||= "inline-block";
    this.#present(this.getAttribute("aria-label"));
    seeInView.observe(this);
  }
  disconnectedCallback() {
    seeInView.unobserve(this);
  }
  attributeChangedCallback(name, before, after) {
    const styled = name === "class" && !NUMBER.test(before) && !NUMBER.test(after); // it is about how it looks
    if (this.#seen && !styled) this.draw();
  }
  appear() {
    if (this.#seen) return;
    this.#seen = true;
    this.draw();
  }
  get seed() {
    const seed = Math.round(Number(this.getAttribute("seed") ?? 0));
    return Number.isFinite(seed) ? ((seed % SEEDS) + SEEDS) % SEEDS : 0;
  }
  // The class that is asked for, as it is written; null for the seed's own.
  get ofClass() {
    const old = this.getAttribute("class");
    return this.getAttribute("of-class") ?? (NUMBER.test(old) ? old : null);
  }

  // Draws what the attributes say. Resolves when it is shown; a sentence takes the picture's place where it cannot be.
  async draw() {
    const mine = ++this.#wanted;
    const { seed } = this;
    try {
      const { bundles, factsOf, pictures } = await shared();
      const name = this.getAttribute("bundle") ?? bundles[0].name;
      const facts = factsOf(name);
      if (!facts) throw new Error(`There is no bundle '${name}' here; these are: ${bundles.map((bundle) => bundle.name).join(", ")}.`);
      const classes = facts.classes.length;
      const chosen = Number(this.ofClass ?? seed % (classes || 1));
      const t = Number(this.getAttribute("truncation") ?? 1);
      const params = { x: seed, y: 0, t, ...(classes ? { c: chosen } : {}) };
      const m = this.getAttribute("model");
      if (m && !facts.models.includes(m)) throw new Error(`'${name}' has no model '${m}'; it has ${facts.models.join(", ")}.`);
      if (!Number.isFinite(t)) throw new Error(`'${this.getAttribute("truncation")}' is no truncation: it is a number, such as 0.7.`);
      if (classes && !(Number.isInteger(chosen) && chosen >= 0 && chosen < classes)) throw new Error(`'${name}' has no class ${this.ofClass}: they are 0 to ${classes - 1}.`);
      const { picture } = await pictures(`live/${encodeURIComponent(name)}`, m ? { ...params, m } : params);
      if (mine !== this.#wanted) return;
      Object.assign(this.#canvas, { width: picture.width, height: picture.height });
      this.#canvas.getContext("2d").putImageData(picture, 0, 0);
      this.#canvas.setAttribute("aria-label", `${facts.title}, seed ${seed}`);
      this.#present(`${facts.title}, seed ${seed}`);
      this.shadowRoot.replaceChildren(this.#canvas);
      this.dispatchEvent(new CustomEvent("draw", { detail: { seed } }));
    } catch (error) {
      if (mine !== this.#wanted) return;
      const sentence = document.createElement("p");
      sentence.textContent = error.message;
      this.#present();
      this.shadowRoot.replaceChildren(sentence);
    }
  }
}

customElements.define("twofold-generator", TwofoldGenerator);

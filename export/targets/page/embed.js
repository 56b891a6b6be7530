// <twofold-generator bundle="digits" seed="7"></twofold-generator>: a picture of this page's generators in any other page.
//
//     <script type="module" src="https://…/embed.js"></script>
//
// Attributes: bundle (default: the first), seed (default 0), model (gan or vae), class (its number; default: that of the
// seed), truncation (default 1). A click draws the next seed, unless it has `still`. It is drawn on the visitor's device, when
// it comes into view. Events: "draw" after each picture, with { seed } as detail.
import { localPictures } from "./local.js";

const HOME = new URL(".", import.meta.url);
const FACTS = new URL("facts.json", HOME);
const WATCHED = ["bundle", "seed", "model", "class", "truncation"];
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
  return { bundles, pictures: localPictures(bundles, builds, () => {}, () => {}, memory) };
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

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(this.#canvas);
    Object.assign(this.#canvas.style, { display: "block", width: "100%", height: "auto" });
    this.#canvas.setAttribute("role", "img");
    this.addEventListener("click", () => this.hasAttribute("still") || this.setAttribute("seed", (this.seed + 1) % SEEDS));
  }
  // Again whenever a page moves it to another place.
  connectedCallback() {
    this.style.display ||= "inline-block";
    seeInView.observe(this);
  }
  disconnectedCallback() {
    seeInView.unobserve(this);
  }
  attributeChangedCallback() {
    if (this.#seen) this.draw();
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

  // Draws what the attributes say. Resolves when it is shown; a sentence takes the picture's place where it cannot be.
  async draw() {
    const mine = ++this.#wanted;
    const { seed } = this;
    try {
      const { bundles, pictures } = await shared();
      const name = this.getAttribute("bundle") ?? bundles[0].name;
      const facts = bundles.find((bundle) => bundle.name === name);
      if (!facts) throw new Error(`There is no bundle '${name}' here; these are: ${bundles.map((bundle) => bundle.name).join(", ")}.`);
      const classes = facts.classes.length;
      const chosen = Number(this.getAttribute("class") ?? seed % (classes || 1));
      const t = Number(this.getAttribute("truncation") ?? 1);
      const params = { x: seed, y: 0, t, ...(classes ? { c: chosen } : {}) };
      const m = this.getAttribute("model");
      if (m && !facts.models.includes(m)) throw new Error(`'${name}' has no model '${m}'; it has ${facts.models.join(", ")}.`);
      if (!Number.isFinite(t)) throw new Error(`'${this.getAttribute("truncation")}' is no truncation: it is a number, such as 0.7.`);
      if (classes && !(Number.isInteger(chosen) && chosen >= 0 && chosen < classes)) throw new Error(`'${name}' has no class ${this.getAttribute("class")}: they are 0 to ${classes - 1}.`);
      const { picture } = await pictures(`live/${encodeURIComponent(name)}`, m ? { ...params, m } : params);
      if (mine !== this.#wanted) return;
      Object.assign(this.#canvas, { width: picture.width, height: picture.height });
      this.#canvas.getContext("2d").putImageData(picture, 0, 0);
      this.#canvas.setAttribute("aria-label", `${facts.title}, seed ${seed}`);
      this.shadowRoot.replaceChildren(this.#canvas);
      this.dispatchEvent(new CustomEvent("draw", { detail: { seed } }));
    } catch (error) {
      if (mine !== this.#wanted) return;
      const sentence = document.createElement("p");
      sentence.textContent = error.message;
      this.shadowRoot.replaceChildren(sentence);
    }
  }
}

customElements.define("twofold-generator", TwofoldGenerator);

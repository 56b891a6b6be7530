// The page without bundles: how to make one, and why those that lie here cannot be shown.
const T = window.Twofold;
const { el } = T;

element.replaceChildren(
  el(
    "section",
    { class: "tf-card" },
    el("h3", {}, T.t("There are no models here yet")),
    el("p", {}, T.t("Twofold shows bundles: folders with a GAN or a VAE as ONNX files. Train one on pictures of yours, export it, and start again:")),
    el("pre", { class: "tf-code", tabindex: 0 }, el("code", {}, T.facts.recipe)),
    el("p", {}, T.t("A bundle from elsewhere works too: put its folder into artifacts/, or name its place with --bundles.")),
    ...T.facts.unavailable.map((one) =>
      el("p", { class: "tf-trouble" }, T.t("{name} is unavailable: {reason}", { name: one.name, reason: T.told(one.reason) })),
    ),
  ),
);

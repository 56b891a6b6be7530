// The page without bundles: how to make one, and why the present ones cannot be shown.
const T = window.Twofold;
const { el } = T;

element.replaceChildren(
  el(
    "section",
    { class: "tf-card" },
    el("h3", {}, T.t("There are no models here yet")),
    el("p", {}, T.t("Twofold shows bundles: folders with a GAN or a VAE as ONNX files. Train one on your own pictures, export it, and start the demo again:")),
    T.code(T.facts.recipe),
    el("p", {}, T.t("You can also use a bundle from elsewhere: put its folder into artifacts/, or pass its path with --bundles.")),
    ...T.unavailableBundles(),
  ),
);

// Repair: the hidden part is filled in by each model in one pass, and by the VAE in four different ways.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SAMPLED = 32; // codes for each set of completions, as in demo/tabs/rebuild/completions.py

  // The card. onChange({ newMask }) is called for another mask, or for other completions of the same one. `.request()` is its
  // part of the request, `.show(answer)` shows the result, null hides it.
  T.repairCard = (onChange) => {
    let completionSeed = 0; // the first of the codes
    let variety = 1;
    const mask = T.maskBoard(() => onChange({ newMask: true }));
    const vae = T.captionedPicture(T.t("Repaired by the VAE"), T.t("The picture with its hidden pixels filled in by the VAE"));
    const gan = T.captionedPicture(T.t("Repaired by the GAN"), T.t("The picture with its hidden pixels filled in by the GAN"));
    const completions = el("div", { class: "tf-samples" });
    const others = el("button", { type: "button", class: "tf-button", onclick: () => drawOthers() }, T.t("Other completions"));
    const varietySlider = T.slider(
      T.t("Variety"),
      { min: 0.25, max: 2, step: 0.25, value: variety, format: (v) => Number(v).toFixed(2), hint: T.t("Sampling temperature: 1 = as much as the visible pixels leave open, above 1 = bolder") },
      (value) => {
        variety = value;
        onChange({ newMask: false });
      },
    );
    const drawOthers = () => {
      completionSeed = T.wrapSeed(completionSeed + SAMPLED);
      onChange({ newMask: false });
    };
    const several = el(
      "div",
      { class: "tf-several", hidden: true },
      el("h4", {}, T.t("Ways to complete it")),
      el("p", { class: "tf-quiet" }, T.t("Of 32 sampled codes, the half that explains the visible pixels best is kept; the most different of these are shown.")),
      el("div", { class: "tf-several-row" }, completions, el("div", {}, varietySlider, el("div", { class: "tf-buttons" }, others))),
    );
    const hint = el("p", { class: "tf-quiet tf-hint" }, T.t("Nothing is hidden yet: paint over the picture or choose a preset."));
    const card = el(
      "section",
      { class: "tf-card", "aria-label": T.t("Repair") },
      el("h3", {}, T.t("Hide a part and have it repaired")),
      el("p", { class: "tf-quiet" }, T.t("Paint over the picture or choose a preset. Pixels that stay visible are kept exactly.")),
      el("div", { class: "tf-repair" }, mask, el("div", { class: "tf-answers" }, hint, el("div", { class: "tf-row" }, vae, gan)), several),
    );
    card.request = () => ({ mask: mask.masked() ? mask.cells() : null, completion_seed: completionSeed, variety });
    card.put = (picture) => mask.put(picture);
    card.useBundle = (bundle) => {
      card.hidden = !bundle.repairs && !bundle.inverts;
      mask.useBundle(bundle);
    };
    card.show = (answer) => {
      const kept = T.t("visible pixels unchanged");
      hint.hidden = Boolean(answer);
      vae.put(answer?.vae?.image, answer?.vae?.reading, kept);
      gan.put(answer?.gan?.image, answer?.gan?.reading, kept);
      const found = answer?.completions ?? [];
      several.hidden = !found.length;
      completions.replaceChildren(
        ...found.map(({ image, reading }, i) => {
          const one = T.captionedPicture(T.t("Completion {number}", { number: i + 1 }), T.t("Completion {number} of {count}", { number: i + 1, count: found.length }));
          one.put(image, reading);
          return one;
        }),
      );
    };
    // What can be laid over the input: [[name, address], …].
    card.pictures = () => [
      [T.t("Repaired by the VAE"), vae.href()],
      [T.t("Repaired by the GAN"), gan.href()],
      ...[...completions.children].map((one, i) => [T.t("Completion {number}", { number: i + 1 }), one.href()]),
    ];
    return card;
  };
})();

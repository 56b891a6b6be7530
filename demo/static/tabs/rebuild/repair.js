// Repair: the hidden part is filled in by each model in one pass, and by the VAE in four different ways.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // `changed(fresh)` is called for another mask (fresh) or other completions; `.wish()` is the request, `.show(answer)` the result.
  T.repairBlock = (changed) => {
    let other = 0;
    let variety = 1;
    const mask = T.maskBoard(() => changed(true));
    const vae = T.figure(T.t("Repaired by the VAE"), T.t("The picture with its hidden pixels filled in by the VAE"));
    const gan = T.figure(T.t("Repaired by the GAN"), T.t("The picture with its hidden pixels filled in by the GAN"));
    const ways = el("div", { class: "tf-samples" });
    const others = el("button", { type: "button", class: "tf-button", onclick: () => again() }, T.t("Other completions"));
    const how = T.slider(
      T.t("Variety"),
      { min: 0.25, max: 2, step: 0.25, value: variety, format: (v) => Number(v).toFixed(2), hint: T.t("Sampling temperature: 1 = as much as the visible pixels leave open, above 1 = bolder") },
      (value) => {
        variety = value;
        changed(false);
      },
    );
    const again = () => {
      other = (other + 32) % 2 ** 32;
      changed(false);
    };
    const several = el(
      "div",
      { class: "tf-several", hidden: true },
      el("h4", {}, T.t("Ways to complete it")),
      el("p", { class: "tf-quiet" }, T.t("Of 32 sampled codes, the half that explains the visible pixels best is kept; the most different of these are shown.")),
      ways,
      el("div", { class: "tf-inline" }, how, others),
    );
    const hint = el("p", { class: "tf-quiet tf-hint" }, T.t("Nothing is hidden yet: paint over the picture or choose a preset."));
    const block = el(
      "section",
      { class: "tf-card", "aria-label": T.t("Repair") },
      el("h3", {}, T.t("Hide a part and have it repaired")),
      el("p", { class: "tf-quiet" }, T.t("Paint over the picture or choose a preset. Pixels that stay visible are kept exactly.")),
      el("div", { class: "tf-repair" }, mask, el("div", { class: "tf-answers" }, hint, el("div", { class: "tf-row" }, vae, gan), several)),
    );
    block.wish = () => ({ mask: mask.masked() ? mask.cells() : null, other, variety });
    block.masked = () => mask.masked();
    block.put = (picture) => mask.put(picture);
    block.suit = (bundle) => {
      block.hidden = !bundle.repairs && !bundle.inverts;
      mask.suit(bundle.size);
    };
    block.show = (answer) => {
      const kept = T.t("visible pixels unchanged");
      hint.hidden = Boolean(answer);
      vae.put(answer?.vae?.image, answer?.vae?.reading, kept);
      gan.put(answer?.gan?.image, answer?.gan?.reading, kept);
      const completions = answer?.completions ?? [];
      several.hidden = !completions.length;
      ways.replaceChildren(
        ...completions.map(({ image, reading }, i) => {
          const one = T.figure(T.t("Completion {number}", { number: i + 1 }), T.t("Completion {number} of {count}", { number: i + 1, count: completions.length }));
          one.put(image, reading);
          return one;
        }),
      );
    };
    // What can be laid over the input: [[name, address], …].
    block.pictures = () => [
      [T.t("Repaired by the VAE"), vae.href()],
      [T.t("Repaired by the GAN"), gan.href()],
      ...[...ways.children].map((one, i) => [T.t("Completion {number}", { number: i + 1 }), one.href()]),
    ];
    return block;
  };
})();

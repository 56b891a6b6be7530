// Samples of the posterior over codes, and where their pictures differ.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SAMPLES = 8;

  // The card. onChange() is called for other samples; `.request()` is its part of the request, `.show(answer)` shows the
  // result, null hides the card.
  T.posteriorCard = (onChange) => {
    let seed = 0;
    let temperature = 1;
    const grid = el("div", { class: "tf-samples" });
    const spread = T.captionedPicture(T.t("Standard deviation"), T.t("The standard deviation of every pixel over the samples: bright where they differ"));
    const legend = el("img", { class: "tf-legend-scale", alt: "" });
    const top = el("span", {});
    const scale = el("div", { class: "tf-spread-legend" }, legend, el("div", { class: "tf-legend-ends" }, el("span", {}, "0"), top));
    spread.append(scale);
    const text = el("p", { class: "tf-quiet" });
    const temperatureSlider = T.slider(
      T.t("Temperature"),
      { min: 0, max: 5, step: 0.1, value: temperature, format: (v) => Number(v).toFixed(1), hint: T.t("How far the samples are from the mean code: 1 = as the encoder predicts") },
      (value) => {
        temperature = value;
        onChange();
      },
    );
    const others = el("button", { type: "button", class: "tf-button", onclick: () => drawOthers() }, T.t("Other samples"));
    const drawOthers = () => {
      seed = T.wrapSeed(seed + SAMPLES);
      onChange();
    };
    const card = el(
      "section",
      { class: "tf-card tf-posterior-card", "aria-label": T.t("Samples of the posterior"), hidden: true },
      el("h3", {}, T.t("What the code leaves open")),
      el("p", { class: "tf-quiet" }, T.t("The encoder gives a distribution over codes, not a single code. Each sample is the picture of one code from it.")),
      el("div", { class: "tf-posterior" }, grid, spread, el("div", { class: "tf-dials" }, text, el("div", { class: "tf-inline" }, temperatureSlider, others))),
    );
    card.request = () => ({ seed, temperature, samples: SAMPLES });
    card.show = (answer) => {
      card.hidden = !answer;
      if (!answer) return;
      grid.replaceChildren(
        ...answer.samples.map((href, i) =>
          el("figure", {}, el("img", { class: "tf-picture", src: href, alt: T.t("Sample of the posterior, seed {seed}", { seed: answer.seed + i }) }), el("figcaption", {}, T.t("seed {seed}", { seed: answer.seed + i }))),
        ),
      );
      spread.put(answer.spread);
      legend.src = answer.legend;
      top.textContent = answer.top.toFixed(3);
      text.textContent = T.t("Standard deviation of a pixel over {count} samples: {mean} on average, {top} at most (0 is black, 1 is white).", {
        count: answer.measured,
        mean: answer.mean.toFixed(4),
        top: answer.top.toFixed(3),
      });
    };
    return card;
  };
})();

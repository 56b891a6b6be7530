// Where the critic looks in a picture: a map over it, and for those who cannot see it the same in words and numbers.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const number = (value) => (Math.abs(value) < 0.005 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`);

  // The element with the map. onCover(cover) is called when parts are to be hidden in another way. `.show(found, picture,
  // words)`: what the server found (demo/tabs/compare/occlusion.py), the picture, and what it is called.
  T.criticAttention = (onCover) => {
    const places = [T.t("top left"), T.t("top"), T.t("top right"), T.t("left"), T.t("middle"), T.t("right"), T.t("bottom left"), T.t("bottom"), T.t("bottom right")];
    const below = el("img", { class: "tf-picture", alt: "" });
    const above = el("img", { class: "tf-picture tf-attention-map", alt: "" });
    const plain = el("img", { class: "tf-picture", alt: "" });
    const strength = T.slider(T.t("Strength of the map"), { min: 0, max: 100, step: 5, value: 75, format: (v) => `${v} %` }, (v) => (above.style.opacity = v / 100));
    above.style.opacity = 0.75;
    const cover = T.segmented(
      "tf-cover",
      T.t("How parts are hidden"),
      [
        ["blur", T.t("Blurred"), T.t("A blurred copy of the picture lies over the part")],
        ["grey", T.t("Mean colour"), T.t("The picture's mean colour lies over the part")],
      ],
      "blur",
      (value) => onCover(value),
    );
    const ends = [el("span", {}), el("span", {})];
    const legend = el("div", { class: "tf-attention-legend" }, ends[0], el("i", { "aria-hidden": "true" }), ends[1]);
    const summary = el("p", {});
    const method = el("p", { class: "tf-quiet" });
    const table = el("div", {});
    const missing = el("p", { class: "tf-quiet", hidden: true });
    const body = el(
      "div",
      { class: "tf-attention", hidden: true },
      el("div", { class: "tf-pictures" }, el("figure", {}, plain, el("figcaption", {}, T.t("The picture"))), el("figure", {}, el("div", { class: "tf-layers" }, below, above), el("figcaption", {}, T.t("With the map over it")))),
      el("div", {}, legend, summary, method, el("div", { class: "tf-inline" }, el("span", { class: "tf-label" }, T.t("How parts are hidden")), cover), strength, el("details", { class: "tf-more" }, el("summary", {}, T.t("The map in numbers")), table)),
    );
    const box = el(
      "div",
      {},
      el("h4", {}, T.t("Where the critic looks")),
      el("p", { class: "tf-quiet" }, T.t("Each part of the picture is hidden in turn, and the critic scores it again. Where the score falls, the hidden part looked real to it.")),
      missing,
      body,
    );
    box.show = (found, picture, words) => {
      body.hidden = Boolean(found.missing);
      missing.hidden = !found.missing;
      missing.textContent = T.translate(found.missing);
      if (found.missing) return;
      for (const image of [below, plain]) image.src = picture;
      plain.alt = words;
      above.src = found.overlay;
      const drops = found.regions.flat();
      const most = drops.indexOf(Math.max(...drops));
      const least = drops.indexOf(Math.min(...drops));
      const values = { high: places[most], low: places[least], up: number(-drops[most]), down: number(-drops[least]) };
      const sentence =
        drops[most] <= 0
          ? T.t("On average no ninth of the picture makes it look real; hiding the {low} changes the score most, by {down}.", values)
          : drops[least] < 0
            ? T.t("Hiding the {high} changes the score most, by {up} on average; hiding the {low} changes it by {down}.", values)
            : T.t("Hiding the {high} changes the score most, by {up} on average; no ninth makes the picture look less real.", values);
      summary.textContent = sentence;
      above.alt = T.t("Map of the critic's attention. {sentence}", { sentence });
      ends[0].textContent = T.t("blue: hiding it raises the score, by up to {n}; it looks generated", { n: Math.max(0, -found.lowest).toFixed(2) });
      ends[1].textContent = T.t("orange: hiding it lowers the score, by up to {n}; it looks real", { n: Math.max(0, found.highest).toFixed(2) });
      method.textContent = T.t("{n} windows of {width} × {width} pixels in one run; the whole picture scores {score}. A critic's scores are not probabilities: only their differences mean something.", {
        n: found.windows,
        width: found.width,
        score: found.score.toFixed(2),
      });
      table.replaceChildren(
        el(
          "table",
          { class: "tf-figures tf-ninths" },
          el("caption", {}, T.t("Mean change of the score when a part of each ninth is hidden")),
          el("tbody", {}, ...found.regions.map((row) => el("tr", {}, ...row.map((drop) => el("td", {}, number(-drop)))))),
        ),
      );
    };
    return box;
  };
})();

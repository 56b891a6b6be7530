// Make, second step: how large pictures are, of which proportions, how they are framed and on which background.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const field = (label, control) => el("div", { class: "tf-field" }, el("span", { class: "tf-label" }, label), control);

  // The element. facts: what GET /make says; choose(changes) asks the server for them. `.show(found)` draws what
  // GET /make/{project}/pictures says.
  T.framingChoice = (facts, choose) => {
    const root = el("div", { class: "tf-make-settings" });
    const proportions = () => [
      ["1:1", T.t("Square"), null],
      ["4:3", "4:3", T.t("Wide, as most phones take them")],
      ["3:4", "3:4", T.t("Tall, as most phones take them")],
      ["3:2", "3:2", T.t("Wide, as most cameras take them")],
      ["2:3", "2:3", T.t("Tall, as most cameras take them")],
    ];
    root.show = (found) => {
      const colour = el("input", { type: "color", value: found.background ?? "#ffffff", "aria-label": T.t("Background"), title: T.t("Colour under transparent parts and beside what does not fill the frame") });
      colour.addEventListener("change", () => choose({ background: colour.value }));
      const [height, width] = found.sides;
      const focused = root.contains(document.activeElement) ? document.activeElement : null;
      root.replaceChildren(
        field(T.t("Size"), T.segmented("tf-make-size", T.t("Size"), facts.sizes.map((size) => [size, `${size}`, T.t("{n} pixels along the longer side: small ones learn faster", { n: size })]), found.size, (size) => choose({ size }))),
        field(T.t("Proportions"), T.segmented("tf-make-proportions", T.t("Proportions"), proportions(), found.proportions, (next) => choose({ proportions: next }))),
        field(T.t("Frame"), T.segmented("tf-make-fit", T.t("Frame"), [["crop", T.t("Cut out the middle"), T.t("Of pictures with other proportions")], ["pad", T.t("Show them whole"), T.t("On the background")]], found.fit, (fit) => choose({ fit }))),
        el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Background")), colour),
        el("span", { class: "tf-quiet" }, T.t("{width} × {height} pixels", { width, height })),
      );
      if (focused?.type === "radio") root.querySelector(`[name="${focused.name}"]:checked`)?.focus({ preventScroll: true });
      else if (focused) colour.focus({ preventScroll: true });
    };
    return root;
  };
})();

// One picture over another: switched by a key or a button (by itself only where motion is welcome), or under a slider.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const PACE = 700; // milliseconds between two blinks: well under three flashes a second

  // `.show(pictures, titles)`: two ImageData. `.view(name)`: "blink" or "slide".
  T.stacked = () => {
    const canvases = [0, 1].map(() => el("canvas", { class: "tf-picture", width: 32, height: 32, role: "img" }));
    const edge = el("i", { class: "tf-edge", "aria-hidden": "true" });
    const stack = el("div", { class: "tf-stacked" }, ...canvases, edge);
    const shown = el("p", { class: "tf-caption", role: "status" });
    const swap = el(
      "button",
      { type: "button", class: "tf-button", "aria-keyshortcuts": "b", onclick: () => blink() },
      el("span", {}, T.t("Show the other")),
      el("kbd", { "aria-hidden": "true" }, "B"),
    );
    const alone = el("button", { type: "button", class: "tf-button", "aria-pressed": "false", onclick: () => (timer ? rest() : run()) }, T.t("Blink by itself"));
    const calm = el("p", { class: "tf-quiet" }, T.t("This device is set to reduce motion, so nothing blinks by itself."));
    const range = el("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.t("How much of the right picture is covered by the left one") });
    const slide = el("div", { class: "tf-slide" }, el("span", {}, T.t("Left")), range, el("span", {}, T.t("Right")));
    const buttons = el("div", { class: "tf-buttons" }, swap, alone);
    const box = el("div", { class: "tf-stack-box" }, stack, slide, buttons, calm, shown);
    let names = ["", ""];
    let top = 0;
    let mode = "blink";
    let timer = null;

    const lay = () => {
      const share = Number(range.value);
      canvases[0].style.clipPath = mode === "slide" ? `inset(0 ${100 - share}% 0 0)` : "";
      canvases[0].style.visibility = mode === "blink" && top === 1 ? "hidden" : "";
      edge.hidden = mode !== "slide";
      edge.style.left = `${share}%`;
      slide.hidden = mode !== "slide";
      buttons.hidden = mode !== "blink";
      alone.hidden = T.reducedMotion.matches;
      calm.hidden = mode !== "blink" || !T.reducedMotion.matches;
      range.setAttribute("aria-valuetext", T.t("{left} % left, {right} % right", { left: share, right: 100 - share }));
      const side = top ? T.t("Right") : T.t("Left");
      shown.textContent = mode === "blink" && !timer ? `${side}: ${names[top]}` : "";
    };
    const blink = () => {
      top = 1 - top;
      lay();
    };
    const rest = () => {
      clearInterval(timer);
      timer = null;
      alone.setAttribute("aria-pressed", "false");
      lay();
    };
    const run = () => {
      if (T.reducedMotion.matches) return;
      timer = setInterval(() => (T.visible(stack) ? blink() : rest()), PACE);
      alone.setAttribute("aria-pressed", "true");
      lay();
    };
    T.reducedMotion.addEventListener("change", rest);
    range.addEventListener("input", lay);
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest?.("input:not([type=range], [type=radio], [type=checkbox]), select, textarea, [contenteditable], [role=menu]");
      if (typing || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "b") return;
      if (mode !== "blink" || !T.visible(stack)) return;
      event.preventDefault();
      blink();
    });

    box.show = (pictures, titles) => {
      names = titles;
      pictures.forEach((picture, side) => {
        if (picture) T.paint(canvases[side], picture);
        canvases[side].setAttribute("aria-label", titles[side]);
      });
      lay();
    };
    box.view = (name) => {
      mode = name;
      if (mode !== "blink" && timer) rest();
      lay();
    };
    lay();
    return box;
  };
})();

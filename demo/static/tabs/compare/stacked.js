// One picture over another: switched by a key or a button (by itself only where motion is welcome), or under a slider.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const BLINK_EVERY = 700; // ms: well under three flashes a second

  // The element with both pictures. `.show(pictures, titles)`: two ImageData. `.view(name)`: "blink" or "slide".
  T.stacked = () => {
    const canvases = [0, 1].map(() => T.pictureCanvas(""));
    const edge = el("i", { class: "tf-edge", "aria-hidden": "true" });
    const stack = el("div", { class: "tf-stacked" }, ...canvases, edge);
    const caption = el("p", { class: "tf-caption", role: "status" });
    const swap = el(
      "button",
      { type: "button", class: "tf-button", "aria-keyshortcuts": "b", onclick: () => blink() },
      el("span", {}, T.t("Show the other")),
      el("kbd", { "aria-hidden": "true" }, "B"),
    );
    const automatic = el("button", { type: "button", class: "tf-button", "aria-pressed": "false", onclick: () => (timer ? stopBlinking() : startBlinking()) }, T.t("Blink by itself"));
    const motionNote = el("p", { class: "tf-quiet" }, T.t("This device is set to reduce motion, so nothing blinks by itself."));
    const range = el("input", { type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": T.t("How much of the right picture is covered by the left one") });
    const slide = el("div", { class: "tf-slide" }, el("span", {}, T.t("Left")), range, el("span", {}, T.t("Right")));
    const buttons = el("div", { class: "tf-buttons" }, swap, automatic);
    const box = el("div", { class: "tf-stack-box" }, stack, slide, buttons, motionNote, caption);
    let names = ["", ""];
    let top = 0;
    let view = "blink";
    let timer = null;

    const update = () => {
      const share = Number(range.value);
      canvases[0].style.clipPath = view === "slide" ? `inset(0 ${100 - share}% 0 0)` : "";
      canvases[0].style.visibility = view === "blink" && top === 1 ? "hidden" : "";
      edge.hidden = view !== "slide";
      edge.style.left = `${share}%`;
      slide.hidden = view !== "slide";
      buttons.hidden = view !== "blink";
      automatic.hidden = T.reducedMotion.matches;
      motionNote.hidden = view !== "blink" || !T.reducedMotion.matches;
      range.setAttribute("aria-valuetext", T.t("{left} % left, {right} % right", { left: share, right: 100 - share }));
      const side = top ? T.t("Right") : T.t("Left");
      caption.textContent = view === "blink" && !timer ? `${side}: ${names[top]}` : "";
    };
    const blink = () => {
      top = 1 - top;
      update();
    };
    const stopBlinking = () => {
      clearInterval(timer);
      timer = null;
      automatic.setAttribute("aria-pressed", "false");
      update();
    };
    const startBlinking = () => {
      if (T.reducedMotion.matches) return;
      timer = setInterval(() => (T.visible(stack) ? blink() : stopBlinking()), BLINK_EVERY);
      automatic.setAttribute("aria-pressed", "true");
      update();
    };
    T.reducedMotion.addEventListener("change", stopBlinking);
    range.addEventListener("input", update);
    document.addEventListener("keydown", (event) => {
      if (T.typing(event) || event.ctrlKey || event.metaKey || event.altKey || event.key.toLowerCase() !== "b") return;
      if (view !== "blink" || !T.visible(stack)) return;
      event.preventDefault();
      blink();
    });

    box.show = (pictures, titles) => {
      names = titles;
      pictures.forEach((picture, side) => {
        if (picture) T.paint(canvases[side], picture);
        else canvases[side].getContext("2d").clearRect(0, 0, canvases[side].width, canvases[side].height);
        canvases[side].setAttribute("aria-label", titles[side]);
      });
      update();
    };
    box.view = (name) => {
      view = name;
      if (view !== "blink" && timer) stopBlinking();
      update();
    };
    update();
    return box;
  };
})();

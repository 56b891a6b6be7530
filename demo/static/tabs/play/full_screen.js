// The picture alone, as large as the screen, and a second window that shows the same for a projector.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const FADE = 2500; // ms without a movement, after which the buttons fade
  const MIRROR = "twofold-mirror"; // the second window's name: a page that is loaded anew finds it again
  const MIRROR_STYLE =
    "html, body { height: 100%; margin: 0; background: #000; } canvas { display: block; width: 100%; height: 100%; object-fit: contain; }";

  // The second window: it shows whatever is painted into it, as large as it can, and opens and closes with `toggle`.
  // onClose() is called when the visitor closes it.
  const mirrorWindow = (onClose) => {
    let opened = null; // { window, canvas }
    const close = () => {
      opened?.window.close();
      opened = null;
    };
    const open = () => {
      const other = window.open("", MIRROR, "popup,width=800,height=800");
      if (!other) {
        T.showMessage(T.t("The browser blocked the second window; allow pop-ups for this page."));
        return;
      }
      other.document.title = "Twofold";
      const canvas = other.document.createElement("canvas");
      canvas.setAttribute("aria-label", T.t("The picture"));
      canvas.setAttribute("role", "img");
      const style = other.document.createElement("style");
      style.textContent = MIRROR_STYLE;
      other.document.head.replaceChildren(style);
      other.document.body.replaceChildren(canvas);
      other.document.body.ondblclick = () => other.document.documentElement.requestFullscreen?.().catch(() => {});
      other.addEventListener("pagehide", () => {
        if (opened?.window !== other) return; // closed from here
        opened = null;
        onClose();
      });
      opened = { window: other, canvas };
    };
    const isOpen = () => Boolean(opened && !opened.window.closed);
    addEventListener("pagehide", close);
    return {
      isOpen,
      toggle: () => (isOpen() ? close() : open()),
      show(picture) {
        if (!isOpen()) return;
        opened.canvas.style.imageRendering = T.hardPixels() ? "pixelated" : "auto";
        T.paint(opened.canvas, picture);
      },
    };
  };

  // Makes `frame`, which holds `canvas`, fill the screen on wish. actions: buttons that stay at hand there.
  // onLeave() is called when the page is back. .toggle(): on and off; .show(picture): what the second window shows too.
  T.fullScreen = (frame, canvas, actions, onLeave) => {
    const mirror = mirrorWindow(() => mirrorButton.setAttribute("aria-pressed", "false"));
    let fading = null;
    const button = (text, hint, action) =>
      el("button", { type: "button", class: "tf-button", title: hint, onclick: (event) => (action(), event.detail && canvas.focus()) }, text);
    const mirrorButton = button(T.t("Second window"), T.t("Show the same picture in a second window, for a projector"), () => {
      mirror.toggle();
      mirrorButton.setAttribute("aria-pressed", String(mirror.isOpen()));
      if (mirror.isOpen()) mirror.show(canvas);
    });
    mirrorButton.setAttribute("aria-pressed", "false");
    const controls = el(
      "div",
      { class: "tf-full-controls", hidden: true },
      ...actions.map(([text, hint, action]) => button(text, hint, action)),
      mirrorButton,
      button(T.t("Leave"), T.t("Back to the page (Esc)"), () => leave()),
    );
    frame.append(controls);

    const isFull = () => frame.classList.contains("tf-full");
    const wake = () => {
      if (!isFull()) return;
      frame.classList.remove("tf-asleep");
      clearTimeout(fading);
      fading = setTimeout(() => frame.classList.toggle("tf-asleep", !controls.contains(document.activeElement)), FADE);
    };
    const enter = () => {
      frame.classList.add("tf-full");
      controls.hidden = false;
      canvas.focus({ preventScroll: true });
      wake();
      frame.requestFullscreen?.().catch(() => {}); // where a browser refuses, the picture fills its window
    };
    const leave = () => {
      clearTimeout(fading);
      frame.classList.remove("tf-full", "tf-asleep");
      controls.hidden = true;
      onLeave();
      if (document.fullscreenElement === frame) document.exitFullscreen();
      canvas.focus({ preventScroll: true });
    };
    const toggle = () => (isFull() ? leave() : enter());

    document.addEventListener("fullscreenchange", () => {
      if (isFull() && !document.fullscreenElement) leave();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isFull()) leave();
      wake();
    });
    for (const kind of ["pointermove", "pointerdown", "focusin"]) frame.addEventListener(kind, wake);
    canvas.addEventListener("dblclick", toggle);
    return { toggle, show: mirror.show };
  };
})();

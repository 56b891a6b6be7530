// The fold "Instrument" in Play. What is in it is a script of its own, loaded when it is first opened, or when this browser has
// mappings from an earlier visit.
(() => {
  const T = window.Twofold;
  const { el } = T;

  let loading = null;
  const load = () => {
    loading ??= new Promise((resolve, reject) => {
      document.head.append(el("script", { src: T.scriptAddress("instrument.js"), onload: resolve, onerror: reject }));
    }).then(() => T.instrumentPanel());
    loading.catch(() => (loading = null)); // the next try loads it again
    return loading;
  };
  const wasPlayed = () => T.storage.read("instrument")?.mappings?.length > 0;

  // The fold. frame: the picture's, over which `.toggle()` shows the panel in full screen; else it opens the fold.
  T.instrumentFold = (frame) => {
    const fold = el("details", { class: "tf-more tf-instrument-fold" }, el("summary", {}, T.t("Instrument")));
    const failure = T.errorNote();
    fold.append(failure);
    let panel = null;
    const isFull = () => frame.classList.contains("tf-full");
    const ready = async () => {
      try {
        panel ??= await load();
      } catch {
        failure.show(T.t("The instrument could not be loaded. Check the connection, and open it again."));
        return false;
      }
      failure.show("");
      if (!panel.isConnected) fold.append(panel);
      return true;
    };
    fold.addEventListener("toggle", () => fold.open && ready());
    fold.toggle = async () => {
      if (!isFull()) {
        fold.open = !fold.open;
        if (fold.open) {
          await ready();
          fold.querySelector("summary").focus({ preventScroll: true });
          fold.scrollIntoView({ block: "nearest", behavior: T.reducedMotion.matches ? "auto" : "smooth" });
        }
        return;
      }
      if (!(await ready())) {
        T.showMessage(failure.textContent);
        return;
      }
      if (panel.parentNode === frame) fold.append(panel);
      else {
        frame.append(panel);
        panel.querySelector("button").focus({ preventScroll: true });
      }
    };
    // Back into the fold, when the picture leaves the full screen.
    fold.leaveFullScreen = () => panel?.parentNode === frame && fold.append(panel);
    // A tap of the tempo, once the panel is there.
    fold.tap = () => panel?.tap();
    if (wasPlayed()) ready();
    return fold;
  };
})();

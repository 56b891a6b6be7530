// A board to draw a picture on, in the proportions of the models' pictures.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LONGER_SIDE = 320; // pixels of the board, whatever the size of the models' pictures
  const ERASER = 1.6; // times as wide as the brush

  // The element with the board. onChange() is called after every stroke. `.drawn()` says whether there is anything on it,
  // `.data()` gives a PNG as a data URL, `.useBundle(bundle)` clears it for another bundle.
  T.drawingBoard = (onChange) => {
    const canvas = el("canvas", {
      class: "tf-board",
      width: LONGER_SIDE,
      height: LONGER_SIDE,
      "aria-label": T.t("Drawing board. Draw with the mouse, a finger or a pen; or move with the arrow keys and press Space to put the brush down and to lift it."),
    });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const small = T.pictureCanvas(T.t("The drawing at the models' resolution"));
    const smallText = el("span", { class: "tf-quiet" });
    const past = T.undoStack();
    let paper = "#000000";
    let tool = "brush";
    let brushWidth = 0.085; // of the board's longer side
    let drawn = false;

    const preview = T.oncePerFrame(() => {
      const context = small.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(canvas, 0, 0, small.width, small.height);
    });
    const mark = (isDrawn) => {
      drawn = isDrawn;
      hint.hidden = isDrawn;
      preview();
    };
    const fillWithPaper = () => {
      context.fillStyle = paper;
      context.fillRect(0, 0, canvas.width, canvas.height);
    };
    const remember = () => past.add({ pixels: context.getImageData(0, 0, canvas.width, canvas.height), drawn });
    const undo = () => {
      const last = past.take();
      if (!last) return;
      context.putImageData(last.pixels, 0, 0);
      mark(last.drawn);
      onChange();
    };
    const clear = () => {
      remember();
      fillWithPaper();
      mark(false);
    };
    const stroke = (from, to) => {
      mark(true);
      context.strokeStyle = tool === "brush" ? ink.value : paper;
      context.lineWidth = brushWidth * LONGER_SIDE * (tool === "brush" ? 1 : ERASER);
      context.lineCap = "round";
      context.lineJoin = "round";
      context.beginPath();
      context.moveTo(from[0] * canvas.width, from[1] * canvas.height);
      context.lineTo(to[0] * canvas.width + 0.01, to[1] * canvas.height); // a line without length is not drawn
      context.stroke();
    };

    const hint = el("p", { "aria-hidden": "true" }, T.t("Draw here"));
    const frame = T.paintBoard(canvas, { start: remember, stroke, done: () => onChange(), undo }, hint);
    frame.classList.add("tf-canvas");
    const ink = el("input", { type: "color", value: "#ffffff", "aria-label": T.t("Colour of the brush") });
    const board = el(
      "div",
      { class: "tf-drawing" },
      frame,
      el(
        "div",
        { class: "tf-tools" },
        T.toolChoice(
          [
            ["brush", T.t("Brush"), T.t("Draw")],
            ["eraser", T.t("Eraser"), T.t("Erase")],
          ],
          tool,
          (value) => (tool = value),
        ),
        ink,
        el("button", { type: "button", class: "tf-button", onclick: undo }, T.t("Undo")),
        el("button", { type: "button", class: "tf-button", onclick: clear }, T.t("Clear")),
      ),
      T.slider(T.t("Brush width"), { min: 2, max: 20, step: 0.5, value: brushWidth * 100, format: (v) => `${v} %` }, (v) => (brushWidth = v / 100)),
      el("div", { class: "tf-small-preview" }, small, smallText),
    );
    board.drawn = () => drawn;
    board.data = () => canvas.toDataURL("image/png");
    // Grey data sets here are bright strokes on black; colour pictures start on white paper.
    board.useBundle = ({ channels, width, height }) => {
      paper = channels === 1 ? "#000000" : "#ffffff";
      ink.hidden = channels === 1;
      ink.value = channels === 1 ? "#ffffff" : "#2f5fd0";
      frame.classList.toggle("tf-paper", channels !== 1);
      canvas.width = Math.round(LONGER_SIDE * Math.min(1, width / height));
      canvas.height = Math.round(LONGER_SIDE * Math.min(1, height / width));
      small.width = width;
      small.height = height;
      smallText.textContent = T.t("What the models see: {width} × {height} pixels", { width, height });
      past.clear();
      fillWithPaper();
      mark(false);
    };
    return board;
  };
})();

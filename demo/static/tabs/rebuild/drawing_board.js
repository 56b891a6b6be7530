// A board to draw a picture on. `changed()` is called after every stroke; `.data()` gives a PNG as a data address.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SIDE = 320; // pixels of the board, whatever the size of the models' pictures

  T.drawingBoard = (changed) => {
    const canvas = el("canvas", {
      class: "tf-board",
      width: SIDE,
      height: SIDE,
      "aria-label": T.t("Drawing board. Draw with the mouse, a finger or a pen; or move with the arrow keys and press Space to put the brush down and to lift it."),
    });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const small = el("canvas", { class: "tf-picture", width: 32, height: 32, role: "img", "aria-label": T.t("The drawing at the models' resolution") });
    const smallText = el("span", { class: "tf-quiet" });
    const past = T.past();
    let tool = "brush";
    let width = 0.085;
    let dirty = false;

    const preview = T.frame(() => {
      const brush = small.getContext("2d");
      brush.imageSmoothingQuality = "high";
      brush.drawImage(canvas, 0, 0, small.width, small.height);
    });
    const mark = (drawn) => {
      dirty = drawn;
      hint.hidden = drawn;
      preview();
    };
    const paper = () => {
      pen.fillStyle = board.paper;
      pen.fillRect(0, 0, SIDE, SIDE);
    };
    const remember = () => past.add({ pixels: pen.getImageData(0, 0, SIDE, SIDE), dirty });
    const undo = () => {
      const last = past.take();
      if (!last) return;
      pen.putImageData(last.pixels, 0, 0);
      mark(last.dirty);
      changed();
    };
    const clear = () => {
      remember();
      paper();
      mark(false);
    };
    const stroke = (from, to) => {
      mark(true);
      pen.strokeStyle = tool === "brush" ? ink.value : board.paper;
      pen.lineWidth = width * SIDE * (tool === "brush" ? 1 : 1.6);
      pen.lineCap = "round";
      pen.lineJoin = "round";
      pen.beginPath();
      pen.moveTo(from[0] * SIDE, from[1] * SIDE);
      pen.lineTo(to[0] * SIDE + 0.01, to[1] * SIDE);
      pen.stroke();
    };

    const hint = el("p", { "aria-hidden": "true" }, T.t("Draw here"));
    const sheet = T.paintBoard(canvas, { start: remember, stroke, done: () => changed(), undo }, hint);
    sheet.classList.add("tf-canvas");
    const ink = el("input", { type: "color", value: "#ffffff", "aria-label": T.t("Colour of the brush") });
    const board = el(
      "div",
      { class: "tf-drawing" },
      sheet,
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
      T.slider(T.t("Brush width"), { min: 2, max: 20, step: 0.5, value: width * 100, format: (v) => `${v} %` }, (v) => (width = v / 100)),
      el("div", { class: "tf-small" }, small, smallText),
    );
    board.paper = "#000000";
    board.drawn = () => dirty;
    board.data = () => canvas.toDataURL("image/png");
    // Grey data sets here are bright strokes on black; colour pictures start on white paper.
    board.suit = ({ channels, size }) => {
      board.paper = channels === 1 ? "#000000" : "#ffffff";
      ink.hidden = channels === 1;
      ink.value = channels === 1 ? "#ffffff" : "#2f5fd0";
      sheet.classList.toggle("tf-paper", channels !== 1);
      small.width = small.height = size;
      smallText.textContent = T.t("What the models see: {size} × {size} pixels", { size });
      past.clear();
      paper();
      mark(false);
    };
    return board;
  };
})();

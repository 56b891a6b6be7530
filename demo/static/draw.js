// Two boards for fingers, pens and mice: one to draw a picture on, one to paint a mask over a picture.
(() => {
  const T = window.Twofold;
  if (T.drawingBoard) return;
  const { el } = T;

  // Calls stroke(from, to) in shares of the board's side, and done() when the pointer is lifted.
  const follow = (canvas, start, stroke, done) => {
    let last = null;
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || last) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      start();
      last = { id: event.pointerId, at: at(event) };
      stroke(last.at, last.at);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (last?.id !== event.pointerId) return;
      const steps = event.getCoalescedEvents?.() ?? [];
      for (const step of steps.length ? steps : [event]) {
        const next = at(step);
        stroke(last.at, next);
        last.at = next;
      }
    });
    const end = (event) => {
      if (last?.id !== event.pointerId) return;
      last = null;
      done();
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
  };

  const tools = (options, chosen, onchange) => T.segmented(`tf-tool-${Math.random().toString(36).slice(2)}`, "Tool", options, chosen, onchange);

  // A board to draw on. `changed()` is called after every stroke; `.data()` gives a PNG data URI.
  T.drawingBoard = (changed) => {
    const side = 320;
    const canvas = el("canvas", {
      class: "tf-board",
      width: side,
      height: side,
      role: "img",
      "aria-label": "Drawing board. Draw with the mouse, a finger or a pen; test pictures can be chosen without drawing.",
    });
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    const history = [];
    let tool = "brush";
    let width = 0.085;
    let dirty = false;
    const mark = (drawn) => {
      dirty = drawn;
      hint.hidden = drawn;
    };
    const paper = () => {
      pen.fillStyle = board.paper;
      pen.fillRect(0, 0, side, side);
    };
    const remember = () => {
      history.push({ pixels: pen.getImageData(0, 0, side, side), dirty });
      if (history.length > 30) history.shift();
    };
    follow(
      canvas,
      remember,
      (from, to) => {
        mark(true);
        pen.strokeStyle = tool === "brush" ? ink.value : board.paper;
        pen.lineWidth = width * side * (tool === "brush" ? 1 : 1.6);
        pen.lineCap = "round";
        pen.lineJoin = "round";
        pen.beginPath();
        pen.moveTo(from[0] * side, from[1] * side);
        pen.lineTo(to[0] * side + 0.01, to[1] * side);
        pen.stroke();
      },
      () => changed(),
    );
    const ink = el("input", { type: "color", value: "#ffffff", "aria-label": "Colour of the brush" });
    const toolbar = el(
      "div",
      { class: "tf-tools" },
      tools(
        [
          ["brush", "Brush", "Draw"],
          ["eraser", "Eraser", "Rub out"],
        ],
        tool,
        (value) => (tool = value),
      ),
      ink,
      el("button", { type: "button", class: "tf-button", onclick: () => undo() }, "Undo"),
      el("button", { type: "button", class: "tf-button", onclick: () => clear() }, "Clear"),
    );
    const size = T.slider("Brush width", { min: 2, max: 20, step: 0.5, value: width * 100, format: (v) => `${v} %` }, (v) => (width = v / 100));
    const undo = () => {
      const last = history.pop();
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
    const hint = el("p", { "aria-hidden": "true" }, "Draw here");
    const sheet = el("div", { class: "tf-canvas" }, canvas, hint);
    const board = el("div", { class: "tf-drawing" }, sheet, toolbar, size);
    board.paper = "#000000";
    board.drawn = () => dirty;
    board.data = () => canvas.toDataURL("image/png");
    board.suit = (channels) => {
      // Grey data sets of this studio are bright strokes on black; colour pictures start on white paper.
      board.paper = channels === 1 ? "#000000" : "#ffffff";
      ink.hidden = channels === 1;
      ink.value = channels === 1 ? "#ffffff" : "#2f5fd0";
      sheet.classList.toggle("tf-paper", channels !== 1);
      history.length = 0;
      mark(false);
      paper();
    };
    return board;
  };

  // A mask over a picture of `size` x `size` pixels. `.cells()` gives one "1" (known) or "0" a pixel, row by row.
  T.maskBoard = (changed) => {
    const below = el("canvas", { class: "tf-picture", width: 32, height: 32 });
    const above = el("canvas", {
      class: "tf-picture tf-mask",
      width: 32,
      height: 32,
      role: "img",
      "aria-label": "Mask. Paint over the pixels that are to be filled in, or choose a preset.",
    });
    let size = 32;
    let cells = new Uint8Array(size * size).fill(1);
    let hide = true;
    let width = 0.16;
    const history = [];
    const draw = () => {
      above.width = size;
      above.height = size;
      const pen = above.getContext("2d");
      const veil = pen.createImageData(size, size);
      for (let i = 0; i < cells.length; i += 1) {
        if (cells[i]) continue;
        // A checkered veil: it shows on dark and on light pictures, and does not rest on colour alone.
        const light = (Math.floor(i / size) + (i % size)) % 2;
        veil.data.set(light ? [255, 122, 69, 255] : [196, 72, 26, 255], 4 * i);
      }
      pen.putImageData(veil, 0, 0);
    };
    const remember = () => {
      history.push(cells.slice());
      if (history.length > 30) history.shift();
    };
    follow(
      above,
      remember,
      (from, to) => {
        const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) * size * 2));
        const reach = (width * size) / 2;
        for (let step = 0; step <= steps; step += 1) {
          const x = (from[0] + ((to[0] - from[0]) * step) / steps) * size;
          const y = (from[1] + ((to[1] - from[1]) * step) / steps) * size;
          for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(size - 1, Math.ceil(y + reach)); row += 1) {
            for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(size - 1, Math.ceil(x + reach)); column += 1) {
              if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= reach) cells[row * size + column] = hide ? 0 : 1;
            }
          }
        }
        draw();
      },
      () => changed(),
    );
    const fill = (known) => {
      remember();
      for (let row = 0; row < size; row += 1) {
        for (let column = 0; column < size; column += 1) cells[row * size + column] = known(row, column) ? 1 : 0;
      }
      draw();
      changed();
    };
    const presets = [
      ["Nothing", "All pixels are known", () => true],
      ["Centre", "The middle is missing", (r, c) => Math.min(r, c) < size / 4 || Math.max(r, c) >= (3 * size) / 4],
      ["Left half", "The left half is missing", (r, c) => c >= size / 2],
      ["Random 75 %", "Three pixels in four are missing", () => Math.random() >= 0.75],
    ];
    const undo = () => {
      const last = history.pop();
      if (!last) return;
      cells = last;
      draw();
      changed();
    };
    const board = el(
      "div",
      { class: "tf-masking" },
      el("div", { class: "tf-stack" }, below, above),
      el(
        "div",
        { class: "tf-tools" },
        tools(
          [
            ["hide", "Hide", "Paint pixels away"],
            ["show", "Uncover", "Bring pixels back"],
          ],
          "hide",
          (value) => (hide = value === "hide"),
        ),
        el("button", { type: "button", class: "tf-button", onclick: undo }, "Undo"),
      ),
      el(
        "div",
        { class: "tf-tools", role: "group", "aria-label": "Presets of the mask" },
        ...presets.map(([text, hint, known]) => el("button", { type: "button", class: "tf-button", title: hint, onclick: () => fill(known) }, text)),
      ),
      T.slider("Mask brush", { min: 4, max: 40, step: 1, value: width * 100, format: (v) => `${v} %` }, (v) => (width = v / 100)),
    );
    board.cells = () => cells.join("");
    board.masked = () => cells.includes(0);
    board.put = (picture) => T.paint(below, picture);
    board.suit = (next) => {
      if (next !== size) {
        size = next;
        cells = new Uint8Array(size * size).fill(1);
        history.length = 0;
      }
      draw();
    };
    draw();
    return board;
  };
})();

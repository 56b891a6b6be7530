// What the drawing board and the mask board share: strokes by mouse, finger, pen and keyboard, undo, a choice of tools.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const STEP = 1 / 32; // of the board's side, that an arrow key moves
  const KEPT = 30; // strokes that can be undone

  // A frame around `canvas`, in which one paints. Calls start(), then stroke(from, to) in shares of the board's side, done() at its end,
  // and undo() for Ctrl+Z. By keyboard the arrows move a cursor and Space puts the brush down or lifts it.
  T.paintBoard = (canvas, { start, stroke, done, undo }, ...over) => {
    const cursor = el("i", { class: "tf-cursor", "aria-hidden": "true" });
    const frame = el("div", { class: "tf-paintable" }, canvas, ...over, cursor);
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    let last = null; // { id, at } of the pointer that paints
    const at = (event) => {
      const box = canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || last) return;
      event.preventDefault();
      lift();
      frame.classList.remove("tf-keyed");
      canvas.focus({ preventScroll: true });
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

    let place = [0.5, 0.5];
    let down = false;
    const put = (next) => {
      place = next.map((share) => Math.min(1, Math.max(0, share)));
      cursor.style.left = `${100 * place[0]}%`;
      cursor.style.top = `${100 * place[1]}%`;
    };
    const lift = () => {
      if (!down) return;
      down = false;
      frame.classList.remove("tf-down");
      done();
    };
    canvas.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 4 * STEP : STEP;
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
        lift();
        undo();
      } else if (event.ctrlKey || event.metaKey || event.altKey) return;
      else if (move) {
        const from = place;
        put([place[0] + move[0], place[1] + move[1]]);
        if (down) stroke(from, place);
      } else if (event.key === " ") {
        if (down) lift();
        else {
          down = true;
          start();
          stroke(place, place);
        }
      } else return;
      frame.classList.add("tf-keyed");
      frame.classList.toggle("tf-down", down);
      event.preventDefault();
      event.stopPropagation();
    });
    canvas.addEventListener("blur", () => {
      lift();
      frame.classList.remove("tf-keyed");
    });
    put(place);
    return frame;
  };

  // The states before the last strokes: `.add(state)`, `.take()` the newest, `.clear()`.
  T.undoStack = () => {
    const states = [];
    return {
      add: (state) => {
        states.push(state);
        if (states.length > KEPT) states.shift();
      },
      take: () => states.pop(),
      clear: () => (states.length = 0),
    };
  };

  let boards = 0; // radio buttons of one board need a name of their own
  // The choice of a tool: options as for T.segmented.
  T.toolChoice = (options, chosen, onchange) => T.segmented(`tf-tool-${++boards}`, T.t("Tool"), options, chosen, onchange);
})();

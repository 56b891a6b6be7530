// A board to paint a mask over a picture. `.cells()` gives one "1" (known) or "0" (hidden) per pixel, row by row.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // A checkered veil: visible on dark and on light pictures, and not by colour alone.
  const VEIL = [
    [255, 122, 69, 255],
    [196, 72, 26, 255],
  ];
  const SCRATCHES = 3;

  // Repeatable random numbers in [0, 1) (mulberry32).
  const chance = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  T.maskBoard = (changed) => {
    const below = el("canvas", { class: "tf-picture", width: 32, height: 32 });
    const above = el("canvas", {
      class: "tf-picture tf-mask",
      width: 32,
      height: 32,
      "aria-label": T.t("Mask. Paint over the pixels that are to be filled in, or choose a preset. By keyboard: the arrow keys move, Space puts the brush down and lifts it."),
    });
    let size = 32;
    let cells = new Uint8Array(size * size).fill(1);
    let hide = true;
    let width = 0.16;
    let pressed = 0; // how often a random preset was chosen: each time it differs
    const past = T.past();
    const draw = () => {
      above.width = size;
      above.height = size;
      const pen = above.getContext("2d");
      const veil = pen.createImageData(size, size);
      for (let i = 0; i < cells.length; i += 1) {
        if (!cells[i]) veil.data.set(VEIL[(Math.floor(i / size) + (i % size)) % 2], 4 * i);
      }
      pen.putImageData(veil, 0, 0);
    };
    const remember = () => past.add(cells.slice());
    const undo = () => {
      const last = past.take();
      if (!last) return;
      cells = last;
      draw();
      changed();
    };
    // Everything within `reach` pixels of the line becomes `value`; ends in shares of the side.
    const line = (from, to, reach, value) => {
      const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) * size * 2));
      for (let step = 0; step <= steps; step += 1) {
        const x = (from[0] + ((to[0] - from[0]) * step) / steps) * size;
        const y = (from[1] + ((to[1] - from[1]) * step) / steps) * size;
        for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(size - 1, Math.ceil(y + reach)); row += 1) {
          for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(size - 1, Math.ceil(x + reach)); column += 1) {
            if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= reach) cells[row * size + column] = value;
          }
        }
      }
    };
    const stroke = (from, to) => {
      line(from, to, (width * size) / 2, hide ? 0 : 1);
      draw();
    };
    const stack = T.paintBoard(above, { start: remember, stroke, done: () => changed(), undo });
    stack.prepend(below);
    stack.classList.add("tf-stack");

    const each = (known) => () => {
      for (let i = 0; i < cells.length; i += 1) cells[i] = known(Math.floor(i / size), i % size) ? 1 : 0;
    };
    const scratch = () => {
      const random = chance(++pressed);
      cells.fill(1);
      for (let i = 0; i < SCRATCHES; i += 1) {
        let from = [0, 0.1 + 0.8 * random()];
        const slope = 0.6 * (random() - 0.5);
        while (from[0] < 1) {
          const to = [from[0] + 0.1, from[1] + 0.1 * slope + 0.08 * (random() - 0.5)];
          line(from, to, size / 40, 0);
          from = to;
        }
      }
    };
    const scattered = () => {
      const random = chance(++pressed);
      each(() => random() >= 0.75)();
    };
    const presets = [
      [T.t("Nothing"), T.t("All pixels are known"), each(() => true)],
      [T.t("Centre"), T.t("The middle is missing"), each((r, c) => Math.min(r, c) < size / 4 || Math.max(r, c) >= (3 * size) / 4)],
      [T.t("Left half"), T.t("The left half is missing"), each((r, c) => c >= size / 2)],
      [T.t("Lower half"), T.t("The lower half is missing"), each((r) => r < size / 2)],
      [T.t("Scratch"), T.t("Scratches across the picture, different each time"), scratch],
      [T.t("Random 75 %"), T.t("Three pixels in four are missing"), scattered],
    ];
    const choose = (fill) => {
      remember();
      fill();
      draw();
      changed();
    };
    const board = el(
      "div",
      { class: "tf-masking" },
      stack,
      el(
        "div",
        { class: "tf-tools", role: "group", "aria-label": T.t("Presets of the mask") },
        ...presets.map(([text, hint, fill]) => el("button", { type: "button", class: "tf-button", title: hint, onclick: () => choose(fill) }, text)),
      ),
      el(
        "div",
        { class: "tf-tools" },
        T.toolChoice(
          [
            ["hide", T.t("Hide"), T.t("Paint over pixels to hide them")],
            ["show", T.t("Uncover"), T.t("Bring pixels back")],
          ],
          "hide",
          (value) => (hide = value === "hide"),
        ),
        el("button", { type: "button", class: "tf-button", onclick: undo }, T.t("Undo")),
      ),
      T.slider(T.t("Mask brush"), { min: 4, max: 40, step: 1, value: width * 100, format: (v) => `${v} %` }, (v) => (width = v / 100)),
    );
    board.cells = () => cells.join("");
    board.masked = () => cells.includes(0);
    board.put = (picture) => T.paint(below, picture);
    board.suit = (next) => {
      if (next !== size) {
        size = next;
        cells = new Uint8Array(size * size).fill(1);
        past.clear();
      }
      draw();
    };
    draw();
    return board;
  };
})();

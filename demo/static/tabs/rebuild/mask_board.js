// A board to paint a mask over a picture.
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
  const randomNumbers = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  // The element with the picture and its mask. onChange() is called when the mask is another. `.cells()` gives one "1"
  // (known) or "0" (hidden) per pixel, row by row; `.masked()` says whether any is hidden; `.put(picture)` shows a picture
  // below; `.useBundle(bundle)` takes the size of another bundle's pictures.
  T.maskBoard = (onChange) => {
    const below = T.pictureCanvas();
    const above = T.pictureCanvas(
      T.t("Mask. Paint over the pixels that are to be filled in, or choose a preset. By keyboard: the arrow keys move, Space puts the brush down and lifts it."),
      "tf-mask",
    );
    let { width, height } = T.bundle();
    let cells = new Uint8Array(width * height).fill(1);
    let hiding = true;
    let brushWidth = 0.16; // of the picture's longer side
    let presses = 0; // how often a random preset was chosen: each time it differs
    const past = T.undoStack();
    const longerSide = () => Math.max(width, height);
    const draw = () => {
      above.width = width;
      above.height = height;
      const context = above.getContext("2d");
      const veil = context.createImageData(width, height);
      for (let i = 0; i < cells.length; i += 1) {
        if (!cells[i]) veil.data.set(VEIL[(Math.floor(i / width) + (i % width)) % 2], 4 * i);
      }
      context.putImageData(veil, 0, 0);
    };
    const remember = () => past.add(cells.slice());
    const undo = () => {
      const last = past.take();
      if (!last) return;
      cells = last;
      draw();
      onChange();
    };
    // Everything within `reach` pixels of the line becomes `value`; its ends [x, y] are shares of the picture's sides.
    const line = (from, to, reach, value) => {
      const [fromX, fromY, toX, toY] = [from[0] * width, from[1] * height, to[0] * width, to[1] * height];
      const steps = Math.max(1, Math.ceil(2 * Math.hypot(toX - fromX, toY - fromY)));
      for (let step = 0; step <= steps; step += 1) {
        const x = fromX + ((toX - fromX) * step) / steps;
        const y = fromY + ((toY - fromY) * step) / steps;
        for (let row = Math.max(0, Math.floor(y - reach)); row <= Math.min(height - 1, Math.ceil(y + reach)); row += 1) {
          for (let column = Math.max(0, Math.floor(x - reach)); column <= Math.min(width - 1, Math.ceil(x + reach)); column += 1) {
            if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= reach) cells[row * width + column] = value;
          }
        }
      }
    };
    const stroke = (from, to) => {
      line(from, to, (brushWidth * longerSide()) / 2, hiding ? 0 : 1);
      draw();
    };
    const stack = T.paintBoard(above, { start: remember, stroke, done: () => onChange(), undo });
    stack.prepend(below);
    stack.classList.add("tf-stack");

    // A preset that keeps the pixels of which known(x, y) is true; x and y are shares of the sides.
    const keeping = (known) => () => {
      for (let i = 0; i < cells.length; i += 1) cells[i] = known((i % width) / width, Math.floor(i / width) / height) ? 1 : 0;
    };
    const scratch = () => {
      const random = randomNumbers(++presses);
      cells.fill(1);
      for (let i = 0; i < SCRATCHES; i += 1) {
        let from = [0, 0.1 + 0.8 * random()];
        const slope = 0.6 * (random() - 0.5);
        while (from[0] < 1) {
          const to = [from[0] + 0.1, from[1] + 0.1 * slope + 0.08 * (random() - 0.5)];
          line(from, to, longerSide() / 40, 0);
          from = to;
        }
      }
    };
    const scattered = () => {
      const random = randomNumbers(++presses);
      keeping(() => random() >= 0.75)();
    };
    const presets = [
      [T.t("Nothing"), T.t("All pixels are known"), keeping(() => true)],
      [T.t("Centre"), T.t("The middle is missing"), keeping((x, y) => Math.min(x, y) < 0.25 || Math.max(x, y) >= 0.75)],
      [T.t("Left half"), T.t("The left half is missing"), keeping((x) => x >= 0.5)],
      [T.t("Lower half"), T.t("The lower half is missing"), keeping((x, y) => y < 0.5)],
      [T.t("Scratch"), T.t("Scratches across the picture, different each time"), scratch],
      [T.t("Random 75 %"), T.t("Three pixels in four are missing"), scattered],
    ];
    const choose = (preset) => {
      remember();
      preset();
      draw();
      onChange();
    };
    const board = el(
      "div",
      { class: "tf-masking" },
      stack,
      el(
        "div",
        {},
        el(
          "div",
          { class: "tf-tools", role: "group", "aria-label": T.t("Presets of the mask") },
          ...presets.map(([text, hint, preset]) => el("button", { type: "button", class: "tf-button", title: hint, onclick: () => choose(preset) }, text)),
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
            (value) => (hiding = value === "hide"),
          ),
          el("button", { type: "button", class: "tf-button", onclick: undo }, T.t("Undo")),
        ),
        T.slider(T.t("Mask brush"), { min: 4, max: 40, step: 1, value: brushWidth * 100, format: (v) => `${v} %` }, (v) => (brushWidth = v / 100)),
      ),
    );
    board.cells = () => cells.join("");
    board.masked = () => cells.includes(0);
    board.put = (picture) => T.paint(below, picture);
    board.useBundle = (bundle) => {
      if (bundle.width !== width || bundle.height !== height) {
        ({ width, height } = bundle);
        cells = new Uint8Array(width * height).fill(1);
        past.clear();
      }
      draw();
    };
    draw();
    return board;
  };
})();

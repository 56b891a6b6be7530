// Crops a picture to a square, moved and zoomed by pointer, wheel, fingers and keys. Only that square leaves the browser, as
// a PNG.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LARGEST = 512; // pixels a side of what is sent
  const SHOWN = 640; // pixels of the longer side of what is shown
  const ZOOM = 8;
  const KEY_STEP = 0.05; // of the square's side

  // `changed()` is called when another square is chosen. `.put(bitmap)` shows a picture; `.data()` gives the square.
  T.cropper = (changed) => {
    let picture = null;
    let side = 1; // of the square, in whole pixels of the picture, as its corner x, y
    let x = 0;
    let y = 0;
    const canvas = el("canvas", { class: "tf-crop-picture", width: 1, height: 1, "aria-hidden": "true" });
    const square = el("div", {
      class: "tf-crop-square",
      tabindex: 0,
      role: "application",
      "aria-label": T.t("The square that is used. Arrow keys move it; plus and minus zoom."),
    });
    const stage = el("div", { class: "tf-crop-stage" }, canvas, square);
    const text = el("p", { class: "tf-quiet", "aria-live": "polite" });
    const zoom = T.slider(T.t("Zoom"), { min: 1, max: ZOOM, step: 0.05, value: 1, format: (v) => `${Number(v).toFixed(2)}×` }, (v) => scale(v));
    const swap = el("input", { type: "checkbox", onchange: () => changed() });
    const swapping = el("label", { class: "tf-check", hidden: true }, swap, T.t("Swap black and white (ink on paper)"));
    const changedSoon = T.later(() => changed(), 150);
    let background = null; // set where training padded its pictures: the square may then hold the whole picture too
    const whole = () => (background ? Math.max : Math.min)(picture.width, picture.height);
    const held = (start, length) => Math.round(side > length ? (length - side) / 2 : Math.min(length - side, Math.max(0, start)));

    const place = (left, top, next = side) => {
      side = Math.max(1, Math.min(whole(), Math.round(next)));
      x = held(left, picture.width);
      y = held(top, picture.height);
      Object.assign(square.style, {
        left: `${(100 * x) / picture.width}%`,
        top: `${(100 * y) / picture.height}%`,
        width: `${(100 * side) / picture.width}%`,
        height: `${(100 * side) / picture.height}%`,
      });
      zoom.put(Math.min(ZOOM, whole() / side));
      text.textContent = T.t("{side} × {side} of {width} × {height} pixels, from {x}, {y}", { side, width: picture.width, height: picture.height, x, y });
      changedSoon();
    };
    // Zooms about the centre of the square.
    const scale = (factor) => {
      const next = whole() / Math.min(ZOOM, Math.max(1, factor));
      place(x + (side - next) / 2, y + (side - next) / 2, next);
    };
    const middle = () => place((picture.width - whole()) / 2, (picture.height - whole()) / 2, whole());

    const fingers = new Map();
    const apart = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || fingers.size === 2) return;
      event.preventDefault();
      square.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!square.contains(event.target)) {
        const box = stage.getBoundingClientRect();
        const per = picture.width / box.width;
        place((event.clientX - box.left) * per - side / 2, (event.clientY - box.top) * per - side / 2);
      }
      grip = { x, y, side, from: { x: event.clientX, y: event.clientY }, apart: fingers.size === 2 ? apart() : 0 };
    });
    let grip = null;
    stage.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) {
        if (grip.apart) scale((whole() / grip.side) * (grip.apart / Math.max(1, apart()))); // the fingers hold the square's edges
        return;
      }
      const per = picture.width / stage.clientWidth;
      place(grip.x + (event.clientX - grip.from.x) * per, grip.y + (event.clientY - grip.from.y) * per);
    });
    const lift = (event) => {
      fingers.delete(event.pointerId);
      const [rest] = fingers.values();
      if (rest) grip = { x, y, side, from: { ...rest }, apart: 0 };
    };
    stage.addEventListener("pointerup", lift);
    stage.addEventListener("pointercancel", lift);
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        scale((whole() / side) * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
      },
      { passive: false },
    );
    square.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = Math.max(1, (event.shiftKey ? 4 : 1) * KEY_STEP * side);
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (move) place(x + move[0], y + move[1]);
      else if (event.key === "+" || event.key === "=") scale((whole() / side) * 1.1);
      else if (event.key === "-") scale(whole() / side / 1.1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });

    const board = el(
      "div",
      { class: "tf-crop", hidden: true },
      stage,
      text,
      zoom,
      swapping,
      el(
        "div",
        { class: "tf-inline" },
        el("button", { type: "button", class: "tf-button", onclick: () => middle() }, T.t("Largest square")),
        el("span", { class: "tf-quiet" }, T.t("Drag the square; zoom with the wheel, two fingers, or + and −.")),
      ),
    );
    board.put = (bitmap) => {
      picture = bitmap;
      board.hidden = false;
      const share = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
      canvas.width = Math.max(1, Math.round(bitmap.width * share));
      canvas.height = Math.max(1, Math.round(bitmap.height * share));
      stage.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
      stage.style.maxWidth = `${Math.round(320 * Math.min(1, bitmap.width / bitmap.height))}px`; // 320 px high at most
      const pen = canvas.getContext("2d");
      pen.imageSmoothingQuality = "high";
      pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      middle();
      changedSoon.cancel();
      changed();
    };
    board.clear = () => {
      picture = null;
      board.hidden = true;
      changedSoon.cancel();
    };
    board.data = () => {
      if (!picture) return null;
      const edge = Math.min(side, LARGEST);
      const cut = el("canvas", { width: edge, height: edge });
      const pen = cut.getContext("2d");
      pen.imageSmoothingQuality = "high";
      if (background) {
        pen.fillStyle = background;
        pen.fillRect(0, 0, edge, edge);
      }
      const per = edge / side;
      pen.rect(-x * per, -y * per, picture.width * per, picture.height * per); // the background is not swapped
      pen.clip();
      pen.drawImage(picture, x, y, side, side, 0, 0, edge, edge);
      if (swap.checked) {
        pen.globalCompositeOperation = "difference";
        pen.fillStyle = "#ffffff";
        pen.fillRect(0, 0, edge, edge);
      }
      return cut.toDataURL("image/png");
    };
    // Grey data sets here are bright strokes on black; what visitors bring is mostly the reverse.
    board.suit = ({ channels, dataset }) => {
      background = dataset.fit === "pad" ? (dataset.background ?? (channels === 1 ? "#000000" : "#ffffff")) : null;
      swapping.hidden = channels !== 1;
      if (channels !== 1) swap.checked = false;
    };
    return board;
  };
})();

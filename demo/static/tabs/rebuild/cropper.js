// Crops a picture to the proportions of the models' pictures: a frame, moved and zoomed by pointer, wheel, fingers and keys.
// Only what is in the frame leaves the browser, as a PNG.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LARGEST = 512; // pixels of the longer side of what is sent
  const SHOWN = 640; // … and of what is shown
  const TALLEST = 320; // screen pixels
  const MOST_ZOOM = 8;
  const KEY_STEP = 0.05; // of the frame's width

  // The element with the picture and its frame. onChange() is called when another part is chosen. `.put(bitmap)` shows a
  // picture, `.clear()` takes it away; `.data()` gives the chosen part as a data URL, or null; `.shares()` as the shares of width
  // and height at which its left, top, right and bottom edges lie, and `.choose(part)` chooses one of this width;
  // `.useBundle(bundle)` takes the proportions and colours of another bundle.
  T.cropper = (onChange) => {
    let picture = null;
    let aspect = 1; // width over height, of the models' pictures
    let frame = { x: 0, y: 0, width: 1, height: 1 }; // in whole pixels of the picture
    let background = null; // set where training padded its pictures: the frame may then hold the whole picture too
    const canvas = el("canvas", { class: "tf-crop-picture", width: 1, height: 1, "aria-hidden": "true" });
    const handle = el("div", {
      class: "tf-crop-frame",
      tabindex: 0,
      role: "application",
      "aria-label": T.t("The part that is used. Arrow keys move it; plus and minus zoom."),
    });
    const stage = el("div", { class: "tf-crop-stage" }, canvas, handle);
    const text = el("p", { class: "tf-quiet", "aria-live": "polite" });
    const zoom = T.slider(T.t("Zoom"), { min: 1, max: MOST_ZOOM, step: 0.05, value: 1, format: (v) => `${Number(v).toFixed(2)}×` }, (v) => zoomTo(v));
    const invert = el("input", { type: "checkbox", onchange: () => onChange() });
    const invertField = el("label", { class: "tf-check", hidden: true }, invert, T.t("Swap black and white (ink on paper)"));
    const changedSoon = T.debounced(() => onChange(), 150);

    // The frame's greatest width: all that fits into the picture, or all that holds it.
    const largest = () => (background ? Math.max : Math.min)(picture.width, picture.height * aspect);
    // Where the frame begins along one side: within the picture, or centred where it is longer.
    const keptInside = (start, length, whole) => Math.round(length > whole ? (whole - length) / 2 : Math.min(whole - length, Math.max(0, start)));

    const place = (left, top, nextWidth = frame.width) => {
      const width = Math.max(1, Math.min(Math.round(largest()), Math.round(nextWidth)));
      const height = Math.max(1, Math.round(width / aspect));
      frame = { x: keptInside(left, width, picture.width), y: keptInside(top, height, picture.height), width, height };
      Object.assign(handle.style, {
        left: `${(100 * frame.x) / picture.width}%`,
        top: `${(100 * frame.y) / picture.height}%`,
        width: `${(100 * width) / picture.width}%`,
        height: `${(100 * height) / picture.height}%`,
      });
      zoom.put(Math.min(MOST_ZOOM, largest() / width));
      text.textContent = T.t("{width} × {height} of {wide} × {high} pixels, from {x}, {y}", { ...frame, wide: picture.width, high: picture.height });
      changedSoon();
    };
    // Zooms about the middle of the frame: 1 = the largest frame.
    const zoomTo = (factor) => {
      const width = largest() / Math.min(MOST_ZOOM, Math.max(1, factor));
      place(frame.x + (frame.width - width) / 2, frame.y + (frame.width - width) / 2 / aspect, width);
    };
    const zoomBy = (factor) => zoomTo((largest() / frame.width) * factor);
    const takeLargest = () => place((picture.width - largest()) / 2, (picture.height - largest() / aspect) / 2, largest());

    const fingers = new Map(); // { x, y } by their ids
    const apart = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    let hold = null; // the frame when the last finger came down or was lifted, where that finger was, how far apart two were
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || fingers.size === 2) return;
      event.preventDefault();
      handle.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (!handle.contains(event.target)) {
        const box = stage.getBoundingClientRect();
        const perPixel = picture.width / box.width;
        place((event.clientX - box.left) * perPixel - frame.width / 2, (event.clientY - box.top) * perPixel - frame.height / 2);
      }
      hold = { ...frame, from: { x: event.clientX, y: event.clientY }, apart: fingers.size === 2 ? apart() : 0 };
    });
    stage.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (fingers.size === 2) {
        if (hold.apart) zoomTo((largest() / hold.width) * (hold.apart / Math.max(1, apart()))); // the fingers hold the frame's edges
        return;
      }
      const perPixel = picture.width / stage.clientWidth;
      place(hold.x + (event.clientX - hold.from.x) * perPixel, hold.y + (event.clientY - hold.from.y) * perPixel);
    });
    const endTouch = (event) => {
      fingers.delete(event.pointerId);
      const [rest] = fingers.values();
      if (rest) hold = { ...frame, from: { ...rest }, apart: 0 };
    };
    stage.addEventListener("pointerup", endTouch);
    stage.addEventListener("pointercancel", endTouch);
    stage.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey || !event.deltaY) return; // the page's own zoom
        event.preventDefault();
        zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1);
      },
      { passive: false },
    );
    handle.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = Math.max(1, (event.shiftKey ? 4 : 1) * KEY_STEP * frame.width);
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (move) place(frame.x + move[0], frame.y + move[1]);
      else if (event.key === "+" || event.key === "=") zoomBy(1.1);
      else if (event.key === "-") zoomBy(1 / 1.1);
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
      invertField,
      el(
        "div",
        { class: "tf-inline" },
        el("button", { type: "button", class: "tf-button", onclick: () => takeLargest() }, T.t("Largest frame")),
        el("span", { class: "tf-quiet" }, T.t("Drag the frame; zoom with the wheel, two fingers, or + and −.")),
      ),
    );
    board.put = (bitmap) => {
      picture = bitmap;
      board.hidden = false;
      const share = Math.min(1, SHOWN / Math.max(bitmap.width, bitmap.height));
      canvas.width = Math.max(1, Math.round(bitmap.width * share));
      canvas.height = Math.max(1, Math.round(bitmap.height * share));
      stage.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
      stage.style.maxWidth = `${Math.round(TALLEST * Math.min(1, bitmap.width / bitmap.height))}px`;
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      takeLargest();
      changedSoon.cancel();
      onChange();
    };
    board.clear = () => {
      picture = null;
      board.hidden = true;
      changedSoon.cancel();
    };
    board.data = () => {
      if (!picture) return null;
      const scale = Math.min(1, LARGEST / Math.max(frame.width, frame.height));
      const [width, height] = [frame.width, frame.height].map((length) => Math.max(1, Math.round(length * scale)));
      const cut = el("canvas", { width, height });
      const context = cut.getContext("2d");
      context.imageSmoothingQuality = "high";
      if (background) {
        context.fillStyle = background;
        context.fillRect(0, 0, width, height);
      }
      const [across, down] = [width / frame.width, height / frame.height];
      context.rect(-frame.x * across, -frame.y * down, picture.width * across, picture.height * down); // the background is not inverted
      context.clip();
      context.drawImage(picture, frame.x, frame.y, frame.width, frame.height, 0, 0, width, height);
      if (invert.checked) {
        context.globalCompositeOperation = "difference";
        context.fillStyle = "#ffffff";
        context.fillRect(0, 0, width, height);
      }
      return cut.toDataURL("image/png");
    };
    board.shares = () => [frame.x / picture.width, frame.y / picture.height, (frame.x + frame.width) / picture.width, (frame.y + frame.height) / picture.height];
    board.choose = ([left, top, right]) => place(left * picture.width, top * picture.height, (right - left) * picture.width);
    // Grey data sets here are bright strokes on black; what visitors bring is mostly the reverse.
    board.useBundle = ({ width, height, channels, dataset }) => {
      aspect = width / height;
      background = dataset.fit === "pad" ? (dataset.background ?? (channels === 1 ? "#000000" : "#ffffff")) : null;
      invertField.hidden = channels !== 1;
      if (channels !== 1) invert.checked = false;
      if (picture) takeLargest();
    };
    return board;
  };
})();

// Pictures as pixels: from the server's bytes onto a canvas. Nothing here takes a picture for a square.
(() => {
  const T = window.Twofold;
  const PIXELS = "pixels"; // under which the browser keeps the choice
  const applyPixels = () => document.documentElement.style.setProperty("--tf-rendering", T.hardPixels() ? "pixelated" : "auto");

  Object.assign(T, {
    // A canvas for a picture of a bundle, which has its proportions before it is drawn. label: what it shows, for those who
    // cannot see it; without one it is decoration, or its button has the words.
    pictureCanvas(label = null, style = "", { width, height } = T.bundle()) {
      const words = label === null ? {} : { role: "img", "aria-label": label };
      return T.el("canvas", { class: `tf-picture ${style}`.trim(), width, height, ...words });
    },
    // Whether small pictures are drawn as hard squares instead of smoothly, as was chosen in this browser.
    hardPixels: () => T.storage.text(PIXELS) === "1",
    choosePixels(hard) {
      T.storage.keep(PIXELS, hard ? "1" : "0");
      applyPixels();
    },
    // ImageData of raw bytes, uint8 [H, W, C], and their shape "H,W,C": no encoding, no decoding, no waiting for either.
    imageData(buffer, shape) {
      const [height, width, channels] = shape.split(",").map(Number);
      const bytes = new Uint8Array(buffer);
      const pixels = new ImageData(width, height);
      for (let i = 0, to = 0; to < pixels.data.length; i += channels, to += 4) {
        pixels.data[to] = bytes[i];
        pixels.data[to + 1] = bytes[i + (channels > 1 ? 1 : 0)];
        pixels.data[to + 2] = bytes[i + (channels > 1 ? 2 : 0)];
        pixels.data[to + 3] = 255;
      }
      return pixels;
    },
    // Draws a picture (ImageData, an image or a canvas) on a canvas, which takes its size.
    paint(canvas, picture) {
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      // Small pictures, replaced often: kept in main memory, they need no trip to the graphics card.
      const context = canvas.getContext("2d", { willReadFrequently: true });
      if (picture instanceof ImageData) context.putImageData(picture, 0, 0);
      else context.drawImage(picture, 0, 0);
    },
    // Draws rows of pictures, [height, width] each, on a canvas, `columns` side by side, the pictures of each row below those of
    // the one before. rows: { image, top: where in the image the row begins }, in pixels.
    drawRows(canvas, rows, [height, width], columns) {
      const gap = Math.max(1, Math.round(width / 16));
      const counts = rows.map(({ image }) => Math.round((image.naturalWidth) / width));
      const lines = counts.map((count) => Math.ceil(count / columns));
      canvas.width = Math.min(columns, Math.max(...counts)) * (width + gap) - gap;
      canvas.height = lines.reduce((sum, n) => sum + n, 0) * (height + gap) - gap;
      const context = canvas.getContext("2d");
      let y = 0;
      rows.forEach(({ image, top }, r) => {
        for (let i = 0; i < counts[r]; i += 1) {
          context.drawImage(image, i * width, top, width, height, (i % columns) * (width + gap), y + Math.floor(i / columns) * (height + gap), width, height);
        }
        y += lines[r] * (height + gap);
      });
    },
    // The pictures of a sheet, row by row, as ImageData. sheet: ImageData of `count` pictures, `columns` in a row.
    cutSheet(sheet, columns, count) {
      const width = sheet.width / columns;
      const height = sheet.height / Math.ceil(count / columns);
      const context = T.el("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
      return Array.from({ length: count }, (_, i) => {
        context.putImageData(sheet, -width * (i % columns), -height * Math.floor(i / columns));
        return context.getImageData(0, 0, width, height);
      });
    },
  });
  applyPixels();
})();

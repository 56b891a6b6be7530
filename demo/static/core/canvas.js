// Pictures as pixels: from the server's bytes onto a canvas.
(() => {
  const T = window.Twofold;

  Object.assign(T, {
    // Raw bytes of uint8 [H, W, C] and their shape "H,W,C" → ImageData: no encoding, no decoding, no waiting for either.
    picture(buffer, shape) {
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
    // picture: ImageData, an image or a canvas; the canvas takes its size.
    paint(canvas, picture) {
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      // Small pictures, replaced often: kept in main memory, they need no trip to the graphics card.
      const pen = canvas.getContext("2d", { willReadFrequently: true });
      if (picture instanceof ImageData) pen.putImageData(picture, 0, 0);
      else pen.drawImage(picture, 0, 0);
    },
    // Picture i of a sheet with `columns` pictures in a row, both ImageData.
    cutPicture(sheet, columns, i) {
      const size = sheet.width / columns;
      const pen = T.el("canvas", { width: size, height: size }).getContext("2d", { willReadFrequently: true });
      pen.putImageData(sheet, -size * (i % columns), -size * Math.floor(i / columns));
      return pen.getImageData(0, 0, size, size);
    },
  });
})();

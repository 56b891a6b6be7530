// Morph's export without a server: all frames in rows in one PNG.
const T = window.Twofold;
const COLUMNS = 10;
const LARGEST = 256; // pixels of a frame's longer side
const TALLEST = 8192; // pixels of the picture: every browser's canvas takes it

// One frame of the morph, at a share of its path. All of it is as it was asked for: the page may show another bundle meanwhile.
const frame = async (asked, bundle, share) => {
  const { b, m, t, keys, classes, path, loop, attributes, bend } = asked;
  const params = { m, t, keys: T.keyframes.texts(keys), path, loop: loop ? 1 : 0, p: share, ...T.timing.params(asked) };
  if (classes.length) params.classes = classes.join(",");
  const moves = T.movesText(attributes, bundle, m);
  if (moves) params.attributes = moves;
  const bends = T.bendText(bend, bundle, m);
  if (bends) params.bend = bends;
  const { picture } = await T.fetchPicture(T.picturePath({ b }, "/morph"), params);
  return createImageBitmap(picture);
};

// The state of the strip's mark.
const markOf = ({ m, t, keys, classes, path, loop, attributes, bend, frames, times, easing, seconds }, columns) => ({
  draw: "film",
  m,
  keys,
  ...(classes.length ? { classes } : {}),
  path,
  loop,
  t,
  ...(Object.keys(attributes).length ? { attributes } : {}),
  ...(Object.keys(bend).length ? { bend } : {}),
  ...(times ? { times } : {}),
  ...(easing ? { easing } : {}),
  ...(times || easing ? { seconds } : {}),
  frames,
  columns,
});

// asked: what morph.js asks its server for. Yields reports of progress, then the finished file with its Blob.
export async function* exportStrip(asked, signal) {
  const { frames, keys } = asked;
  const bundle = T.bundle(asked.b);
  const columns = Math.min(COLUMNS, frames);
  const rows = Math.ceil(frames / columns);
  const scale = Math.max(1, Math.floor(Math.min(LARGEST / Math.max(bundle.width, bundle.height), TALLEST / (bundle.height * rows))));
  const [width, height] = [bundle.width * scale, bundle.height * scale];
  const canvas = T.el("canvas", { width: width * columns, height: height * rows });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  for (let i = 0; i < frames; i += 1) {
    if (signal.aborted) return;
    yield { progress: i / frames, about: T.t("{n} of {all} frames", { n: i, all: frames }) };
    const picture = await frame(asked, bundle, i / (asked.loop ? frames : frames - 1));
    context.drawImage(picture, (i % columns) * width, Math.floor(i / columns) * height, width, height);
  }
  const file = await T.markedPng(canvas, markOf(asked, columns), bundle);
  const name = `${asked.b}-morph-${keys.map(T.keyframes.text).join("-").replaceAll(":", "_")}.png`;
  yield { blob: file, bytes: file.size, format: "png-strip", name };
}

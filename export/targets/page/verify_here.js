// What the drop zone of About says on a page without a server: the mark is read, and its picture drawn again, on this device.
// The sentences are those of bundle/marks/verify.py.
const T = window.Twofold;
const LEVEL = 1; // grey level by which the same picture may differ
const MOST = 240; // pictures that are drawn for one file

const zeros = (count) => Array.from({ length: count }, (_, i) => i);
const classesText = (c) => (c && typeof c === "object" ? Object.entries(c).map(([k, share]) => `${k}:${share}`).join(",") : c);
const shared = ({ m, t, attributes }, bundle) => {
  const moves = T.movesText(attributes ?? {}, bundle, m);
  return { m, t: t ?? 1, ...(moves ? { attributes: moves } : {}) };
};

const sound = (count) => Number.isInteger(count) && count > 0 && count <= MOST;

// What draws the pictures of a state, which may be a stranger's, in rows of `columns`: { columns, cells: [{ path, params },
// …] }; null where it is not drawn here.
const cellsOf = (state, bundle) => {
  const keyed = state.draw === "morph" || state.draw === "film";
  if (keyed && (!Array.isArray(state.keys) || !Array.isArray(state.classes ?? []))) return null;
  const about = { b: bundle.name };
  const point = (place, c) => ({ path: T.picturePath(about), params: { ...shared(state, bundle), ...place, ...(c === undefined || c === null ? {} : { c: classesText(c) }) } });
  const classes = (state.classes ?? []).map((c) => (c && typeof c === "object" ? classesText(c).replaceAll(",", "|") : (c ?? "")));
  const frame = (p) => ({
    path: T.picturePath(about, "/morph"),
    params: { ...shared(state, bundle), keys: state.keys.map(T.keyframes.text).join(","), path: state.path, loop: state.loop ? 1 : 0, p, ...T.timing.params(state), ...(classes.length ? { classes: classes.join(",") } : {}) },
  });
  if (state.draw === "point") return { columns: 1, cells: [point({ x: state.x, y: state.y }, state.c)] };
  if (state.draw === "seed") return { columns: 1, cells: [point(T.seedPlace(state.seed), state.c)] };
  if (state.draw === "sheet" && sound(state.count) && sound(state.columns)) return { columns: state.columns, cells: zeros(state.count).map((i) => point(T.seedPlace(T.wrapSeed(state.seed + i)), state.c)) };
  if (state.draw === "morph") return { columns: 1, cells: [frame(state.p)] };
  if (state.draw === "film" && sound(state.columns) && sound(state.frames) && !state.print) {
    return { columns: state.columns, cells: zeros(state.frames).map((i) => frame(state.frames > 1 ? i / (state.loop ? state.frames : state.frames - 1) : 0)) };
  }
  return null;
};

// The pixels of a picture on black, RGBA.
const pixelsOf = (picture, width, height) => {
  const context = T.el("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
};

const forged = (mark, bundle) => (mark.sha256 === bundle.sha256 ? [T.t("The picture was changed after it was marked, or the mark was taken from another one.")] : []);
const unchecked = (why) => [why, T.t("Anybody can write a mark: what it says could not be checked.")];

// What comes of drawing a mark's picture again, in sentences.
const compared = async (file, mark, bundle) => {
  if (!mark.state) return unchecked(T.t("The mark does not say what draws the picture again."));
  const wanted = cellsOf(mark.state, bundle);
  if (!wanted) return unchecked(T.t("The mark asks for a kind of picture that cannot be drawn again here; python -m bundle verify draws more of them."));
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return unchecked(T.t("Its pixels cannot be read: the file is damaged or was cut off."));
  const { columns, cells } = wanted;
  const sheet = T.el("canvas", { width: columns * bundle.width, height: Math.ceil(cells.length / columns) * bundle.height });
  if (picture.width % sheet.width || picture.width / sheet.width !== picture.height / sheet.height) {
    return [T.t("The bundle draws another picture: it has another size."), ...forged(mark, bundle)];
  }
  const context = sheet.getContext("2d", { willReadFrequently: true });
  for (const [i, { path, params }] of cells.entries()) {
    const { picture: drawn } = await T.fetchPicture(path, params);
    context.putImageData(drawn, (i % columns) * bundle.width, Math.floor(i / columns) * bundle.height);
  }
  const [found, again] = [picture, sheet].map((one) => pixelsOf(one, picture.width, picture.height));
  const words = { n: found.reduce((most, value, i) => Math.max(most, Math.abs(value - again[i])), 0) };
  if (words.n <= LEVEL) return [T.t("The bundle draws the same picture again: the largest difference is {n} of 255 grey levels.", words)];
  return [T.t("The bundle draws another picture: the largest difference is {n} of 255 grey levels.", words), ...forged(mark, bundle)];
};

export const verifyHere = async (file) => {
  const mark = await T.readMark(file);
  if (mark?.problem) return { mark: null, sentences: [mark.problem] };
  if (!mark) return { mark, sentences: [T.t("No mark of a generated picture was found."), T.t("That says nothing about where the picture comes from: marks can be removed, and screenshots lose them.")] };
  const sentences = [
    mark.source === "trainedAlgorithmicMedia" ? T.t("Marked as drawn by a model (trainedAlgorithmicMedia).") : T.t("Marked as partly drawn by a model (compositeWithTrainedAlgorithmicMedia)."),
    T.t("The mark names the bundle '{name}' (sha256 {sha256}…).", { name: mark.bundle || "–", sha256: mark.sha256.slice(0, 16) }),
  ];
  const bundle = T.bundle(mark.bundle);
  if (!bundle) return { mark, sentences: [...sentences, ...unchecked(T.t("That bundle is not here."))] };
  if (mark.sha256 !== bundle.sha256) sentences.push(T.t("The bundle of this name that is here is another version of it."));
  const found = await compared(file, mark, bundle).catch((error) => unchecked(error.message));
  return { mark, sentences: [...sentences, ...found] };
};

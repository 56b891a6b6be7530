// What the drop zone of About says on a page without a server: the mark is read, and its picture drawn again, on this device.
// The sentences are those of bundle/marks/verify.py, which draws more kinds of pictures.
const T = window.Twofold;
const LEVEL = 1; // grey level by which the same picture may differ
const MOST_CELLS = 240; // pictures that are drawn for one file
const MOST_PIXELS = 50_000_000; // of a file that is compared
const PATHS = ["linear", "spherical", "spline"];
const FROM_NUMBERS = ["point", "seed", "sheet", "morph", "film", "favourites"]; // what states draw without another picture
const FROM_PICTURES = ["repair", "reconstruct", "invert", "posterior", "difference"];

const indices = (count) => Array.from({ length: count }, (_, i) => i);
const wholeWithin = (value, low, high) => Number.isInteger(value) && value >= low && value <= high;
const isSeed = (value) => wholeWithin(value, 0, T.seedCount - 1);
const isKey = (key) => isSeed(key) || (Array.isArray(key) && key.length === 2 && key.every(Number.isFinite));
const isCount = (value) => wholeWithin(value, 1, MOST_CELLS);
// A class of a state, which may be a mix, { class: share }, as addresses have it; "" for the seed's own; null where the bundle
// has no such class.
const classText = (c, bundle, separator = ",") => {
  const known = (k) => wholeWithin(k, 0, bundle.classes.length - 1);
  if (c === null || known(c)) return String(c ?? "");
  const shares = typeof c === "object" && !Array.isArray(c) ? Object.entries(c) : [];
  const sound = shares.every(([k, share]) => known(Number(k)) && share >= 0 && Number.isFinite(share)) && shares.some(([, share]) => share > 0);
  return sound ? shares.map(([k, share]) => `${k}:${share}`).join(separator) : null;
};

// What each address of a state says: the model, the truncation, the moves, the bends; null where the bundle has none of these.
const sharedParams = ({ m, t = 1, attributes = {}, bend = {} }, bundle) => {
  if (!bundle.models.includes(m) || !Number.isFinite(t)) return null;
  const known = T.attributesOf(bundle, m).map(({ name }) => name);
  const { fits, nameProblem, most } = T.ownDirections;
  const moves = Object.entries(attributes ?? {});
  const isOwn = ([, move]) => typeof move === "object" && move !== null;
  const sound = ([name, move]) => (isOwn([name, move]) ? Number.isFinite(move.amount) && fits(move.vector, bundle, m) && !nameProblem(name) : known.includes(name) && Number.isFinite(move));
  if (!moves.every(sound) || moves.filter(isOwn).length > most) return null;
  if (!Object.entries(bend ?? {}).every(([name, value]) => T.isBend(name, value, bundle, m))) return null;
  const text = T.movesText(attributes ?? {}, bundle, m);
  const bends = T.bendText(bend ?? {}, bundle, m);
  return { m, t, ...(text ? { attributes: text } : {}), ...(bends ? { bend: bends } : {}) };
};

// The pictures of a state that lie on the seed plane: { columns, cells } as below, null where it is of another kind.
const placesOf = ({ draw, c = null, x, y, seed, count, columns }, bundle, params) => {
  const chosen = classText(c, bundle);
  if (chosen === null) return null;
  const cell = (place) => ({ path: T.picturePath({ b: bundle.name }), params: { ...params, ...place, ...(chosen ? { c: chosen } : {}) } });
  if (draw === "point" && Number.isFinite(x) && Number.isFinite(y)) return { columns: 1, cells: [cell({ x, y })] };
  if (draw === "seed" && isSeed(seed)) return { columns: 1, cells: [cell(T.seedPlace(seed))] };
  if (draw !== "sheet" || !isSeed(seed) || !isCount(count) || !isCount(columns)) return null;
  return { columns, cells: indices(count).map((i) => cell(T.seedPlace(T.wrapSeed(seed + i)))) };
};

// The pictures of a state that lie on a path through keys: the same.
const framesOf = ({ draw, keys, classes = [], path, loop, p, frames, columns, print, times = [], easing = [], seconds = 0 }, bundle, params) => {
  const sound = Array.isArray(keys) && keys.length && keys.every(isKey) && Array.isArray(classes) && PATHS.includes(path);
  const chosen = sound ? classes.map((c) => classText(c, bundle, "|")) : [];
  if (!sound || chosen.includes(null) || (chosen.length && chosen.length !== keys.length)) return null;
  const timed = (list, right) => Array.isArray(list) && (!list.length || list.length === keys.length) && list.every(right);
  if (!timed(times, Number.isFinite) || !timed(easing, (one) => T.timing.easings.includes(one)) || !Number.isFinite(seconds)) return null;
  const along = { ...params, keys: T.keyframes.texts(keys), path, loop: loop ? 1 : 0, ...T.timing.params({ times, easing, seconds }) };
  if (chosen.some(Boolean)) along.classes = chosen.join(",");
  const cell = (share) => ({ path: T.picturePath({ b: bundle.name }, "/morph"), params: { ...along, p: share } });
  if (draw === "morph" && Number.isFinite(p)) return { columns: 1, cells: [cell(p)] };
  if (draw !== "film" || !isCount(frames) || !isCount(columns) || print) return null;
  return { columns, cells: indices(frames).map((i) => cell(frames > 1 ? i / (loop ? frames : frames - 1) : 0)) };
};

// What draws the pictures of a state, which may be a stranger's, in rows of `columns`: { columns, cells: [{ path, params },
// …] }; null where it is not drawn here.
const cellsOf = (state, bundle) => {
  const params = sharedParams(state, bundle);
  return params && (placesOf(state, bundle, params) ?? framesOf(state, bundle, params));
};

// Whether a state whose numbers are sound is drawn by the command alone.
const onlyByCommand = ({ draw, keys, frames, columns }) => {
  if (draw === "favourites" || (draw === "film" && !(isCount(frames) && isCount(columns)))) return true;
  return Array.isArray(keys) && keys.some((key) => Array.isArray(key) && key.length === 3); // points of the latent map
};

// Why the picture of a state is not drawn again here, a sentence.
const whyNot = async (state, file, bundle) => {
  if (FROM_PICTURES.includes(state.draw)) return T.t("It was made from another picture, without which it cannot be drawn again.");
  if (!FROM_NUMBERS.includes(state.draw) || state.print) return T.t("The mark asks for a kind of picture that cannot be drawn again here; About in the demo draws more of them.");
  const begins = new TextDecoder("latin1").decode(await file.slice(0, 8).arrayBuffer());
  if (begins.endsWith("ftyp")) return T.t("MP4 stores pixels with losses, so they are not compared.");
  if (begins.startsWith("GIF8") && bundle.channels === 3) return T.t("GIF reduces pictures to 256 colours, so they are not compared.");
  if (onlyByCommand(state)) return T.t("This page draws no films, favourites or points of the latent map again; python -m bundle verify does.");
  return T.t("The bundle cannot draw what the mark asks for.");
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
  if (!mark.state?.draw) return unchecked(T.t("The mark does not say what draws the picture again."));
  const wanted = cellsOf(mark.state, bundle);
  if (!wanted) return unchecked(await whyNot(mark.state, file, bundle));
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return unchecked(T.t("Its pixels cannot be read: the file is damaged or was cut off."));
  if (picture.width * picture.height > MOST_PIXELS) return unchecked(T.t("The picture has too many pixels to be compared."));
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

// What a mark says of itself, in sentences; bundle: the one of the name that it gives, where that is here.
const claims = (mark, bundle) => {
  const told = [mark.source === "trainedAlgorithmicMedia" ? T.t("Marked as drawn by a model (trainedAlgorithmicMedia).") : T.t("Marked as partly drawn by a model (compositeWithTrainedAlgorithmicMedia).")];
  if (!mark.bundle) return mark.tool ? [...told, T.t("The mark was written by {tool}.", { tool: mark.tool })] : told;
  told.push(mark.sha256 ? T.t("The mark names the bundle '{name}' (sha256 {sha256}…).", { name: mark.bundle, sha256: mark.sha256.slice(0, 16) }) : T.t("The mark names the bundle '{name}'.", { name: mark.bundle }));
  const another = bundle && mark.sha256 && mark.sha256 !== bundle.sha256;
  return another ? [...told, T.t("The bundle of this name that is here is another version of it.")] : told;
};

// { mark, sentences } about a file, as T.verifyFile gives them.
export const verifyHere = async (file) => {
  const mark = await T.readMark(file);
  if (mark?.problem) return { mark: null, sentences: [mark.problem] };
  if (!mark) return { mark, sentences: [T.t("No mark of a generated picture was found."), T.t("That says nothing about where the picture comes from: marks can be removed, and screenshots lose them.")] };
  const bundle = mark.bundle ? T.bundle(mark.bundle) : null;
  const told = claims(mark, bundle);
  if (!mark.bundle) return { mark, sentences: [...told, ...unchecked(T.t("The mark names no bundle of Twofold, so nothing here can check it."))] };
  if (!bundle) return { mark, sentences: [...told, ...unchecked(T.t("That bundle is not here."))] };
  const found = await compared(file, mark, bundle).catch((error) => unchecked(error.message));
  return { mark, sentences: [...told, ...found] };
};

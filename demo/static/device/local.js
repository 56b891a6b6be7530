// The page's end of worker.js: `localPictures` answers the addresses of demo/routes/live.py on the visitor's device, so that
// every widget that draws through Twofold.request works without a server. WebAssembly draws at once; meanwhile a graphics
// card is tested (gpu.js), and takes over if its pictures are right and come sooner.
import { buildOf, chosen, findCard, race } from "./gpu.js";

const number = (text, fallback) => (text === undefined || text === "" ? fallback : Number(text));

// The parameters of a live address, as Device's methods take them.
const wishOf = (address, params, models) => {
  const { m = models[0], t, c, x, y, keys, classes, path: mode = "spherical", loop, p } = params;
  if (!address.endsWith("/morph")) return { m, t: number(t, 1), c: number(c, null), x: number(x, 0), y: number(y, 0) };
  const points = String(keys)
    .split(",")
    .map((key) => (key.includes(":") ? key.split(":").map(Number) : Number(key)));
  const kinds = classes === undefined ? [] : String(classes).split(",").map((entry) => number(entry, null));
  return { m, t: number(t, 1), keys: points, classes: kinds, mode, loop: Number(loop) === 1, p: number(p, 0) };
};

// One worker with one build of onnxruntime-web. progress(loaded, of) in bytes while a bundle arrives; of = 0 at the end.
// lost(sentence) is called when it will never answer again.
const connect = (build, progress = () => {}, lost = () => {}) => {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  const opened = new Map();
  let count = 0;

  const fail = (sentence) => {
    for (const { reject } of waiting.values()) reject(new Error(sentence));
    waiting.clear();
  };
  worker.addEventListener("error", () => fail("This browser cannot run the models: it does not support module workers or WebAssembly."));
  worker.addEventListener("message", ({ data }) => {
    if (data.lost) {
      lost(data.lost);
      return;
    }
    const one = waiting.get(data.id);
    if (data.of !== undefined) {
      progress(data.loaded, data.of);
      return;
    }
    waiting.delete(data.id);
    if (data.trouble) one?.reject(new Error(data.trouble));
    else one?.resolve(data.done);
  });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      const id = ++count;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...message, id });
    });
  const open = (facts) => {
    if (!opened.has(facts.name)) {
      const opening = ask({ open: facts, build }).finally(() => progress(0, 0));
      opened.set(facts.name, opening);
      opening.catch(() => opened.delete(facts.name));
    }
    return opened.get(facts.name);
  };
  const close = (sentence) => {
    worker.terminate();
    fail(sentence);
  };
  return { ask, open, close };
};

// bundles: their facts. builds: { wasm, jspi, asyncify }, each { script, wasm: { url, bytes, sha256 }, gpu }; the page
// may lack the last two. progress: as above. changed(): status or offered has changed.
// Returns (path, params, signal) → { picture: ImageData, model: ms, round: ms }, which rejects with a sentence, and has
//   choose("auto" | "gpu" | "cpu")   what the visitor wants
//   choice, offered                  that, and whether there is any WebGPU to choose
//   status(name)                     who draws a bundle, and why: { on: "gpu" | "cpu", cpu: ms or null, gpu: ms or null,
//                                    trying: bytes to load while the card is tested, else null,
//                                    trouble: why the card does not draw, a sentence, or "" }
export const localPictures = (bundles, builds, progress, changed = () => {}) => {
  const processor = connect(builds.wasm, progress);
  const found = new Map(); // by name of the bundle, as status gives it
  let card = null;
  let finding = null;
  let current = null;

  const factsOf = (name) => bundles.find((bundle) => bundle.name === name);
  const entryOf = (name) => {
    if (!found.has(name)) found.set(name, { cpu: null, gpu: null, trying: null, trouble: "", busy: false });
    return found.get(name);
  };
  const wanted = (one) => fly.choice !== "cpu" && one.gpu === null && !one.trouble; // the card is to be tested
  const on = (name) => chosen(fly.choice, entryOf(name).cpu, card && entryOf(name).gpu);

  // Stops using the card; bundles that it drew say why.
  const drop = (sentence) => {
    const dropped = card;
    card = null;
    dropped?.close(sentence);
    for (const one of found.values()) {
      if (one.gpu !== null) Object.assign(one, { gpu: null, trouble: sentence });
    }
    changed();
  };
  const takeCard = () => {
    if (card) return card;
    const build = buildOf(builds);
    if (!build) throw new Error("WebGPU needs JavaScript Promise Integration (JSPI), which this browser does not support.");
    const own = connect(build, undefined, (sentence) => card === own && drop(sentence));
    card = own;
    return own;
  };
  const drawers = (facts, workers) => workers.map((worker) => (wish) => worker.ask({ bundle: facts.name, path: "at", wish }));
  const tryCard = async (facts, one) => {
    finding ??= findCard();
    const { adapter, trouble } = await finding;
    fly.offered = adapter;
    if (trouble && !(adapter && fly.choice === "gpu")) throw new Error(trouble);
    one.trying = card ? 0 : (buildOf(builds)?.wasm.bytes ?? 0);
    changed();
    const own = takeCard();
    await own.open(facts);
    const [cpu, gpu] = await race(facts.models, facts.classes.length, drawers(facts, [processor, own]));
    if (card === own) Object.assign(one, { cpu, gpu });
  };
  const failed = (one, sentence) => {
    one.trouble = sentence;
    if ([...found.values()].some(({ gpu }) => gpu !== null)) return; // it draws another bundle
    card?.close(sentence);
    card = null;
  };
  // Once per bundle, while pictures are drawn already; again when the visitor chooses the card.
  const look = async (facts) => {
    const one = entryOf(facts.name);
    if (one.busy) return;
    one.busy = true;
    try {
      if (one.cpu === null) [one.cpu] = await race(facts.models, facts.classes.length, drawers(facts, [processor]));
      changed();
      while (wanted(one)) await tryCard(facts, one).catch((error) => failed(one, error.message));
    } finally {
      Object.assign(one, { busy: false, trying: null });
      changed();
    }
  };

  const fly = async (path, params, signal) => {
    const [where] = path.split("?");
    const facts = factsOf(decodeURIComponent(where.split("/")[1]));
    await processor.open(facts);
    current = facts;
    const one = entryOf(facts.name);
    if (one.cpu === null || wanted(one)) look(facts).catch(() => {}); // the next request meets the same error, and reports it
    const began = performance.now();
    signal?.throwIfAborted();
    const question = { bundle: facts.name, path: where.endsWith("/morph") ? "morph" : "at", wish: wishOf(where, params, facts.models) };
    let done = null;
    if (on(facts.name) === "gpu") {
      const own = card;
      done = await own.ask(question).catch((error) => {
        if (card === own) drop(error.message);
        return null;
      });
    }
    done ??= await processor.ask(question);
    signal?.throwIfAborted();
    const pixels = new ImageData(new Uint8ClampedArray(done.pixels), done.size);
    return { picture: pixels, model: done.model, round: performance.now() - began };
  };
  fly.choice = "auto";
  fly.offered = false;
  fly.choose = (choice) => {
    fly.choice = choice;
    changed();
    if (!current || choice === "cpu") return;
    if (choice === "gpu") for (const one of found.values()) one.trouble = "";
    look(current).catch(() => {});
  };
  fly.status = (name) => ({ on: on(name), ...entryOf(name) });
  return fly;
};

// The page's end of worker.js: `localPictures` answers the addresses of demo/live.py on the visitor's device, so that
// every widget that draws through Twofold.fly draws without a server.

const number = (text, fallback) => (text === undefined || text === "" ? fallback : Number(text));

// What an address of the live route asks for, as Device's methods take it.
const wishOf = (path, params, models) => {
  const { m = models[0], t, c, x, y, keys, classes, mode = "spherical", loop, p } = params;
  if (!path.endsWith("/morph")) return { m, t: number(t, 1), c: number(c, null), x: number(x, 0), y: number(y, 0) };
  const points = String(keys)
    .split(",")
    .map((key) => (key.includes(":") ? key.split(":").map(Number) : Number(key)));
  const kinds = classes === undefined ? [] : String(classes).split(",").map((entry) => number(entry, null));
  return { m, t: number(t, 1), keys: points, classes: kinds, mode, loop: Number(loop) === 1, p: number(p, 0) };
};

// bundles: their facts. wasm: { url, bytes, sha256 }. progress(loaded, of) in bytes while a bundle arrives; of = 0 at
// the end. Returns (path, params, signal) → { picture: ImageData, model: ms, round: ms }; rejects with a sentence.
export const localPictures = (bundles, wasm, progress) => {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  const opened = new Map();
  let count = 0;

  const fail = (sentence) => {
    for (const { reject } of waiting.values()) reject(new Error(sentence));
    waiting.clear();
  };
  worker.addEventListener("error", () => fail("This browser cannot run the models: it lacks module workers or WebAssembly."));
  worker.addEventListener("message", ({ data }) => {
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
      const opening = ask({ open: facts, wasm }).finally(() => progress(0, 0));
      opened.set(facts.name, opening);
      opening.catch(() => opened.delete(facts.name));
    }
    return opened.get(facts.name);
  };

  return async (path, params, signal) => {
    const [place] = path.split("?");
    const name = decodeURIComponent(place.split("/")[1]);
    const facts = bundles.find((bundle) => bundle.name === name);
    await open(facts);
    const began = performance.now();
    signal?.throwIfAborted();
    const done = await ask({ bundle: name, path: place.endsWith("/morph") ? "morph" : "at", wish: wishOf(place, params, facts.models) });
    signal?.throwIfAborted();
    const pixels = new ImageData(new Uint8ClampedArray(done.pixels), done.size);
    return { picture: pixels, model: done.model, round: performance.now() - began };
  };
};

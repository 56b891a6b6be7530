// The module worker in which onnxruntime-web (WebAssembly, one thread) runs a bundle's graphs: the page stays smooth.
// In:  { id, open: facts of a bundle, wasm: address }   or   { id, bundle, path: "at" | "morph", wish: {…} }
// Out: { id, loaded, of }  while files arrive; then { id, done: null or a picture }  or  { id, trouble: a sentence }.
// ort.js is onnxruntime-web's module; export/targets/web.py puts it beside this file.
import * as ort from "./ort.js";
import { Device, toPixels } from "./device.js";

const bundles = new Map();
let runtime = null;

// The bytes behind an address; told(n) hears of each n bytes that arrive.
const load = async (url, told) => {
  const lost = `${url.split("/").pop()} could not be loaded. Check the connection and reload the page.`;
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(lost);
  const parts = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(lost);
    });
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    told(value.length);
  }
};

// One wrong bit draws a wrong picture without a word, so files are held against their checksums; browsers offer the
// sum on secure pages only.
const loadChecked = async (file, told) => {
  const bytes = await load(file.url, told);
  const sum = self.crypto?.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : null;
  const text = sum && Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (bytes.length !== file.bytes || (text && text !== file.sha256)) {
    throw new Error(`${file.url.split("/").pop()} is damaged: its checksum is wrong.`);
  }
  return bytes;
};

const start = async (file, told) => {
  ort.env.wasm.numThreads = 1; // more need headers that a plain static host does not send
  ort.env.wasm.wasmBinary = await loadChecked(file, told);
  ort.env.logLevel = "error";
};

const open = async ({ id, open: facts, wasm }) => {
  const files = [...Object.values(facts.graphs), facts.latents];
  const of = files.reduce((sum, file) => sum + file.bytes, runtime ? 0 : wasm.bytes);
  let loaded = 0;
  const told = (bytes) => self.postMessage({ id, loaded: (loaded += bytes), of });
  runtime ??= start(wasm, told);
  const sessions = {};
  try {
    await runtime;
  } catch (error) {
    runtime = null; // the next try loads it again
    throw error;
  }
  for (const [name, file] of Object.entries(facts.graphs)) {
    sessions[name] = await ort.InferenceSession.create(await loadChecked(file, told), { executionProviders: ["wasm"] });
  }
  const numbers = await loadChecked(facts.latents, told);
  const arrays = {};
  let offset = 0;
  for (const [name, length] of Object.entries(facts.latents.lengths)) {
    arrays[name] = new Float32Array(numbers.buffer, 4 * offset, length);
    offset += length;
  }
  const clock = { spent: 0 };
  const run = async (graph, inputs) => {
    const feeds = {};
    for (const [name, values] of Object.entries(inputs)) {
      const shape = facts.graphs[graph].inputs[name];
      feeds[name] = new ort.Tensor("float32", values, [1, ...shape]);
    }
    const began = performance.now();
    const outputs = await sessions[graph].run(feeds);
    clock.spent += performance.now() - began;
    return outputs[sessions[graph].outputNames[0]].data;
  };
  const device = new Device(facts, arrays, run);
  for (const m of facts.models) await device.at({ x: 0, y: 0, c: null, t: 1, m }); // a session's first run is slow
  bundles.set(facts.name, { facts, clock, device });
  return null;
};

const picture = async ({ bundle, path, wish }) => {
  const { facts, clock, device } = bundles.get(bundle);
  const before = clock.spent;
  const image = await (path === "morph" ? device.morph(wish) : device.at(wish));
  const pixels = toPixels(image, facts.channels, facts.size);
  return { pixels: pixels.buffer, size: facts.size, model: clock.spent - before };
};

let last = Promise.resolve(); // one after the other: a session runs one picture at a time
self.addEventListener("message", ({ data }) => {
  last = last.then(async () => {
    try {
      const done = await (data.open ? open(data) : picture(data));
      self.postMessage({ id: data.id, done }, done ? [done.pixels] : []);
    } catch (error) {
      self.postMessage({ id: data.id, trouble: error.message });
    }
  });
});

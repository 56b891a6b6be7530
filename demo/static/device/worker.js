// The module worker in which onnxruntime-web runs a bundle's graphs, with WebAssembly on one thread or with WebGPU: the page
// stays responsive, and survives a failing graphics card.
// In:  { id, open: facts of a bundle, build: { script, wasm: { url, bytes, sha256 }, gpu } }
//      or  { id, bundle, path: "at" | "morph", wish: {…} }
// Out: { id, loaded, of }  while files arrive; then { id, done: null or a picture }  or  { id, trouble: a sentence };
//      { lost: a sentence }  when the graphics card is gone.
import { Device, toPixels } from "./device.js";

const bundles = new Map();
let runtime = null;
let ort = null;

// The bytes at an address; told(n) is called for every n bytes that arrive.
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

// One wrong bit silently draws a wrong picture, so checksums are verified; browsers can compute them on secure pages only.
const loadChecked = async (file, told) => {
  const bytes = await load(file.url, told);
  const sum = self.crypto?.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : null;
  const text = sum && Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (bytes.length !== file.bytes || (text && text !== file.sha256)) {
    throw new Error(`${file.url.split("/").pop()} is damaged: its checksum is wrong.`);
  }
  return bytes;
};

const start = async (build, told) => {
  if (build.gpu && !navigator.gpu) throw new Error("This browser supports WebGPU in pages, but not in workers.");
  ort ??= await import(new URL(build.script, self.location.href)).catch(() => {
    throw new Error(`${build.script.split("/").pop()} could not be loaded. Check the connection and reload the page.`);
  });
  ort.env.wasm.numThreads = 1; // more threads need headers that a plain static host does not send
  ort.env.wasm.wasmBinary = await loadChecked(build.wasm, told);
  ort.env.logLevel = "error";
};

const cardFailed = (why) => `The graphics card failed: ${why}`;
// onnxruntime-web silently falls back to WebAssembly where WebGPU does not start: then there is no device. A lost graphics
// card, or a driver that rejects a command, gives empty pictures.
const watch = async () => {
  const device = await ort.env.webgpu.device;
  if (!device) throw new Error("WebGPU did not start in this browser.");
  const lost = (what) => self.postMessage({ lost: cardFailed(what) });
  device.lost.then((info) => lost(info.message || info.reason));
  device.addEventListener("uncapturederror", ({ error }) => lost(error.message));
};

const open = async ({ id, open: facts, build }) => {
  const files = [...Object.values(facts.graphs), facts.latents];
  const of = files.reduce((sum, file) => sum + file.bytes, runtime ? 0 : build.wasm.bytes);
  let loaded = 0;
  const told = (bytes) => self.postMessage({ id, loaded: (loaded += bytes), of });
  const first = !runtime;
  runtime ??= start(build, told);
  // Severity 3: errors. WebGPU's sessions leave sums over shapes to WebAssembly, and would warn of it.
  const options = { executionProviders: build.gpu ? ["webgpu", "wasm"] : ["wasm"], logSeverityLevel: 3 };
  const named = (error) => {
    throw build.gpu ? new Error(cardFailed(error.message)) : error;
  };
  const sessions = {};
  try {
    await runtime;
  } catch (error) {
    runtime = null; // the next try loads it again
    throw error;
  }
  for (const [name, file] of Object.entries(facts.graphs)) {
    sessions[name] = await ort.InferenceSession.create(await loadChecked(file, told), options).catch(named);
  }
  if (build.gpu && first) await watch();
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
    const outputs = await sessions[graph].run(feeds).catch(named);
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
  const pixels = toPixels(image, facts.channels);
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

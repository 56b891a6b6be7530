// The module worker in which onnxruntime-web runs a bundle's graphs, with WebAssembly on one thread or with WebGPU: the page
// stays responsive, and survives a failing graphics card.
// In:  { id, open: facts of a bundle, build: { script, wasm: { url, bytes, sha256 }, gpu } }
//      or  { id, bundle: "name@version", at: a point }  or  { id, bundle, morph: a point of a morph }, as device.js takes them
// Out: { id, loaded, total }  in bytes while files arrive; then { id, result: null or a picture }  or  { id, error: a
//      sentence };  { lost: a sentence }  when the graphics card is gone.
import { BundleModel, toPixels } from "./device.js";

const bundles = new Map(); // { facts, sessions, clock, model } by "name@version"
let ort = null;
let starting = null; // the promise that onnxruntime-web is loaded

// Adds a bundle. Of each, the version before stays for requests that are on their way; older ones are let go.
const keep = async (opened) => {
  const { name, version } = opened.facts;
  bundles.set(`${name}@${version}`, opened);
  const versions = [...bundles].filter(([, { facts }]) => facts.name === name);
  for (const [key, { sessions }] of versions.slice(0, -2)) {
    bundles.delete(key);
    for (const session of Object.values(sessions)) await session.release().catch(() => {});
  }
};

// The bytes at an address; onBytes(n) is called for every n bytes that arrive.
const load = async (url, onBytes) => {
  const failure = `${url.split("/").pop()} could not be loaded. Check the connection and reload the page.`;
  const answer = await fetch(url).catch(() => null);
  if (!answer?.ok) throw new Error(failure);
  const parts = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(failure);
    });
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    onBytes(value.length);
  }
};

// One wrong bit silently draws a wrong picture, so checksums are verified; browsers can compute them on secure pages only.
const loadChecked = async (file, onBytes) => {
  const bytes = await load(file.url, onBytes);
  const sum = self.crypto?.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : null;
  const text = sum && Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (bytes.length !== file.bytes || (text && text !== file.sha256)) {
    throw new Error(`${file.url.split("/").pop()} is damaged: its checksum is wrong.`);
  }
  return bytes;
};

const start = async (build, onBytes) => {
  if (build.gpu && !navigator.gpu) throw new Error("This browser supports WebGPU in pages, but not in workers.");
  ort ??= await import(new URL(build.script, self.location.href)).catch(() => {
    throw new Error(`${build.script.split("/").pop()} could not be loaded. Check the connection and reload the page.`);
  });
  ort.env.wasm.numThreads = 1; // more threads need headers that a plain static host does not send
  ort.env.wasm.wasmBinary = await loadChecked(build.wasm, onBytes);
  ort.env.logLevel = "error";
};

const cardFailure = (why) => `The graphics card failed: ${why}`;
// onnxruntime-web silently falls back to WebAssembly where WebGPU does not start: then there is no device. A lost graphics
// card, or a driver that rejects a command, gives empty pictures.
const watchCard = async () => {
  const device = await ort.env.webgpu.device;
  if (!device) throw new Error("WebGPU did not start in this browser.");
  const report = (why) => self.postMessage({ lost: cardFailure(why) });
  device.lost.then((info) => report(info.message || info.reason));
  device.addEventListener("uncapturederror", ({ error }) => report(error.message));
};

const open = async ({ id, open: facts, build }) => {
  const files = [...Object.values(facts.graphs), facts.latents];
  const first = !starting;
  const total = files.reduce((sum, file) => sum + file.bytes, first ? build.wasm.bytes : 0);
  let loaded = 0;
  const onBytes = (bytes) => self.postMessage({ id, loaded: (loaded += bytes), total });
  starting ??= start(build, onBytes);
  try {
    await starting;
  } catch (error) {
    starting = null; // the next try loads it again
    throw error;
  }
  const blameCard = (error) => {
    throw build.gpu ? new Error(cardFailure(error.message)) : error;
  };
  // Severity 3: errors. WebGPU's sessions leave sums over shapes to WebAssembly, and would warn of it.
  const options = { executionProviders: build.gpu ? ["webgpu", "wasm"] : ["wasm"], logSeverityLevel: 3 };
  const sessions = {};
  for (const [name, file] of Object.entries(facts.graphs)) {
    sessions[name] = await ort.InferenceSession.create(await loadChecked(file, onBytes), options).catch(blameCard);
  }
  if (build.gpu && first) await watchCard();
  const numbers = await loadChecked(facts.latents, onBytes);
  const arrays = {};
  let offset = 0;
  for (const [name, length] of Object.entries(facts.latents.lengths)) {
    arrays[name] = new Float32Array(numbers.buffer, 4 * offset, length);
    offset += length;
  }
  const clock = { spent: 0 }; // ms in the graphs
  const run = async (graph, inputs) => {
    const feeds = {};
    for (const [name, values] of Object.entries(inputs)) {
      const shape = facts.graphs[graph].inputs[name];
      feeds[name] = new ort.Tensor("float32", values, [1, ...shape]);
    }
    const began = performance.now();
    const outputs = await sessions[graph].run(feeds).catch(blameCard);
    clock.spent += performance.now() - began;
    return outputs[sessions[graph].outputNames[0]].data;
  };
  const model = new BundleModel(facts, arrays, run);
  for (const m of facts.models) await model.at({ x: 0, y: 0, c: null, t: 1, m }); // a session's first run is slow
  await keep({ facts, sessions, clock, model });
  return null;
};

const picture = async ({ bundle, at, morph }) => {
  const { facts, clock, model } = bundles.get(bundle);
  const before = clock.spent;
  const image = await (morph ? model.morph(morph) : model.at(at));
  const pixels = toPixels(image, facts.channels);
  return { pixels: pixels.buffer, width: facts.width, modelMs: clock.spent - before };
};

let last = Promise.resolve(); // one after the other: a session runs one picture at a time
self.addEventListener("message", ({ data }) => {
  last = last.then(async () => {
    try {
      const result = await (data.open ? open(data) : picture(data));
      self.postMessage({ id: data.id, result }, result ? [result.pixels] : []);
    } catch (error) {
      self.postMessage({ id: data.id, error: error.message });
    }
  });
});

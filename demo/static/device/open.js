// Opens a bundle at an address and draws with onnxruntime-web, for the JavaScript of the API tab. An ES module; GET
// /web/twofold.js has it and the modules that it needs in one file, for other pages and for Node.
import { BundleModel, toPixels } from "./device.js";

// The bytes at an address.
const load = async (url) => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} could not be loaded: status ${answer.status}.`);
  return new Uint8Array(await answer.arrayBuffer());
};

// What a zip archive has compressed (method 8).
const inflate = async (bytes) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer());

// The float32 arrays of an .npz file, flat, by name: a zip archive of .npy files, read by its central directory.
export const arraysOf = async (npz) => {
  const view = new DataView(npz.buffer, npz.byteOffset, npz.byteLength);
  let end = npz.length - 22;
  while (end > 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  const arrays = {};
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left -= 1) {
    const [method, nameLength, extra, comment] = [view.getUint16(at + 10, true), ...[28, 30, 32].map((n) => view.getUint16(at + n, true))];
    const [size, local] = [view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const name = new TextDecoder().decode(npz.subarray(at + 46, at + 46 + nameLength)).replace(/\.npy$/, "");
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const stored = npz.slice(start, start + size);
    const npy = method ? await inflate(stored) : stored;
    const header = 10 + npy[8] + 256 * npy[9];
    if (new TextDecoder().decode(npy.subarray(10, header)).includes("'<f4'")) arrays[name] = new Float32Array(npy.slice(header).buffer);
    at += 46 + nameLength + extra + comment;
  }
  return arrays;
};

// address: of the bundle's folder, ending in a slash. ort: the module onnxruntime-web. Returns { index, draw }.
export const open = async (address, ort) => {
  const index = JSON.parse(new TextDecoder().decode(await load(`${address}bundle.json`)));
  if (index.graphs.generator?.adapter) throw new Error("This generator was made elsewhere, with names and values of its own: run generator.onnx itself.");
  const arrays = index.files.latents ? await arraysOf(await load(address + index.files.latents.file)) : {};
  const sessions = {};
  const run = async (graph, inputs) => {
    const entry = index.graphs[graph];
    sessions[graph] ??= await ort.InferenceSession.create(await load(address + entry.file), { executionProviders: ["wasm"] });
    const shapes = Object.fromEntries(entry.inputs.map((input) => [input.name, [1, ...input.shape.slice(1)]]));
    const feeds = Object.entries(inputs).map(([name, values]) => [name, new ort.Tensor("float32", values, shapes[name])]);
    return (await sessions[graph].run(Object.fromEntries(feeds)))[sessions[graph].outputNames[0]].data;
  };
  const model = new BundleModel({ classes: index.dataset.classes, attributes: index.attributes, gan: index.gan, vae: index.vae }, arrays, run);
  // The RGBA bytes at a point of the seed plane. m: gan or vae; c: a class, a mix { class: share } or null; t: truncation;
  // x, y: as in a link; attributes: { name: standard deviations, or { amount, vector } along a saved direction }, bend:
  // { "2.scale": 1.5, … }, none by default.
  const draw = async (point) => toPixels(await model.at(point), index.image.channels);
  return { index, draw };
};

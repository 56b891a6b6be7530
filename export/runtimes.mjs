// One graph in onnxruntime-web, as a page without special headers runs it: WebAssembly, one thread.
// stdin and stdout speak in messages: four bytes, the length of a JSON head; the head; the bytes that it announces.
// First {bytes} and a model; then {inputs: [{name, dims}]} and their float32, answered by {outputs: [{name, dims}]}
// and theirs, or by {error}.
import { readSync, writeSync } from "node:fs";

import * as ort from "onnxruntime-web/wasm";

console.log = console.error; // stdout is for answers
ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;

const size = (dims) => dims.reduce((product, side) => product * side, 1);

function read(count) {
  const buffer = new Uint8Array(count);
  for (let at = 0; at < count; ) {
    const got = readSync(0, buffer, at, count - at);
    if (got === 0) process.exit(0); // the other side has closed
    at += got;
  }
  return buffer;
}

function readHead() {
  const length = new DataView(read(4).buffer).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(read(length)));
}

function write(bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at, bytes.length - at);
}

function answer(head, ...arrays) {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  for (const bytes of [length, text, ...arrays]) write(bytes);
}

try {
  const session = await ort.InferenceSession.create(read(readHead().bytes), { executionProviders: ["wasm"] });
  answer({});
  for (;;) {
    const feed = {};
    for (const { name, dims } of readHead().inputs)
      feed[name] = new ort.Tensor("float32", new Float32Array(read(4 * size(dims)).buffer), dims);
    const found = await session.run(feed);
    const outputs = session.outputNames.map((name) => [name, found[name]]);
    answer(
      { outputs: outputs.map(([name, { dims }]) => ({ name, dims })) },
      ...outputs.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    );
  }
} catch (error) {
  answer({ error: String(error.message ?? error).split("\n")[0] });
}

// One graph in onnxruntime-web, as a page without special headers runs it: WebAssembly, one thread.
// stdin and stdout speak in messages: four bytes, the length of a JSON head; the head; the bytes that it announces.
// First {bytes} and a model; then {inputs: [{name, dims, type}]} and their numbers, answered by {outputs: [{name, dims, type}]}
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

// Type of a tensor -> the array of its numbers; both sides know the types by NumPy's names.
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

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
    for (const { name, dims, type } of readHead().inputs) {
      const Numbers = ARRAYS[type];
      feed[name] = new ort.Tensor(type, new Numbers(read(Numbers.BYTES_PER_ELEMENT * size(dims)).buffer), dims);
    }
    const found = await session.run(feed);
    const outputs = session.outputNames.map((name) => [name, found[name]]);
    answer(
      { outputs: outputs.map(([name, { dims, type }]) => ({ name, dims, type })) },
      ...outputs.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    );
  }
} catch (error) {
  answer({ error: String(error.message ?? error).split("\n")[0] });
}

// The page's end of worker.js: `localPictures` answers GET /live/{bundle} and /live/{bundle}/morph of demo/routes/live.py on
// the visitor's device, so that Play and Morph work without a server. WebAssembly draws at once; meanwhile a graphics card is
// tested (gpu.js), and takes over if its pictures are right and come sooner. How the race ended is
// remembered: a card that lost is not loaded for again until the bundle, the browser, the card or onnxruntime-web changes.
import { buildOf, chosen, findCard, pictureTimes, stillAlike } from "./gpu.js";

const RACE = "race."; // before the bundle's name, where a race is kept

// The class in an address, or its mix of classes, "3:0.75,5:0.25", as { class: share }; null where there is none.
const classOf = (text) => (String(text ?? "").includes(":") ? Object.fromEntries(String(text).split(/[,|]/).map((part) => part.split(":").map(Number))) : number(text, null));

const number = (text, fallback) => (text === undefined || text === "" ? fallback : Number(text));

// The moves in an address by name, "glasses:1.5,round face:2*VECTOR", or what is done to styles; a comma in a name stands there as %2C.
const movesOf = (text) =>
  Object.fromEntries(
    String(text ?? "")
      .split(",")
      .filter(Boolean)
      .map((part) => {
        const at = part.lastIndexOf(":");
        const [amount, vector] = part.slice(at + 1).split("*");
        return [part.slice(0, at).replace(/%2C|%25/gi, decodeURIComponent), vector ? { amount: Number(amount), vector } : Number(amount)];
      }),
  );

// The parameters of a live address, as BundleModel.at takes them.
const pointOf = (params, models) => {
  const { m = models[0], t, c, x, y, attributes, bend } = params;
  return { m, t: number(t, 1), c: classOf(c), x: number(x, 0), y: number(y, 0), attributes: movesOf(attributes), bend: movesOf(bend) };
};

// The parameters of the address of a morph, as BundleModel.morph takes them.
const morphOf = (params, models) => {
  const { m = models[0], t, keys, classes, path: mode = "spherical", loop, p, attributes, bend, times, easing, seconds } = params;
  if (/pca|lda/.test(keys)) throw new Error("Only a server draws points of the latent map.");
  const points = String(keys)
    .split(",")
    .map((key) => (key.includes(":") ? key.split(":").map(Number) : Number(key)));
  const chosenClasses = classes === undefined ? [] : String(classes).split(",").map(classOf);
  const listed = (text) => String(text ?? "").split(",").filter(Boolean);
  const timed = { times: listed(times).map(Number), easing: listed(easing), seconds: number(seconds, 0) };
  return { m, t: number(t, 1), keys: points, classes: chosenClasses, mode, loop: Number(loop) === 1, p: number(p, 0), attributes: movesOf(attributes), bend: movesOf(bend), ...timed };
};

// The worker's script. A browser starts none from another host, but one that imports it.
let importing = ""; // the address of that one
const startWorker = () => {
  const script = new URL("./worker.js", import.meta.url);
  if (script.origin === location.origin) return new Worker(script, { type: "module" });
  importing ||= URL.createObjectURL(new Blob(["import", JSON.stringify(script.href)], { type: "text/javascript" }));
  return new Worker(importing, { type: "module" });
};

// What names one version of a bundle, here and in the worker.
const versionOf = ({ name, version }) => `${name}@${version}`;

const NO_WORKER = "The models could not be started. Check the connection and reload the page; a browser without module workers or WebAssembly cannot run them.";

// One worker with one build of onnxruntime-web: { ask, open, close }. onProgress(loaded, total) in bytes while a bundle
// arrives; total = 0 at the end. onLost(sentence) is called when it will never answer again.
const connect = (build, onProgress = () => {}, onLost = () => {}) => {
  let worker = null; // null before a bundle is opened, and once it has failed: then the next try starts another one
  const waiting = new Map(); // the ends of promises, by the id of the message
  const opened = new Map(); // promises, by the version of the bundle
  let count = 0;

  const failAll = (sentence) => {
    for (const { reject } of waiting.values()) reject(new Error(sentence));
    waiting.clear();
  };
  const take = ({ data }) => {
    if (data.lost) {
      onLost(data.lost);
      return;
    }
    if (data.total !== undefined) {
      onProgress(data.loaded, data.total);
      return;
    }
    const promise = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) promise?.reject(new Error(data.error));
    else promise?.resolve(data.result);
  };
  const end = (sentence) => {
    worker?.terminate();
    worker = null;
    opened.clear();
    failAll(sentence);
  };
  const start = () => {
    worker = startWorker();
    worker.addEventListener("error", () => end(NO_WORKER));
    worker.addEventListener("message", take);
  };
  const ask = (message) =>
    new Promise((resolve, reject) => {
      if (!worker) throw new Error(NO_WORKER);
      const id = ++count;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...message, id });
    });
  const open = (facts) => {
    const version = versionOf(facts);
    if (!opened.has(version)) {
      if (!worker) start();
      const opening = ask({ open: facts, build }).finally(() => onProgress(0, 0));
      opened.set(version, opening);
      opening.catch(() => opened.get(version) === opening && opened.delete(version));
    }
    return opened.get(version);
  };
  start();
  return { ask, open, close: end };
};

// factsOf(name): the facts of a bundle as they are now, or undefined where it is not drawn here. builds: { wasm, jspi,
// asyncify }, each { script, wasm: { url, bytes, sha256 }, gpu }; the page may lack the last two. onProgress: as above.
// onChange(): status or offered has changed. memory: { read(name), keep(name, value) } of what outlives the page.
// Returns (path, params, signal) → { picture: ImageData, modelMs, roundMs, alone: true }, which rejects with a sentence,
// and has
//   choose("auto" | "gpu" | "cpu")   what the visitor wants
//   choice, offered                  that, and whether there is any WebGPU to choose
//   status(name)                     who draws a bundle, and why: { on: "gpu" | "cpu", cpu: ms or null, gpu: ms or null,
//                                    testing: bytes to load while the card is tested, else null,
//                                    problem: why the card does not draw, a sentence, or "" }
export const localPictures = (factsOf, builds, onProgress, onChange, memory) => {
  const cpuWorker = connect(builds.wasm, onProgress);
  let gpuWorker = null;
  // By version of the bundle: what status gives; ready: whether the card has it open and draws it right; key: under what a
  // race counts; measuring: whether one is under way.
  const records = new Map();
  let searchForCard = null; // the promise of findCard
  let current = null; // { facts, record } of the bundle that drew last

  const fresh = () => ({ cpu: null, gpu: null, testing: null, problem: "", ready: false, key: "", measuring: false });
  // That of a version; those that it has replaced are forgotten.
  const recordOf = (facts) => {
    const version = versionOf(facts);
    if (!records.has(version)) {
      for (const [known, { name }] of records) if (name === facts.name) records.delete(known);
      records.set(version, { name: facts.name, ...fresh() });
    }
    return records.get(version);
  };
  const mayTestCard = ({ cpu, gpu, problem, ready }) =>
    draw.choice !== "cpu" && !problem && !ready && (gpu === null || chosen(draw.choice, cpu, gpu) === "gpu");
  const drawsOn = ({ cpu, gpu, ready }) => chosen(draw.choice, cpu, gpuWorker && ready ? gpu : null);
  // What an earlier visit found, if nothing has changed since that could change it.
  const recall = async (facts, record) => {
    if (record.key) return;
    searchForCard ??= findCard();
    const { adapter, name } = await searchForCard;
    draw.offered = adapter;
    record.key = [facts.version, builds.wasm.wasm.sha256, buildOf(builds)?.wasm.sha256, name, navigator.userAgent].join(" ");
    const known = memory.read(RACE + facts.name);
    if (known?.key === record.key) Object.assign(record, { cpu: known.cpu, gpu: known.gpu, problem: known.problem });
  };
  const remember = (facts, { key, cpu, gpu, problem }) => memory.keep(RACE + facts.name, { key, cpu, gpu, problem });

  // Stops using the card; bundles that it drew say why.
  const giveUpCard = (sentence) => {
    const before = gpuWorker;
    gpuWorker = null;
    before?.close(sentence);
    for (const record of records.values()) {
      if (record.ready) Object.assign(record, { gpu: null, ready: false, problem: sentence });
    }
    onChange();
  };
  const openGpuWorker = () => {
    if (gpuWorker) return gpuWorker;
    const build = buildOf(builds);
    if (!build) throw new Error("WebGPU needs JavaScript Promise Integration (JSPI), which this browser does not support.");
    const mine = connect(build, undefined, (sentence) => gpuWorker === mine && giveUpCard(sentence));
    gpuWorker = mine;
    return mine;
  };
  const compared = (how, facts, ...workers) => {
    const drawers = workers.map((worker) => (point) => worker.ask({ bundle: versionOf(facts), at: point }));
    return how(facts.models, facts.classes.length, drawers);
  };
  const testCard = async (facts, record) => {
    const { adapter, problem } = await searchForCard;
    if (problem && !(adapter && draw.choice === "gpu")) throw new Error(problem);
    record.testing = gpuWorker ? 0 : (buildOf(builds)?.wasm.bytes ?? 0);
    onChange();
    const mine = openGpuWorker();
    await mine.open(facts);
    if (record.gpu !== null) await compared(stillAlike, facts, cpuWorker, mine);
    else {
      const [cpu, gpu] = await compared(pictureTimes, facts, cpuWorker, mine);
      if (gpuWorker !== mine) return;
      Object.assign(record, { cpu, gpu });
      remember(facts, record);
    }
    record.ready = gpuWorker === mine;
  };
  const cardFailed = (facts, record, error) => {
    Object.assign(record, { gpu: null, problem: error.message });
    if (error.lasting) remember(facts, record);
    if ([...records.values()].some(({ ready }) => ready)) return; // it draws another bundle
    gpuWorker?.close(error.message);
    gpuWorker = null;
  };
  // Once per bundle, while pictures are drawn already; again when the visitor chooses the card.
  const measure = async ({ facts, record }) => {
    if (record.measuring) return;
    record.measuring = true;
    try {
      await recall(facts, record);
      if (record.cpu === null) [record.cpu] = await compared(pictureTimes, facts, cpuWorker);
      onChange();
      while (mayTestCard(record)) await testCard(facts, record).catch((error) => cardFailed(facts, record, error));
    } finally {
      Object.assign(record, { measuring: false, testing: null });
      onChange();
    }
  };

  const draw = async (path, params, signal) => {
    const [address] = path.split("?");
    const facts = factsOf(decodeURIComponent(address.split("/")[1]));
    if (!facts) throw new Error("This bundle cannot be drawn on this device.");
    const record = recordOf(facts);
    await cpuWorker.open(facts);
    current = { facts, record };
    if (record.cpu === null || mayTestCard(record)) measure(current).catch(() => {}); // the next request meets the same error, and reports it
    const began = performance.now();
    signal?.throwIfAborted();
    const wanted = address.endsWith("/morph") ? { morph: morphOf(params, facts.models) } : { at: pointOf(params, facts.models) };
    const question = { bundle: versionOf(facts), ...wanted };
    let answer = null;
    if (drawsOn(record) === "gpu") {
      const mine = gpuWorker;
      answer = await mine.ask(question).catch((error) => {
        if (gpuWorker === mine) giveUpCard(error.message);
        return null;
      });
    }
    answer ??= await cpuWorker.ask(question);
    signal?.throwIfAborted();
    const picture = new ImageData(new Uint8ClampedArray(answer.pixels), answer.width);
    return { picture, modelMs: answer.modelMs, roundMs: performance.now() - began, alone: true };
  };
  draw.choice = "auto";
  draw.offered = false;
  draw.choose = (choice) => {
    draw.choice = choice;
    onChange();
    if (!current || choice === "cpu") return;
    if (choice === "gpu") for (const record of records.values()) record.problem = "";
    measure(current).catch(() => {});
  };
  draw.status = (name) => {
    const facts = factsOf(name);
    const record = facts ? recordOf(facts) : fresh();
    return { on: drawsOn(record), ...record };
  };
  return draw;
};

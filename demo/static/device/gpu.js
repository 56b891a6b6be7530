// Whether the graphics card may draw: its pictures must be right and come sooner. An ES module that knows no page and no
// worker.

// How many pictures of each model both draw, to compare and time them. A slow model gets fewer.
const PICTURES = 10;
const LEAST = 3;
const PATIENCE = 1500; // ms for a model
const STILL_FASTER = 0.9; // repeated while a time falls below this share of the last: browsers optimise code while it runs

// { adapter: whether there is one, name: what the browser tells of it, problem: why not to use it, or "" }
export const findCard = async (gpu = navigator.gpu) => {
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { adapter: false, name: "", problem: "No graphics card is available to this browser (WebGPU)." };
  const { vendor, architecture, device, description } = adapter.info ?? {};
  const name = [vendor, architecture, device, description].join("/");
  const emulated = adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter;
  return { adapter: true, name, problem: emulated ? "There is no graphics card: this browser emulates one in software." : "" };
};

// The build of onnxruntime-web with WebGPU that this browser can run: the smaller one needs JSPI. undefined where the page
// does not have the other.
export const buildOf = (builds) => ("Suspending" in WebAssembly ? builds.jspi : builds.asyncify);

// The greatest difference of two pictures, in grey levels; 255 for pictures of different sizes.
export const difference = (a, b) => {
  if (a.length !== b.length) return 255;
  let most = 0;
  for (let i = 0; i < a.length; i += 1) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

// The median of numbers, of which there is at least one.
export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// The point of the i-th picture that is compared: between seeds, every class in turn.
export const comparedPoint = (i, m, classCount) => ({ x: 1.37 * i, y: 0.61 * i, c: classCount ? i % classCount : null, t: 1, m });

// What each of the drawers gives at a point. Throws when the pictures differ by more than one grey level, which they would
// do again (lasting).
const drawnAlike = async (point, drawers) => {
  const answers = [];
  for (const draw of drawers) answers.push(await draw(point));
  const [first, ...rest] = answers.map(({ pixels }) => new Uint8Array(pixels));
  if (rest.some((bytes) => difference(first, bytes) > 1)) {
    throw Object.assign(new Error("The graphics card draws different pictures from the processor."), { lasting: true });
  }
  return answers;
};

// Throws unless the drawers still agree, by one picture of each model: for a race that an earlier visit has decided.
export const stillAlike = async (models, classCount, drawers) => {
  for (const m of models) await drawnAlike(comparedPoint(0, m, classCount), drawers);
};

// The time per picture of each of `drawers` in ms: the median for each model, then the mean over the models. A drawer is
// point → { pixels: ArrayBuffer, modelMs }. Throws when their pictures differ by more than one grey level.
export const pictureTimes = async (models, classCount, drawers, clock = () => performance.now()) => {
  const sums = drawers.map(() => 0);
  for (const m of models) {
    const end = clock() + PATIENCE;
    let before = null;
    let now = null;
    do {
      before = now ?? drawers.map(() => Infinity);
      const times = drawers.map(() => []);
      for (let i = 0; i < PICTURES && (i < LEAST || clock() < end); i += 1) {
        const answers = await drawnAlike(comparedPoint(i, m, classCount), drawers);
        answers.forEach(({ modelMs }, d) => times[d].push(modelMs));
      }
      now = times.map((spent, d) => Math.min(before[d], median(spent)));
    } while (clock() < end && now.some((time, d) => time < STILL_FASTER * before[d]));
    now.forEach((time, d) => (sums[d] += time / models.length));
  }
  return sums;
};

// Who draws, "cpu" or "gpu", by their times in ms (gpu: null where it may not). The visitor's choice of the card counts
// even where it is slower.
export const chosen = (choice, cpu, gpu) => {
  if (choice === "cpu" || gpu === null) return "cpu";
  return choice === "gpu" || gpu < cpu ? "gpu" : "cpu";
};

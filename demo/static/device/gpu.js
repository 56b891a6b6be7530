// Whether the graphics card may draw: what is asked of it before it does. An ES module that knows no page and no worker.

// How many pictures of each model are drawn by both, to compare and to time them, again as long as they come sooner the
// next time: browsers make code faster while it runs. A slow model gets fewer.
const PICTURES = 10;
const LEAST = 3;
const PATIENCE = 1500; // ms for a model
const SOONER = 0.9;

// { adapter: whether there is one at all, trouble: why it is better left alone, "" = it is not }
export const findCard = async (gpu = navigator.gpu) => {
  const adapter = await gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { adapter: false, trouble: "This browser offers no graphics card (WebGPU)." };
  const imitated = adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter;
  return { adapter: true, trouble: imitated ? "There is no graphics card: this browser imitates one on the processor." : "" };
};

// The build of onnxruntime-web with WebGPU that this browser can run: the smaller one needs WebAssembly that can wait
// (JSPI). undefined where the page lacks the other.
export const buildOf = (builds) => ("Suspending" in WebAssembly ? builds.jspi : builds.asyncify);

// The greatest difference of two pictures, in grey levels.
export const difference = (a, b) => {
  if (a.length !== b.length) return 255;
  let most = 0;
  for (let i = 0; i < a.length; i += 1) most = Math.max(most, Math.abs(a[i] - b[i]));
  return most;
};

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

// The place of the i-th picture that is compared: between seeds, of every class in turn.
export const place = (i, m, kinds) => ({ x: 1.37 * i, y: 0.61 * i, c: kinds ? i % kinds : null, t: 1, m });

// The time that each of `drawers` takes for a picture, in ms: per model the median, then the mean of the models. A
// drawer is wish → { pixels: ArrayBuffer, model: ms }. Throws when their pictures are not the same within one grey level.
export const race = async (models, kinds, drawers, clock = () => performance.now()) => {
  const sums = drawers.map(() => 0);
  for (const m of models) {
    const end = clock() + PATIENCE;
    let before = null;
    let now = null;
    do {
      before = now ?? drawers.map(() => Infinity);
      const times = drawers.map(() => []);
      for (let i = 0; i < PICTURES && (i < LEAST || clock() < end); i += 1) {
        let first = null;
        for (const [d, draw] of drawers.entries()) {
          const { pixels, model } = await draw(place(i, m, kinds));
          const bytes = new Uint8Array(pixels);
          first ??= bytes;
          if (difference(first, bytes) > 1) throw new Error("The graphics card draws other pictures than the processor.");
          times[d].push(model);
        }
      }
      now = times.map((spent, d) => Math.min(before[d], median(spent)));
    } while (clock() < end && now.some((time, d) => time < SOONER * before[d]));
    now.forEach((time, d) => (sums[d] += time / models.length));
  }
  return sums;
};

// Who draws: times in ms, gpu null where it may not. By hand the card is taken though it is slower.
export const chosen = (choice, cpu, gpu) => {
  if (choice === "cpu" || gpu === null) return "cpu";
  return choice === "gpu" || gpu < cpu ? "gpu" : "cpu";
};

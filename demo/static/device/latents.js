// Latent arithmetic in the browser: what bundle/latents.py computes, from the same definitions, in the same order.
// Paths between latents: paths.js. An ES module. Latents are Float32Arrays; sums run in float64, as NumPy's do there. Seeds lie in [0, 2**32).
import { Generator } from "./random.js";

const SEEDS = 2 ** 32;
const PLANE_STRIDE = 100; // how many seeds the seed plane moves on per unit of y
const PRIOR_END = 2; // of the truncated normal prior, on both sides

export const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
const combine = (length, value) => Float32Array.from({ length }, (_, i) => value(i));
// A vector stretched to a length; the zero vector stays.
export const withNorm = (vector, length) => {
  const own = norm(vector);
  return Float32Array.from(vector, (value) => (own > 1e-9 ? value * (length / own) : value));
};
const wrap = (seed) => ((seed % SEEDS) + SEEDS) % SEEDS;

// --- seeds, priors and classes -------------------------------------------------------------------
// The standard normal latent of a seed: NumPy's draws.
export const seedLatent = (seed, dim) => Float32Array.from(new Generator(wrap(seed)).normals(dim));

// 2 / √π times the sum of e^(-x²) 2ⁿ x^(2n+1) / (2n+1)!!: positive terms only, so nothing cancels.
const erf = (x) => {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)) * sum;
};
// By Newton's method; shares here stay within ±erf(PRIOR_END / √2), where it converges in a few steps.
const inverseErf = (share) => {
  let x = 0;
  for (let n = 0; n < 50; n += 1) {
    const step = ((erf(x) - share) * Math.sqrt(Math.PI) * Math.exp(x * x)) / 2;
    x -= step;
    if (Math.abs(step) < 1e-15) break;
  }
  return x;
};

// Standard normal latents → noise of the generator's prior, quantile by quantile. The last step, after all blending.
export const fromNormal = (normal, prior) => {
  if (prior === "normal") return normal;
  const spread = Array.from(normal, (value) => erf(value / Math.SQRT2)); // 2 Φ - 1
  if (prior === "uniform") return Float32Array.from(spread);
  const edge = erf(PRIOR_END / Math.SQRT2);
  return Float32Array.from(spread, (value) => Math.SQRT2 * inverseErf(edge * value));
};

// The class of a seed for which none was chosen: seed modulo K.
export const seedClass = (seed, classes) => wrap(seed) % classes;

// The weights of one class.
export const oneHot = (index, classes) => combine(classes, (k) => (k === index ? 1 : 0));

// The weights of shares { class: share }, which sum to 1. Throws where a class is unknown, or all shares are zero.
export const classWeights = (shares, classes) => {
  const weights = new Float64Array(classes);
  for (const [k, share] of Object.entries(shares)) {
    if (!(Number(k) < classes) || !(share >= 0)) throw new Error(`Class ${k} does not exist: choose one from 0 to ${classes - 1}.`);
    weights[k] += share;
  }
  const whole = weights.reduce((sum, share) => sum + share, 0);
  if (!whole) throw new Error("The class shares must add up to more than zero.");
  return combine(classes, (k) => weights[k] / whole);
};

// --- between latents -----------------------------------------------------------------------------
export const lerp = (a, b, t) => combine(a.length, (i) => (1 - t) * a[i] + t * b[i]);

// Along the arc between two vectors, whose lengths need not be equal.
export const slerp = (a, b, t) => {
  const [lengthA, lengthB] = [norm(a), norm(b)];
  if (lengthA === 0 || lengthB === 0) return lerp(a, b, t);
  const cosine = a.reduce((sum, value, i) => sum + (value / lengthA) * (b[i] / lengthB), 0);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (Math.sin(angle) < 1e-6) return lerp(a, b, t);
  const [shareA, shareB] = [Math.sin((1 - t) * angle), Math.sin(t * angle)].map((s) => s / Math.sin(angle));
  const length = (1 - t) * lengthA + t * lengthB;
  return combine(a.length, (i) => ((shareA * a[i]) / lengthA + (shareB * b[i]) / lengthB) * length);
};

// The weighted mean of keys, stretched to the weighted mean of their norms; all weight on one key gives that key.
export const blend = (keys, weights) => {
  const whole = weights.indexOf(1);
  if (whole >= 0) return keys[whole];
  const mean = Float64Array.from(keys[0], (_, i) => keys.reduce((sum, key, k) => sum + weights[k] * key[i], 0));
  return withNorm(mean, keys.reduce((sum, key, k) => sum + weights[k] * norm(key), 0));
};

// The four seeds around a point of the seed plane, and their bilinear weights.
export const planeCorners = (x, y) => {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [x - left, y - top];
  const seeds = [0, 1].flatMap((j) => [0, 1].map((i) => wrap(left + i + PLANE_STRIDE * (top + j))));
  return { seeds, weights: [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v] };
};

// The seeds that make up a key of a morph, a seed or a point [x, y], and their weights.
export const keyCorners = (key) => (Array.isArray(key) ? planeCorners(...key) : { seeds: [wrap(key)], weights: [1] });

// w [L * D] moved towards centre [D] in each of its L stages: psi 1 keeps it, 0 gives the centre everywhere.
export const truncate = (w, centre, psi) =>
  psi === 1 ? w : combine(w.length, (i) => centre[i % centre.length] + psi * (w[i] - centre[i % centre.length]));

// Latents [N * D] moved by steps: [[standard deviations, the numbers [D] of one], …]. What bundle/attribute_moves.py does:
// the sum in float64, then one float32 step for each number.
export const moved = (points, steps) => {
  if (!steps.length) return points;
  const dim = steps[0][1].length;
  const offset = combine(dim, (i) => steps.reduce((sum, [move, direction]) => sum + move * direction[i], 0));
  return combine(points.length, (i) => points[i] + offset[i % dim]);
};

// The vector that the text of an own direction holds, as in bundle/own_directions.py: { key: whose latents, in hexadecimal,
// numbers: Float32Array }; null for a text that holds none.
export const ownVector = (text) => {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) return null;
  const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  if (bytes.length <= 8) return null;
  const unit = new DataView(bytes.buffer).getFloat32(4, true);
  if (!(unit > 0 && unit * 127 <= 1000)) return null;
  const key = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { key, numbers: Float32Array.from(new Int8Array(bytes.buffer, 8), (step) => step * unit) };
};

// --- the fitted prior of a VAE -------------------------------------------------------------------
// A Gaussian mixture over codes. `arrays`: mixture_weights [M], mixture_means [M, D], mixture_cholesky [M, D, D]
// lower, mixture_classes [M, K], each flat.
export class Mixture {
  constructor(arrays) {
    this.weights = arrays.mixture_weights;
    this.means = arrays.mixture_means;
    this.cholesky = arrays.mixture_cholesky;
    this.classes = arrays.mixture_classes;
    this.dim = this.means.length / this.weights.length;
  }

  // The probability of each component, given class weights (null: of the whole mixture).
  chances(classWeights) {
    const count = this.weights.length;
    const classCount = this.classes.length / count;
    const joint = (m, k) => this.weights[m] * this.classes[m * classCount + k];
    let found = Array.from(this.weights);
    if (classWeights) {
      const totals = Array.from({ length: classCount }, (_, k) => {
        return Math.max(found.reduce((sum, _, m) => sum + joint(m, k), 0), 1e-12);
      });
      const given = found.map((_, m) => totals.reduce((sum, total, k) => sum + (joint(m, k) / total) * classWeights[k], 0));
      if (given.some((chance) => chance > 0)) found = given;
    }
    const whole = found.reduce((sum, chance) => sum + chance, 0);
    return found.map((chance) => chance / whole);
  }

  // The code of a seed; `temperature` scales the step away from the mean of the component drawn.
  sample(seed, classWeights, temperature = 1) {
    const { dim } = this;
    const generator = new Generator(wrap(seed));
    const noise = generator.normals(dim);
    const drawn = generator.uniform();
    const chances = this.chances(classWeights);
    let reach = 0;
    let component = chances.findIndex((chance) => (reach += chance) > drawn);
    if (component < 0) component = chances.length - 1;
    return combine(dim, (i) => {
      let step = 0;
      for (let j = 0; j <= i; j += 1) step += this.cholesky[(component * dim + i) * dim + j] * noise[j];
      return this.means[component * dim + i] + temperature * step;
    });
  }
}

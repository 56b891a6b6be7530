// Bending the styles of stages, in the browser: what bundle/bend.py computes, from the same definitions, in the same order.
// An ES module. Styles are Float32Arrays, one stage after the other; sums run in float64, as NumPy's do there.
import { seedLatent } from "./latents.js";

// The least and the largest number of each knob, and the one that changes nothing.
const KNOBS = { scale: [0, 4, 1], shift: [-4, 4, 0], rotate: [-180, 180, 0], noise: [0, 4, 0] };
const MOST_SEED = 9999;
const FIRST_STYLE = 3_000_000_000;
const FIRST_NOISE = 3_500_000_000;
const NOISE_STAGES = 16;

const within = (value, low, high) => Math.min(high, Math.max(low, value));
const lengthOf = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

// What a bend asks for, { stages: Map of stage from 0 → { scale, shift, rotate, noise }, seed }. bend: names and numbers,
// { "2.scale": 1.5, seed: 7 }. Throws for what there is not.
export const checkedBend = (bend, stageCount) => {
  const stages = new Map();
  let seed = 0;
  for (const [name, value] of Object.entries(bend ?? {})) {
    const [, number, knob] = /^([1-9][0-9]?)\.([a-z]+)$/.exec(name) ?? [];
    const known = name === "seed" || (Object.hasOwn(KNOBS, knob ?? "") && Number(number) <= stageCount);
    if (!known || !Number.isFinite(value)) throw new Error(`There is nothing to bend called '${name}'.`);
    if (name === "seed") {
      seed = Math.round(within(value, 0, MOST_SEED));
      continue;
    }
    const [low, high] = KNOBS[knob];
    const stage = stages.get(number - 1) ?? { scale: 1, shift: 0, rotate: 0, noise: 0 };
    stages.set(number - 1, { ...stage, [knob]: within(value, low, high) });
  }
  for (const [stage, knobs] of stages) {
    if (Object.entries(KNOBS).every(([knob, [, , neutral]]) => knobs[knob] === neutral)) stages.delete(stage);
  }
  return { stages, seed };
};

// The seeds of the pictures whose styles a shift and a rotation go towards.
export const styleSeeds = (seed) => [FIRST_STYLE + 2 * seed, FIRST_STYLE + 2 * seed + 1];

// A vector turned by an angle in the plane that it spans with `towards`; its norm stays.
export const rotated = (vector, towards, angle) => {
  const norm = lengthOf(vector);
  const unit = vector.map((value) => value / Math.max(norm, 1e-12));
  const along = towards.reduce((sum, value, i) => sum + value * unit[i], 0);
  const across = towards.map((value, i) => value - along * unit[i]);
  const length = lengthOf(across);
  if (norm < 1e-9 || length < 1e-9 * Math.max(lengthOf(towards), 1e-9)) return vector;
  return vector.map((value, i) => Math.cos(angle) * value + (Math.sin(angle) * norm * across[i]) / length);
};

// A style w, flat [L * D], with stages bent around centre [D], the mean style. towards: the two styles, as
// w, of styleSeeds, for the same class.
export const bent = (w, centre, towards, { stages, seed }) => {
  const dim = centre.length;
  const apartOf = (style, first) => Float64Array.from({ length: dim }, (_, i) => style[first + i] - centre[i]);
  const result = Float32Array.from(w);
  for (const [stage, knobs] of stages) {
    const first = stage * dim;
    const [shift, turn] = towards.map((style) => apartOf(style, first));
    let apart = apartOf(w, first).map((value) => knobs.scale * value);
    if (knobs.rotate) apart = rotated(apart, turn, (knobs.rotate * Math.PI) / 180);
    if (knobs.shift) apart = apart.map((value, i) => value + knobs.shift * shift[i]);
    if (knobs.noise) {
      const noise = seedLatent(FIRST_NOISE + NOISE_STAGES * seed + stage, dim);
      const length = (knobs.noise * lengthOf(shift)) / Math.sqrt(dim);
      apart = apart.map((value, i) => value + length * noise[i]);
    }
    for (let i = 0; i < dim; i += 1) result[first + i] = centre[i] + apart[i];
  }
  return result;
};

// A bundle's pictures computed on the visitor's device: what bundle/model.py does on a server, one picture at a time.
// An ES module that knows no runtime: `run(graph, inputs)` gives the graph's first output as a flat Float32Array.
import { bent, checkedBend, styleSeeds } from "./bend.js";
import { Mixture, blend, classWeights, fromNormal, keyCorners, moved, oneHot, ownVector, planeCorners, seedClass, seedLatent, truncate } from "./latents.js";
import { pathAt, timing } from "./paths.js";

const MOST_MOVE = 4; // standard deviations along an attribute, both ways, as in bundle/attribute_moves.py

export class BundleModel {
  // info: { classes: names, attributes: [{ name }, …], gan: { latent_dim, prior } or null, vae: {…} or null }; arrays: those
  // of latents.npz, flat.
  constructor(info, arrays, run) {
    this.info = info;
    this.arrays = arrays;
    this.run = run;
    this.mixture = info.vae ? new Mixture(arrays) : null;
  }

  // The image at a point of the seed plane. c: a class, a mix { class: share }, or null for the class of the first seed there. t: truncation, m: model.
  // attributes: { name: move in standard deviations, or { amount, vector } along a direction that is brought }; bend:
  // { "2.scale": 1.5 }, what is done to the styles of stages.
  async at({ x, y, c, t, m, attributes, bend }) {
    const corners = planeCorners(x, y);
    const weights = this.weights(c, corners.seeds[0]);
    if (m === "gan") return this.draw(blend(corners.seeds.map((seed) => this.noise(seed)), corners.weights), weights, t, attributes, bend);
    const codes = corners.seeds.map((seed) => this.mixture.sample(seed, weights, t));
    const whole = corners.weights.indexOf(1);
    if (whole >= 0) return this.decode(codes[whole], attributes);
    return this.decode(this.fromStandard(blend(codes.map((code) => this.toStandard(code)), corners.weights)), attributes);
  }

  // The image at share p in [0, 1] of a morph. keys: seeds and points [x, y]; classes: one for each key, or null as above.
  // times, easing, seconds: as bundle/paths.py has them, empty where the keys are even.
  async morph({ keys, classes, p, mode, loop, t, m, attributes, bend, times = [], easing = [], seconds = 0 }) {
    const timed = timing(times, easing, seconds, keys.length, loop);
    const corners = keys.map(keyCorners);
    const weights = corners.map(({ seeds }, i) => this.weights(classes[i] ?? null, seeds[0]));
    const ends = (latent) => corners.map((key, i) => blend(key.seeds.map((seed) => latent(seed, i)), key.weights));
    if (m === "gan") {
      const along = weights[0] ? pathAt(weights, p, "linear", loop, timed) : null;
      return this.draw(pathAt(ends((seed) => this.noise(seed)), p, mode, loop, timed), along, t, attributes, bend);
    }
    const codes = ends((seed, i) => this.toStandard(this.mixture.sample(seed, weights[i], t)));
    return this.decode(this.fromStandard(pathAt(codes, p, mode, loop, timed)), attributes);
  }

  // The weights of class c, or of a mix, which sum to 1; null: of the class that the seed has.
  weights(c, seed) {
    const count = this.info.classes.length;
    if (count && c !== null && typeof c === "object") return classWeights(c, count);
    return count ? oneHot(c ?? seedClass(seed, count), count) : null;
  }

  // The standard normal latent of a seed.
  noise(seed) {
    return seedLatent(seed, this.info.gan.latent_dim);
  }

  // Latents of model m moved along attributes (`directions`: those of all, flat) and along directions that are brought
  // ({ amount, vector: its text }), each by at most MOST_MOVE.
  along(points, m, directions, moves = {}) {
    const known = this.info.attributes ?? [];
    const within = (move) => Math.min(MOST_MOVE, Math.max(-MOST_MOVE, move));
    const attributes = [];
    const own = [];
    for (const [name, move] of Object.entries(moves)) {
      if (typeof move === "object") {
        own.push([within(move.amount), this.ownNumbers(name, move.vector, m)]);
        continue;
      }
      const i = known.findIndex((attribute) => attribute.name === name);
      if (i < 0 || !Number.isFinite(move) || !directions) throw new Error(`There is no attribute '${name}' that could be moved like this.`);
      const dim = directions.length / known.length;
      attributes.push([i, within(move), directions.subarray(i * dim, (i + 1) * dim)]);
    }
    attributes.sort(([one], [other]) => one - other); // sums depend on their order
    const steps = [...attributes.map(([, move, direction]) => [move, direction]), ...own];
    return moved(points, steps.filter(([move]) => move));
  }

  // The numbers of a direction that is brought, which must be one of these latents.
  ownNumbers(name, text, m) {
    const found = ownVector(text);
    if (!found) throw new Error(`The direction '${name}' cannot be read: it was cut off or changed.`);
    const { gan, vae, spaces } = this.info;
    const size = m === "vae" ? vae.latent_dim : gan.w_dim || gan.latent_dim;
    if (found.numbers.length !== size || (spaces && spaces[m].key !== found.key)) {
      throw new Error(`The direction '${name}' belongs to other latents than those of the ${m.toUpperCase()} of this bundle: find it there anew.`);
    }
    return found.numbers;
  }

  // The GAN's image of a latent, with truncation psi; without styles, that shrinks the latent itself.
  async draw(z, weights, psi, attributes, bend) {
    if (!this.info.gan.w_dim) {
      const smaller = z.map((value) => value * Math.fround(psi));
      const noise = fromNormal(this.along(smaller, "gan", null, attributes), this.info.gan.prior);
      return this.run("generator", weights ? { z: noise, classes: weights } : { z: noise });
    }
    const centre = this.centre(weights ?? [1]);
    const w = await this.bent(truncate(await this.mapped(z, weights), centre, psi), centre, weights, bend);
    return this.run("synthesis", { w: this.along(w, "gan", this.arrays.attribute_w, attributes) });
  }

  // The style of a latent, not truncated.
  mapped(z, weights) {
    const noise = fromNormal(z, this.info.gan.prior);
    return this.run("mapping", weights ? { z: noise, classes: weights } : { z: noise });
  }

  // A style with stages bent around the mean style of its class; without a bend, the very same.
  async bent(w, centre, weights, bend) {
    const checked = checkedBend(bend, this.info.gan.stages);
    if (!checked.stages.size) return w;
    const towards = [];
    for (const seed of styleSeeds(checked.seed)) towards.push(await this.mapped(this.noise(seed), weights));
    return bent(w, centre, towards, checked);
  }

  // The mean w of the classes, weighted.
  centre(weights) {
    const means = this.arrays.w_mean;
    const dim = means.length / weights.length;
    return Float32Array.from({ length: dim }, (_, i) => weights.reduce((sum, share, k) => sum + share * means[k * dim + i], 0));
  }

  // The VAE's image of a code.
  decode(code, attributes) {
    return this.run("decoder", { z: this.along(code, "vae", this.arrays.attribute_code, attributes) });
  }

  // A code in units of the codes' mean and deviation; between such codes the path is a morph.
  toStandard(code) {
    const { code_mean: mean, code_std: std } = this.arrays;
    return code.map((value, i) => (value - mean[i]) / std[i]);
  }

  fromStandard(code) {
    const { code_mean: mean, code_std: std } = this.arrays;
    return code.map((value, i) => value * std[i] + mean[i]);
  }
}

// An image [C, H, W] in [0, 1] as RGBA bytes, row by row, round(255 x): a clamped array rounds as NumPy's rint does.
export const toPixels = (image, channels) => {
  const count = image.length / channels;
  const pixels = new Uint8ClampedArray(4 * count).fill(255);
  for (let i = 0; i < count; i += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      pixels[4 * i + channel] = Math.fround(255 * image[(channels === 3 ? channel : 0) * count + i]);
    }
  }
  return pixels;
};

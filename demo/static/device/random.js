// NumPy's Generator(PCG64(seed)) in JavaScript: the same standard normal and uniform draws for the same seed, so that
// a browser sees the pictures that a server sees. An ES module without imports; bundle/latents.py is the other end.

const MASK = (1n << 64n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n; // of PCG's 128-bit step (O'Neill 2014)
const WORDS = 4; // of NumPy's SeedSequence: a pool of four 32-bit words

// --- seeding: NumPy's SeedSequence of one 32-bit word (O'Neill's seed_seq_fe) --------------------
const mixer = (constant, factor) => (word) => {
  const mixed = word ^ constant;
  constant = Math.imul(constant, factor);
  const value = Math.imul(mixed, constant);
  return value ^ (value >>> 16);
};

const seedWords = (seed) => {
  const hash = mixer(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: WORDS }, (_, i) => hash(i === 0 ? seed : 0));
  for (let from = 0; from < WORDS; from += 1) {
    for (let to = 0; to < WORDS; to += 1) {
      if (from === to) continue;
      const value = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, hash(pool[from]));
      pool[to] = value ^ (value >>> 16);
    }
  }
  const spread = mixer(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 2 * WORDS }, (_, i) => BigInt(spread(pool[i % WORDS]) >>> 0));
  return Array.from({ length: WORDS }, (_, i) => words[2 * i] | (words[2 * i + 1] << 32n));
};

// --- the ziggurat of the standard normal: 256 layers of equal area (Marsaglia and Tsang 2000) ----
const LAYERS = 256;
const TAIL = 3.6541528853610087963519472518; // where the lowest layer's tail begins
const AREA = 0.004928673233974654931590913431847; // of a layer: TAIL e^(-TAIL²/2) plus the area of the tail
const CELLS = 2 ** 52;

// Of each layer: its width, the number of cells that lie wholly under the curve, and the curve's height at its edge.
// NumPy has these as tables; computed here they agree to about 13 digits, float32 latents keep 7.
const ziggurat = () => {
  const width = new Float64Array(LAYERS);
  const inside = new Float64Array(LAYERS);
  const height = new Float64Array(LAYERS);
  width[LAYERS - 1] = TAIL;
  for (let i = LAYERS - 1; i > 0; i -= 1) {
    height[i] = Math.exp(-0.5 * width[i] * width[i]);
    if (i > 1) width[i - 1] = Math.sqrt(-2 * Math.log(AREA / width[i] + height[i]));
  }
  height[0] = 1;
  for (let i = 2; i < LAYERS; i += 1) inside[i] = (width[i - 1] / width[i]) * CELLS;
  width[0] = AREA / height[LAYERS - 1]; // the lowest layer, with its tail, as one rectangle
  inside[0] = (TAIL / width[0]) * CELLS;
  return { width, inside, height };
};
const { width, inside, height } = ziggurat();

export class Generator {
  // seed: a whole number from 0 to 2**32 - 1.
  constructor(seed) {
    const [high, low, streamHigh, streamLow] = seedWords(seed);
    this.step = BigInt.asUintN(128, (((streamHigh << 64n) | streamLow) << 1n) | 1n);
    this.state = BigInt.asUintN(128, (this.step + ((high << 64n) | low)) * MULTIPLIER + this.step);
  }

  // 64 random bits.
  bits() {
    this.state = BigInt.asUintN(128, this.state * MULTIPLIER + this.step);
    const folded = (this.state >> 64n) ^ (this.state & MASK);
    const turn = this.state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK;
  }

  // A number in [0, 1).
  uniform() {
    return Number(this.bits() >> 11n) / 2 ** 53;
  }

  // A draw from the standard normal distribution.
  normal() {
    for (;;) {
      const bits = this.bits();
      const low = Number(bits & 0x1ffn);
      const layer = low & 0xff;
      const cell = Number((bits >> 9n) & 0xfffffffffffffn);
      const x = ((low & 0x100 ? -cell : cell) * width[layer]) / CELLS;
      if (cell < inside[layer]) return x;
      if (layer === 0) return this.tail((cell / 2 ** 8) & 1);
      const share = this.uniform();
      if ((height[layer - 1] - height[layer]) * share + height[layer] < Math.exp(-0.5 * x * x)) return x;
    }
  }

  tail(negative) {
    for (;;) {
      const beyond = -Math.log1p(-this.uniform()) / TAIL;
      const y = -Math.log1p(-this.uniform());
      if (y + y > beyond * beyond) return negative ? -(TAIL + beyond) : TAIL + beyond;
    }
  }

  normals(count) {
    return Float64Array.from({ length: count }, () => this.normal());
  }
}

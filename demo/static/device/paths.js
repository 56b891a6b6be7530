// Where a film is at each moment, and the latent there: what bundle/paths.py computes, from the same definitions, in the same
// order. An ES module.
import { lerp, norm, slerp, withNorm } from "./latents.js";

// How far of the way from one key to the next lies behind at a share of its time.
const eased = (easing, share) => {
  if (easing === "in") return share * share;
  if (easing === "out") return share * (2 - share);
  return easing === "smooth" ? share * share * (3 - 2 * share) : share;
};

// Keyframes that are spread evenly over a film.
const evenTimes = (keys, loop, seconds) => Array.from({ length: keys }, (_, i) => (i * seconds) / Math.max(1, loop ? keys : keys - 1));

// The timing of so many keys, { times, easing, seconds }; null where nothing is said of it. times, easing: one for each, or
// empty.
export const timing = (times, easing, seconds, keys, loop) => {
  if (!times.length && !easing.length) return null;
  const length = seconds > 0 ? seconds : 1; // of even keys any will do
  return {
    times: times.length ? times : evenTimes(keys, loop, length),
    easing: easing.length ? easing : Array(keys).fill("linear"),
    seconds: length,
  };
};

// The keys with their timing, as a path needs them.
class Walk {
  constructor(keys, loop, timed) {
    this.keys = keys;
    this.loop = loop;
    this.timed = timed;
  }

  // [the number of the key that lies behind at a share of the film, the share of the way to the next].
  place(share) {
    const segments = this.loop ? this.keys.length : this.keys.length - 1;
    if (!this.timed) {
      const position = share * segments;
      const index = Math.min(Math.floor(position), Math.max(segments - 1, 0));
      return [index, position - index];
    }
    const { times, easing, seconds } = this.timed;
    const at = share * seconds;
    const index = times.filter((time) => time <= at).length - 1;
    if (index >= segments) return [Math.max(segments - 1, 0), segments > 0 ? 1 : 0];
    return [index, eased(easing[index], Math.min(1, (at - times[index]) / this.duration(index)))];
  }

  // The key of a number that may lie beyond either end.
  key(index) {
    const count = this.keys.length;
    return this.keys[this.loop ? (index + count) % count : Math.min(Math.max(index, 0), count - 1)];
  }

  // The time from a key to the next.
  duration(index) {
    if (!this.timed) return 1;
    const { times, seconds } = this.timed;
    const count = this.keys.length;
    const from = this.loop ? (index + count) % count : Math.min(Math.max(index, 0), Math.max(count - 2, 0));
    return (times[from + 1] ?? seconds) - times[from];
  }

  // The velocity at a key.
  tangent(index) {
    const [before, after] = [this.duration(index - 1), this.duration(index)];
    const [last, here, next] = [this.key(index - 1), this.key(index), this.key(index + 1)];
    return Float64Array.from(here, (at, i) => ((after * (at - last[i])) / before + (before * (next[i] - at)) / after) / (before + after));
  }
}

const spline = (walk, index, t, stretch) => {
  const [p1, p2] = [walk.key(index), walk.key(index + 1)];
  const span = walk.duration(index);
  const [from, to] = [walk.tangent(index), walk.tangent(index + 1)];
  const curve = Float64Array.from(p1, (at, i) => {
    const [v1, v2] = [span * from[i], span * to[i]];
    const bend = 3 * (p2[i] - at) - 2 * v1 - v2 + t * (2 * (at - p2[i]) + v1 + v2);
    return at + t * (v1 + t * bend);
  });
  if (!stretch) return Float32Array.from(curve);
  const share = eased("smooth", t);
  return withNorm(curve, (1 - share) * norm(p1) + share * norm(p2));
};

// The latent at a share in [0, 1] of the path through keys; in a loop 1 equals 0. mode: linear, spherical, spline. timed: as
// timing() gives it. stretch: whether norms say something.
export const pathAt = (keys, share, mode, loop, timed = null, stretch = true) => {
  const walk = new Walk(keys, loop, timed);
  const [index, t] = walk.place(Math.min(1, Math.max(0, share)));
  if (mode === "spline") return spline(walk, index, t, stretch);
  return (mode === "spherical" && stretch ? slerp : lerp)(walk.key(index), walk.key(index + 1), t);
};

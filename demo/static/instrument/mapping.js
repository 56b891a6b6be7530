// Mappings: how a source moves a parameter, as plain data, and the arithmetic of that.
//   { source, parameter, from, to, curve, smoothing, invert }
//   from, to   the parameter's values where the source is 0 and 1; either may be the larger
//   curve      "linear", "exp" (slow, then fast) or "s" (slow at both ends)
//   smoothing  ms in which 63 % of the way to a new value is gone; 0: at once
(() => {
  const T = window.Twofold;

  const STEEP = 4; // of "exp": the last tenth of a knob moves further than its first seven
  const RESTING = /^(note|button|pressure|sound|tempo:pulse|pen:pressure)/; // sources that are 0 while nobody plays
  const SHAPES = {
    linear: (v) => v,
    exp: (v) => Math.expm1(STEEP * v) / Math.expm1(STEEP),
    s: (v) => v * v * (3 - 2 * v),
  };
  const within = (value, low, high) => Math.min(high, Math.max(low, value));

  T.mapping = {
    curves: Object.keys(SHAPES),
    mostSmoothing: 5000, // ms
    // A new mapping between a source and a parameter: a source at rest leaves the parameter where it is now.
    fresh(source, parameter) {
      const [low, to] = T.parameters.usual(parameter);
      const now = parameter.get();
      const from = RESTING.test(source) && now !== to ? Number(T.fourDecimals(now)) : low;
      return { source, parameter: parameter.name, from, to, curve: "linear", smoothing: 60, invert: false };
    },
    // The parameter's value where the source has `value`, 0 to 1.
    valueOf({ from, to, curve, invert }, value) {
      const share = within(value, 0, 1);
      return from + (to - from) * SHAPES[curve](invert ? 1 - share : share);
    },
    // Where a value is that moves from `current` towards `target` for dt ms: the same after two halves of dt as after one dt,
    // so that it is as smooth at 30 as at 144 frames a second.
    smoothed: (current, target, dt, smoothing) => (smoothing > 0 ? target + (current - target) * Math.exp(-dt / smoothing) : target),
    // Whether a value has come so near its target that nobody sees the rest. Where from = to, rounding stops it just beside.
    arrived: (current, target, { from, to }) => Math.abs(target - current) <= 1e-3 * Math.abs(to - from) + 1e-9,
    // A stick's or a bend's deflection, -1 to 1, as a source's value, 0 to 1: the middle is still, all around it as far as `dead`.
    fromMiddle(deflection, dead = 0) {
      const size = Math.max(0, (Math.abs(within(deflection, -1, 1)) - dead) / (1 - dead));
      return 0.5 + (0.5 * Math.sign(deflection) * size || 0);
    },
  };
})();

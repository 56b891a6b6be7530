// The tempo, from taps or from onsets: pure functions of their times in ms, and the clock that drift, loops and the tempo's own
// sources follow.
(() => {
  const T = window.Twofold;

  const TAPS = 8; // the last ones count
  const PAUSE = 2500; // ms after which taps begin anew
  const SLOWEST = 30; // beats a minute, of taps
  const FASTEST = 300;
  const HEARD = [60, 200]; // beats a minute, of onsets
  const USUAL = 120; // … among which this is the likeliest, as listeners tap (Ellis 2007)
  const OCTAVES = 0.9; // deviation of that
  const JITTER = 22; // ms by which onsets miss their beat
  const FEWEST = 6; // onsets

  const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };
  // The place of times within a period, as one that most of them agree on: their mean on the circle.
  const phaseOf = (times, period) => {
    const [x, y] = times.reduce(([a, b], time) => [a + Math.cos((2 * Math.PI * time) / period), b + Math.sin((2 * Math.PI * time) / period)], [0, 0]);
    return (Math.atan2(y, x) / (2 * Math.PI)) * period;
  };

  T.tempoOf = {
    slowest: SLOWEST,
    fastest: FASTEST,
    // The tempo of taps, { period, origin } in ms; null for fewer than two, or where they are no tempo.
    taps(times) {
      const run = [];
      for (const time of times) {
        if (run.length && time - run[run.length - 1] > PAUSE) run.length = 0;
        run.push(time);
      }
      const recent = run.slice(-TAPS);
      if (recent.length < 2) return null;
      const period = median(recent.slice(1).map((time, i) => time - recent[i]));
      const tempo = 60_000 / period;
      return tempo >= SLOWEST && tempo <= FASTEST ? { period, origin: recent[recent.length - 1] } : null;
    },
    // The tempo of onsets: the interval that most pairs of them have; null where none stands out.
    onsets(times) {
      if (times.length < FEWEST) return null;
      const [longest, shortest] = HEARD.map((tempo) => 60_000 / tempo);
      const gaps = times.flatMap((time, i) => times.slice(i + 1).map((later) => later - time)).filter((gap) => gap >= shortest - 3 * JITTER && gap <= longest + 3 * JITTER);
      let best = { score: 0, period: 0 };
      for (let period = shortest; period <= longest; period += 2) {
        const near = gaps.reduce((sum, gap) => sum + Math.exp(-0.5 * ((gap - period) / JITTER) ** 2), 0);
        const score = near * Math.exp(-0.5 * (Math.log2(60_000 / period / USUAL) / OCTAVES) ** 2);
        if (score > best.score) best = { score, period, near };
      }
      if (!best.score || best.near < FEWEST / 2) return null;
      const close = gaps.filter((gap) => Math.abs(gap - best.period) < 2 * JITTER);
      const period = close.reduce((sum, gap) => sum + gap, 0) / close.length;
      const last = times[times.length - 1];
      return { period, origin: last + phaseOf(times.map((time) => time - last), period) };
    },
    beatsAMinute: ({ period }) => 60_000 / period,
    // A tempo of so many beats a minute that begins now; null where that is none.
    of: (beats, now) => (beats >= SLOWEST && beats <= FASTEST ? { period: 60_000 / beats, origin: now } : null),
    // A tempo in the place of another one: the same beats, counted on from where that one is.
    goingOn(next, before, now) {
      if (!before) return next;
      const ahead = Math.round((now - before.origin) / before.period - (now - next.origin) / next.period);
      return { ...next, origin: next.origin - ahead * next.period };
    },
    // How many beats there were since the origin.
    beats: ({ period, origin }, now) => (now - origin) / period,
    // How fast something goes that is pushed once a beat and slows down until the next: on average one a beat, in beats a second.
    push: (tempo, now) => (2 * (1 - (((T.tempoOf.beats(tempo, now) % 1) + 1) % 1)) * 1000) / tempo.period,
    // The whole number of bars that is nearest to so many seconds, in seconds.
    inBars: ({ period }, seconds) => Math.max(1, Math.round((seconds * 1000) / (4 * period))) * ((4 * period) / 1000),
    // The sources of a tempo after so many beats, by name: each 0 to 1.
    sources(beats) {
      const within = (length) => (((beats % length) + length) % length) / length;
      const wave = (length) => 0.5 - 0.5 * Math.cos(2 * Math.PI * within(length));
      return { "tempo:pulse": (1 - within(1)) ** 2, "tempo:wave": wave(4), "tempo:slow": wave(16), "tempo:loop": within(16) };
    },
  };
})();

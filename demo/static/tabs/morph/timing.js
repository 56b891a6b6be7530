// When a film is at its keyframes: plain functions of lists of seconds. The server's rules: bundle/paths.py.
(() => {
  const T = window.Twofold;

  const EASINGS = ["linear", "in", "out", "smooth"];
  const LEAST_STEP = 0.05; // seconds between two keyframes
  const hundredths = (seconds) => Math.round(seconds * 100) / 100;
  // Keyframes that are spread evenly: those of an open film reach its end.
  const even = (count, loop, seconds) => Array.from({ length: count }, (_, i) => hundredths((i * seconds) / Math.max(1, loop ? count : count - 1)));
  const isEven = (times, loop, seconds) => even(times.length, loop, seconds).every((time, i) => Math.abs(time - times[i]) < 0.011);
  // The times, or even ones where two of them are too close to each other or to the end.
  const spaced = (times, loop, seconds) => {
    const ends = [...times.map(hundredths), ...(loop ? [seconds] : [])];
    const rising = ends[0] === 0 && ends.every((time, i) => i === 0 || time >= ends[i - 1] + LEAST_STEP - 1e-6);
    return rising && times[times.length - 1] <= seconds ? times.map(hundredths) : even(times.length, loop, seconds);
  };

  const RATES = [24, 25, 30, 50, 60]; // frames a second

  T.timing = {
    easings: EASINGS,
    shortest: 2, // seconds of a film
    longest: 600,
    rates: RATES,
    gifRate: 50, // frames a second that a GIF holds
    // The rate that is offered and comes nearest to one.
    nearestRate: (fps) => RATES.reduce((best, rate) => (Math.abs(rate - fps) < Math.abs(best - fps) ? rate : best)),
    even,
    spaced,
    // As far as a keyframe can be moved in time: [from, to].
    room: (times, i, loop, seconds) => [
      i === 0 ? 0 : hundredths(times[i - 1] + LEAST_STEP),
      i === 0 ? 0 : hundredths(i + 1 < times.length ? times[i + 1] - LEAST_STEP : seconds - (loop ? LEAST_STEP : 0)),
    ],
    // The times of a film of another length.
    stretched(times, loop, from, to) {
      if (isEven(times, loop, from)) return even(times.length, loop, to);
      return spaced(times.map((time) => (time * to) / from), loop, to);
    },
    // What gives the times of a film { times, loop, seconds } at another length, again and again: as long as nobody else changes
    // it, from those before the first length, for one that is being typed passes through shorter ones.
    stretcher() {
      const textOf = (times, loop, seconds) => [...times, loop, seconds].join();
      let before = null; // the film before the first length
      let left = ""; // as it is since the last one
      return ({ times, loop, seconds }, to) => {
        if (left !== textOf(times, loop, seconds)) before = { times: [...times], seconds };
        const next = T.timing.stretched(before.times, loop, before.seconds, to);
        left = textOf(next, loop, to);
        return next;
      };
    },
    // The times of a film with one keyframe more, behind the others, which move closer together.
    withOneMore(times, loop, seconds) {
      if (isEven(times, loop, seconds)) return even(times.length + 1, loop, seconds);
      const parts = loop ? times.length : times.length - 1; // stretches between keyframes
      const closer = times.map((time) => (time * parts) / (parts + 1));
      return spaced([...closer, loop ? (seconds * parts) / (parts + 1) : seconds], loop, seconds);
    },
    // The times without those of keyframe i; the film begins with the first that is left.
    without(times, i, loop, seconds) {
      if (isEven(times, loop, seconds)) return even(times.length - 1, loop, seconds);
      const left = times.filter((_, at) => at !== i);
      return spaced(left.map((time) => time - left[0]), loop, seconds);
    },
    // The times where the film becomes a loop, or no longer is one.
    looped(times, loop, seconds) {
      if (isEven(times, !loop, seconds)) return even(times.length, loop, seconds);
      const share = loop && times[times.length - 1] > seconds - LEAST_STEP ? (times.length - 1) / times.length : 1;
      return spaced(times.map((time) => time * share), loop, seconds);
    },
    // Its fields in addresses, requests and marks: none where keyframes are even, and speeds too.
    fields({ times, easing, loop, seconds }) {
      return {
        ...(isEven(times, loop, seconds) ? {} : { times }),
        ...(easing.every((one) => one === "linear") ? {} : { easing }),
      };
    },
    // What a live address says of the same, from a request or a mark.
    params({ times, easing, seconds }) {
      const listed = { ...(times?.length ? { times: times.join(",") } : {}), ...(easing?.length ? { easing: easing.join(",") } : {}) };
      return Object.keys(listed).length ? { ...listed, seconds } : {};
    },
  };
})();

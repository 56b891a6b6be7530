// Onsets in a sound, and its level in bands, from the spectra that an analyser gives frame by frame.
(() => {
  const T = window.Twofold;

  const BANDS = [
    ["low", 30, 250],
    ["mid", 250, 2000],
    ["high", 2000, 10_000],
  ]; // Hz
  const QUIETEST = -70; // dB of full scale that count as nothing
  const LOUDEST = -10; // … and as all
  const MEMORY = 1500; // ms whose flux says what is usual
  const GAP = 110; // ms between two onsets at least
  const ABOVE = 1.6; // times the usual flux, and
  const DEVIATIONS = 1.5; // … so many deviations above it
  const LEAST = 0.006; // flux that silence does not reach

  const share = (db) => Math.min(1, Math.max(0, (db - QUIETEST) / (LOUDEST - QUIETEST)));

  T.sound = {
    // The level of samples in [-1, 1] as a share: 0 quiet, 1 loud, evenly in dB (of their root mean square).
    level(samples) {
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      return share(10 * Math.log10(sum / samples.length + 1e-12));
    },
    // The share of each band, { low, mid, high }. decibels: of each bin; rate: samples a second.
    bands(decibels, rate) {
      const width = rate / 2 / decibels.length;
      return Object.fromEntries(
        BANDS.map(([name, from, to]) => {
          let power = 0;
          const last = Math.min(decibels.length - 1, Math.round(to / width));
          for (let i = Math.max(1, Math.round(from / width)); i <= last; i += 1) power += 10 ** (decibels[i] / 10);
          return [name, share(10 * Math.log10(power + 1e-12))];
        }),
      );
    },
    // A function of (decibels of a frame, its time in ms) that says whether an onset begins there: 0, or its strength.
    // Spectral flux, the sum of what grew, against a threshold that follows the last second and a half (Dixon 2006).
    onsetDetector() {
      let before = null; // the last spectrum, compressed
      let fluxes = []; // { time, flux } within MEMORY
      let last = -Infinity; // time of the last onset
      return (decibels, time) => {
        const now = Float32Array.from(decibels, (db) => share(db));
        let flux = 0;
        if (before) for (let i = 0; i < now.length; i += 1) flux += Math.max(0, now[i] - before[i]);
        flux /= now.length;
        const first = before === null;
        before = now;
        fluxes = fluxes.filter((one) => time - one.time < MEMORY);
        const mean = fluxes.reduce((sum, one) => sum + one.flux, 0) / (fluxes.length || 1);
        const deviation = Math.sqrt(fluxes.reduce((sum, one) => sum + (one.flux - mean) ** 2, 0) / (fluxes.length || 1));
        fluxes.push({ time, flux });
        const threshold = Math.max(LEAST, ABOVE * mean, mean + DEVIATIONS * deviation);
        if (first || flux <= threshold || time - last < GAP) return 0;
        last = time;
        return flux / threshold;
      };
    },
  };
})();

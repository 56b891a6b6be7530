// A mix of classes: shares by the classes' numbers, as text in the page's state, "3:0.75,5:0.25", as addresses have it. The state
// has one only where two classes or more have a share; the largest is then the state's class.
(() => {
  const T = window.Twofold;

  const MOST_FADERS = 32; // classes that are parameters: nobody has more hands
  const LONGEST = 114; // letters of a class in the name of its parameter: presets (instrument/preset.js) take 120 in all
  const percent = (share) => Math.round(100 * share);

  Object.assign(T, {
    // The shares in a text, { class: share }; what is none is left out.
    readMix(text) {
      const shares = {};
      for (const part of String(text ?? "").split(",")) {
        const found = /^(\d{1,6}):(\d+(?:\.\d+)?)$/.exec(part);
        if (found && Number(found[2]) > 0) shares[found[1]] = Number(found[2]);
      }
      return shares;
    },
    // The text of shares, of which none is larger than 1 then, for a bundle: "" where fewer than two of its classes have one.
    mixText(shares, { classes } = T.bundle()) {
      const known = Object.entries(shares ?? {}).filter(([k, share]) => /^\d{1,6}$/.test(k) && Number(k) < classes.length && Number.isFinite(share));
      const most = Math.max(1, ...known.map(([, share]) => share));
      const kept = known.map(([k, share]) => [k, Number(T.fourDecimals(share / most))]).filter(([, share]) => share > 0);
      return kept.length > 1 ? kept.map(([k, share]) => `${k}:${share}`).join(",") : "";
    },
    // The class with the largest share, the first of several.
    largestClass: (shares) => Number(Object.entries(shares).reduce((best, one) => (one[1] > best[1] ? one : best))[0]),
    // The shares that a state draws with, which sum to 1; null where it has no mix.
    mixOf({ mix } = T.state) {
      const shares = Object.entries(T.readMix(mix));
      const whole = shares.reduce((sum, [, share]) => sum + share, 0);
      return shares.length > 1 ? Object.fromEntries(shares.map(([k, share]) => [k, share / whole])) : null;
    },
    // The mix of a state in words, "bag 75 % · coat 25 %"; "" for none.
    describeMix(state = T.state) {
      const shares = T.mixOf(state);
      return shares ? Object.entries(shares).map(([k, share]) => `${T.className(k, T.bundle(state.b))} ${percent(share)} %`).join(" · ") : "";
    },
    // The name of the parameter that is the share of class k; of a class with a very long name, by its number.
    classParameter(k) {
      const name = T.className(k);
      return `class.${name.length > LONGEST ? k : name}`;
    },
    // The parameters that mix the classes of the bundle: parameters.js.
    classParameters: () =>
      T.bundle().classes.slice(0, MOST_FADERS).map((name, k) => {
        const shares = () => (T.state.mix ? T.readMix(T.state.mix) : { [T.state.c]: 1 });
        return {
          name: T.classParameter(k),
          label: T.t("Share of class {name}", { name }),
          low: 0,
          high: 1,
          get: () => shares()[k] ?? 0,
          set(value) {
            const { [k]: _, ...others } = shares();
            const next = value > 0 ? { ...others, [k]: value } : others;
            if (Object.keys(next).length) T.set({ c: T.largestClass(next), mix: T.mixText(next) }); // the last one stays
          },
        };
      }),
  });
})();

// What all widgets share, as window.Twofold: the facts about the bundles, the state of the page, and its history.
(() => {
  const listeners = [];
  const past = [];
  const MOST_PAST = 200; // states that can be undone
  const number = (text, low, high, fallback) => {
    const value = text === null || text === "" ? NaN : Number(text);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
  };
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  const T = {
    facts: null, // what demo/facts.py says of the bundles
    state: { b: null, m: "gan", c: null, t: 1, x: 0, y: 0 }, // bundle, model, class, truncation, place on the seed plane
    stats: { flying: 0, shown: 0, model: [], round: [] }, // flying: requests on their way
    reach: 1e6, // of x and y, as on the server
    reducedMotion: matchMedia("(prefers-reduced-motion: reduce)"),
    number,
    short: (value) => String(Number(Number(value).toFixed(4))),

    // --- facts -----------------------------------------------------------------------------------
    // Takes the facts and the state that the address asks for. Before this, T.state names no bundle.
    init(facts) {
      T.facts = facts;
      const first = facts.bundles[0];
      if (!first) return;
      const { query } = T;
      const wanted = {
        b: query.get("b") ?? first.name,
        m: query.get("m") ?? "gan",
        c: query.get("c"),
        t: number(query.get("t"), 0, 1.5, 1),
        x: number(query.get("x"), -T.reach, T.reach, 0),
        y: number(query.get("y"), -T.reach, T.reach, 0),
      };
      T.state = T.valid(wanted);
      T.openTab(query.get("tab") ?? (query.get("tour") === "1" ? "explore" : null));
      if (facts.uploads) T.fetchUploads(wanted);
    },
    // Models that visitors have brought since the server started; the address may name one of them.
    async fetchUploads(wanted) {
      const answer = await fetch(T.url("uploads")).catch(() => null);
      for (const bundle of answer?.ok ? await answer.json() : []) T.add(bundle);
      if (wanted.b !== T.state.b && T.bundle(wanted.b)) T.set(wanted);
    },
    add(bundle) {
      if (T.bundle(bundle.name)) return;
      T.facts.bundles.push(bundle);
      for (const listener of T.bundleListeners) listener(bundle);
    },
    bundleListeners: [], // called with each bundle that is added
    bundle: (name = T.state.b) => T.facts?.bundles.find((bundle) => bundle.name === name),
    className: (c, bundle = T.bundle()) => (c === null || !bundle?.classes.length ? "" : bundle.classes[c]),
    // The class that a seed has when none is chosen: seed modulo K, as in bundle/latents.py; null without classes.
    seedClass: (seed, bundle = T.bundle()) => (bundle.classes.length ? seed % bundle.classes.length : null),

    // --- state -----------------------------------------------------------------------------------
    // The nearest state that the page can show: the bundle exists, has this model, and knows the class.
    valid(state) {
      const bundle = T.bundle(state.b) ?? T.facts.bundles[0];
      const { models, classes } = bundle;
      const own = T.seedClass(T.seeds(state.x, state.y)[0], bundle);
      return {
        b: bundle.name,
        m: models.includes(state.m) ? state.m : models[0],
        c: classes.length ? Math.round(number(state.c, 0, classes.length - 1, own)) : null,
        t: Number(T.short(state.t)),
        x: Number(T.short(state.x)),
        y: Number(T.short(state.y)),
      };
    },
    // listener(after, before) is called whenever the state changes.
    on(listener) {
      listeners.push(listener);
    },
    // undo: whether T.undo() comes back to the present state.
    set(patch, { undo = false } = {}) {
      const before = T.state;
      const after = T.valid({ ...before, ...patch });
      if (same(before, after)) return;
      if (undo) T.remember();
      T.state = after;
      for (const listener of listeners) listener(after, before);
      T.updateAddress();
    },
    remember() {
      const last = past[past.length - 1];
      if (last && same(last, T.state)) return;
      past.push(T.state);
      if (past.length > MOST_PAST) past.shift();
    },
    undo() {
      let last = past.pop();
      while (last && same(last, T.state)) last = past.pop();
      if (last) T.set(last);
      return Boolean(last);
    },
    // The seeds around a point of the seed plane, the one whose class the point has first; one at a seed's own place.
    seeds(x, y) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      const all = [0, 1, 100, 101].map((step) => (((left + 100 * top + step) % 2 ** 32) + 2 ** 32) % 2 ** 32);
      const wide = x !== left;
      const tall = y !== top;
      return all.filter((_, i) => (wide || i % 2 === 0) && (tall || i < 2));
    },

    // --- messages ----------------------------------------------------------------------------------
    // Shows a sentence in the bar, or "" when all is well.
    showMessage(sentence) {
      const words = T.translate(sentence);
      for (const listener of T.messageListeners) listener(words);
    },
    messageListeners: [], // called with each sentence of T.showMessage
    timingListeners: [], // called with the milliseconds of the model and of the round trip, at each live picture
    reportTiming(model, round) {
      for (const listener of T.timingListeners) listener(model, round);
    },
    patience: 30_000, // ms without an answer, after which a widget stops waiting
    get busyMessage() {
      return T.t("The server is busy; try again.");
    },
  };
  window.Twofold = T;
})();

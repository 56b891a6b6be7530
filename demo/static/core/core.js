// What all widgets share, as window.Twofold: the facts about the bundles, the state of the page, and its history.
(() => {
  const listeners = [];
  const past = [];
  const MOST_PAST = 200; // states that can be undone
  const SEEDS = 2 ** 32;
  const PLANE_STRIDE = 100; // how many seeds the seed plane moves on per unit of y, as in bundle/latents.py
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  const T = {
    facts: null, // what demo/facts.py says of the bundles
    // Bundle, model, class, mix of classes as text (class_mix.js), truncation, place on the seed plane, moves along attributes
    // (attributes.js) and what is done to styles (bending.js) as text.
    state: { b: null, m: "gan", c: null, mix: "", t: 1, x: 0, y: 0, attributes: "", bend: "" },
    stats: { inFlight: 0, shown: 0, modelMs: [], roundMs: [] }, // requests on their way, pictures shown, times in ms
    maxCoordinate: 1e6, // of x and y, as on the server
    lastSeed: 99_999_999, // the last that "Go to seed" and Samples offer
    seedCount: SEEDS,
    reducedMotion: matchMedia("(prefers-reduced-motion: reduce)"),
    // The number in a text, brought within low and high; `fallback` where there is none.
    numberWithin(text, low, high, fallback) {
      const value = text === null || text === "" ? NaN : Number(text);
      return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
    },
    // A number as text with four decimals at most, as addresses have them.
    fourDecimals: (value) => String(Number(Number(value).toFixed(4))),

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
        mix: query.get("c"), // either stands there
        t: T.numberWithin(query.get("t"), 0, 1.5, 1),
        x: T.numberWithin(query.get("x"), -T.maxCoordinate, T.maxCoordinate, 0),
        y: T.numberWithin(query.get("y"), -T.maxCoordinate, T.maxCoordinate, 0),
        attributes: query.get("attributes") ?? "",
        bend: query.get("bend") ?? "",
      };
      T.state = T.valid(wanted);
      T.openTab(query.get("tab") ?? (query.get("tour") === "1" ? "explore" : null));
      if (facts.uploads) T.fetchLater("uploads", wanted);
      if (facts.make) T.fetchLater("made", wanted);
    },
    // Takes the models that have come since the server started, from visitors or from Make; the address may name one.
    async fetchLater(path, wanted) {
      const before = T.bundle(wanted.b) ? null : T.state; // while the bundle that is wanted is missing
      const later = await T.getJson(path).catch(() => []);
      for (const bundle of later) T.takeBundle(bundle);
      // Not once the visitor has gone on: nobody is thrown back by an answer that comes late.
      if (before && same(before, T.state) && T.bundle(wanted.b)) T.set(wanted);
    },
    addBundle(bundle) {
      if (T.bundle(bundle.name)) return;
      T.facts.bundles.push(bundle);
      for (const listener of T.bundleListeners) listener(bundle);
    },
    // Takes the facts of a bundle that was made anew, in the place of its earlier ones.
    replaceBundle(bundle) {
      const at = T.facts.bundles.findIndex((one) => one.name === bundle.name);
      if (at < 0) return T.addBundle(bundle);
      T.facts.bundles[at] = bundle;
      for (const listener of T.bundleListeners) listener(bundle);
      if (T.state.b !== bundle.name) return;
      const before = { ...T.state, b: null, m: null }; // all of it is another's
      T.state = T.valid(T.state);
      for (const listener of listeners) listener(T.state, before);
    },
    // As replaceBundle, unless the page has this very version.
    takeBundle(bundle) {
      const known = T.bundle(bundle.name);
      if (known?.version !== bundle.version || Boolean(known.learning) !== Boolean(bundle.learning)) T.replaceBundle(bundle);
    },
    // Forgets a bundle that was deleted.
    removeBundle(name) {
      const at = T.facts.bundles.findIndex((one) => one.name === name);
      if (at < 0) return;
      const [gone] = T.facts.bundles.splice(at, 1);
      if (!T.facts.bundles.length) return;
      if (T.state.b === name) T.set({ b: T.facts.bundles[0].name, x: 0, y: 0 });
      for (const listener of T.bundleListeners) listener(gone, true);
    },
    bundleListeners: [], // called with each bundle that is added, made anew or, then with true, removed
    // The facts of a bundle; undefined where there is none of this name.
    bundle: (name = T.state.b) => T.facts?.bundles.find((bundle) => bundle.name === name),
    // What names one version of a bundle: it is another one once a bundle of the same name has taken its place.
    versionOf: (bundle = T.bundle()) => `${bundle.name}@${bundle.version}`,
    // The name of class c of a bundle; "" for none.
    className: (c, bundle = T.bundle()) => bundle?.classes[c] ?? "",
    // The class of a seed for which none was chosen, as in bundle/latents.py; null in a bundle without classes.
    seedClass: (seed, bundle = T.bundle()) => (bundle.classes.length ? seed % bundle.classes.length : null),

    // --- seeds -----------------------------------------------------------------------------------
    // The seed that a whole number stands for: 0 to 2³² - 1.
    wrapSeed: (number) => ((number % SEEDS) + SEEDS) % SEEDS,
    // The seed at whole numbers x, y of the plane.
    seedAt: (x, y) => T.wrapSeed(x + PLANE_STRIDE * y),
    // The place { x, y } of a seed: x alone reaches the first million either way, y the others. Some lie outside the plane.
    seedPlace(seed) {
      const signed = seed > SEEDS / 2 ? seed - SEEDS : seed; // the last seeds lie left of 0
      const y = Math.abs(signed) > T.maxCoordinate ? Math.trunc(signed / PLANE_STRIDE) : 0;
      return { x: signed - PLANE_STRIDE * y, y };
    },
    // The seeds around a point of the plane, the one whose class the point has first; one at a seed's own place.
    seeds(x, y) {
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const columns = x === left ? [left] : [left, left + 1];
      const rows = y === top ? [top] : [top, top + 1];
      return rows.flatMap((row) => columns.map((column) => T.seedAt(column, row)));
    },

    // --- state -----------------------------------------------------------------------------------
    // The nearest state that the page can show: the bundle exists, has this model, and knows the class, and the plane has the
    // place. Beyond its edge a server draws the edge, so the page stays there too.
    valid(state) {
      const bundle = T.bundle(state.b) ?? T.facts.bundles[0];
      const { models, classes } = bundle;
      const [x, y] = [state.x, state.y].map((value) => Number(T.fourDecimals(T.numberWithin(value, -T.maxCoordinate, T.maxCoordinate, 0))));
      const own = T.seedClass(T.seeds(x, y)[0], bundle);
      const m = models.includes(state.m) ? state.m : models[0];
      const shares = Object.fromEntries(Object.entries(T.readMix(state.mix)).filter(([k]) => Number(k) < classes.length));
      const mix = T.mixText(shares, bundle);
      const c = Object.keys(shares).length ? T.largestClass(shares) : state.c; // "3:1" is class 3
      return {
        b: bundle.name,
        m,
        c: classes.length ? Math.round(T.numberWithin(c, 0, classes.length - 1, own)) : null,
        mix,
        t: Number(T.fourDecimals(state.t)),
        x,
        y,
        attributes: T.movesText(T.readMoves(state.attributes), bundle, m),
        bend: T.bendText(T.readMoves(state.bend), bundle, m),
      };
    },
    // listener(after, before) is called whenever the state changes.
    on(listener) {
      listeners.push(listener);
    },
    // Changes the state; another class or bundle ends a mix of classes. undo: whether T.undo() comes back to the present one.
    set(patch, { undo = false } = {}) {
      const before = T.state;
      const unmixed = ("c" in patch || "b" in patch) && !("mix" in patch) ? { mix: "" } : {};
      const after = T.valid({ ...before, ...unmixed, ...patch });
      if (same(before, after)) return;
      if (undo) T.remember();
      T.state = after;
      for (const listener of listeners) listener(after, before);
      T.updateAddress();
    },
    // Keeps the present state for T.undo().
    remember() {
      const last = past[past.length - 1];
      if (last && same(last, T.state)) return;
      past.push(T.state);
      if (past.length > MOST_PAST) past.shift();
    },
    // Goes back to the last state that was kept; whether there was one.
    undo() {
      let last = past.pop();
      while (last && same(last, T.state)) last = past.pop();
      if (last) T.set(last);
      return Boolean(last);
    },

    // --- messages ----------------------------------------------------------------------------------
    // Shows a sentence in the bar, or "" when all is well.
    showMessage(sentence) {
      T.message = sentence;
      T.messageAt = performance.now();
      const words = T.translate(sentence);
      for (const listener of T.messageListeners) listener(words);
    },
    message: "", // what it says now, since T.messageAt
    messageAt: 0,
    messageListeners: [], // called with each sentence of T.showMessage
    latencyListeners: [], // called with the milliseconds of the model and of the round trip, at each live picture
    reportLatency(modelMs, roundMs) {
      for (const listener of T.latencyListeners) listener(modelMs, roundMs);
    },
    replyTimeout: 30_000, // ms without an answer, after which a widget stops waiting
    get busyMessage() {
      return T.t("The server is busy; try again.");
    },
  };
  window.Twofold = T;
})();

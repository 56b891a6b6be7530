// The two sides of Compare and their seeds, shared by its widgets and mirrored in the address. The left side is what the
// bar shows. In the address: right = "bundle.model", seed = the first one, grid = pictures in a row, oneclass = 1 where
// all have the class of the bar.
(() => {
  const T = window.Twofold;

  const COLUMNS = [2, 4, 6]; // pictures in a row, and as many rows
  const USUAL_COLUMNS = 4;
  const { query } = T;
  const seedOf = (text, fallback) => Math.round(T.numberWithin(text, 0, T.seedCount - 1, fallback));
  const listeners = [];
  let chosen = query.get("right"); // null: the left side's other model
  const settings = {
    first: seedOf(query.get("seed"), 0),
    columns: COLUMNS.includes(Number(query.get("grid"))) ? Number(query.get("grid")) : USUAL_COLUMNS,
    oneClass: ["1", "one"].includes(query.get("oneclass")), // "one" is what old links say
    pick: { side: 0, i: 0 }, // the picture that is looked at more closely
  };
  const keepSeedsInRange = () => (settings.first = Math.min(settings.first, T.seedCount - settings.columns ** 2));
  keepSeedsInRange();
  // { b, m } of "bundle.model"; null where there is no such model.
  const read = (text) => {
    const [b, m] = (text ?? "").split(".");
    const bundle = T.bundle(b);
    return bundle?.models.includes(m) ? { b, m } : null;
  };
  // { b, m } of what the right side shows when nothing was chosen: the bundle's other model, or another bundle's.
  const other = () => {
    const { b, m } = T.state;
    const models = T.bundle().models.filter((name) => name !== m);
    if (models.length) return { b, m: models[0] };
    const next = T.facts.bundles.find((bundle) => bundle.name !== b);
    return next ? { b: next.name, m: next.models[0] } : { b, m };
  };
  // What the address says of them; null where it is as usual.
  const note = (right) => T.noteInAddress({ right, seed: settings.first || null, grid: settings.columns === USUAL_COLUMNS ? null : settings.columns, oneclass: settings.oneClass ? 1 : null });
  const tellListeners = () => {
    note(read(chosen) ? chosen : null);
    for (const listener of listeners) listener();
  };

  T.sides = {
    columnChoices: COLUMNS,
    // The first seed.
    get first() {
      return settings.first;
    },
    // Pictures in a row, and how many rows there are.
    get columns() {
      return settings.columns;
    },
    // How many pictures a side has.
    get count() {
      return settings.columns ** 2;
    },
    // Whether every class comes in turn, instead of that of the bar alone.
    get everyClass() {
      return !settings.oneClass;
    },
    // The picture that is looked at more closely: its side, 0 or 1, and its place.
    get pick() {
      return { side: settings.pick.side, i: Math.min(settings.pick.i, T.sides.count - 1) };
    },
    // [left, right]: { b, m, bundle, key: "bundle.model", title }.
    both() {
      return [{ b: T.state.b, m: T.state.m }, read(chosen) ?? other()].map(({ b, m }) => {
        const bundle = T.bundle(b);
        return { b, m, bundle, key: `${b}.${m}`, title: `${bundle.title} · ${m.toUpperCase()}` };
      });
    },
    // The class of a seed on a side, or null. With one class for all it is the bar's; on the right the class of that name.
    classOf(side, seed) {
      const { bundle } = T.sides.both()[side];
      const count = bundle.classes.length;
      if (!count) return null;
      const c = T.state.c;
      if (!settings.oneClass || c === null) return T.seedClass(seed, bundle);
      const same = bundle.classes.indexOf(T.className(c));
      return same >= 0 ? same : c % count;
    },
    // Changes what the patch names: right, first, columns, everyClass, pick.
    set(patch) {
      if ("right" in patch) chosen = patch.right;
      if ("first" in patch) settings.first = seedOf(String(patch.first), settings.first);
      if ("columns" in patch) settings.columns = patch.columns;
      if ("everyClass" in patch) settings.oneClass = !patch.everyClass;
      if ("pick" in patch) settings.pick = patch.pick;
      keepSeedsInRange();
      tellListeners();
    },
    // Writes into the address what was chosen, which may be of a bundle that is still to come.
    noteInAddress: () => note(chosen),
    // listener() is called whenever any of this changes.
    on: (listener) => listeners.push(listener),
  };

  // A class chosen in the bar applies to all pictures here too.
  T.on((after, before) => {
    if (after.c !== before.c && after.b === before.b) settings.oneClass = true;
    if (["b", "m", "c", "t"].some((name) => after[name] !== before[name])) tellListeners();
  });
  T.bundleListeners.push(() => chosen && tellListeners());
})();

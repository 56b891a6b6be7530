// The two sides of Compare and their seeds, shared by its widgets and mirrored in the address. The left side is what the
// bar shows. In the address: right = "bundle.model", seed = the first one, grid = pictures on a side, oneclass = 1 where
// all have the class of the bar.
(() => {
  const T = window.Twofold;

  const LAST = 2 ** 32 - 1;
  const SIDES = [2, 4, 6];
  const USUAL = 4; // pictures on a side
  const { query } = T;
  const seedOf = (text, fallback) => Math.round(T.number(text, 0, LAST, fallback));
  const listeners = [];
  let chosen = query.get("right"); // null: the left side's other model
  const own = {
    first: seedOf(query.get("seed"), 0),
    side: SIDES.includes(Number(query.get("grid"))) ? Number(query.get("grid")) : USUAL,
    oneClass: ["1", "one"].includes(query.get("oneclass")), // "one" is what old links say
    pick: { side: 0, i: 0 }, // the picture that is looked at more closely
  };
  own.first = Math.min(own.first, LAST + 1 - own.side ** 2);
  const read = (text) => {
    const [b, m] = (text ?? "").split(".");
    const bundle = T.bundle(b);
    return bundle?.models.includes(m) ? { b, m } : null;
  };
  const other = () => {
    const { b, m } = T.state;
    const models = T.bundle().models.filter((name) => name !== m);
    if (models.length) return { b, m: models[0] };
    const next = T.facts.bundles.find((bundle) => bundle.name !== b);
    return next ? { b: next.name, m: next.models[0] } : { b, m };
  };
  // What the address says of the pair; null where it is as usual.
  const note = (right) => T.noteInAddress({ right, seed: own.first || null, grid: own.side === USUAL ? null : own.side, oneclass: own.oneClass ? 1 : null });
  const tell = () => {
    note(read(chosen) ? chosen : null);
    for (const listener of listeners) listener();
  };

  T.pair = {
    SIDES,
    get first() {
      return own.first;
    },
    get side() {
      return own.side;
    },
    get each() {
      return !own.oneClass;
    },
    get pick() {
      return { side: own.pick.side, i: Math.min(own.pick.i, own.side ** 2 - 1) };
    },
    // [left, right]: { b, m, bundle, key: "bundle.model", title }.
    sides() {
      return [{ b: T.state.b, m: T.state.m }, read(chosen) ?? other()].map(({ b, m }) => {
        const bundle = T.bundle(b);
        return { b, m, bundle, key: `${b}.${m}`, title: `${bundle.title} · ${m.toUpperCase()}` };
      });
    },
    // The class of a seed on a side, or null. With one class for all it is the bar's; on the right the class of that name.
    classOf(side, seed) {
      const { bundle } = T.pair.sides()[side];
      const count = bundle.classes.length;
      if (!count) return null;
      const c = T.state.c;
      if (!own.oneClass || c === null) return T.seedClass(seed, bundle);
      const same = bundle.classes.indexOf(T.className(c));
      return same >= 0 ? same : c % count;
    },
    set(patch) {
      if ("right" in patch) chosen = patch.right;
      if ("first" in patch) own.first = seedOf(String(patch.first), own.first);
      if ("side" in patch) own.side = patch.side;
      if ("each" in patch) own.oneClass = !patch.each;
      own.first = Math.min(own.first, LAST + 1 - own.side ** 2);
      if ("pick" in patch) own.pick = patch.pick;
      tell();
    },
    on: (listener) => listeners.push(listener),
  };

  // A class chosen in the bar applies to all pictures here too.
  T.on((after, before) => {
    if (after.c !== before.c && after.b === before.b) own.oneClass = true;
    if (["b", "m", "c", "t"].some((name) => after[name] !== before[name])) tell();
  });
  T.bundleListeners.push(() => chosen && tell());

  // The address names this tab while it is open, so that a link leads here.
  const id = "tf-tab-compare-button";
  const follow = (button) => {
    const told = () => T.noteOpenTab("compare", button.getAttribute("aria-selected") === "true");
    new MutationObserver(told).observe(button, { attributes: true, attributeFilter: ["aria-selected"] });
    if (query.get("tab") === "compare") button.click();
    told();
  };
  const wait = new MutationObserver(() => {
    const button = document.getElementById(id);
    if (!button || !T.facts?.bundles.length) return;
    wait.disconnect();
    note(chosen ?? null);
    follow(button);
  });
  wait.observe(document.documentElement, { childList: true, subtree: true });
})();

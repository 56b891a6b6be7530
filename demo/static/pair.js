// The two sides of Compare and their seeds, shared by its widgets and mirrored in the address. The left side is what the
// bar shows; `r` is the right one, "bundle.model", `s` the first seed, `g` pictures on a side, `k` one class for all.
(() => {
  const T = window.Twofold;
  if (T.pair) return;

  // Picture i of a sheet, ImageData, that has `columns` pictures in a row.
  T.cut = (sheet, columns, i) => {
    const size = sheet.width / columns;
    const pen = Object.assign(document.createElement("canvas"), { width: size, height: size }).getContext("2d", { willReadFrequently: true });
    pen.putImageData(sheet, -size * (i % columns), -size * Math.floor(i / columns));
    return pen.getImageData(0, 0, size, size);
  };

  const LAST = 2 ** 32 - 1;
  const SIDES = [2, 4, 6];
  const query = new URLSearchParams(location.search);
  const number = (text, low, high, fallback) => {
    const value = text === null || text === "" ? NaN : Math.round(Number(text));
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
  };
  const listeners = [];
  let chosen = query.get("r"); // null: the left side's other model
  const own = {
    s: number(query.get("s"), 0, LAST - 63, 0),
    g: SIDES.includes(Number(query.get("g"))) ? Number(query.get("g")) : 4,
    k: query.get("k") === "one" ? "one" : "each",
    pick: { side: 0, i: 0 }, // the picture that is looked at more closely
  };
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
  // What the address says of the pair; null where it is as ever.
  const note = (right) => T.note({ r: right, s: own.s || null, g: own.g === 4 ? null : own.g, k: own.k === "each" ? null : own.k });
  const tell = () => {
    note(read(chosen) ? chosen : null);
    for (const listener of listeners) listener();
  };

  T.pair = {
    SIDES,
    get first() {
      return own.s;
    },
    get side() {
      return own.g;
    },
    get each() {
      return own.k === "each";
    },
    get pick() {
      return { side: own.pick.side, i: Math.min(own.pick.i, own.g ** 2 - 1) };
    },
    // [left, right]: { b, m, bundle, key: "bundle.model", title }.
    sides() {
      return [{ b: T.state.b, m: T.state.m }, read(chosen) ?? other()].map(({ b, m }) => {
        const bundle = T.bundle(b);
        return { b, m, bundle, key: `${b}.${m}`, title: `${bundle.title} · ${m.toUpperCase()}` };
      });
    },
    // The class of a seed on a side, or null. One class for all is the bar's: on the right the one of the same name.
    classOf(side, seed) {
      const { bundle } = T.pair.sides()[side];
      const count = bundle.classes.length;
      if (!count) return null;
      const c = T.state.c;
      if (own.k === "each" || c === null) return seed % count;
      const same = bundle.classes.indexOf(T.className(c));
      return same >= 0 ? same : c % count;
    },
    set(patch) {
      if ("right" in patch) chosen = patch.right;
      if ("s" in patch) own.s = number(String(patch.s), 0, LAST + 1 - own.g ** 2, own.s);
      if ("g" in patch) own.g = patch.g;
      if ("k" in patch) own.k = patch.k;
      own.s = Math.min(own.s, LAST + 1 - own.g ** 2);
      if ("pick" in patch) own.pick = patch.pick;
      tell();
    },
    on: (listener) => listeners.push(listener),
  };

  // One class chosen in the bar is meant for all pictures here too.
  T.on((after, before) => {
    if (after.c !== before.c && after.b === before.b) own.k = "one";
    if (["b", "m", "c", "t"].some((name) => after[name] !== before[name])) tell();
  });
  T.newcomers.push(() => chosen && tell());

  // A link leads to the tab: `tab` stands in the address while the tab is open.
  const id = "tf-tab-compare-button";
  const follow = (button) => {
    const told = () => T.noteTab("compare", button.getAttribute("aria-selected") === "true");
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

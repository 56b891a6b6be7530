// Shared by all widgets: the state of the page, its mirror in the address, and small parts to build with.
// Loaded once; every widget finds it as window.Twofold.
(() => {
  if (window.Twofold) return;

  const listeners = [];
  const past = [];
  const query = new URLSearchParams(location.search);
  const number = (text, low, high, fallback) => {
    const value = text === null || text === "" ? NaN : Number(text);
    return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
  };
  // The address decides, then what was chosen here before, then the browser; every kind of Chinese is shown as zh-CN.
  const languageOf = (tag) => (/^zh\b/i.test(tag ?? "") ? "zh-CN" : /^en\b/i.test(tag ?? "") ? "en" : null);
  const remembered = () => {
    try {
      return localStorage.getItem("twofold.language");
    } catch {
      return null; // a browser may keep its storage closed to us
    }
  };
  const short = (value) => String(Number(Number(value).toFixed(4)));

  const T = {
    facts: null,
    state: { b: null, m: "gan", c: null, t: 1, x: 0, y: 0 },
    stats: { flying: 0, shown: 0, model: [], round: [] }, // flying: requests on their way
    reach: 1e6, // of x and y, as on the server
    calm: matchMedia("(prefers-reduced-motion: reduce)"),
    language: [query.get("lang"), remembered(), ...(navigator.languages ?? [])].map(languageOf).find(Boolean) ?? "en",
    languages: { en: "English", "zh-CN": "中文" },

    // --- facts and state ---------------------------------------------------------------------
    init(facts) {
      if (T.facts) return;
      T.facts = facts;
      const first = facts.bundles[0];
      if (!first) return;
      const wanted = {
        b: query.get("b") ?? first.name,
        m: query.get("m") ?? "gan",
        c: query.get("c"),
        t: number(query.get("t"), 0, 1.5, 1),
        x: number(query.get("x"), -T.reach, T.reach, 0),
        y: number(query.get("y"), -T.reach, T.reach, 0),
      };
      T.state = T.valid(wanted);
      T.open(query.get("tab") ?? (query.get("tour") === "1" ? "explore" : null));
      if (facts.uploads) T.welcome(wanted);
    },
    // Models that visitors have brought since the page was made; a link may lead to one of them.
    async welcome(wanted) {
      const answer = await fetch(T.url("uploads")).catch(() => null);
      for (const bundle of answer?.ok ? await answer.json() : []) T.add(bundle);
      if (wanted.b !== T.state.b && T.bundle(wanted.b)) T.set(wanted);
    },
    add(bundle) {
      if (T.bundle(bundle.name)) return;
      T.facts.bundles.push(bundle);
      for (const listener of T.newcomers) listener(bundle);
    },
    newcomers: [],
    bundle: (name = T.state.b) => T.facts?.bundles.find((bundle) => bundle.name === name),
    // Every state that reaches a widget has passed here: the bundle exists, draws with this model, knows the class.
    valid(state) {
      const bundle = T.bundle(state.b) ?? T.facts.bundles[0];
      const models = bundle.models;
      const c = bundle.classes.length ? Math.round(number(state.c, 0, bundle.classes.length - 1, 0)) : null;
      return {
        b: bundle.name,
        m: models.includes(state.m) ? state.m : models[0],
        c,
        t: Number(short(state.t)),
        x: Number(short(state.x)),
        y: Number(short(state.y)),
      };
    },
    on(listener) {
      listeners.push(listener);
    },
    set(patch, { undo = false } = {}) {
      const before = T.state;
      const after = T.valid({ ...before, ...patch });
      if (JSON.stringify(before) === JSON.stringify(after)) return;
      if (undo) T.remember();
      T.state = after;
      for (const listener of listeners) listener(after, before);
      T.mirror();
    },
    remember() {
      const last = past[past.length - 1];
      if (last && JSON.stringify(last) === JSON.stringify(T.state)) return;
      past.push(T.state);
      if (past.length > 200) past.shift();
    },
    undo() {
      let last = past.pop();
      while (last && JSON.stringify(last) === JSON.stringify(T.state)) last = past.pop();
      if (last) T.set(last);
      return Boolean(last);
    },

    // --- the address --------------------------------------------------------------------------
    params(state = T.state) {
      const pairs = { b: state.b, m: state.m, c: state.c, t: short(state.t), x: short(state.x), y: short(state.y) };
      return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== null));
    },
    // The tab that a link names, as soon as it is there.
    open(name, tries = 200) {
      if (!name) return;
      const tab = document.querySelector(`#tf-tabs [role="tab"][data-tab-id="${CSS.escape(name)}"]`);
      if (tab) tab.click();
      else if (tries) setTimeout(() => T.open(name, tries - 1), 50);
    },
    // What a tab adds to the address: names and values, null where there is nothing to say.
    notes: {},
    note(pairs) {
      const before = JSON.stringify(T.notes);
      Object.assign(T.notes, pairs);
      if (JSON.stringify(T.notes) !== before) T.mirror();
    },
    // The tab that is open: each tells when it comes and when it goes, in any order.
    noteTab(name, open) {
      if (open) T.note({ tab: name });
      else if (T.notes.tab === name) T.note({ tab: null });
    },
    link(state = T.state) {
      const url = new URL(location.href);
      for (const [name, value] of Object.entries(T.notes)) {
        if (value === null) url.searchParams.delete(name);
        else url.searchParams.set(name, value);
      }
      for (const name of ["b", "m", "c", "t", "x", "y"]) url.searchParams.delete(name);
      for (const [name, value] of Object.entries(T.params(state))) url.searchParams.set(name, value);
      return url.href;
    },
    mirror() {
      clearTimeout(T.mirroring); // browsers refuse more than about three changes of the address a second
      T.mirroring = setTimeout(() => history.replaceState(history.state, "", T.link()), 350);
    },

    // --- words --------------------------------------------------------------------------------
    // A sentence in the language of the page: English is the key, words/<language>/<script>.json has the others.
    // Names in braces are put in: T.t("Seed {seed}", { seed: 7 }).
    t(text, values = {}) {
      const words = window.TwofoldWords?.[T.language]?.[text] ?? text;
      return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
    },
    // By number: T.n(count, "{n} frame", "{n} frames").
    n: (count, one, many, values = {}) => T.t(count === 1 ? one : many, { n: T.whole(count), ...values }),
    whole: (number) => Number(number).toLocaleString(T.language),
    // What the server says is English. Sentences that many people meet have words too, with {names} for what varies;
    // of several that fit, the one with the most words of its own is meant. What stands for a {name} is told likewise.
    told(sentence) {
      const table = window.TwofoldWords?.[T.language] ?? {};
      if (!sentence || Object.hasOwn(table, sentence)) return table[sentence] ?? sentence;
      let best = null;
      for (const key of Object.keys(table)) {
        const own = key.replace(/\{\w+\}/g, "").length;
        if (own === key.length || own < 8 || own <= (best?.own ?? 0)) continue;
        const parts = key.split(/\{(\w+)\}/); // text, name, text, name, …, text
        const shape = parts.map((part, i) => (i % 2 ? "(.+)" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("");
        const found = new RegExp(`^${shape}$`, "s").exec(sentence);
        if (found) best = { own, key, values: Object.fromEntries(found.slice(1).map((value, i) => [parts[2 * i + 1], T.told(value)])) };
      }
      return best ? T.t(best.key, best.values) : sentence;
    },
    // The other language, with the picture and the tab that are open.
    speak(language) {
      try {
        localStorage.setItem("twofold.language", language);
        sessionStorage.setItem("twofold.tab", T.tabs().findIndex((tab) => tab.getAttribute("aria-selected") === "true"));
      } catch {
        // then the address alone carries it
      }
      const url = new URL(T.facts?.bundles.length ? T.link() : location.href);
      url.searchParams.set("lang", language);
      history.replaceState(history.state, "", url);
      location.reload();
    },
    tabs: () => [...document.querySelectorAll("#tf-tabs [role='tablist'] [role='tab']")],
    className: (c, bundle = T.bundle()) => (c === null || !bundle?.classes.length ? "" : bundle.classes[c]),
    models: (bundle) => bundle.models.map((name) => name.toUpperCase()).join(T.t(" and ")),
    seeds(x, y) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      const all = [0, 1, 100, 101].map((step) => (((left + 100 * top + step) % 2 ** 32) + 2 ** 32) % 2 ** 32);
      const wide = x !== left;
      const tall = y !== top;
      return all.filter((_, i) => (wide || i % 2 === 0) && (tall || i < 2));
    },
    describe(state = T.state) {
      const seeds = T.seeds(state.x, state.y);
      const where =
        seeds.length === 1
          ? T.t("Seed {seed}", { seed: seeds[0] })
          : T.t("Between seeds {seeds} and {last}", { seeds: seeds.slice(0, -1).join(", "), last: seeds[seeds.length - 1] });
      const name = T.className(state.c, T.bundle(state.b));
      return name ? `${where} · ${T.t("class {name}", { name })}` : where;
    },
    say(sentence) {
      const words = T.told(sentence);
      for (const listener of T.hearers) listener(words);
    },
    hearers: [],
    // A full queue turns people away without a word to the widget, so it stops waiting by itself.
    patience: 30_000,
    get turnedAway() {
      return T.t("The server is busy; try again.");
    },
    clocks: [],
    clock(model, round) {
      for (const listener of T.clocks) listener(model, round);
    },

    // --- small helpers of the widgets -----------------------------------------------------------
    el(tag, attributes = {}, ...children) {
      const node = document.createElement(tag);
      for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (value === true) node.setAttribute(name, "");
        else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
      }
      node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
      return node;
    },
    later(action, ms) {
      let timer;
      const call = (...args) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...args), ms);
      };
      call.cancel = () => clearTimeout(timer);
      return call;
    },
    frame(action) {
      let asked = false;
      return () => {
        if (asked) return;
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          action();
        });
      };
    },
    visible: (element) => element.isConnected && element.offsetParent !== null,
    save(href, name) {
      const anchor = T.el("a", { href, download: name });
      document.body.append(anchor);
      anchor.click();
      anchor.remove();
    },
    // One choice out of a few, as radio buttons that look like one control.
    segmented(name, label, options, chosen, onchange) {
      const box = T.el("div", { class: "tf-segmented", role: "radiogroup", "aria-label": label });
      for (const [value, text, hint] of options) {
        const input = T.el("input", { type: "radio", name, value, checked: value === chosen });
        input.addEventListener("change", () => onchange(value));
        box.append(T.el("label", { title: hint }, input, T.el("span", {}, text)));
      }
      box.choose = (value) => {
        for (const input of box.querySelectorAll("input")) input.checked = input.value === value;
      };
      return box;
    },
    slider(label, { min, max, step, value, format = (v) => v, hint }, oninput) {
      const output = T.el("output", {}, String(format(value)));
      const input = T.el("input", { type: "range", min, max, step, value, "aria-label": label });
      input.addEventListener("input", () => {
        output.textContent = format(Number(input.value));
        oninput(Number(input.value));
      });
      const row = T.el("label", { class: "tf-slider", title: hint }, T.el("span", { class: "tf-name" }, label), input, output);
      row.input = input;
      row.rename = (text) => {
        row.querySelector(".tf-name").textContent = text;
        input.setAttribute("aria-label", text);
      };
      row.put = (next) => {
        input.value = next;
        output.textContent = format(Number(next));
      };
      return row;
    },
  };
  window.Twofold = T;
  document.documentElement.lang = T.language;
})();

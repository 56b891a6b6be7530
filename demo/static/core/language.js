// Sentences in the visitor's language. English is the key; words/<language>/*.json hold the others.
(() => {
  const T = window.Twofold;
  const SHORTEST = 8; // letters of its own that a sentence with gaps needs, or it would fit too much

  // The address decides, then what was chosen here before, then the browser. Every kind of Chinese is shown as zh-CN.
  const languageOf = (tag) => (/^zh\b/i.test(tag ?? "") ? "zh-CN" : /^en\b/i.test(tag ?? "") ? "en" : null);

  Object.assign(T, {
    languages: { en: "English", "zh-CN": "中文" },
    language: [T.query.get("lang"), T.storage.text("language"), ...(navigator.languages ?? [])].map(languageOf).find(Boolean) ?? "en",
    // A sentence of the page. Names in braces are filled in: T.t("Seed {seed}", { seed: 7 }).
    t(text, values = {}) {
      const words = window.TwofoldWords?.[T.language]?.[text] ?? text;
      return words.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
    },
    // One or many, with the count filled in: T.n(count, "{n} frame", "{n} frames").
    n: (count, one, many, values = {}) => T.t(count === 1 ? one : many, { n: T.wholeNumber(count), ...values }),
    // Words with the full stop of the language.
    sentence: (words) => T.t("{words}.", { words }),
    wholeNumber: (number) => Number(number).toLocaleString(T.language),
    // A measured figure with as many digits as people read: three, or fewer.
    digits: (value, most = 3) => Number(Number(value).toPrecision(most)).toLocaleString(T.language, { maximumSignificantDigits: most }),
    // A number of seconds in words; "…" where it is not known yet.
    duration(seconds) {
      if (seconds === null || seconds === undefined) return "…";
      if (seconds < 90) return T.t("{n} s", { n: Math.max(0, Math.round(seconds)) });
      const minutes = Math.round(seconds / 60);
      if (minutes < 90) return T.t("{n} min", { n: minutes });
      const [h, m] = [Math.floor(minutes / 60), minutes % 60];
      return m ? T.t("{h} h {m} min", { h, m }) : T.t("{h} h", { h });
    },
    // The size of a file in words.
    bytes: (n) => (n < 1e6 ? `${Math.max(1, Math.round(n / 1000))} kB` : `${(n / 1e6).toFixed(1)} MB`),
    // The size and colours of a bundle's pictures in words.
    pictureKind: ({ width, height, channels }) => `${width} × ${height}, ${channels === 1 ? T.t("grey") : T.t("colour")}`,
    // A sentence of the server, which speaks English: its translation where there is one. Keys may have {names} for what
    // varies; of several keys that fit, the one with the most words of its own is meant. What fills a gap is translated too.
    translate(sentence) {
      const table = window.TwofoldWords?.[T.language] ?? {};
      if (!sentence || Object.hasOwn(table, sentence)) return table[sentence] ?? sentence;
      let best = null;
      for (const key of Object.keys(table)) {
        const own = key.replace(/\{\w+\}/g, "").length; // letters that are not in gaps
        if (own === key.length || own < SHORTEST || own <= (best?.own ?? 0)) continue;
        const parts = key.split(/\{(\w+)\}/); // text, name, text, name, …, text
        const shape = parts.map((part, i) => (i % 2 ? "(.+)" : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("");
        const found = new RegExp(`^${shape}$`, "s").exec(sentence);
        if (found) best = { own, key, values: Object.fromEntries(found.slice(1).map((value, i) => [parts[2 * i + 1], T.translate(value)])) };
      }
      return best ? T.t(best.key, best.values) : sentence;
    },
    // Loads the page again in another language, with the picture and the tab that are open.
    switchLanguage(language) {
      T.storage.keep("language", language);
      try {
        sessionStorage.setItem("twofold.tab", T.tabs().findIndex((tab) => tab.getAttribute("aria-selected") === "true"));
      } catch {
        // then the address alone carries it
      }
      const url = new URL(T.facts?.bundles.length ? T.link() : location.href);
      url.searchParams.set("lang", language);
      history.replaceState(history.state, "", url);
      location.reload();
    },
    // "GAN and VAE".
    modelNames: (bundle) => bundle.models.map((name) => name.toUpperCase()).join(T.t(" and ")),
    // A state in words: its seeds and its class.
    describe(state = T.state) {
      const seeds = T.seeds(state.x, state.y);
      const where =
        seeds.length === 1
          ? T.t("Seed {seed}", { seed: seeds[0] })
          : T.t("Between seeds {seeds} and {last}", { seeds: seeds.slice(0, -1).join(", "), last: seeds[seeds.length - 1] });
      const name = T.className(state.c, T.bundle(state.b));
      const parts = [where, T.describeMix(state) || (name && T.t("class {name}", { name })), T.describeMoves(state), T.describeBend(state)];
      return parts.filter(Boolean).join(" · ");
    },
  });
  document.documentElement.lang = T.language;
})();

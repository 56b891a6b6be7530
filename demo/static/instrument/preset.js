// Presets: mappings with a name, as a file and in this browser. A file may come from anybody, so all of it is checked.
(() => {
  const T = window.Twofold;

  const KEPT = "instrument.presets"; // under which the browser keeps them
  const FORMAT = "twofold-instrument";
  const MOST_BYTES = 64_000; // of a file
  const MOST_MAPPINGS = 64;
  const MOST_LETTERS = 60; // of a preset's name
  const LONGEST_NAME = 120; // of a parameter
  const MOST_KEPT = 40; // presets in this browser
  const LARGEST = 1e6; // of a parameter's value

  const plain = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const number = (value, low, high) => typeof value === "number" && Number.isFinite(value) && value >= low && value <= high;
  // The name of a preset from whatever was given: one line, without signs that nobody sees.
  const nameFrom = (given) => String(given ?? "").replace(/[\p{C}\s]+/gu, " ").trim().slice(0, MOST_LETTERS);

  // A mapping as it was given, with nothing else in it; null where it is none.
  const mappingFrom = (given) => {
    if (!plain(given)) return null;
    const { source, parameter, from, to, curve = "linear", smoothing = 0, invert = false } = given;
    const right =
      typeof source === "string" && T.sourceNames.known(source) && typeof parameter === "string" && parameter && parameter.length <= LONGEST_NAME &&
      number(from, -LARGEST, LARGEST) && number(to, -LARGEST, LARGEST) && T.mapping.curves.includes(curve) &&
      number(smoothing, 0, T.mapping.mostSmoothing) && typeof invert === "boolean";
    return right ? { source, parameter, from, to, curve, smoothing, invert } : null;
  };
  // The preset in what JSON gave. Throws an Error with a sentence.
  const presetFrom = (given) => {
    if (!plain(given) || given.format !== FORMAT) throw new Error(T.t("This file is no preset of the instrument."));
    if (given.version !== 1) throw new Error(T.t("This preset was saved by a newer version of Twofold, which this page cannot read."));
    if (!Array.isArray(given.mappings) || given.mappings.length > MOST_MAPPINGS) throw new Error(T.t("A preset has at most {n} mappings.", { n: MOST_MAPPINGS }));
    const mappings = given.mappings.map(mappingFrom);
    const wrong = mappings.indexOf(null);
    if (wrong >= 0) throw new Error(T.t("Mapping {n} of this preset is wrong, so none was taken.", { n: wrong + 1 }));
    return { name: nameFrom(given.name) || T.t("Preset"), mappings };
  };

  T.presets = {
    mostMappings: MOST_MAPPINGS,
    mostLetters: MOST_LETTERS,
    nameFrom,
    // A preset as the text of a file.
    text: ({ name, mappings }) => `${JSON.stringify({ format: FORMAT, version: 1, name, mappings }, null, 2)}\n`,
    // The preset { name, mappings } in a text. Throws an Error with a sentence.
    read(text) {
      if (text.length > MOST_BYTES) throw new Error(T.t("This file is too large for a preset: at most {kb} kB are read.", { kb: MOST_BYTES / 1000 }));
      let given;
      try {
        given = JSON.parse(text);
      } catch {
        throw new Error(T.t("This file is no preset of the instrument."));
      }
      return presetFrom(given);
    },
    // The preset in a file that somebody chose; a large one is not read at all.
    async readFile(file) {
      return T.presets.read(file.size > MOST_BYTES ? " ".repeat(MOST_BYTES + 1) : await T.reading(file.text()));
    },
    // The presets kept in this browser; what is broken there is left out.
    kept() {
      const list = T.storage.read(KEPT);
      const found = (Array.isArray(list) ? list : []).slice(0, MOST_KEPT).map((one) => {
        try {
          return presetFrom(one);
        } catch {
          return null;
        }
      });
      return found.filter(Boolean);
    },
    // Keeps a preset in the place of the one that had its name. Throws an Error with a sentence.
    keep({ name, mappings }) {
      const others = T.presets.kept().filter((one) => one.name !== name);
      if (others.length >= MOST_KEPT) throw new Error(T.t("This browser keeps at most {n} presets: delete one first.", { n: MOST_KEPT }));
      const all = [...others, { name, mappings }].map((one) => JSON.parse(T.presets.text(one)));
      if (!T.storage.keep(KEPT, all)) throw new Error(T.t("This browser does not let the page store anything: save the preset as a file."));
    },
    // Deletes one of them. Throws an Error with a sentence.
    forget(name) {
      const others = T.presets.kept().filter((one) => one.name !== name);
      if (!T.storage.keep(KEPT, others.map((one) => JSON.parse(T.presets.text(one))))) throw new Error(T.t("This browser does not let the page store anything, so the preset stays."));
    },
  };
})();

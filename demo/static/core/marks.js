// Marks: a picture that the page saves says that a model drew it, which bundle, and what draws it again; and what a dropped
// file says. The text comes from bundle/marks/xmp.py; a server's own pictures are marked there.
(() => {
  const T = window.Twofold;

  const LONGEST = 1700; // bytes of a block that is written, as in bundle/marks/xmp.py
  const LONGEST_FAVOURITES = 48_000; // of one that holds favourites
  const LONGEST_READ = 64_000; // of one that is read
  const LARGEST = 64_000_000; // bytes of a file that is read
  const PNG_START = 33; // bytes before the place of a text: the signature, and the header
  const SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/";
  const NAMES = { iptc: "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", xmp: "http://ns.adobe.com/xap/1.0/", own: "http://ns.twofold/mark/1.0/" };
  const TRAINED = "trainedAlgorithmicMedia";
  const COMPOSITE = "compositeWithTrainedAlgorithmicMedia";
  const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  const BEGINS = "<x:xmpmeta";
  const ENDS = "</x:xmpmeta>";

  const utf8 = (text) => new TextEncoder().encode(text);
  // The block of XMP that says so. state: what draws the picture again, or null.
  const filled = (bundle, state) => {
    const values = { source: TRAINED, tool: T.facts.mark.tool, bundle: bundle.name, sha256: bundle.sha256, state: state ? JSON.stringify(state) : "" };
    const escaped = (name) => values[name].replace(name === "state" ? /[&<>]/g : /[&<>"]/g, (letter) => ESCAPES[letter]);
    return T.facts.mark.template.replace(/\{(\w+)\}/g, (_, name) => escaped(name));
  };
  const block = (bundle, state) => {
    const whole = filled(bundle, state);
    const favourites = state?.draw === "favourites";
    if (utf8(whole).length <= (favourites ? LONGEST_FAVOURITES : LONGEST)) return whole;
    if (favourites) throw new Error(T.t("These favourites need more room than the metadata of a picture has: save them as a file."));
    return filled(bundle, null);
  };

  // The checksum of PNG (CRC-32).
  const crc = (bytes) => {
    let value = 0xffffffff;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    }
    return (value ^ 0xffffffff) >>> 0;
  };
  // A piece of a PNG with international text.
  const textChunk = (text) => {
    const content = utf8(`iTXtXML:com.adobe.xmp\0\0\0\0\0${text}`);
    const chunk = new Uint8Array(content.length + 8);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, content.length - 4);
    chunk.set(content, 4);
    view.setUint32(content.length + 4, crc(content));
    return chunk;
  };

  // What a block says: { source, tool, bundle, sha256, state }, or null.
  const parsed = (text) => {
    if (text.includes("<!")) return null; // a document type, whose entities may grow without end
    const root = new DOMParser().parseFromString(text, "application/xml");
    const about = [...root.getElementsByTagNameNS("*", "Description")];
    const value = (space, name) =>
      about.map((one) => one.getAttributeNS(space, name) ?? one.getElementsByTagNameNS(space, name)[0]?.textContent).find(Boolean) ?? "";
    const source = value(NAMES.iptc, "DigitalSourceType").replace(SOURCES, "");
    if (source !== TRAINED && source !== COMPOSITE) return null;
    let state = null;
    try {
      state = JSON.parse(value(NAMES.own, "state") || "null");
    } catch {
      // then the mark has none
    }
    const plain = state && typeof state === "object" && !Array.isArray(state);
    const [tool, bundle, sha256] = [value(NAMES.xmp, "CreatorTool").slice(0, 100), value(NAMES.own, "bundle"), value(NAMES.own, "sha256")];
    return { source, tool, bundle, sha256, state: plain ? state : null };
  };

  // Texts of names and numbers, by name, as a mark has them: those that say something, as tables.
  const tables = (texts) =>
    Object.fromEntries(
      Object.entries(texts)
        .map(([name, text]) => [name, T.readMoves(text)])
        .filter(([, table]) => Object.keys(table).length),
    );
  const finite = (value, fallback) => (typeof value === "number" && Number.isFinite(value) ? value : fallback);
  // The class that a mark names, or the largest share of a mix; null for the seed's own.
  const classOf = (c) => {
    if (!c || typeof c !== "object") return finite(c, null);
    const [largest] = Object.entries(c).sort((one, other) => other[1] - one[1]);
    return largest ? Number(largest[0]) : null;
  };
  const within = (value) => T.numberWithin(finite(value, 0), -T.maxCoordinate, T.maxCoordinate, 0);
  // The seed of what a mark draws first; null where it draws from a place, or from no seed.
  const seedOf = ({ draw, seed }) => (draw === "seed" || draw === "sheet" ? T.wrapSeed(Math.round(finite(seed, 0))) : null);
  const beyondPlane = (state) => {
    const seed = seedOf(state);
    return seed !== null && Math.abs(T.seedPlace(seed).y) > T.maxCoordinate;
  };
  // A place on the plane for what a mark draws first; null where it draws from no seed, or from one beyond the plane.
  const placeOf = (state) => {
    if (state.draw === "point") return { x: within(state.x), y: within(state.y) };
    const seed = seedOf(state);
    return seed === null || beyondPlane(state) ? null : T.seedPlace(seed);
  };

  // What a state of any kind says of the page: bundle, model, truncation, moves.
  const sharedOf = (state, bundle) => {
    const [moves, bends] = [state.attributes, state.bend].map((table) => (table && typeof table === "object" ? table : {}));
    const m = bundle.models.includes(state.m) ? state.m : bundle.models[0];
    return { b: bundle.name, m, t: T.numberWithin(finite(state.t, 1), 0, 1.5, 1), attributes: T.movesText(moves, bundle, m), bend: T.bendText(bends, bundle, m) };
  };

  // The keyframes of a film or one of its frames; null where there are none that Morph shows.
  const keysOf = ({ draw, keys }) => {
    if ((draw !== "film" && draw !== "morph") || !Array.isArray(keys)) return null;
    const found = T.keyframes.read(T.keyframes.texts(keys.slice(0, T.keyframes.most)));
    return Array.isArray(found) ? found : null;
  };

  Object.assign(T, {
    // The state of a mark for a state of the page; `more` replaces or adds to what it says.
    markState({ m, c, mix, t, x, y, attributes, bend } = T.state, more = {}) {
      return { draw: "point", m, x, y, ...(c === null ? {} : { c: mix ? T.readMix(mix) : c }), t, ...tables({ attributes, bend }), ...more };
    },
    // What a canvas shows as the bytes of a PNG with its mark; rejects where the browser cannot make a picture this large.
    async markedPng(canvas, state, bundle = T.bundle()) {
      const chunk = textChunk(block(bundle, state));
      const plain = await new Promise((done) => canvas.toBlob(done, "image/png"));
      if (!plain) throw new Error(T.t("This browser cannot make a picture this large."));
      return new Blob([plain.slice(0, PNG_START), chunk, plain.slice(PNG_START)], { type: "image/png" });
    },
    // Saves what a canvas shows as a PNG with its mark.
    async savePicture(canvas, name, state, bundle = T.bundle()) {
      try {
        T.saveBlob(await T.markedPng(canvas, state, bundle), name);
      } catch (error) {
        T.showMessage(error.message);
      }
    },
    // The XMP for a state of the page, as text.
    markText(state, bundle) {
      const text = block(bundle, T.markState(state));
      return text.slice(text.indexOf(BEGINS), text.indexOf(ENDS) + ENDS.length);
    },
    // The mark in a file, { source, tool, bundle, sha256, state }, "" for what it does not say; null where none is found;
    // { problem: a sentence } where what may be one cannot be read. Rejects with a sentence where the file itself cannot be
    // read. The block is looked for in all its bytes, whatever the format.
    async readMark(file) {
      if (file.size > LARGEST) return { problem: T.t("The file is too large: at most {size} are read.", { size: T.bytes(LARGEST) }) };
      let problem = null;
      const bytes = new Uint8Array(await T.reading(file.arrayBuffer()));
      const letters = new TextDecoder("latin1").decode(bytes);
      for (let at = letters.indexOf(BEGINS), left = 16; at >= 0 && left; at = letters.indexOf(BEGINS, at + 1), left -= 1) {
        const end = letters.indexOf(ENDS, at);
        if ((end < 0 ? letters.length : end) - at > LONGEST_READ) problem ??= T.t("It holds a block of metadata of more than 64 kB, which no mark is; that was not read.");
        else if (end < 0) problem ??= T.t("The file was cut off in its metadata, so nothing in it can be opened.");
        if (end < 0 || end - at > LONGEST_READ) continue;
        const mark = parsed(new TextDecoder().decode(bytes.subarray(at, end + ENDS.length)));
        if (mark) return mark;
      }
      return problem ? { problem } : null;
    },
    // The state of the page that a state of a mark stands for, { b, m, c, mix, t, x, y, attributes, bend }; null where no place
    // of the plane has its picture.
    pageOfState(state, bundle) {
      const place = state && placeOf(state);
      return place && { ...sharedOf(state, bundle), ...place, c: classOf(state.c), mix: state.c && typeof state.c === "object" ? T.mixText(state.c, bundle) : "" };
    },
    // Whether openMark opens what a mark says: a picture of a bundle that is here, drawn from a seed, a film, or favourites.
    opensMark({ bundle: name, state }) {
      if (state?.draw === "favourites") return Boolean(T.takeFavourites) && Array.isArray(state.pictures);
      const bundle = T.bundle(name);
      return Boolean(bundle && state && (T.pageOfState(state, bundle) || keysOf(state)));
    },
    // Opens what a mark says; returns a sentence about what became of that.
    openMark(mark) {
      if (!mark) return T.t("No mark was found in this file, so there is nothing to open.");
      if (mark.problem) return mark.problem;
      if (mark.state?.draw === "favourites") return T.takeFavourites(mark.state.pictures, mark);
      const bundle = T.bundle(mark.bundle);
      if (!bundle) return T.t("The mark names the bundle “{name}”, which is not here.", { name: mark.bundle || "–" });
      const { state } = mark;
      const place = T.pageOfState(state, bundle);
      const keys = state && keysOf(state);
      if (state && beyondPlane(state)) return T.t("Seed {seed} lies beyond Play's plane, so this picture cannot be opened there. Morph shows it as a keyframe.", { seed: seedOf(state) });
      if (!place && !keys) return T.t("The mark does not say how to draw this picture from a seed.");
      if (keys) T.openMorph({ ...state, keys, classes: Array.isArray(state.classes) ? state.classes.map(classOf) : [] }, sharedOf(state, bundle));
      else T.set(place, { undo: true });
      if (mark.sha256 && mark.sha256 !== bundle.sha256) return T.t("Opened, but the mark names another version of this bundle: the picture may differ.");
      return T.t("Opened as its mark says.");
    },
    // Opens the tab Morph with what a mark says; page: the state of the page that goes with it.
    openMorph(state, page) {
      T.set(page, { undo: true });
      T.morphToOpen = state;
      T.showMorph?.(state);
      T.openTab("morph");
    },
    // Lets files be dropped on an element; take(file) gets the first.
    dropZone(element, take) {
      const over = (on) => element.classList.toggle("tf-over", on);
      element.addEventListener("dragover", (event) => {
        if (![...event.dataTransfer.types].includes("Files")) return;
        event.preventDefault();
        over(true);
      });
      element.addEventListener("dragleave", () => over(false));
      element.addEventListener("drop", (event) => {
        over(false);
        const file = event.dataTransfer.files[0];
        if (!file) return;
        event.preventDefault();
        take(file);
      });
    },
  });
})();

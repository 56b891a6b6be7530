// Directions that a visitor found by choosing (Explore): what their text holds, their names, where this browser keeps them,
// their files. A move along one stands in the state's text of moves with its vector, "round face:1.5*VECTOR", so that a link
// is whole. The text of a vector: bundle/own_directions.py.
(() => {
  const T = window.Twofold;

  const STORED = "directions";
  const FORMAT = "twofold-direction";
  const LONGEST_NAME = 40;
  const LONGEST = 5475; // characters of a vector
  const LARGEST_FILE = 50_000; // bytes
  const HEAD = 8; // bytes before the numbers
  const listeners = [];
  const brought = new Map(); // those that are not kept: of a link or a picture, by name and vector
  let unstored = null; // what is kept while the browser refuses its storage

  const modelOf = (key, bundle) => bundle.models.find((m) => bundle.spaces[m].key === key);
  // Whose latents a vector is of, in hexadecimal, and how many numbers it has; null for what is none.
  const headOf = (vector) => {
    if (typeof vector !== "string" || vector.length > LONGEST || vector.length % 4 === 1 || !/^[A-Za-z0-9_-]+$/.test(vector)) return null;
    const letters = atob(vector.replace(/-/g, "+").replace(/_/g, "/"));
    if (letters.length <= HEAD) return null;
    const bytes = Uint8Array.from(letters.slice(0, HEAD), (letter) => letter.charCodeAt(0));
    const unit = new DataView(bytes.buffer).getFloat32(4, true);
    if (!(unit > 0 && unit * 127 <= 1000)) return null;
    return { key: Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(""), size: letters.length - HEAD };
  };
  // Whether a vector is one of the latents of model m.
  const fits = (vector, bundle, m) => {
    const head = headOf(vector);
    return Boolean(head) && head.key === bundle.spaces[m].key && head.size === bundle.spaces[m].size;
  };
  // From how many pictures a direction was found that is kept or in a file; null where it does not say. `marks`: as older versions
  // called it.
  const countOf = ({ annotation_count: count, marks }) => [count, marks].find(Number.isFinite) ?? null;
  const keptDirections = () => {
    const kept = unstored ?? T.storage.read(STORED);
    return Array.isArray(kept) ? kept.filter((one) => one && typeof one.name === "string" && headOf(one.vector)).map((one) => ({ ...one, annotation_count: countOf(one) })) : [];
  };
  const idOf = ({ name, vector }) => `${name} ${vector}`;
  const changed = () => listeners.forEach((listener) => listener());
  const keep = (all) => {
    unstored = T.storage.keep(STORED, all) ? null : all;
    if (unstored) T.showMessage(T.t("This browser does not let the page store anything, so directions are lost when it closes."));
    changed();
  };

  // What a file of a direction says, checked: { direction, bundle, m: the bundle and the model that it moves }, or { problem: a
  // sentence }.
  const readFile = (text) => {
    let found;
    try {
      found = JSON.parse(text);
    } catch {
      return { problem: T.t("This file is not JSON that can be read; it may have been cut off.") };
    }
    if (!found || typeof found !== "object" || found.format !== FORMAT) return { problem: T.t("This file is not a direction: save one with “Save as file” in Explore.") };
    const { name, vector } = found;
    const head = headOf(vector);
    if (!head) return { problem: T.t("The numbers of this direction cannot be read: the file was cut off or changed.") };
    const problem = T.ownDirections.nameProblem(name, vector);
    if (problem) return { problem };
    const bundle = T.facts.bundles.find((one) => modelOf(head.key, one));
    if (!bundle) return { problem: T.t("This direction belongs to the bundle “{name}”, or to a version of it, that is not here.", { name: String(found.bundle ?? "–").slice(0, 64) }) };
    const m = modelOf(head.key, bundle);
    if (head.size !== bundle.spaces[m].size) return { problem: T.t("The numbers of this direction cannot be read: the file was cut off or changed.") };
    return { direction: { name, vector, agreement: Number.isFinite(found.agreement) ? found.agreement : null, annotation_count: countOf(found) }, bundle, m };
  };

  T.ownDirections = {
    most: 7, // in one picture: one fewer than the server draws, as Explore adds another one
    longestName: LONGEST_NAME,
    fits,
    on: (listener) => listeners.push(listener),
    // Those for a model, kept or brought by a state: [{ name, vector, kept, … }]. Of two with one name, the one that the
    // state moves along.
    list(bundle = T.bundle(), m = T.state.m, moves = T.readMoves(T.state.attributes)) {
      const byName = new Map();
      const take = (one, kept) => {
        if (!fits(one.vector, bundle, m)) return;
        const moving = moves[one.name]?.vector;
        if (!byName.has(one.name) || moving === one.vector) byName.set(one.name, { ...one, kept });
      };
      const kept = keptDirections();
      const ids = new Set(kept.map(idOf));
      for (const one of kept) take(one, true);
      for (const one of brought.values()) if (!ids.has(idOf(one))) take(one, false);
      return [...byName.values()];
    },
    // Takes note of a direction that a state brings, so that it has a slider even at zero.
    meet(name, vector) {
      const one = { name, vector };
      if (brought.has(idOf(one)) || brought.size > 200) return;
      brought.set(idOf(one), one);
    },
    // Why no direction can have this name, or none with this `vector`, a sentence; "" for a name that is well.
    nameProblem(text, vector = null) {
      if (typeof text !== "string" || !text.trim() || text !== text.trim()) return T.t("Give your direction a name, without spaces around it.");
      if ([...text].length > LONGEST_NAME) return T.t("The name is too long: at most {n} characters.", { n: LONGEST_NAME });
      if (/[\p{C}\p{Zl}\p{Zp},:*%]/u.test(text)) return T.t("The name may not have the characters , : * or %, nor ones that cannot be seen.");
      const attributes = T.facts.bundles.flatMap((bundle) => bundle.attributes ?? []);
      if (attributes.some(({ name }) => name === text)) return T.t("“{name}” is the name of an attribute: choose another one.", { name: text });
      if (vector === null) return "";
      const head = headOf(vector);
      const taken = keptDirections().some((one) => one.name === text && one.vector !== vector && headOf(one.vector).key === head?.key);
      return taken ? T.t("You have a direction called “{name}” already: choose another name.", { name: text }) : "";
    },
    // Keeps a direction in this browser: { name, vector, agreement, annotation_count }.
    add(direction) {
      keep([...keptDirections().filter((one) => idOf(one) !== idOf(direction)), direction]);
    },
    remove(direction) {
      brought.delete(idOf(direction));
      const moves = T.readMoves(T.state.attributes);
      delete moves[direction.name];
      keep(keptDirections().filter((one) => idOf(one) !== idOf(direction)));
      T.set({ attributes: T.movesText(moves) }, { undo: true });
    },
    // Keeps a direction that came with a link, under another name where its own is taken.
    keepBrought({ name, vector }) {
      let free = name;
      const start = [...name].slice(0, LONGEST_NAME - 4).join("").trim(); // by characters: half of one is no name
      for (let n = 2; T.ownDirections.nameProblem(free, vector); n += 1) free = `${start} ${n}`;
      brought.delete(idOf({ name, vector }));
      const moves = T.readMoves(T.state.attributes);
      const { [name]: move, ...others } = moves;
      T.ownDirections.add({ name: free, vector });
      if (move && free !== name) T.set({ attributes: T.movesText({ ...others, [free]: move }) });
    },
    // The text of the file of a direction.
    fileText({ name, vector, agreement, annotation_count: count }, bundle = T.bundle(), m = T.state.m) {
      const about = { format: FORMAT, format_version: 1, name, bundle: bundle.name, sha256: bundle.sha256, model: m };
      return JSON.stringify({ ...about, ...(count ? { annotation_count: count, agreement } : {}), vector }, null, 2);
    },
    save(direction) {
      const name = direction.name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "direction";
      T.saveBlob(new Blob([T.ownDirections.fileText(direction)], { type: "application/json" }), `${name}.direction.json`);
    },
    format: FORMAT, // of its files
    // Takes the direction in a file; a sentence about what became of that.
    async open(file) {
      if (file.size > LARGEST_FILE) return T.t("The file is too large for a direction: at most {size} are read.", { size: T.bytes(LARGEST_FILE) });
      let text;
      try {
        text = await T.reading(file.text());
      } catch (error) {
        return error.message;
      }
      const { problem, direction, bundle, m } = readFile(text);
      if (problem) return problem;
      T.ownDirections.add(direction);
      if (bundle.name === T.state.b && m === T.state.m) return T.t("“{name}” is a slider now.", { name: direction.name });
      return T.t("“{name}” is kept; it is a slider of the {model} of “{title}”.", { name: direction.name, model: m.toUpperCase(), title: bundle.title });
    },
  };

  // What can be done with a direction: kept, where it came with a link or a picture; saved; removed.
  T.ownDirectionButtons = (direction) => {
    const { name, kept, agreement, annotation_count: count } = direction;
    const button = (text, label, action) => T.el("button", { type: "button", class: "tf-remove", "aria-label": label, onclick: action }, text);
    const told = count ? T.t("found from {n} choices, of which it tells {percent} % right", { n: count, percent: Math.round(100 * (agreement ?? 0)) }) : "";
    return T.el(
      "p",
      { class: "tf-quiet tf-own-buttons" },
      T.el("span", {}, kept ? told : T.t("came with a link or a picture")),
      kept ? null : button(T.t("Keep it"), T.t("Keep it: {name}", { name }), () => T.ownDirections.keepBrought(direction)),
      button(T.t("Save as file"), T.t("Save as file: {name}", { name }), () => T.ownDirections.save(direction)),
      button(T.t("Remove"), T.t("Remove {name}", { name }), () => T.ownDirections.remove(direction)),
    );
  };
})();

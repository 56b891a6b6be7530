// Favourites: states of the page, kept in this browser; their pictures are drawn again. They leave as a file, or as one picture
// with every state in its mark, and come back from either.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const MOST = 60; // of bundles that are here
  const MOST_ELSEWHERE = 240; // of bundles that are not, the latest: nobody sees them, so nobody can remove them
  const FORMAT = "twofold-favourites";
  const LARGEST = 2_000_000; // bytes of a file
  const COLUMNS = 8; // of the picture, at most
  const SMALLEST = 128; // pixels of a picture on it: smaller ones are enlarged by whole pixels

  const textOf = (state) => JSON.stringify(state);
  // A favourite as files have it: its bundle, and the state of a mark.
  const outgoing = (state) => {
    const { name, sha256 } = T.bundle(state.b);
    const { draw, ...rest } = T.markState(state);
    return { bundle: name, sha256, ...rest };
  };
  // What a stranger's file or mark says, as states: { states, elsewhere: how many are of bundles that are not here, other:
  // of another version of theirs, broken }.
  const incoming = (entries, mark) => {
    const found = { states: [], elsewhere: 0, other: 0, broken: 0 };
    for (const entry of Array.isArray(entries) ? entries : []) {
      const plain = entry && typeof entry === "object" && !Array.isArray(entry);
      const name = plain ? (entry.bundle ?? mark?.bundle) : null;
      const bundle = typeof name === "string" ? T.bundle(name) : null;
      if (!plain || typeof name !== "string" || typeof entry.x !== "number" || typeof entry.y !== "number") found.broken += 1;
      else if (!bundle) found.elsewhere += 1;
      else found.states.push(T.valid(T.pageOfState({ ...entry, draw: "point" }, bundle)));
      if (bundle && (entry.sha256 ?? mark?.sha256 ?? bundle.sha256) !== bundle.sha256) found.other += 1;
    }
    return found;
  };

  // The card with the favourites. It adds T.keepFavourite(state), T.favourites() and T.takeFavourites().
  T.favouritesCard = () => {
    const favourites = el("div", { class: "tf-favourites" });
    const nothingKept = el("p", { class: "tf-quiet" }, T.t("Nothing kept yet. Press “Keep” to keep a picture in this browser."));
    const button = (text, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, text);
    const file = el("input", { type: "file", accept: ".json,image/png", class: "tf-hidden", tabindex: -1, "aria-label": T.t("File of favourites") });
    file.addEventListener("change", async () => {
      const [chosen] = file.files;
      file.value = "";
      if (chosen) say(await T.openDropped(chosen));
    });
    const asFile = button(T.t("Save as file"), T.t("All favourites in one small file, for this page elsewhere"), () => saveFile());
    const asPicture = button(T.t("Save as one picture"), T.t("All favourites on one PNG, which opens them again when it is dropped on Play"), () => savePicture());
    const open = button(T.t("Open"), T.t("A file or a picture of favourites; it can be dropped on the picture, too"), () => file.click());
    const told = el("p", { class: "tf-quiet", role: "status" });
    const say = (sentence) => (told.textContent = sentence);
    const card = el(
      "section",
      { class: "tf-card tf-favourites-card", "aria-label": T.t("Favourites") },
      el("h3", {}, T.t("Favourites")),
      nothingKept,
      favourites,
      el("div", { class: "tf-buttons tf-favourites-buttons" }, asFile, asPicture, open, file),
      told,
    );

    // All that are stored: their bundles may come later, and may go.
    const load = () => {
      const stored = T.storage.read("favourites");
      return Array.isArray(stored) ? stored.filter((one) => typeof one?.b === "string") : [];
    };
    let kept = load();
    let unstored = false; // whether the browser refuses its storage, so that they are here alone
    const catchUp = () => (kept = unstored ? kept : load()); // before each change: another page may have kept more
    const store = () => {
      unstored = !T.storage.keep("favourites", kept);
      if (unstored) T.showMessage(T.t("This browser does not let the page store anything, so favourites are lost when it closes."));
    };
    let shown = []; // those of `kept` whose bundles are here
    const here = () => kept.filter(({ b }) => T.bundle(b));
    const states = () => here().map(T.valid);
    const fill = T.canvasFiller();
    const draw = () => {
      const focused = favourites.contains(document.activeElement) ? document.activeElement : null;
      const at = [...favourites.children].findIndex((one) => one.contains(focused));
      const before = shown[at];
      shown = here();
      nothingKept.hidden = shown.length > 0;
      asFile.hidden = asPicture.hidden = !shown.length;
      const drawn = states();
      const canvases = drawn.map((state) => T.pictureCanvas(null, "", T.bundle(state.b)));
      favourites.replaceChildren(
        ...drawn.map((state, i) => {
          const what = T.describe(state);
          return el(
            "div",
            { class: "tf-favourite" },
            el("button", { type: "button", "aria-label": T.t("Show favourite: {what}", { what }), title: what, onclick: () => T.set(state, { undo: true }) }, canvases[i]),
            el("button", { type: "button", class: "tf-remove", "aria-label": T.t("Remove favourite: {what}", { what }), onclick: () => remove(shown[i]) }, T.t("Remove")),
          );
        }),
      );
      fill(drawn.map((state, i) => ({ canvas: canvases[i], path: T.picturePath(state), params: T.pictureParams(state) })));
      if (!focused) return;
      // The same button of the same favourite; of one that is gone, that of the next.
      const there = shown.findIndex((one) => textOf(one) === textOf(before));
      const next = favourites.children[there >= 0 ? there : Math.min(at, shown.length - 1)];
      (next?.querySelector(focused.classList.contains("tf-remove") ? ".tf-remove" : "button") ?? open).focus({ preventScroll: true });
    };
    const remove = (one) => {
      catchUp();
      kept = kept.filter((other) => textOf(other) !== textOf(one));
      store();
      draw();
    };
    // Puts states before those that are kept, as far as there is room: { added, known: how many were kept already, over: how
    // many there was no room for }.
    const add = (more) => {
      catchUp();
      const asked = new Map(more.map((state) => [textOf(state), state]));
      const shownAs = (one) => T.bundle(one.b) && textOf(T.valid(one));
      const before = new Set(kept.map(shownAs));
      const others = kept.filter((one) => !asked.has(shownAs(one)));
      const fresh = [...asked.keys()].filter((text) => !before.has(text));
      const added = new Set(fresh.slice(0, Math.max(0, MOST - here().length)));
      const first = [...asked].filter(([text]) => before.has(text) || added.has(text)).map(([, state]) => state);
      let elsewhere = 0;
      kept = [...first, ...others.filter(({ b }) => T.bundle(b) || ++elsewhere <= MOST_ELSEWHERE)];
      store();
      draw();
      return { added: added.size, known: asked.size - fresh.length, over: fresh.length - added.size };
    };

    const saveFile = () => {
      const text = JSON.stringify({ format: FORMAT, format_version: 1, favourites: states().map(outgoing) }, null, 1);
      T.saveBlob(new Blob([text], { type: "application/json" }), "favourites.json");
    };
    // The picture: side by side, without gaps, so that a bundle draws the very same again.
    const sheetOf = async (states) => {
      const bundles = states.map((state) => T.bundle(state.b));
      const [wide, high] = ["width", "height"].map((side) => Math.max(...bundles.map((bundle) => bundle[side])));
      const factor = Math.max(1, Math.floor(SMALLEST / high));
      const columns = Math.min(COLUMNS, Math.ceil(Math.sqrt(states.length)));
      const canvas = el("canvas", { width: factor * wide * columns, height: factor * high * Math.ceil(states.length / columns) });
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.fillStyle = "#000";
      context.fillRect(0, 0, canvas.width, canvas.height);
      const one = el("canvas");
      for (const [i, state] of states.entries()) {
        const { picture } = await T.fetchPicture(T.picturePath(state), T.pictureParams(state));
        T.paint(one, picture);
        const place = [factor * wide * (i % columns), factor * high * Math.floor(i / columns)];
        context.drawImage(one, ...place, factor * picture.width, factor * picture.height);
      }
      return { canvas, columns };
    };
    const savePicture = async () => {
      asPicture.disabled = true;
      try {
        const chosen = states();
        const { canvas, columns } = await sheetOf(chosen);
        const alike = chosen.every(({ b }) => b === chosen[0].b);
        const pictures = chosen.map((state) => {
          const { bundle, sha256, ...rest } = outgoing(state);
          return alike ? rest : { bundle, sha256, ...rest };
        });
        const owner = alike ? T.bundle(chosen[0].b) : { name: "", sha256: "" };
        T.saveBlob(await T.markedPng(canvas, { draw: "favourites", pictures, columns }, owner), "favourites.png");
        say("");
      } catch (error) {
        say(T.translate(error.message));
      }
      asPicture.disabled = false;
    };

    // Keeps a state, as the first.
    T.keepFavourite = (state = T.state) => {
      if (add([state]).over) T.showMessage(T.t("{n} favourites are kept, which is the most: remove one first.", { n: MOST }));
    };
    // The states that are kept and whose bundles are here.
    T.favourites = states;
    // Takes what a file or a mark holds, which may be a stranger's; a sentence about what became of that.
    T.takeFavourites = (entries, mark = null) => {
      const { states, elsewhere, other, broken } = incoming(entries, mark);
      if (!states.length && !elsewhere) return T.t("This file holds no favourites that can be read.");
      const { added, known, over } = add(states);
      const parts = [T.n(added, "{n} favourite was added.", "{n} favourites were added.")];
      if (known) parts.push(T.n(known, "{n} was kept already.", "{n} were kept already."));
      if (over) parts.push(T.t("For {n} there was no room: at most {most} are kept.", { n: T.wholeNumber(over), most: MOST }));
      if (elsewhere) parts.push(T.n(elsewhere, "{n} is of a bundle that is not here.", "{n} are of bundles that are not here."));
      if (other) parts.push(T.t("Some name another version of their bundle: their pictures may differ."));
      if (broken) parts.push(T.n(broken, "{n} cannot be read.", "{n} cannot be read."));
      return parts.join(" ");
    };
    draw();
    T.bundleListeners.push(draw);
    return card;
  };

  // As T.openDropped; rejects with a sentence where the file cannot be read.
  const opened = async (file, wanted) => {
    const start = file.size ? await T.reading(file.slice(0, 64).text()) : "";
    if (!/^\s*[[{]/.test(start) && !/\.json$/i.test(file.name)) {
      const mark = await T.readMark(file);
      return wanted() ? T.openMark(mark) : "";
    }
    if (file.size > LARGEST) return T.t("The file is too large for favourites: at most {size} are read.", { size: T.bytes(LARGEST) });
    const text = await T.reading(file.text());
    let found;
    try {
      found = JSON.parse(text);
    } catch {
      return T.t("This file is not JSON that can be read; it may have been cut off.");
    }
    if (!wanted()) return "";
    if (found?.format === T.ownDirections.format) return T.ownDirections.open(file);
    if (found?.format !== FORMAT) return T.t("This file holds neither favourites nor a direction.");
    return T.takeFavourites(found.favourites);
  };
  // Opens a file that was dropped on the page: a marked picture, favourites, or a direction. A sentence about what became of
  // that. wanted(): whether nothing else was dropped meanwhile.
  T.openDropped = (file, wanted = () => true) => opened(file, wanted).catch((error) => error.message);
})();

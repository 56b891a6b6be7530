// Explore: a direction of the visitor's own. Twelve variations of the picture are marked as having what is meant or not, round
// by round; the server finds the direction (demo/tabs/explore/own_direction.py), and it becomes a slider.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SHOWN = 12;
  const PREVIEW = [-3, -1.5, 0, 1.5, 3]; // standard deviations along what was found so far
  const STEP = "variation"; // the name of the step to a variation in an address
  const CYCLE = [null, true, false]; // what a tap goes through: not marked, has it, does not have it

  // The element. `.refresh()` brings it up to date with the page.
  T.ownDirectionFinder = () => {
    const keyOf = (state) => T.bundle(state.b).spaces[state.m].key;
    let begun = null; // the state whose variations are shown; null before the first round
    let begunKey = ""; // of its latents: another one once its bundle was made anew
    let seed = 0;
    let round = 0;
    let shown = []; // the steps of this round, texts
    const annotations = new Map(); // step → whether its picture has it, of all rounds
    let found = null; // what the server makes of them: { vector, agreement, annotation_count }
    let newest = 0; // the last request
    let stale = false; // whether annotations have changed since `found`
    let asking = 0; // requests for other variations on their way: until they are there nothing can be marked
    const fillTiles = T.canvasFiller();
    const fillPreview = T.canvasFiller();

    // What draws a picture one step away.
    const job = (canvas, vector, amount) => {
      const moves = [begun.attributes, `${STEP}:${amount}*${vector}`].filter(Boolean).join(",");
      return { canvas, path: T.picturePath(begun), params: { ...T.pictureParams(begun), attributes: moves } };
    };
    const words = (i) => {
      const has = annotations.get(shown[i]);
      const what = has === undefined ? T.t("not marked") : has ? T.t("has it") : T.t("does not have it");
      return T.t("Variation {n}: {what}", { n: i + 1, what });
    };
    const tiles = Array.from({ length: SHOWN }, (_, i) => {
      const canvas = T.pictureCanvas();
      const badge = el("span", { class: "tf-badge", "aria-hidden": "true" });
      const tile = el("button", { type: "button", class: "tf-variation", tabindex: i ? -1 : 0, onclick: () => cycle(i) }, canvas, badge);
      return { tile, canvas, badge };
    });
    const grid = el("div", { class: "tf-variations", role: "group", "aria-label": T.t("Twelve variations. Space or Enter changes a mark, Y: has it, N: does not have it; arrow keys move.") }, ...tiles.map(({ tile }) => tile));
    const columns = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
    T.arrowKeys(grid, () => tiles.map(({ tile }) => tile), columns);

    const count = el("p", { class: "tf-quiet", role: "status" });
    const error = T.errorNote();
    const preview = PREVIEW.map((amount) => ({ amount, canvas: T.pictureCanvas() }));
    const previewBox = el(
      "div",
      { class: "tf-own-preview", hidden: true },
      el("p", {}, T.t("What you mean, so far:")),
      el("div", { class: "tf-strip-row" }, ...preview.map(({ amount, canvas }) => el("figure", {}, canvas, el("figcaption", {}, amount ? `${amount > 0 ? "+" : "−"}${Math.abs(amount)}` : "0")))),
    );
    const name = el("input", { type: "text", maxlength: T.ownDirections.longestName, autocomplete: "off", "aria-label": T.t("Name of the direction") });
    const button = (text, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, text);
    const begin = button(T.t("Show twelve variations"), T.t("Twelve pictures around the one in Play"), () => start());
    const next = button(T.t("Next twelve"), T.t("More variations, around and along what you have marked"), () => ask());
    const again = button(T.t("Start over"), T.t("Forget the marks, and begin at the picture that Play shows now"), () => start());
    const take = el("button", { type: "submit", class: "tf-button" }, T.t("Take it"));
    const form = el("form", { class: "tf-inline tf-own-take", onsubmit: (event) => (event.preventDefault(), takeIt()) }, el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Its name")), name), take);
    const file = el("input", { type: "file", accept: ".json,application/json", class: "tf-hidden", tabindex: -1, "aria-label": T.t("File of a direction") });
    const openFile = button(T.t("Open a file"), T.t("A direction that was saved as a file; it can be dropped here, too"), () => file.click());
    const done = el("p", { role: "status" });
    const work = el("div", { class: "tf-own-work", hidden: true }, grid, count, el("div", { class: "tf-buttons" }, next, again), previewBox, form);
    const box = el("div", { class: "tf-own" }, el("div", { class: "tf-buttons" }, begin, openFile, file), work, error, done);

    const say = (sentence) => (done.textContent = sentence);
    const open = async (chosen) => {
      error.show("");
      say(await T.ownDirections.open(chosen));
    };
    file.addEventListener("change", () => {
      if (file.files[0]) open(file.files[0]);
      file.value = "";
    });
    T.dropZone(box, open);

    const showAnnotations = () => {
      tiles.forEach(({ tile, badge }, i) => {
        const has = annotations.get(shown[i]);
        tile.setAttribute("aria-label", words(i));
        tile.title = words(i);
        tile.classList.toggle("tf-has", has === true);
        tile.classList.toggle("tf-has-not", has === false);
        badge.textContent = has === undefined ? "" : has ? "✓" : "✗";
      });
      const all = [...annotations.values()];
      const yes = all.filter(Boolean).length;
      const told = [T.n(yes, "{n} has it", "{n} have it"), T.n(all.length - yes, "{n} does not have it", "{n} do not have it")];
      if (found) told.push(T.t("{percent} % told right, each while it is left out", { percent: Math.round(100 * found.agreement) }));
      count.textContent = told.join(" · ");
      take.disabled = !found || stale;
      previewBox.hidden = !found;
    };
    const annotate = (i, has) => {
      if (asking || !shown[i]) return;
      if (has === null) annotations.delete(shown[i]);
      else annotations.set(shown[i], has);
      say("");
      stale = true;
      showAnnotations();
      judgeSoon();
    };
    const cycle = (i) => {
      const now = annotations.get(shown[i]) ?? null;
      annotate(i, CYCLE[(CYCLE.indexOf(now) + 1) % CYCLE.length]);
    };
    grid.addEventListener("keydown", (event) => {
      const i = tiles.findIndex(({ tile }) => tile === document.activeElement);
      const has = { y: true, n: false }[event.key.toLowerCase()];
      if (i < 0 || has === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      annotate(i, annotations.get(shown[i]) === has ? null : has);
    });

    // What the server makes of the annotations; null where it was not the last to be asked, or failed.
    const request = async () => {
      const mine = ++newest;
      const { b, m } = begun;
      const all = [...annotations].map(([vector, has]) => ({ vector, has }));
      try {
        const answer = await T.post(`explore/${encodeURIComponent(b)}/own-direction`, { m, seed, round, annotations: all });
        if (mine !== newest) return null;
        [found, stale] = [answer.found, false];
        error.show(all.length ? answer.problem : "");
        return answer;
      } catch (failure) {
        if (mine === newest) error.show(failure.message);
        return null;
      }
    };
    const showPreview = () => {
      if (found) fillPreview(preview.map(({ canvas, amount }) => (amount ? job(canvas, found.vector, amount) : { canvas, path: T.picturePath(begun), params: T.pictureParams(begun) })));
    };
    const judgeSoon = T.debounced(async () => {
      if (!begun || !(await request())) return;
      showAnnotations();
      showPreview();
    }, 400);
    const ask = async () => {
      judgeSoon.cancel();
      round += 1;
      const hadFocus = document.activeElement === next;
      asking += 1;
      next.disabled = true;
      grid.setAttribute("aria-busy", "true");
      const answer = await request();
      asking -= 1;
      if (!asking) {
        next.disabled = false;
        grid.removeAttribute("aria-busy");
        if (hadFocus && document.activeElement === document.body) next.focus({ preventScroll: true });
      }
      if (!answer) return;
      shown = answer.variations;
      work.hidden = false;
      begin.hidden = true;
      showAnnotations();
      fillTiles(tiles.map(({ canvas }, i) => job(canvas, shown[i], 1)));
      showPreview();
    };
    const start = () => {
      judgeSoon.cancel();
      begun = T.state;
      begunKey = keyOf(begun);
      annotations.clear();
      [found, round, shown] = [null, 0, []];
      seed = Math.floor(Math.random() * T.seedCount);
      say("");
      error.show("");
      ask();
    };
    const takeIt = () => {
      if (!found || stale) return;
      const text = name.value.trim();
      const problem = T.ownDirections.nameProblem(text, found.vector);
      name.setAttribute("aria-invalid", String(Boolean(problem)));
      error.show(problem);
      if (problem) {
        name.focus();
        return;
      }
      T.ownDirections.add({ name: text, vector: found.vector, agreement: found.agreement, annotation_count: found.annotation_count });
      name.value = "";
      say(T.t("“{name}” is a slider now, above and in Play. Copy link shares it, once it is moved.", { name: text }));
    };
    // Pictures of another bundle, version or model cannot be marked together with these.
    const forget = () => {
      newest += 1;
      judgeSoon.cancel();
      begun = null;
      annotations.clear();
      found = null;
      work.hidden = true;
      begin.hidden = false;
      error.show("");
      say("");
    };
    box.refresh = () => {
      if (begun && (begun.b !== T.state.b || begunKey !== keyOf(T.state))) forget();
    };
    return box;
  };
})();

// Make, second step: every picture as the models will see it. A click leaves one out; what looks doubtful is marked.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // Mark -> [what it is called, what it means].
  const marksInWords = () => ({
    twin: [T.t("Look-alikes"), T.t("Almost the same as an earlier picture")],
    blurred: [T.t("Blurred"), T.t("Much less detail than most")],
    odd: [T.t("Odd ones out"), T.t("Far from all the others")],
    unreadable: [T.t("Unreadable"), T.t("Cannot be read; always left out")],
  });
  const LOOK_EVERY = 400; // ms, while the pictures are being looked at

  // The card of the second step. facts: what GET /make says. `.load(project)` shows a project's pictures; onChosen(count) is
  // called whenever the choice changes.
  T.makeChoose = (facts, onChosen) => {
    const MARKS = marksInWords();
    let project = null;
    let found = null; // what GET /make/{project}/pictures says
    let out = new Set(); // files that are left out
    const past = []; // earlier choices, for Undo
    let filter = null;
    let page = 0;

    const error = T.errorNote();
    const summary = el("p", { role: "status" });
    const chips = el("div", { class: "tf-chips", role: "group", "aria-label": T.t("Show only") });
    const grid = el("div", { class: "tf-make-grid", role: "group", "aria-label": T.t("Pictures") });
    const pages = el("div", { class: "tf-buttons" });
    const undo = el("button", { type: "button", class: "tf-button", disabled: true, onclick: () => goBack() }, T.t("Undo"));
    const leaveMarked = el("button", { type: "button", class: "tf-button", onclick: () => leaveOutMarked() }, T.t("Leave out all marked"));
    const settings = el("div", { class: "tf-make-settings" });
    const root = el(
      "div",
      { class: "tf-make-choose" },
      settings,
      summary,
      el("div", { class: "tf-inline" }, chips, leaveMarked, undo),
      grid,
      pages,
      error,
    );

    const save = T.debounced(async () => {
      try {
        await T.makePost(`make/${project}/choice`, { left_out: [...out] });
      } catch (failure) {
        error.show(failure.message);
      }
    }, 400);
    const changed = () => {
      undo.disabled = !past.length;
      describe();
      draw();
      save();
      onChosen(found.files.length - out.size);
    };
    const change = (next) => {
      past.push(out);
      out = next;
      changed();
    };
    const goBack = () => {
      out = past.pop() ?? out;
      changed();
    };
    const leaveOutMarked = () => {
      const marked = Object.entries(found.marks).filter(([, marks]) => !filter || marks.includes(filter));
      change(new Set([...out, ...marked.map(([file]) => file)]));
    };
    const toggle = (file) => {
      const next = new Set(out);
      if (!next.delete(file)) next.add(file);
      change(next);
    };

    const shown = () => found.files.filter((file) => !filter || found.marks[file]?.includes(filter));
    const describe = () => {
      const chosen = found.files.length - out.size;
      const groups = Object.keys(found.groups).length;
      const words = [T.n(chosen, "{n} picture will be learned from", "{n} pictures will be learned from")];
      if (out.size) words.push(T.n(out.size, "{n} is left out", "{n} are left out"));
      if (groups > 1 && found.use_classes) words.push(T.t("{n} classes: {names}", { n: groups, names: Object.keys(found.groups).slice(0, 8).join(", ") }));
      summary.textContent = `${words.join("; ")}.`;
      if (chosen < facts.limits.least) summary.textContent += ` ${T.t("At least {n} are needed.", { n: facts.limits.least })}`;
      else if (chosen < facts.limits.few) summary.textContent += ` ${T.t("They are too few for a GAN, so only the VAE is trained. From {n} on a GAN is trained too; photographs of the same thing from several sides help most.", { n: facts.limits.few })}`;
    };
    const drawChips = () => {
      const counts = {};
      for (const marks of Object.values(found.marks)) for (const mark of marks) counts[mark] = (counts[mark] ?? 0) + 1;
      const chip = (value, text, hint) => {
        const input = el("input", { type: "radio", name: "tf-make-filter", value: value ?? "", checked: value === filter });
        input.addEventListener("change", () => {
          [filter, page] = [value, 0];
          draw();
        });
        return el("label", { title: hint }, input, el("span", {}, text));
      };
      chips.replaceChildren(
        chip(null, T.t("All {n}", { n: found.files.length }), T.t("Every picture")),
        ...Object.entries(MARKS).filter(([mark]) => counts[mark]).map(([mark, [text, hint]]) => chip(mark, `${text} ${counts[mark]}`, hint)),
      );
      leaveMarked.hidden = !Object.keys(found.marks).length;
    };
    const draw = () => {
      const files = shown();
      const { per_page: perPage, columns } = facts;
      const count = Math.ceil(files.length / perPage);
      page = Math.min(page, Math.max(count - 1, 0));
      const tiles = files.slice(page * perPage, (page + 1) * perPage).map((file) => {
        const index = found.files.indexOf(file);
        const sheet = T.url(`make/${project}/pictures/${Math.floor(index / perPage)}.png`, { v: found.version });
        const at = index % perPage;
        const marks = found.marks[file] ?? [];
        const words = marks.map((mark) => MARKS[mark][0]).join(", ");
        const tile = el("button", {
          type: "button",
          class: `tf-make-tile${marks.length ? " tf-marked" : ""}`,
          "aria-pressed": String(!out.has(file)),
          "aria-label": T.t("Picture {i}", { i: index + 1 }) + (words ? `: ${words}` : ""),
          title: words || null,
        });
        const rows = perPage / columns;
        tile.style.backgroundImage = `url("${sheet}")`;
        tile.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
        tile.style.backgroundPosition = `${((at % columns) / (columns - 1)) * 100}% ${(Math.floor(at / columns) / (rows - 1)) * 100}%`;
        tile.addEventListener("click", () => toggle(file));
        return tile;
      });
      const focused = [...grid.children].indexOf(document.activeElement);
      grid.replaceChildren(...tiles);
      if (focused >= 0) grid.children[Math.min(focused, tiles.length - 1)]?.focus();
      const turn = (by, text) => el("button", { type: "button", class: "tf-button", disabled: page + by < 0 || page + by >= count, onclick: () => ((page += by), draw()) }, text);
      pages.replaceChildren(...(count > 1 ? [turn(-1, T.t("Earlier")), el("span", { class: "tf-quiet" }, T.t("Page {i} of {n}", { i: page + 1, n: count })), turn(1, T.t("Later"))] : []));
    };

    const drawSettings = () => {
      const choose = async (changes) => {
        error.show("");
        try {
          await T.makePost(`make/${project}/choice`, changes);
          await load(project);
        } catch (failure) {
          error.show(failure.message);
        }
      };
      const colour = el("input", { type: "color", value: found.background ?? "#ffffff", "aria-label": T.t("Background"), title: T.t("Colour under transparent parts and beside what does not fill the frame") });
      colour.addEventListener("change", () => choose({ background: colour.value }));
      const classes = el("input", { type: "checkbox", checked: found.use_classes });
      classes.addEventListener("change", () => choose({ use_classes: classes.checked }));
      const rows = [
        el("div", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Size")), T.segmented("tf-make-size", T.t("Size"), facts.sizes.map((size) => [size, `${size}`, T.t("{n} x {n} pixels: small ones learn faster", { n: size })]), found.size, (size) => choose({ size }))),
        el("div", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Frame")), T.segmented("tf-make-fit", T.t("Frame"), [["crop", T.t("Cut out the middle"), T.t("Of pictures that are not square")], ["pad", T.t("Show them whole"), T.t("On the background")]], found.fit, (fit) => choose({ fit }))),
        el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Background")), colour),
        Object.keys(found.groups).length > 1 && el("label", { class: "tf-check" }, classes, T.t("Folders are classes")),
      ];
      settings.replaceChildren(...rows.filter(Boolean));
    };

    const load = async (name) => {
      project = name;
      for (;;) {
        const answer = await T.getJson(`make/${name}/pictures`);
        if (project !== name) return;
        if (answer.files) {
          found = answer;
          break;
        }
        summary.textContent = T.t("Looking at picture {done} of {of} …", answer);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      }
      const unreadable = Object.entries(found.marks).filter(([, marks]) => marks.includes("unreadable")).map(([file]) => file);
      out = new Set([...found.left_out.filter((file) => found.files.includes(file)), ...unreadable]);
      past.length = 0;
      if (filter && !Object.values(found.marks).some((marks) => marks.includes(filter))) filter = null;
      drawSettings();
      drawChips();
      describe();
      draw();
      if (unreadable.some((file) => !found.left_out.includes(file))) save();
      onChosen(found.files.length - out.size);
    };
    root.load = async (name) => {
      error.show("");
      try {
        await load(name);
      } catch (failure) {
        error.show(failure.message);
      }
    };
    return root;
  };
})();

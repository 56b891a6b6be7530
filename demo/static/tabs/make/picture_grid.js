// Make, second step: a page of pictures as the models will see them, one button each, under the names of their classes.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const DRAGGED = "application/x-twofold-pictures";

  // The files that were dragged onto something; [] for anything else that was dropped.
  T.draggedPictures = (event) => {
    try {
      return JSON.parse(event.dataTransfer.getData(DRAGGED) || "[]");
    } catch {
      return [];
    }
  };
  T.dragsPictures = (event) => [...event.dataTransfer.types].includes(DRAGGED);

  // The element with the grid. facts: what GET /make says. onPress(file, event): a picture was pressed. dragged(file): the files
  // that go along when this one is dragged. `.show(view)` draws; view: { project, found, files (in order), headingOf(file), or null
  // without headings, lookOf(file): { words, pressed, classes } }. `.shown()`: the files of the page that is shown; `.focusOn(file)`.
  T.pictureGrid = (facts, onPress, dragged) => {
    const grid = el("div", { class: "tf-make-grid", role: "group", "aria-label": T.t("Pictures") });
    const pages = el("div", { class: "tf-buttons" });
    const root = el("div", {}, grid, pages);
    let view = null;
    let page = 0;
    let indices = new Map(); // file -> its number

    const tiles = () => [...grid.querySelectorAll(".tf-make-tile")];
    T.arrowKeys(grid, tiles, () => getComputedStyle(grid).gridTemplateColumns.split(" ").length);

    const tileOf = (file) => {
      const { per_page: perPage, columns } = facts;
      const index = indices.get(file);
      const at = index % perPage;
      const rows = perPage / columns;
      const look = view.lookOf(file);
      const tile = el("button", {
        type: "button",
        class: ["tf-make-tile", ...look.classes].join(" "),
        "aria-pressed": look.pressed === null ? null : String(look.pressed),
        "aria-label": [T.t("Picture {i}", { i: index + 1 }), ...look.words].join(", "),
        title: look.words.join(", ") || null,
        draggable: "true",
        "data-file": file,
        tabindex: -1,
      });
      const [height, width] = view.found.sides;
      tile.style.aspectRatio = `${width} / ${height}`;
      tile.style.backgroundImage = `url("${T.url(`make/${view.project}/pictures/${Math.floor(index / perPage)}.png`, { v: view.found.version })}")`;
      tile.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
      tile.style.backgroundPosition = `${((at % columns) / (columns - 1)) * 100}% ${(Math.floor(at / columns) / (rows - 1)) * 100}%`;
      tile.addEventListener("click", (event) => onPress(file, event));
      tile.addEventListener("dragstart", (event) => {
        event.dataTransfer.setData(DRAGGED, JSON.stringify(dragged(file)));
        event.dataTransfer.effectAllowed = "move";
      });
      return tile;
    };
    const draw = () => {
      const { per_page: perPage } = facts;
      const count = Math.ceil(view.files.length / perPage);
      page = Math.min(page, Math.max(count - 1, 0));
      const focused = tiles().indexOf(document.activeElement);
      const children = [];
      let heading = null;
      for (const file of root.shown()) {
        const words = view.headingOf?.(file);
        if (view.headingOf && words !== heading) {
          heading = words;
          children.push(el("h4", { class: "tf-make-heading" }, words));
        }
        children.push(tileOf(file));
      }
      grid.replaceChildren(...children);
      const now = tiles();
      const first = now[Math.min(Math.max(focused, 0), now.length - 1)];
      if (first) first.tabIndex = 0; // Tab reaches one of them, the arrows the others
      if (focused >= 0) first?.focus();
      const turn = (by, text) => el("button", { type: "button", class: "tf-button", disabled: page + by < 0 || page + by >= count, onclick: () => ((page += by), draw()) }, text);
      const turning = [...pages.children].indexOf(document.activeElement);
      pages.hidden = count < 2;
      pages.replaceChildren(turn(-1, T.t("Previous page")), el("span", { class: "tf-quiet" }, T.t("Page {i} of {n}", { i: page + 1, n: count })), turn(1, T.t("Next page")));
      // The focus stays on the button; at either end, where it is disabled, the other takes it.
      if (turning >= 0) [pages.children[turning], ...pages.querySelectorAll("button")].find((one) => !one.disabled)?.focus();
    };
    root.focusOn = (file) => tiles().find((tile) => tile.dataset.file === file)?.focus();
    root.shown = () => view.files.slice(page * facts.per_page, (page + 1) * facts.per_page);
    root.show = (next, firstPage = false) => {
      if (view?.found !== next.found) indices = new Map(next.found.files.map((file, i) => [file, i]));
      view = next;
      if (firstPage) page = 0;
      draw();
    };
    return root;
  };
})();

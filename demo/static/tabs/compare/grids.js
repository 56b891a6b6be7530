// Two grids with the same seeds; pointing at or focusing a tile marks its counterpart.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const GREY_LEVELS = 255;
  // The mean absolute difference of two pictures in grey levels, 0 to 255; null for different shapes.
  T.meanAbsoluteDifference = (a, b) => {
    if (!a || !b || a.width !== b.width || a.height !== b.height) return null;
    let sum = 0;
    for (let i = 0; i < a.data.length; i += 4) {
      for (let c = 0; c < 3; c += 1) sum += Math.abs(a.data[i + c] - b.data[i + c]);
    }
    return sum / ((3 * a.data.length) / 4);
  };
  // The element with both grids. onPick(side, i) is called when a tile is chosen. `.show(pictures)`: two lists of ImageData; an
  // empty one leaves what is there. `.clear(side)` takes a side's away; `.summary()`: how far apart they are, in one sentence;
  // `.name(side, i)`: a tile's.
  T.grids = (onPick) => {
    const titles = [el("h4", {}), el("h4", {})];
    const grids = [0, 1].map(() => el("div", { class: "tf-side-grid", role: "group" }));
    const box = el("div", { class: "tf-side-grids" }, ...grids.map((grid, side) => el("div", {}, titles[side], grid)));
    const note = el("p", { class: "tf-caption", role: "status" });
    let tiles = [[], []];
    let pictures = [[], []];
    let distances = []; // of each pair in grey levels, null where there is none

    const mark = (i) => {
      for (const list of tiles) list.forEach((tile, n) => tile.classList.toggle("tf-marked", n === i));
      if (i !== null) describe(i);
    };
    const name = (side, i) => {
      const seed = T.sides.first + i;
      return [T.t("Seed {seed}", { seed }), T.className(T.sides.classOf(side, seed), T.sides.both()[side].bundle)].filter(Boolean).join(" · ");
    };
    const apart = (i) => {
      const d = distances[i];
      return d === null || d === undefined ? "" : T.t("{levels} of {range} grey levels apart", { levels: d.toFixed(1), range: GREY_LEVELS });
    };
    const describe = (i) => {
      note.textContent = [name(0, i), apart(i)].filter(Boolean).join(": ");
    };
    const build = () => {
      const { columns, count, first } = T.sides;
      grids.forEach((grid, side) => {
        const here = T.sides.both()[side];
        titles[side].textContent = `${side ? T.t("Right") : T.t("Left")}: ${here.title}`;
        grid.style.setProperty("--tf-columns", columns);
        grid.setAttribute("aria-label", T.t("{model}, seeds {first} to {last}. Arrow keys move.", { model: here.title, first, last: first + count - 1 }));
        if (tiles[side].length === count) return;
        tiles[side] = Array.from({ length: count }, (_, i) => {
          const canvas = T.pictureCanvas(null, "", here.bundle);
          const tile = el("button", {
            type: "button",
            tabindex: i ? -1 : 0,
            onpointerenter: () => mark(i),
            onfocus: () => mark(i),
            onclick: () => onPick(side, i),
          }, canvas);
          tile.canvas = canvas;
          return tile;
        });
        grid.replaceChildren(...tiles[side]);
      });
    };
    box.addEventListener("pointerleave", () => mark(null));
    box.addEventListener("focusout", () => mark(null));
    grids.forEach((grid, side) => T.arrowKeys(grid, () => tiles[side], () => T.sides.columns));

    // Takes the pictures of a side away.
    box.clear = (side) => tiles[side].forEach(({ canvas }) => canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height));
    box.note = note;
    box.name = name;
    box.show = (next) => {
      build();
      pictures = next;
      distances = pictures[0].map((picture, i) => T.meanAbsoluteDifference(picture, pictures[1][i]));
      tiles.forEach((list, side) =>
        list.forEach((tile, i) => {
          if (pictures[side][i]) T.paint(tile.canvas, pictures[side][i]);
          const words = [side ? T.t("Right") : T.t("Left"), name(side, i), apart(i)].filter(Boolean).join(", ");
          tile.setAttribute("aria-label", words);
          tile.title = words;
          const { pick } = T.sides;
          tile.setAttribute("aria-pressed", String(pick.side === side && pick.i === i));
        }),
      );
    };
    box.summary = () => {
      const known = distances.filter((d) => d !== null && d !== undefined);
      if (!pictures[0].length || !pictures[1].length) return "";
      if (!known.length) return T.t("The two sides draw pictures of different sizes, so there is no distance to show.");
      const mean = known.reduce((a, b) => a + b, 0) / known.length;
      return T.t("{n} pairs: {mean} grey levels apart on average, from {low} to {high} (mean absolute difference, of {range}).", {
        n: known.length,
        mean: mean.toFixed(1),
        low: Math.min(...known).toFixed(1),
        high: Math.max(...known).toFixed(1),
        range: GREY_LEVELS,
      });
    };
    return box;
  };
})();

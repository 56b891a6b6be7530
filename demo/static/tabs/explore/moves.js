// Sliders that combine: attributes, towards classes, along the strongest directions, and along the dimensions of the VAE's code.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SHOWN_DIMENSIONS = 8; // at once; the others unfold
  const MOST_DEVIATIONS = 3; // each way, along a direction
  const MOST_ACROSS = 6; // … and across a class's boundary

  // The element with the picture and its sliders. `.useDimensions(list)` takes the dimensions of the code that the map knows;
  // `.refresh()` brings it up to date with the page.
  T.moves = () => {
    let seed = 1;
    let dimensions = [];
    // How far each slider is, by number, under the names that the server has for these moves (demo/routes/explore.py).
    const amounts = { dimensions: new Map(), towards: new Map(), across: new Map(), along: new Map() };
    // Shares of the strongest directions, and how often the boundary of each class is right; of: the bundle and model.
    let directions = { of: "", shares: [], boundaries: [] };
    let bySvm = false; // whether a class is reached across its boundary instead of towards its mean
    const picture = T.pictureCanvas(T.t("The moved picture"), "tf-moves-picture");
    const error = T.errorNote();
    const showPicture = T.newestPicture((image) => T.paint(picture, image));
    const draw = T.oncePerFrame(() => {
      const { m, c, t } = T.state;
      const params = { m, t, seed };
      if (c !== null) params.c = c;
      if (T.state.attributes) params.attributes = T.state.attributes;
      for (const [name, moves] of Object.entries(amounts)) {
        const text = [...moves].filter(([, value]) => value).map(([i, value]) => `${i}:${value}`).join(",");
        if (text && (name !== "dimensions" || m === "vae")) params[name] = text;
      }
      showPicture(T.picturePath(T.state, "/edit"), params);
    });
    const kindOf = (moves) => Object.keys(amounts).find((kind) => amounts[kind] === moves);
    const slider = (moves, i, label, hint, most, least = -most) => {
      const made = T.slider(label, { min: least, max: most, step: 0.05, value: moves.get(i) ?? 0, format: (v) => Number(v).toFixed(2), hint }, (value) => {
        moves.set(i, value);
        draw();
      });
      T.parameters.addSlider(`explore.${kindOf(moves)}.${i}`, made, { label: `${T.t("Explore")}: ${label}` });
      return made;
    };
    const field = T.seedField(T.t("Seed"), seed, (next) => {
      seed = next;
      draw();
    });
    const clear = () => Object.values(amounts).forEach((moves) => moves.clear());
    const reset = () => {
      clear();
      for (const row of list.querySelectorAll(".tf-slider")) row.put(0);
      T.set({ attributes: "" }, { undo: true });
      draw();
    };
    const attributes = T.attributeSliders(true);
    const attributeSection = () => {
      const labelled = T.attributesOf().length;
      const words = labelled ? T.t("Directions that the pictures' own labels gave. They hold in Play, too, and in the link.") : T.t("Found by choosing, below. They hold in Play, too, and in the link.");
      return [el("h4", {}, labelled ? T.t("Attributes") : T.t("Directions of your own")), el("p", { class: "tf-quiet" }, words), attributes];
    };
    const list = el("div", { class: "tf-moves-list" });
    const percent = (share) => (100 * share).toFixed(1);

    // Towards the mean of a class, or across the boundary that a linear SVM found around it.
    const classSection = (names, boundaries) => {
      const choice = T.segmented(
        "tf-class-way",
        T.t("Direction of a class"),
        [
          ["means", T.t("To its mean")],
          ["svm", T.t("By a linear SVM")],
        ],
        bySvm ? "svm" : "means",
        (value) => {
          bySvm = value === "svm";
          amounts.towards.clear();
          amounts.across.clear();
          fill();
          draw();
        },
      );
      const rows = el("div", {});
      const towardsMeans = () =>
        names.map((name, k) => (k === T.state.c ? null : slider(amounts.towards, k, name, T.t("1 = all the way to the mean of that class"), 1.5, -1))).filter(Boolean);
      const acrossBoundaries = () => [
        el("p", { class: "tf-quiet" }, T.t("It separates each class from all others and is right on at least {share} % of latents that it had not seen.", { share: percent(Math.min(...boundaries)) })),
        ...names.map((name, k) => slider(amounts.across, k, name, T.t("Straight across the boundary of this class (right on {share} %), in standard deviations of the latents", { share: percent(boundaries[k]) }), MOST_ACROSS)),
      ];
      const fill = () => {
        for (const kind of ["towards", "across"]) T.parameters.replace(`explore.${kind}.`, []); // of the sliders that go
        rows.replaceChildren(...(bySvm ? acrossBoundaries() : towardsMeans()));
      };
      fill();
      return [el("h4", {}, T.t("Towards a class")), ...(boundaries.length ? [choice, rows] : [rows])];
    };
    const directionSection = (shares) => [
      el("h4", {}, T.t("The strongest directions")),
      ...shares.map((share, i) =>
        slider(amounts.along, i, T.t("Direction {n} · {share} %", { n: i + 1, share: percent(share) }), T.t("Share of the variance within classes; the slider is in standard deviations"), MOST_DEVIATIONS),
      ),
    ];
    const dimensionSection = () => {
      const row = ({ i, nats, active }) => {
        const words = T.t("Dimension {i} · {nats} nats", { i, nats: nats.toFixed(2) });
        const found = slider(amounts.dimensions, i, words, T.t("In standard deviations of the codes"), MOST_DEVIATIONS);
        if (!active) {
          found.classList.add("tf-unused");
          found.input.disabled = true;
          found.title = T.t("This dimension is unused: the decoder ignores it.");
        }
        return found;
      };
      const rest = dimensions.slice(SHOWN_DIMENSIONS).map(row);
      return [
        el("h4", {}, T.t("Along the code, most information first")),
        ...dimensions.slice(0, SHOWN_DIMENSIONS).map(row),
        rest.length ? el("details", { class: "tf-more" }, el("summary", {}, T.n(rest.length, "{n} more dimension", "{n} more dimensions")), ...rest) : null,
      ];
    };
    let movedIn = ""; // the model and class that the amounts are of
    const build = () => {
      const now = `${modelShown()} ${T.state.c}`;
      if (movedIn !== now) clear();
      movedIn = now;
      T.parameters.replace("explore.", []);
      const { classes } = T.bundle();
      const { m, c } = T.state;
      const known = directions.of === modelShown();
      if (!known || !directions.boundaries.length) {
        bySvm = false;
        amounts.across.clear();
      }
      const sections = [
        T.movable().length ? attributeSection() : null,
        classes.length && c !== null ? classSection(classes, known ? directions.boundaries : []) : null,
        known && directions.shares.length ? directionSection(directions.shares) : null,
        m === "vae" && dimensions.length ? dimensionSection() : null,
      ];
      list.replaceChildren(...sections.filter(Boolean).map((parts) => el("section", {}, ...parts.filter(Boolean))));
    };
    const box = el(
      "div",
      { class: "tf-moves" },
      el("div", {}, picture, el("div", { class: "tf-inline" }, field, el("button", { type: "button", class: "tf-button", onclick: reset }, T.t("Back to zero"))), error),
      list,
    );
    const modelShown = () => `${T.versionOf()} ${T.state.m}`;
    const fetchDirections = async () => {
      const of = modelShown();
      if (directions.of === of) return;
      directions = { of, shares: [], boundaries: [] };
      const { b, m } = T.state;
      try {
        const found = await T.getJson(`explore/${encodeURIComponent(b)}/directions`, { m, v: T.bundle().version });
        if (directions.of !== of) return;
        directions = { of, ...found };
      } catch (failure) {
        if (directions.of !== of) return;
        if (!(failure.status < 500)) directions.of = ""; // gone or busy: asked again at the next refresh
        error.show(T.t("The strongest directions could not be found. {reason}", { reason: T.translate(failure.message) }));
        return;
      }
      error.show("");
      builtFor = "";
      box.refresh();
    };
    let builtFor = ""; // the state whose sliders are shown
    box.useDimensions = (found) => {
      dimensions = found;
      builtFor = "";
      box.refresh();
    };
    T.ownDirections.on(() => T.visible(box) && box.refresh());
    box.refresh = () => {
      fetchDirections();
      const wanted = `${modelShown()} ${T.state.c} ${Boolean(T.movable().length)}`;
      if (builtFor !== wanted) build();
      builtFor = wanted;
      attributes.refresh();
      draw();
    };
    return box;
  };
})();

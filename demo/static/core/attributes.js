// Attributes of a bundle's pictures, "glasses", and directions of the visitor's own (own_directions.js): how far each picture
// moves along them is a part of the page's state, as text, "glasses:1.5,round face:2*VECTOR", in standard deviations of the
// latents. Whatever shows a state draws its moves too; Explore's mixtures and sums, which are of seeds of their own, and Compare
// do not.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const STEP = 0.05;
  const signed = (value) => (value > 0 ? "+" : "−") + Math.abs(value).toFixed(2);
  // A name as it stands in a text of moves, and back.
  const escaped = (name) => name.replace(/[%,]/g, encodeURIComponent);
  const unescaped = (text) => text.replace(/%2C|%25/gi, decodeURIComponent);
  // Whether Explore has the sliders too: not on the static page, nor for a generator from elsewhere.
  const shownInExplore = () => Boolean(T.ownDirectionFinder) && Boolean(T.bundle().device || T.bundle().models.includes("vae"));
  // What one step of a slider was measured to do, in words.
  const measured = ({ moved, others }, name) => T.t("moves {name} by {moved}, others by {others}", { name, moved: T.digits(moved, 2), others: T.digits(others, 2) });

  Object.assign(T, {
    mostMove: 4, // both ways, as in bundle/attribute_moves.py
    // The moves in a text by name, numbers or, along an own direction, { amount, vector }; what is no move is left out.
    readMoves(text) {
      const moves = {};
      for (const part of String(text ?? "").split(",")) {
        const at = part.lastIndexOf(":");
        const [far, vector] = part.slice(at + 1).split("*");
        const amount = at > 0 && far !== "" ? Number(far) : NaN;
        if (Number.isFinite(amount)) moves[unescaped(part.slice(0, at))] = vector ? { amount, vector } : amount;
      }
      return moves;
    },
    // An attribute's name as people read it: columns of tables have no spaces, "clothes_red".
    attributeLabel: (name) => name.replaceAll("_", " "),
    // How far a move goes, whichever kind it is.
    amountOf: (move) => (typeof move === "object" ? (move?.amount ?? 0) : (move ?? 0)),
    // The attributes along which a model of a bundle can move its pictures.
    attributesOf: (bundle = T.bundle(), m = T.state.m) => (bundle?.attributes ?? []).filter((attribute) => attribute[m]),
    // Moves as text: those that the model knows, attributes in their order and then own directions, within mostMove.
    movesText(moves, bundle = T.bundle(), m = T.state.m) {
      const within = (move) => Number(T.fourDecimals(T.numberWithin(T.amountOf(move), -T.mostMove, T.mostMove, 0)));
      const attributes = T.attributesOf(bundle, m)
        .filter(({ name }) => typeof moves[name] === "number" && within(moves[name]))
        .map(({ name }) => `${escaped(name)}:${within(moves[name])}`);
      const own = Object.entries(moves)
        .filter(([name, move]) => typeof move === "object" && within(move) && T.ownDirections.fits(move?.vector, bundle, m) && !T.ownDirections.nameProblem(name))
        .slice(0, T.ownDirections.most)
        .map(([name, move]) => {
          T.ownDirections.meet(name, move.vector);
          return `${name}:${within(move)}*${move.vector}`;
        });
      return [...attributes, ...own].join(",");
    },
    // The moves of a state in words, "glasses +1.50 · smile -2.00"; "" for none.
    describeMoves: (state = T.state) =>
      Object.entries(T.readMoves(state.attributes))
        .map(([name, move]) => `${typeof move === "object" ? name : T.attributeLabel(name)} ${signed(T.amountOf(move))}`)
        .join(" · "),
    // What can be moved, by name: attributes, and own directions.
    movable: (bundle = T.bundle(), m = T.state.m) => [...T.attributesOf(bundle, m), ...T.ownDirections.list(bundle, m)].map(({ name }) => name),
    // The patch of the state that moves one attribute or own direction to a value. One own direction too many stays where it
    // is, and the bar says so.
    attributeMoved(name, value, state = T.state) {
      const bundle = T.bundle(state.b);
      const moves = T.readMoves(state.attributes);
      const own = T.ownDirections.list(bundle, state.m, moves).find((one) => one.name === name);
      const { most } = T.ownDirections;
      if (own && value && !moves[name] && Object.values(moves).filter((move) => typeof move === "object").length >= most) {
        T.showMessage(T.t("At most {n} directions of your own move one picture: take one back to zero first.", { n: most }));
        return { attributes: state.attributes };
      }
      return { attributes: T.movesText({ ...moves, [name]: own ? { amount: value, vector: own.vector } : value }, bundle, state.m) };
    },

    // The parameters that move attributes and own directions: parameters.js.
    moveParameters: () =>
      T.movable().map((name) => ({
        name: T.moveParameter(name),
        label: T.moveLabel(name),
        low: -T.mostMove,
        high: T.mostMove,
        get: () => T.amountOf(T.readMoves(T.state.attributes)[name]),
        set: (value) => T.set(T.attributeMoved(name, value)),
        usual: [-3, 3],
      })),
    // Whether a name is an attribute's, and not an own direction's.
    isAttribute: (name) => T.attributesOf().some((one) => one.name === name),
    // The name of the parameter that moves an attribute, or an own direction; and what people read for either.
    moveParameter: (name) => `${T.isAttribute(name) ? "attribute" : "direction"}.${name}`,
    moveLabel: (name) => (T.isAttribute(name) ? T.attributeLabel(name) : name),

    // The element with a slider for each attribute and each own direction, and a button that takes all back; hidden where
    // there are none. figures: whether what was measured stands below each, and own directions can be saved and removed.
    // `.refresh()` brings it up to date with the page.
    attributeSliders(figures) {
      let rows = new Map();
      let builtFor = "";
      let sliding = false; // one undo for a whole movement
      const list = el("div", { class: "tf-attribute-list" });
      const reset = el("button", { type: "button", class: "tf-button", onclick: () => T.set({ attributes: "" }, { undo: true }) }, T.t("Reset attributes"));
      const box = el("div", { class: "tf-attributes" }, list, reset);
      const sliderOf = (name, hint) => {
        const slider = T.slider(T.moveLabel(name), { min: -T.mostMove, max: T.mostMove, step: STEP, value: 0, format: (v) => (v ? signed(v) : "0"), hint }, (value) => {
          T.set(T.attributeMoved(name, value), { undo: !sliding });
          sliding = true;
          const far = T.amountOf(T.readMoves(T.state.attributes)[name]);
          if (far !== value) slider.put(far); // it was not moved
        });
        slider.input.addEventListener("change", () => (sliding = false));
        slider.dataset.parameter = T.moveParameter(name);
        rows.set(name, slider);
        return slider;
      };
      const row = (attribute, i) => {
        const { name } = attribute;
        const words = measured(attribute[T.state.m], T.attributeLabel(name));
        const note = figures ? el("p", { class: "tf-quiet tf-attribute-note", id: `tf-attribute-${T.state.m}-${i}` }, words) : null;
        const slider = sliderOf(name, T.t("In standard deviations of the latents. One of them {measured}, in standard deviations of the pictures.", { measured: words }));
        if (note) slider.input.setAttribute("aria-describedby", note.id);
        return el("div", {}, slider, note);
      };
      const ownRow = (direction) => {
        const slider = sliderOf(direction.name, T.t("A direction of your own, in standard deviations of the latents"));
        return el("div", { class: "tf-own-direction" }, slider, figures || !shownInExplore() ? T.ownDirectionButtons(direction) : null);
      };
      // Builds the rows; the focus stays in the row where it is, or in the one that comes to stand there.
      const build = (attributes, own) => {
        const focused = list.contains(document.activeElement) ? document.activeElement : null;
        const at = focused ? [...list.children].findIndex((one) => one.contains(focused)) : -1;
        const parameterOf = (one) => one?.querySelector("[data-parameter]").dataset.parameter;
        const before = parameterOf(list.children[at]);
        rows = new Map();
        list.replaceChildren(...attributes.map(row), ...own.map(ownRow));
        if (at < 0 || !rows.size) return;
        const next = [...list.children].find((one) => parameterOf(one) === before) ?? list.children[Math.min(at, rows.size - 1)];
        const controls = [...next.querySelectorAll("input, button")];
        const label = focused.getAttribute("aria-label");
        (controls.find((one) => one.getAttribute("aria-label") === label) ?? controls[0]).focus({ preventScroll: true });
      };
      box.refresh = () => {
        const attributes = T.attributesOf();
        const own = T.ownDirections.list();
        const wanted = JSON.stringify([T.versionOf(), T.state.m, own]);
        box.hidden = !attributes.length && !own.length;
        if (builtFor !== wanted) build(attributes, own);
        builtFor = wanted;
        const moves = T.readMoves(T.state.attributes);
        for (const [name, slider] of rows) slider.put(T.amountOf(moves[name]));
        reset.disabled = !T.state.attributes;
      };
      T.ownDirections.on(() => box.refresh());
      return box;
    },

    // A table of what moves along each attribute do, for some models; null where there are none. A bar is full where a move
    // changes its own attribute alone.
    attributeTable(bundle, models) {
      const attributes = (bundle.attributes ?? []).filter((attribute) => models.some((m) => attribute[m]));
      if (!attributes.length) return null;
      const effect = (figures) => {
        if (!figures) return "–";
        const { moved, others, kept } = figures;
        const share = Math.abs(moved) + others ? Math.abs(moved) / (Math.abs(moved) + others) : 0;
        const rest = [T.t("others {value}", { value: T.digits(others, 2) }), kept === null ? "" : T.t("kept {percent} %", { percent: Math.round(100 * kept) })];
        return el("span", { class: "tf-figure-value" }, T.digits(moved, 2), el("span", { class: "tf-quiet" }, rest.filter(Boolean).join(" · ")), T.shareBar(share, T.t("{percent} % of the change is the attribute's own", { percent: Math.round(100 * share) })));
      };
      const read = ({ kind, accuracy }) => (kind === "binary" ? T.t("{percent} % right", { percent: Math.round(100 * accuracy) }) : T.t("correlation {value}", { value: T.digits(accuracy, 2) }));
      const head = [T.t("Attribute"), ...models.map((m) => T.t("{model} moves it by", { model: m.toUpperCase() })), T.t("Read from pictures")];
      return T.table(
        T.t("One standard deviation along each attribute"),
        head,
        attributes.map((attribute) => [T.attributeLabel(attribute.name), ...models.map((m) => effect(attribute[m])), read(attribute)]),
      );
    },
    attributeWords: () =>
      T.t("By one standard deviation of the latents: how far it moves the attribute and, on average, the others, each in its own standard deviation among pictures; how much of what the classifier sees is kept."),
  });
})();

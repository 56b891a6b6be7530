// Attributes of a bundle's pictures, "glasses": how far each picture moves along them is a part of the page's state, as text,
// "glasses:1.5,smile:-2", in standard deviations of the latents. Whatever draws a state draws its moves too.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const STEP = 0.05;
  const signed = (value) => (value > 0 ? "+" : "−") + Math.abs(value).toFixed(2);
  // A name as it stands in a text of moves, and back.
  const escaped = (name) => name.replace(/[%,]/g, encodeURIComponent);
  const unescaped = (text) => text.replace(/%2C|%25/gi, decodeURIComponent);
  // What one step of a slider was measured to do, in words.
  const measured = ({ moved, others }, name) => T.t("moves {name} by {moved}, others by {others}", { name, moved: T.digits(moved, 2), others: T.digits(others, 2) });

  Object.assign(T, {
    mostMove: 4, // both ways, as in bundle/attribute_moves.py
    // The moves in a text, by name; what is no move is left out.
    readMoves(text) {
      const moves = {};
      for (const part of String(text ?? "").split(",")) {
        const at = part.lastIndexOf(":");
        const move = at > 0 ? Number(part.slice(at + 1)) : NaN;
        if (Number.isFinite(move)) moves[unescaped(part.slice(0, at))] = move;
      }
      return moves;
    },
    // The attributes along which a model of a bundle can move its pictures.
    attributesOf: (bundle = T.bundle(), m = T.state.m) => (bundle?.attributes ?? []).filter((attribute) => attribute[m]),
    // Moves as text: those that the model knows, in their order, within mostMove.
    movesText: (moves, bundle = T.bundle(), m = T.state.m) =>
      T.attributesOf(bundle, m)
        .map(({ name }) => [name, Number(T.fourDecimals(T.numberWithin(moves[name] ?? null, -T.mostMove, T.mostMove, 0)))])
        .filter(([, move]) => move)
        .map(([name, move]) => `${escaped(name)}:${move}`)
        .join(","),
    // The moves of a state in words, "glasses +1.50 · smile -2.00"; "" for none.
    describeMoves: (state = T.state) =>
      Object.entries(T.readMoves(state.attributes))
        .map(([name, move]) => `${name} ${signed(move)}`)
        .join(" · "),
    // The patch of the state that moves one attribute to a value.
    attributeMoved: (name, value, state = T.state) => ({ attributes: T.movesText({ ...T.readMoves(state.attributes), [name]: value }, T.bundle(state.b), state.m) }),

    // The parameters that move these attributes: parameters.js.
    attributeParameters: () =>
      T.attributesOf().map(({ name }) => ({
        name: `attribute.${name}`,
        label: name,
        low: -T.mostMove,
        high: T.mostMove,
        get: () => T.readMoves(T.state.attributes)[name] ?? 0,
        set: (value) => T.set(T.attributeMoved(name, value)),
        usual: [-3, 3],
      })),

    // The element with a slider for each attribute, and a button that takes all back; hidden where there are none. figures:
    // whether what was measured stands below each. `.refresh()` brings it up to date with the page.
    attributeSliders(figures) {
      let rows = new Map();
      let builtFor = "";
      let sliding = false; // one undo for a whole movement
      const list = el("div", { class: "tf-attribute-list" });
      const reset = el("button", { type: "button", class: "tf-button", onclick: () => T.set({ attributes: "" }, { undo: true }) }, T.t("Reset attributes"));
      const box = el("div", { class: "tf-attributes" }, list, reset);
      const row = (attribute, i) => {
        const { name } = attribute;
        const words = measured(attribute[T.state.m], name);
        const note = figures ? el("p", { class: "tf-quiet tf-attribute-note", id: `tf-attribute-${T.state.m}-${i}` }, words) : null;
        const hint = T.t("In standard deviations of the latents. One of them {measured}, in standard deviations of the pictures.", { measured: words });
        const slider = T.slider(name, { min: -T.mostMove, max: T.mostMove, step: STEP, value: 0, format: (v) => (v ? signed(v) : "0"), hint }, (value) => {
          T.set(T.attributeMoved(name, value), { undo: !sliding });
          sliding = true;
        });
        slider.input.addEventListener("change", () => (sliding = false));
        slider.dataset.parameter = `attribute.${name}`;
        if (note) slider.input.setAttribute("aria-describedby", note.id);
        rows.set(name, slider);
        return el("div", {}, slider, note);
      };
      box.refresh = () => {
        const attributes = T.attributesOf();
        const wanted = `${T.state.b} ${T.state.m} ${T.bundle().version}`;
        box.hidden = !attributes.length;
        if (builtFor !== wanted) {
          rows = new Map();
          list.replaceChildren(...attributes.map(row));
        }
        builtFor = wanted;
        const moves = T.readMoves(T.state.attributes);
        for (const [name, slider] of rows) slider.put(moves[name] ?? 0);
        reset.disabled = !T.state.attributes;
      };
      return box;
    },

    // A table of what moves along each attribute do, for the models `ms`; null where there are none. A bar is full where a
    // move changes its own attribute alone.
    attributeTable(bundle, ms) {
      const attributes = (bundle.attributes ?? []).filter((attribute) => ms.some((m) => attribute[m]));
      if (!attributes.length) return null;
      const effect = (figures) => {
        if (!figures) return "–";
        const { moved, others, kept } = figures;
        const share = Math.abs(moved) + others ? Math.abs(moved) / (Math.abs(moved) + others) : 0;
        const rest = [T.t("others {value}", { value: T.digits(others, 2) }), kept === null ? "" : T.t("kept {percent} %", { percent: Math.round(100 * kept) })];
        return el("span", { class: "tf-figure-value" }, T.digits(moved, 2), el("span", { class: "tf-quiet" }, rest.filter(Boolean).join(" · ")), T.shareBar(share, T.t("{percent} % of the change is the attribute's own", { percent: Math.round(100 * share) })));
      };
      const read = ({ kind, accuracy }) => (kind === "binary" ? T.t("{percent} % right", { percent: Math.round(100 * accuracy) }) : T.t("correlation {value}", { value: T.digits(accuracy, 2) }));
      const head = [T.t("Attribute"), ...ms.map((m) => T.t("{model} moves it by", { model: m.toUpperCase() })), T.t("Read from pictures")];
      return T.table(
        T.t("One standard deviation along each attribute"),
        head,
        attributes.map((attribute) => [attribute.name, ...ms.map((m) => effect(attribute[m])), read(attribute)]),
      );
    },
    attributeWords: () =>
      T.t("By one standard deviation of the latents: how far it moves the attribute and, on average, the others, each in its own standard deviation among pictures; how much of what the classifier sees is kept."),
  });
})();

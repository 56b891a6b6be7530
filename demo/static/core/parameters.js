// Parameters: what a hand, a sound or a tempo can move, by name. Whoever owns a control adds it here; the instrument
// (demo/static/instrument) finds it here and moves it.
//
// A parameter is { name, label, low, high, get, set, usual }:
//   name     its name in presets, the same in every language: "truncation", "attribute.glasses"
//   label    what the page calls it, in the visitor's language
//   low, high   the ends of its values
//   get()    its value now
//   set(value)  moves it there, without an undo of its own; value lies within low and high
//   usual    optional: [from, to] that a new mapping begins with, or a function that gives them; else low to high
// A control that carries data-parameter="NAME" tells, when it is touched, which parameter is meant.
(() => {
  const T = window.Twofold;
  const REST = 1200; // ms without a movement, after which a performance is at rest

  const known = new Map();
  let movedAt = -Infinity; // by `move`
  const changed = T.oncePerTask(() => {
    for (const listener of T.parameters.listeners) listener();
  });
  const rest = T.debounced(() => document.dispatchEvent(new Event("twofold-rest")), REST);

  T.tempo = null; // { period, origin } in ms while the instrument has one, for T.tempoOf of its script
  T.parameters = {
    listeners: [], // called when parameters have come or gone
    // Adds a parameter, in the place of the one that had its name.
    add(parameter) {
      known.set(parameter.name, parameter);
      changed();
    },
    // Adds a slider of T.slider, which is then moved as if by hand.
    addSlider(name, slider, more = {}) {
      const { input } = slider;
      const [low, high] = [Number(input.min), Number(input.max)];
      slider.dataset.parameter = name;
      T.parameters.add({ name, label: input.getAttribute("aria-label"), low, high, get: () => Number(input.value), set: slider.move, ...more });
    },
    // Takes away every parameter whose name begins with `prefix`, and adds these: for controls that come and go together.
    replace(prefix, parameters) {
      for (const name of [...known.keys()]) if (name.startsWith(prefix)) known.delete(name);
      for (const parameter of parameters) known.set(parameter.name, parameter);
      changed();
    },
    // The parameter of this name; undefined where the page has none now.
    find: (name) => known.get(name),
    all: () => [...known.values()],
    // The parameter whose control holds this node; undefined where none does.
    of: (node) => known.get(node.closest?.("[data-parameter]")?.dataset.parameter),
    // The range with which a mapping to a parameter begins.
    usual({ low, high, usual }) {
      const [from, to] = (typeof usual === "function" ? usual() : usual) ?? [low, high];
      return [Math.max(low, from), Math.min(high, to)];
    },
    // Moves a parameter to a value, or to the nearest that it has; whether the page has it. The state before a performance
    // can be undone to, what came in between cannot.
    move(name, value) {
      const parameter = known.get(name);
      if (!parameter || !Number.isFinite(value)) return false;
      if (!T.parameters.moving()) T.remember();
      movedAt = performance.now();
      parameter.set(Math.min(parameter.high, Math.max(parameter.low, value)));
      rest();
      return true;
    },
    // Whether something is being moved. Once it is at rest, the document gets an event "twofold-rest".
    moving: () => performance.now() - movedAt < REST - 50,
  };
})();

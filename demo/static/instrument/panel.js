// The panel "Instrument": what is there to play with, learning, mappings, presets. The fold in Play shows it; so does the
// picture in full screen.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const KEPT = "instrument"; // the mappings of now, under which the browser keeps them

  T.instrumentPanel = () => {
    const engine = T.instrumentEngine();
    T.instrument = engine; // for tests, which play it without devices
    const keep = T.debounced(() => T.storage.keep(KEPT, T.presets.text({ name: KEPT, mappings: engine.mappings })), 300);
    const button = (words, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, words);

    // --- sources ---------------------------------------------------------------------------------
    const said = {}; // elements by what they tell of
    const line = (name) => (said[name] = el("p", { class: "tf-quiet", role: "status", hidden: true }));
    // A function that shows a sentence of one of them. `on`: whether it plays; then this device draws, where it can.
    const tell = (name) => (sentence, on = false) => {
      T.say(said[name], sentence);
      said[name].hidden = !sentence;
      if (on) T.drawHere?.();
    };
    const lines = ["midi", "gamepad", "tilt", "sound"].map(line);
    const midi = T.midiDevices(engine, tell("midi"));
    const tilt = T.deviceTilt(engine, tell("tilt"));
    T.gamepads(engine, tell("gamepad"));
    T.pointerSources(engine);
    const tempo = T.tempoControls(engine);
    const meter = T.soundMeter(engine);
    const hearing = T.hearing(
      engine,
      (sentence, on) => {
        tell("sound")(sentence, on);
        meter.hidden = !on;
        silence.hidden = !on;
      },
      tempo.heard,
    );
    const chosen = el("input", { type: "file", accept: "audio/*,video/*", class: "tf-hidden", tabindex: -1, "aria-label": T.t("A sound file") });
    chosen.addEventListener("change", () => {
      const [file] = chosen.files;
      chosen.value = "";
      if (file) hearing.file(file);
    });
    const silence = button(T.t("Stop the sound"), "", () => hearing.stop());
    silence.hidden = true;
    const sources = el(
      "div",
      { class: "tf-buttons" },
      button("MIDI", T.t("Use the knobs, keys and pads of MIDI devices"), () => midi.start()),
      button(T.t("Microphone"), T.t("Let sound move the picture; it is only measured"), () => hearing.microphone()),
      button(T.t("Sound file"), T.t("Play a sound file, and let it move the picture"), () => chosen.click()),
      matchMedia("(any-pointer: coarse)").matches ? button(T.t("Tilt"), T.t("Let the tilt of the device move the picture"), () => tilt.start()) : null,
      silence,
      chosen,
    );

    // --- learning and adding ---------------------------------------------------------------------
    const status = el("p", { class: "tf-caption", role: "status" });
    const learn = button(T.t("Learn"), T.t("Map a control that you touch to a slider that you touch"), () => (learning ? stopLearning() : startLearning()));
    learn.classList.add("tf-primary");
    const sourceChoice = el("select", { "aria-label": T.t("Source") });
    const parameterChoice = el("select", { "aria-label": T.t("Parameter") });
    const add = button(T.t("Map"), T.t("Map the source to the parameter"), () => connect(sourceChoice.value, T.parameters.find(parameterChoice.value)));
    let learning = null; // { source } once a control was touched
    const startLearning = () => {
      learning = { source: null };
      learn.textContent = T.t("Stop learning");
      status.textContent = T.t("Turn a knob, press a key, move a stick.");
      engine.learn((source) => {
        learning.source = source;
        listSources(source);
        status.textContent = T.t("{source}: now touch a slider of the page, or choose a parameter here.", { source: T.sourceNames.label(source) });
      });
    };
    const stopLearning = (sentence = "") => {
      learning = null;
      engine.learn(null);
      learn.textContent = T.t("Learn");
      status.textContent = sentence;
    };
    const connect = (source, parameter) => {
      if (!parameter || !T.sourceNames.known(source)) return;
      const others = engine.mappings.filter((one) => one.source !== source || one.parameter !== parameter.name);
      if (others.length >= T.presets.mostMappings) {
        stopLearning(T.t("An instrument has at most {n} mappings: remove one first.", { n: T.presets.mostMappings }));
        return;
      }
      use([...others, T.mapping.fresh(source, parameter)]);
      stopLearning(T.t("{source} moves {parameter}.", { source: T.sourceNames.label(source), parameter: parameter.label }));
    };
    const touch = (event) => {
      if (!learning?.source) return;
      const parameter = T.parameters.of(event.target);
      if (parameter) connect(learning.source, parameter);
    };
    for (const kind of ["pointerdown", "input"]) document.addEventListener(kind, touch, true);
    document.addEventListener("keydown", (event) => learning && event.key === "Escape" && stopLearning());

    const options = (pairs) => pairs.map(([value, words]) => el("option", { value }, words));
    const listSources = (wanted = sourceChoice.value) => {
      const names = [...new Set([...engine.values.keys(), ...T.sourceNames.always])].sort((one, other) => T.sourceNames.label(one).localeCompare(T.sourceNames.label(other), T.language, { numeric: true }));
      sourceChoice.replaceChildren(...options(names.map((name) => [name, T.sourceNames.label(name)])));
      sourceChoice.value = names.includes(wanted) ? wanted : names[0];
    };
    const listParameters = () => {
      const wanted = parameterChoice.value;
      const all = T.parameters.all();
      parameterChoice.replaceChildren(...options(all.map(({ name, label }) => [name, label])));
      parameterChoice.value = all.some(({ name }) => name === wanted) ? wanted : (all[0]?.name ?? "");
    };

    // --- mappings and presets --------------------------------------------------------------------
    const rows = T.mappingRows(engine, keep);
    rows.home = learn;
    const mapped = () => engine.mappings.map(({ parameter }) => `${parameter} ${T.parameters.find(parameter)?.label ?? ""}`).join("\n");
    let rowsFor = "";
    const showRows = () => {
      rows.refresh();
      rowsFor = mapped();
    };
    const use = (mappings) => {
      engine.mappings = mappings;
      showRows();
      keep();
    };
    T.parameters.listeners.push(() => {
      listParameters();
      if (rowsFor !== mapped()) showRows(); // only then: a field that somebody fills in would lose the focus
    });
    sourceChoice.addEventListener("focus", () => listSources());
    const presetWords = el("p", { class: "tf-quiet", role: "status" });
    const presets = T.presetControls(
      () => engine.mappings,
      use,
      (sentence) => (presetWords.textContent = sentence),
    );

    const panel = el(
      "div",
      { class: "tf-instrument" },
      el("p", { class: "tf-quiet" }, T.t("Play the picture with knobs, keys, a gamepad, a pen or sound. It all stays in this browser: nothing is recorded or sent. A gamepad shows itself once you press a button on it.")),
      sources,
      ...lines,
      meter,
      hearing.player,
      el("h4", {}, T.t("Tempo")),
      el("p", { class: "tf-quiet" }, T.t("Drift, the loop in Morph and the tempo's own sources follow it.")),
      tempo,
      el("h4", {}, T.t("Mappings")),
      el("div", { class: "tf-inline" }, learn, status),
      rows,
      el("details", { class: "tf-more" }, el("summary", {}, T.t("Map by choosing")), el("div", { class: "tf-inline" }, sourceChoice, el("span", { "aria-hidden": "true" }, "→"), parameterChoice, add)),
      el("h4", {}, T.t("Presets")),
      presets,
      presetWords,
    );
    panel.tap = () => tempo.tap();
    listSources();
    listParameters();
    try {
      engine.mappings = T.presets.read(T.storage.text(KEPT) ?? "").mappings;
    } catch {
      // nothing was kept, or it is broken
    }
    showRows();
    // MIDI that was allowed before needs no second click.
    const uses = (kind) => engine.mappings.some(({ source }) => kind.test(source));
    if (uses(/^(cc|note|keys|bend|pressure):/)) {
      navigator.permissions?.query({ name: "midi" }).then(({ state }) => state === "granted" && midi.start(), () => {});
    }
    const follow = () => {
      if (T.visible(panel)) {
        meter.follow();
        rows.follow();
      }
      setTimeout(() => requestAnimationFrame(follow), 40); // the eye needs no more, and the picture comes first
    };
    follow();
    return panel;
  };
})();

// The tempo: taps, beats a minute, or what is heard.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const RENEWED = 1000; // ms between two tempos from the sound

  // Taps, the beats a minute, and whether they follow the sound. `.heard(onsets)` takes the times of onsets, in ms.
  T.tempoControls = (engine) => {
    let taps = [];
    let renewedAt = 0;
    const light = el("i", {});
    const beats = el("input", { type: "number", min: T.tempoOf.slowest, max: T.tempoOf.fastest, step: "any", "aria-label": T.t("Beats a minute"), inputmode: "decimal" });
    const words = el("span", { class: "tf-quiet", role: "status" });
    const follows = el("input", { type: "checkbox" });
    const off = el("button", { type: "button", class: "tf-button", onclick: () => noTempo() }, T.t("No tempo"));
    const tap = el("button", { type: "button", class: "tf-button", "aria-keyshortcuts": "t", title: T.t("Tap at each beat, twice at least"), onclick: () => box.tap() }, el("span", {}, T.t("Tap")), el("kbd", { "aria-hidden": "true" }, "T"));

    const poll = (now) => {
      const passed = T.tempoOf.beats(T.tempo, now);
      for (const [source, value] of Object.entries(T.tempoOf.sources(passed))) engine.put(source, value, false);
      light.style.opacity = T.tempoOf.sources(passed)["tempo:pulse"];
    };
    const set = (tempo) => {
      T.tempo = tempo && T.tempoOf.goingOn(tempo, T.tempo, performance.now());
      off.disabled = !tempo;
      if (tempo) engine.poll(poll);
      else engine.unpoll(poll);
      if (document.activeElement !== beats) beats.value = tempo ? T.tempoOf.beatsAMinute(tempo).toFixed(1) : "";
      light.style.opacity = 0;
    };
    const noTempo = () => {
      follows.checked = false; // or the sound would bring one back
      words.textContent = "";
      set(null);
    };
    beats.addEventListener("change", () => {
      const tempo = T.tempoOf.of(Number(beats.value), performance.now());
      words.textContent = tempo || beats.value === "" ? "" : T.t("A tempo has {from} to {to} beats a minute.", { from: T.tempoOf.slowest, to: T.tempoOf.fastest });
      follows.checked = false;
      set(tempo);
    });
    follows.addEventListener("change", () => (words.textContent = follows.checked ? T.t("Waiting for beats in the sound.") : ""));
    const box = el(
      "div",
      { class: "tf-inline tf-tempo" },
      tap,
      el("label", { class: "tf-field" }, el("span", { class: "tf-beat", "aria-hidden": "true" }, light), beats, el("span", { class: "tf-label" }, T.t("beats a minute"))),
      el("label", { class: "tf-check" }, follows, T.t("From the sound")),
      off,
      words,
    );
    off.disabled = true;
    box.tap = () => {
      taps = [...taps, performance.now()].slice(-16);
      const tempo = T.tempoOf.taps(taps);
      follows.checked = false;
      words.textContent = tempo ? "" : T.t("Keep tapping, once a beat.");
      if (tempo) set(tempo);
    };
    box.heard = (onsets) => {
      const now = performance.now();
      if (!follows.checked || now - renewedAt < RENEWED) return;
      renewedAt = now;
      const tempo = T.tempoOf.onsets(onsets.filter((time) => now - time < 10_000));
      if (tempo) {
        words.textContent = "";
        set(tempo);
      }
    };
    return box;
  };
})();

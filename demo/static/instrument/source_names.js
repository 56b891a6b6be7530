// Sources: what moves parameters, each with a value from 0 to 1. Their names, which presets keep, and what the page calls them.
(() => {
  const T = window.Twofold;

  const CHANNEL = "([1-9]|1[0-6])";
  const NUMBER = "(\\d|[1-9]\\d|1[01]\\d|12[0-7])"; // of a control or a key: 0 to 127
  const NOTES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
  const noteName = (number) => `${NOTES[number % 12]}${Math.floor(number / 12) - 1}`;
  // The buttons and axes of a gamepad whose layout the browser knows (W3C Gamepad, "standard").
  const AXES = () => [T.t("left stick, across"), T.t("left stick, down"), T.t("right stick, across"), T.t("right stick, down")];
  const KINDS = [
    [`cc:${CHANNEL}:${NUMBER}`, (channel, n) => T.t("MIDI control {n}, channel {channel}", { n, channel })],
    [`note:${CHANNEL}:${NUMBER}`, (channel, n) => T.t("MIDI key {note}, channel {channel}", { note: noteName(Number(n)), channel })],
    [`keys:${CHANNEL}`, (channel) => T.t("MIDI pitch of the last key, channel {channel}", { channel })],
    [`bend:${CHANNEL}`, (channel) => T.t("MIDI pitch bend, channel {channel}", { channel })],
    [`pressure:${CHANNEL}`, (channel) => T.t("MIDI pressure, channel {channel}", { channel })],
    ["axis:([0-3]):(\\d{1,2})", (pad, n) => T.t("Gamepad {pad}: {what}", { pad: Number(pad) + 1, what: AXES()[n] ?? T.t("axis {n}", { n: Number(n) + 1 }) })],
    ["button:([0-3]):(\\d{1,2})", (pad, n) => T.t("Gamepad {pad}: {what}", { pad: Number(pad) + 1, what: T.t("button {n}", { n: Number(n) + 1 }) })],
    ["pointer:x", () => T.t("Mouse or finger, across")],
    ["pointer:y", () => T.t("Mouse or finger, down")],
    ["pen:pressure", () => T.t("Pen pressure")],
    ["pen:x", () => T.t("Pen tilt, across")],
    ["pen:y", () => T.t("Pen tilt, down")],
    ["tilt:x", () => T.t("Tilt of the device, left and right")],
    ["tilt:y", () => T.t("Tilt of the device, front and back")],
    ["sound:level", () => T.t("Sound: level")],
    ["sound:low", () => T.t("Sound: low")],
    ["sound:mid", () => T.t("Sound: middle")],
    ["sound:high", () => T.t("Sound: high")],
    ["sound:onset", () => T.t("Sound: onset")],
    ["tempo:pulse", () => T.t("Tempo: pulse at each beat")],
    ["tempo:wave", () => T.t("Tempo: wave, one bar long")],
    ["tempo:slow", () => T.t("Tempo: wave, four bars long")],
    ["tempo:loop", () => T.t("Tempo: loop of four bars")],
  ].map(([pattern, label]) => [new RegExp(`^${pattern}$`), label]);
  const kindOf = (name) => KINDS.find(([pattern]) => pattern.test(name));

  // What can be chosen without having been touched.
  const ALWAYS = ["pointer:x", "pointer:y", "pen:pressure", "pen:x", "pen:y", "sound:level", "sound:low", "sound:mid", "sound:high", "sound:onset", "tempo:pulse", "tempo:wave", "tempo:slow", "tempo:loop"];

  T.sourceNames = {
    always: ALWAYS,
    known: (name) => Boolean(kindOf(name)),
    // What the page calls a source; its name where nothing is known of it.
    label(name) {
      const kind = kindOf(name);
      return kind ? kind[1](...kind[0].exec(name).slice(1)) : name;
    },
  };
})();

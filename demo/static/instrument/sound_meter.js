// The meter of the sound in the panel.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const SHOWN = ["level", "low", "mid", "high", "onset"];

  // The meter of the sound, hidden while there is none.
  T.soundMeter = (engine) => {
    const names = { level: T.t("Level"), low: T.t("Low"), mid: T.t("Middle"), high: T.t("High"), onset: T.t("Onset") };
    const bars = SHOWN.map((name) => [`sound:${name}`, el("i", {})]);
    const box = el(
      "div",
      { class: "tf-sound-meter", role: "img", "aria-label": T.t("Meter of the sound: level, low, middle, high, onset"), hidden: true },
      ...bars.map(([source, bar]) => el("div", {}, el("span", { class: "tf-sound-bar" }, bar), el("span", { class: "tf-quiet" }, names[source.replace("sound:", "")]))),
    );
    box.follow = () => {
      for (const [source, bar] of bars) bar.style.transform = `scaleY(${engine.values.get(source) ?? 0})`;
    };
    return box;
  };
})();

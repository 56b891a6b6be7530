// A morph in the page's address, so that a copied link leads to it.
(() => {
  const T = window.Twofold;
  const { query } = T;

  T.morphPaths = ["linear", "spherical", "spline"];
  // A whole number in the address; `fallback` where it is missing or out of range.
  const whole = (name, low, high, fallback) => {
    const value = Number(query.get(name) ?? NaN);
    return Number.isInteger(value) && value >= low && value <= high ? value : fallback;
  };
  // The morph in the address; what is missing or wrong there has its default.
  T.morphInAddress = () => {
    const asked = T.keyframes.read(query.get("keys") ?? "");
    const keys = Array.isArray(asked) ? asked : [0, 1, 4, 5];
    const classes = (query.get("classes") ?? "").split(",");
    const count = T.bundle().classes.length;
    const given = (c) => (c === "" ? null : /^\d{1,4}$/.test(c) && Number(c) < count ? Number(c) : undefined);
    const place = Number(query.get("p") ?? 0);
    const loop = query.get("loop") !== "0";
    const frames = whole("frames", 2, 240, 60);
    // Older addresses give a number of frames and how many a second, which together were the length.
    const seconds = T.numberWithin(query.get("seconds"), T.timing.shortest, T.timing.longest, Math.max(T.timing.shortest, frames / whole("fps", 1, 60, 20)));
    const times = (query.get("times") ?? "").split(",").map(Number);
    const easing = (query.get("easing") ?? "").split(",");
    return {
      keys,
      times: times.length === keys.length ? T.timing.spaced(times, loop, seconds) : T.timing.even(keys.length, loop, seconds),
      easing: keys.map((_, i) => (easing.length === keys.length && T.timing.easings.includes(easing[i]) ? easing[i] : "linear")),
      seconds,
      classes: keys.map((key, i) => {
        const c = classes.length === keys.length && count ? given(classes[i]) : undefined;
        return c === undefined ? T.keyframes.ownClass(key) : c;
      }),
      path: T.morphPaths.includes(query.get("path")) ? query.get("path") : "spherical",
      loop,
      frames, // of a strip
      fps: T.timing.nearestRate(whole("fps", 1, 60, 30)),
      position: place >= 0 && place <= 1 ? place : 0,
    };
  };
  // Puts a morph into the address.
  T.noteMorph = (choice) =>
    T.noteInAddress({
      keys: T.keyframes.texts(choice.keys),
      ...{ times: null, easing: null, ...T.timing.params({ ...T.timing.fields(choice), seconds: choice.seconds }) },
      seconds: choice.seconds,
      classes: T.bundle().classes.length ? choice.classes.map((c) => c ?? "").join(",") : null,
      path: choice.path,
      loop: choice.loop ? "1" : "0",
      frames: choice.frames,
      fps: choice.fps,
      p: Number(choice.position.toFixed(3)),
    });
})();

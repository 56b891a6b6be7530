// The keys of a morph: seeds, points [x, y] of the seed plane, and places ["pca", x, y] of the latent map; as text
// "0,1,4-6,7.25:0.5,pca:1.5:-2".
(() => {
  const T = window.Twofold;

  const LEAST = 2;
  const MOST = 16;

  // A key as text.
  const text = (key) => (Array.isArray(key) ? key.join(":") : String(key));
  // A point of the plane; whole numbers give a seed.
  const at = (x, y) => (Number.isInteger(x) && Number.isInteger(y) ? T.seedAt(x, y) : [x, y].map((value) => Number(T.fourDecimals(value))));

  const onMap = (key) => Array.isArray(key) && key.length === 3;

  // The keys in one part of the text, or a sentence that says what is wrong.
  const readPart = (part) => {
    const point = /^(-?\d{1,7}(?:\.\d+)?):(-?\d{1,7}(?:\.\d+)?)$/.exec(part);
    if (point) {
      const [x, y] = point.slice(1).map(Number);
      if (Math.max(Math.abs(x), Math.abs(y)) > T.maxCoordinate) return T.t("Points go up to {n} in every direction.", { n: T.maxCoordinate });
      return [at(x, y)];
    }
    const place = /^(pca|lda):(-?\d{1,4}(?:\.\d+)?):(-?\d{1,4}(?:\.\d+)?)$/.exec(part);
    if (place) return [[place[1], Number(place[2]), Number(place[3])]];
    const range = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    if (!range) {
      return T.t("“{part}” is not a seed. Write whole numbers and ranges, such as 0,1,4-6, or points such as 7.25:0.5.", { part: part.slice(0, 20) });
    }
    const first = Number(range[1]);
    const last = range[2] === undefined ? first : Number(range[2]);
    if (last < first) return T.t("The range {part} is backwards.", { part });
    if (last >= T.seedCount) return T.t("The largest seed is {n}.", { n: T.seedCount - 1 });
    if (last - first >= MOST) return T.t("Use at most {n} keyframes.", { n: MOST });
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  };

  T.keyframes = {
    least: LEAST,
    most: MOST,
    text,
    at,
    onMap, // whether a key is a place of the latent map, which the VAE alone draws
    // A key in words.
    name: (key) => {
      if (onMap(key)) return T.t("Place {x}, {y} of the map", { x: Number(key[1].toFixed(2)), y: Number(key[2].toFixed(2)) });
      return Array.isArray(key) ? T.t("Point {x}, {y}", { x: key[0], y: key[1] }) : T.t("Seed {seed}", { seed: key });
    },
    // The seed that chooses a key's class, as on the server.
    seed: (key) => {
      if (onMap(key)) return 0;
      return Array.isArray(key) ? T.seedAt(...key.map(Math.floor)) : key;
    },
    // A keyframe starts with the class that its seed has on the sample sheet.
    ownClass: (key) => T.seedClass(T.keyframes.seed(key)),
    // Several keys as text, which `read` reads.
    texts: (keys) => keys.map(text).join(","),
    // "0,1,4-6" → [0, 1, 4, 5, 6], or a sentence that says what is wrong. Chinese commas work too.
    read(words) {
      const keys = [];
      for (const part of words.replaceAll("：", ":").split(/[,，、;\s]+/).filter(Boolean)) {
        const found = readPart(part);
        if (typeof found === "string") return found;
        keys.push(...found);
        if (keys.length > MOST) return T.t("Use at most {n} keyframes.", { n: MOST });
      }
      return keys.length < LEAST ? T.t("Use at least {n} keyframes.", { n: LEAST }) : keys;
    },
  };
})();

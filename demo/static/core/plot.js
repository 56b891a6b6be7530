// Training curves as drawings: what each is called, an SVG plot of each, and where a bundle's curves are.
(() => {
  const T = window.Twofold;
  const { el, svg } = T;

  const WIDE = 360;
  const HIGH = 170;
  const EDGE = { left: 54, right: 12, top: 10, bottom: 28 };
  const thousands = (n) => (n >= 1e6 ? `${T.digits(n / 1e6)} M` : n >= 1e3 ? `${T.digits(n / 1e3)} k` : String(n));

  // Names of curves, as trainings write them (train/recorder.py and `step` of train/stages/) -> what they are called.
  const CURVES = {
    accuracy: () => T.t("accuracy"),
    critic: () => T.t("critic's loss"),
    generator: () => T.t("generator's loss"),
    kl: () => T.t("KL divergence, nats"),
    loss: () => T.t("loss"),
    mse: () => T.t("mean squared error"),
    r1: () => T.t("R1 penalty"),
    r2: () => T.t("R2 penalty"),
    roughness: () => T.t("roughness of the samples relative to the data"),
    styles: () => T.t("squared error of the styles"),
    variety_classes: () => T.t("class variety of the samples relative to the data"),
    variety_distance: () => T.t("variety of the samples relative to the data"),
  };
  T.curveName = (name) => CURVES[name]?.() ?? name.replaceAll("_", " ");

  // The drawing of one curve by its name. lines: [{ images, values, title, i }], one or two; nulls are gaps. `from`: the
  // horizontal axis is logarithmic and begins at so many pictures; without it, it begins at 0. `.moveMarker(images)` puts a
  // marker there.
  T.plot = (curve, lines, from = null) => {
    const name = T.curveName(curve);
    const known = lines.flatMap((line) => line.values.filter((v) => v !== null));
    let low = Math.min(...known);
    let high = Math.max(...known);
    if (low === high) [low, high] = [low - 1, high + 1];
    const last = Math.max(...lines.flatMap((line) => line.images), from === null ? 0 : from + 1);
    const share = (n) => (from === null ? n / last : Math.log(Math.max(n, from) / from) / Math.log(last / from));
    const x = (n) => EDGE.left + Math.min(share(n), 1) * (WIDE - EDGE.left - EDGE.right);
    const y = (v) => EDGE.top + ((high - v) / (high - low)) * (HIGH - EDGE.top - EDGE.bottom);
    const path = (line) => {
      let command = "M"; // move the pen; after that "L", draw a line
      let d = "";
      line.values.forEach((v, i) => {
        if (v === null) command = "M";
        else {
          d += `${command}${x(line.images[i]).toFixed(1)} ${y(v).toFixed(1)}`;
          command = "L";
        }
      });
      return d;
    };
    const text = (words, at, side) => svg("text", { ...at, "text-anchor": side }, words);
    const ends = lines.map((line) => {
      const values = line.values.filter((v) => v !== null);
      return T.t("{title}: from {first} to {last}", { title: line.title, first: T.digits(values[0]), last: T.digits(values[values.length - 1]) });
    });
    const words = T.t("{name} over the pictures seen. {ends}.", { name, ends: ends.join("; ") });
    const drawing = svg(
      "svg",
      { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "tf-plot", role: "img", "aria-label": words },
      svg("path", { class: "tf-axis", d: `M${EDGE.left} ${EDGE.top}V${HIGH - EDGE.bottom}H${WIDE - EDGE.right}` }),
      ...(low < 0 && high > 0 ? [svg("path", { class: "tf-zero", d: `M${EDGE.left} ${y(0)}H${WIDE - EDGE.right}` })] : []),
      text(T.digits(high), { x: EDGE.left - 8, y: EDGE.top + 10 }, "end"),
      text(T.digits(low), { x: EDGE.left - 8, y: HIGH - EDGE.bottom }, "end"),
      text(from === null ? "0" : thousands(from), { x: EDGE.left, y: HIGH - 8 }, "middle"),
      text(thousands(last), { x: WIDE - EDGE.right, y: HIGH - 8 }, "end"),
      ...lines.map((line) => svg("path", { class: `tf-line tf-line-${line.i}`, d: path(line) })),
    );
    const figure = el("figure", {}, drawing, el("figcaption", {}, name));
    const marker = svg("path", { class: "tf-marker", d: "" });
    drawing.append(marker);
    figure.moveMarker = (images) => marker.setAttribute("d", `M${x(images).toFixed(1)} ${EDGE.top}V${HIGH - EDGE.bottom}`);
    return figure;
  };

  const indices = new Map(); // promises of a bundle's curves by stage
  // The curves of a bundle by stage. They are in its index, which is fetched when they are first shown.
  T.curvesOf = (bundle) => {
    const key = T.versionOf(bundle);
    if (!indices.has(key)) {
      const reading = T.getJson(bundle.curves, { v: bundle.version }).then(({ training }) =>
        Object.fromEntries(Object.entries(training).filter(([, trained]) => trained.curve).map(([name, trained]) => [name, trained.curve])),
      );
      reading.catch(() => indices.delete(key));
      indices.set(key, reading);
    }
    return indices.get(key);
  };
})();

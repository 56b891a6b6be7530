// Sliders that combine: towards classes, along the strongest directions, and along the dimensions of the VAE's code.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const FIRST = 8; // dimensions that are shown at once; the others unfold
  const REACH = 3; // deviations of the codes each way
  const FAR = 6; // the same, across a class's boundary

  T.moves = () => {
    let seed = 1;
    let dimensions = [];
    const along = new Map();
    const towards = new Map();
    const across = new Map();
    const globally = new Map();
    // Shares of the strongest directions, and how often the boundary of each class is right, for one bundle and model.
    let strong = { of: "", shares: [], boundaries: [] };
    let machine = false; // whether a class is reached across its boundary instead of towards its mean
    const picture = el("canvas", { class: "tf-picture tf-moves-picture", width: 32, height: 32, role: "img", "aria-label": T.t("The moved picture") });
    const live = T.liveCanvas((image) => T.paint(picture, image));
    const ask = T.frame(() => {
      const text = (moves) => [...moves].filter(([, value]) => value).map(([i, value]) => `${i}:${value}`).join(",");
      const params = { m: T.state.m, t: T.state.t, seed };
      if (T.state.c !== null) params.c = T.state.c;
      if (T.state.m === "vae" && text(along)) params.dimensions = text(along);
      if (text(towards)) params.towards = text(towards);
      if (text(across)) params.across = text(across);
      if (text(globally)) params.along = text(globally);
      live(T.picturePath(T.state, "/edit"), params);
    });
    const slider = (moves, i, label, hint, low, high) => {
      return T.slider(label, { min: low, max: high, step: 0.05, value: 0, format: (v) => Number(v).toFixed(2), hint }, (value) => {
        moves.set(i, value);
        ask();
      });
    };
    const field = T.seedField(T.t("Seed"), seed, (next) => {
      seed = next;
      ask();
    });
    const clear = () => [along, towards, across, globally].forEach((moves) => moves.clear());
    const reset = () => {
      clear();
      for (const one of list.querySelectorAll(".tf-slider")) one.put(0);
      ask();
    };
    const list = el("div", { class: "tf-moves-list" });
    // Towards the mean of a class, or across the boundary that a linear SVM found around it.
    const classes = (names, boundaries) => {
      const percent = (share) => (100 * share).toFixed(1);
      const choose = T.segmented("tf-class-way", T.t("Direction of a class"), [["means", T.t("To its mean")], ["machine", T.t("By a linear SVM")]], machine ? "machine" : "means", (way) => {
        machine = way === "machine";
        towards.clear();
        across.clear();
        fill();
        ask();
      });
      const rows = el("div", {});
      const fill = () => {
        if (!machine) {
          rows.replaceChildren(...names.map((name, k) => (k === T.state.c ? null : slider(towards, k, name, T.t("1 = all the way to the mean of that class"), -1, 1.5))).filter(Boolean));
          return;
        }
        const right = T.t("It separates each class from all others and is right on at least {share} % of latents that it had not seen.", { share: percent(Math.min(...boundaries)) });
        rows.replaceChildren(
          el("p", { class: "tf-quiet" }, right),
          ...names.map((name, k) => slider(across, k, name, T.t("Straight across the boundary of this class (right on {share} %), in standard deviations of the latents", { share: percent(boundaries[k]) }), -FAR, FAR)),
        );
      };
      fill();
      return boundaries.length ? [choose, rows] : [rows];
    };
    const build = () => {
      clear();
      const bundle = T.bundle();
      const parts = [];
      const known = strong.of === `${T.state.b} ${T.state.m}`;
      const boundaries = known ? strong.boundaries : [];
      if (!boundaries.length) machine = false;
      if (bundle.classes.length && T.state.c !== null) {
        parts.push([el("h4", {}, T.t("Towards a class")), ...classes(bundle.classes, boundaries)]);
      }
      if (known) {
        parts.push([
          el("h4", {}, T.t("The strongest directions")),
          ...strong.shares.map((share, i) =>
            slider(globally, i, T.t("Direction {n} · {share} %", { n: i + 1, share: (100 * share).toFixed(1) }), T.t("Share of the variance within classes; the slider is in standard deviations"), -REACH, REACH),
          ),
        ]);
      }
      if (T.state.m === "vae" && dimensions.length) {
        const row = ({ i, nats, active }) => {
          const words = T.t("Dimension {i} · {nats} nats", { i, nats: nats.toFixed(2) });
          const one = slider(along, i, words, T.t("In standard deviations of the codes"), -REACH, REACH);
          if (!active) {
            one.classList.add("tf-dead");
            one.input.disabled = true;
            one.title = T.t("This dimension is unused: the decoder ignores it.");
          }
          return one;
        };
        const rest = dimensions.slice(FIRST).map(row);
        parts.push([
          el("h4", {}, T.t("Along the code, most information first")),
          ...dimensions.slice(0, FIRST).map(row),
          rest.length ? el("details", { class: "tf-more" }, el("summary", {}, T.n(rest.length, "{n} more dimension", "{n} more dimensions")), ...rest) : null,
        ]);
      }
      list.replaceChildren(...parts.map((part) => el("section", {}, ...part)));
    };
    const box = el(
      "div",
      { class: "tf-moves" },
      el("div", {}, picture, el("div", { class: "tf-inline" }, field, el("button", { type: "button", class: "tf-button", onclick: reset }, T.t("Back to zero")))),
      list,
    );
    const learn = async () => {
      const { b, m } = T.state;
      const of = `${b} ${m}`;
      if (strong.of === of) return;
      strong = { of, shares: [], boundaries: [] };
      const answer = await fetch(T.url(`explore/${encodeURIComponent(b)}/directions`, { m, v: T.bundle().version })).catch(() => null);
      if (strong.of !== of) return;
      if (!answer || answer.status === 503) strong.of = ""; // asked again at the next refresh
      if (!answer?.ok) return;
      Object.assign(strong, await answer.json());
      built = "";
      box.refresh();
    };
    let built = "";
    box.dimensions = (found) => {
      dimensions = found;
      built = "";
      box.refresh();
    };
    box.refresh = () => {
      const { b, m, c } = T.state;
      learn();
      if (built !== `${b} ${m} ${c}`) build();
      built = `${b} ${m} ${c}`;
      ask();
    };
    return box;
  };
})();

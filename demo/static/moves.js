// Sliders that stack: along the dimensions of the VAE's code, the most informative first, and towards classes.
(() => {
  const T = window.Twofold;
  if (T.moves) return;
  const { el } = T;

  const FIRST = 8; // dimensions shown at once; the others unfold
  const REACH = 3; // deviations of the codes each way

  T.moves = () => {
    let seed = 1;
    let dimensions = [];
    const along = new Map();
    const towards = new Map();
    const globally = new Map();
    let strong = { of: "", shares: [] }; // of the strongest directions, for one bundle and model
    const picture = el("canvas", { class: "tf-picture tf-moves-picture", width: 32, height: 32, role: "img", "aria-label": T.t("The moved picture") });
    const live = T.live((image) => T.paint(picture, image));
    const ask = T.frame(() => {
      const text = (moves) => [...moves].filter(([, value]) => value).map(([i, value]) => `${i}:${value}`).join(",");
      const params = { m: T.state.m, t: T.state.t, a: seed };
      if (T.state.c !== null) params.c = T.state.c;
      if (T.state.m === "vae" && text(along)) params.d = text(along);
      if (text(towards)) params.k = text(towards);
      if (text(globally)) params.g = text(globally);
      live(T.picturePath(T.state, "/edit"), params);
    });
    const sliders = [];
    const slider = (moves, i, label, hint, low, high) => {
      const one = T.slider(label, { min: low, max: high, step: 0.05, value: 0, format: (v) => Number(v).toFixed(2), hint }, (value) => {
        moves.set(i, value);
        ask();
      });
      sliders.push(() => one.put(0));
      return one;
    };
    const field = T.seedField(T.t("Seed"), seed, (next) => {
      seed = next;
      ask();
    });
    const reset = () => {
      along.clear();
      towards.clear();
      globally.clear();
      for (const back of sliders) back();
      ask();
    };
    const list = el("div", { class: "tf-moves-list" });
    const build = () => {
      along.clear();
      towards.clear();
      globally.clear();
      sliders.length = 0;
      const bundle = T.bundle();
      const parts = [];
      if (bundle.classes.length && T.state.c !== null) {
        parts.push(
          el("h4", {}, T.t("Towards a class")),
          ...bundle.classes.map((name, k) => (k === T.state.c ? null : slider(towards, k, name, T.t("1 = as far as the mean of that class lies away"), -1, 1.5))),
        );
      }
      if (strong.of === `${T.state.b} ${T.state.m}`) {
        parts.push(
          el("h4", {}, T.t("The strongest directions")),
          ...strong.shares.map((share, i) =>
            slider(globally, i, T.t("Direction {n} · {share} %", { n: i + 1, share: (100 * share).toFixed(1) }), T.t("Share of the variety, classes left out; in units of its deviation"), -REACH, REACH),
          ),
        );
      }
      if (T.state.m === "vae" && dimensions.length) {
        const row = ({ i, nats, active }) => {
          const words = T.t("Dimension {i} · {nats} nats", { i, nats: nats.toFixed(2) });
          const one = slider(along, i, words, T.t("In units of the deviation of the codes"), -REACH, REACH);
          if (!active) {
            one.classList.add("tf-dead");
            one.input.disabled = true;
            one.title = T.t("This dimension carries nothing: the decoder does not use it.");
          }
          return one;
        };
        const rest = dimensions.slice(FIRST).map(row);
        parts.push(
          el("h4", {}, T.t("Along the code, most information first")),
          ...dimensions.slice(0, FIRST).map(row),
          rest.length ? el("details", { class: "tf-more" }, el("summary", {}, T.n(rest.length, "{n} more dimension", "{n} more dimensions")), ...rest) : null,
        );
      }
      list.replaceChildren(...parts.filter(Boolean));
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
      strong = { of, shares: [] };
      const answer = await fetch(T.url(`explore/${encodeURIComponent(b)}/directions`, { m, v: T.bundle().version })).catch(() => null);
      if (strong.of !== of || !answer?.ok) return;
      strong.shares = (await answer.json()).shares;
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

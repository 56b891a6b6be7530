// Bending the styles of single stages of the GAN: what is done to them is a part of the page's state, as text,
// "2.scale:1.5,5.noise:0.3,seed:7" (bundle/bend.py). Whatever shows a state draws its bends too; Explore's moved pictures,
// mixtures and sums, which are of seeds of their own, and Compare do not.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const MOST_SEED = 9999;
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2);
  // As in bundle/bend.py; usual: the range with which a mapping to it begins.
  const KNOBS = {
    scale: { low: 0, high: 4, neutral: 1, step: 0.05, usual: [0, 2], format: (v) => `× ${Number(v).toFixed(2)}` },
    shift: { low: -4, high: 4, neutral: 0, step: 0.05, usual: [-1.5, 1.5], format: signed },
    rotate: { low: -180, high: 180, neutral: 0, step: 1, usual: [-180, 180], format: (v) => `${signed(v).replace(/\.00$/, "")}°` },
    noise: { low: 0, high: 4, neutral: 0, step: 0.05, usual: [0, 1.5], format: (v) => Number(v).toFixed(2) },
  };
  const label = (knob) => ({ scale: T.t("Scale"), shift: T.t("Shift"), rotate: T.t("Rotate"), noise: T.t("Noise") })[knob];
  const hint = (knob) =>
    ({
      scale: T.t("How far the style is from the average: 1 leaves it as it is, 0 takes the average."),
      shift: T.t("Adds the style of another picture, always the same one; below 0 its opposite."),
      rotate: T.t("Turns the style towards that of another picture and beyond it, in degrees."),
      noise: T.t("Adds random numbers, always the same ones."),
    })[knob];
  // What a stage is for, in words: the first third of them, the last third, and those between.
  const stageRole = (i, count) => {
    if (count < 2) return T.t("the whole picture");
    const place = i / (count - 1);
    if (place < 1 / 3) return T.t("coarse: layout and large shapes");
    return place > 2 / 3 ? T.t("fine: details and colours") : T.t("in between: parts and their shapes");
  };
  const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1);

  Object.assign(T, {
    // How many stages of a model can be bent; 0 for a model without styles.
    bendableStages: (bundle = T.bundle(), m = T.state.m) => (m === "gan" ? (bundle?.stages ?? 0) : 0),
    // What a stage of the synthesis is called: its number, and its size where that is known.
    synthesisStage(i, count, bundle = T.bundle()) {
      const [width, height] = [bundle.width, bundle.height].map((side) => side / 2 ** (count - 1 - i));
      const n = i + 1;
      if (![width, height].every((side) => Number.isInteger(side) && side >= 2)) return T.t("Stage {n}", { n });
      return width === height ? T.t("Stage {n} ({side} px)", { n, side: width }) : T.t("Stage {n} ({width} × {height} px)", { n, width, height });
    },
    // Whether a model has this bend, within its range: "2.scale", or the seed of all.
    isBend(name, value, bundle = T.bundle(), m = T.state.m) {
      if (name === "seed") return Number.isInteger(value) && value >= 0 && value <= MOST_SEED;
      const [stage, knob] = name.split(".");
      if (!Object.hasOwn(KNOBS, knob) || !numbers(T.bendableStages(bundle, m)).map(String).includes(stage)) return false;
      return typeof value === "number" && value >= KNOBS[knob].low && value <= KNOBS[knob].high;
    },
    // Bends as text, those that the model has and that change something, stage by stage.
    bendText(bends, bundle = T.bundle(), m = T.state.m) {
      const parts = numbers(T.bendableStages(bundle, m)).flatMap((stage) =>
        Object.entries(KNOBS).map(([knob, { low, high, neutral }]) => {
          const value = Number(T.fourDecimals(T.numberWithin(bends[`${stage}.${knob}`] ?? null, low, high, neutral)));
          return value === neutral ? "" : `${stage}.${knob}:${value}`;
        }),
      );
      const found = parts.filter(Boolean);
      const seed = Math.round(T.numberWithin(bends.seed ?? null, 0, MOST_SEED, 0));
      return [...found, ...(found.length && seed ? [`seed:${seed}`] : [])].join(",");
    },
    // The bends of a state in words, "stage 2: Scale × 1.50, Rotate +30°"; "" for none.
    describeBend(state = T.state) {
      const bends = T.readMoves(state.bend);
      return numbers(T.bendableStages(T.bundle(state.b), state.m))
        .map((stage) => {
          const own = Object.entries(KNOBS).filter(([knob]) => `${stage}.${knob}` in bends);
          const words = own.map(([knob, { format }]) => `${label(knob)} ${format(bends[`${stage}.${knob}`])}`).join(", ");
          return words && T.t("stage {n}: {words}", { n: stage, words });
        })
        .filter(Boolean)
        .join(" · ");
    },
    // The patch of the state that gives bends other values.
    bendChanged: (patch, state = T.state) => ({ bend: T.bendText({ ...T.readMoves(state.bend), ...patch }, T.bundle(state.b), state.m) }),
    // The parameters that bend these stages: parameters.js.
    bendParameters: () =>
      numbers(T.bendableStages()).flatMap((stage) =>
        Object.entries(KNOBS).map(([knob, { low, high, neutral, usual }]) => ({
          name: `bend.${stage}.${knob}`,
          label: T.t("Stage {n}: {knob}", { n: stage, knob: label(knob) }),
          low,
          high,
          get: () => T.readMoves(T.state.bend)[`${stage}.${knob}`] ?? neutral,
          set: (value) => T.set(T.bendChanged({ [`${stage}.${knob}`]: value })),
          usual,
        })),
      ),

    // The fold with a chooser of the stage and its four sliders; hidden where nothing can be bent. `.refresh()` brings it up
    // to date with the page.
    bendFold() {
      const count = () => T.bendableStages();
      let stage = 1; // that the sliders bend
      let builtFor = "";
      let sliding = false; // one undo for a whole movement
      const summary = el("summary", {});
      const chooser = el("div", { class: "tf-bend-stage" });
      const role = el("p", { class: "tf-quiet", "aria-live": "polite" });
      const sliders = Object.entries(KNOBS).map(([knob, { low, high, neutral, step, format }]) => {
        const slider = T.slider(label(knob), { min: low, max: high, step, value: neutral, format, hint: hint(knob) }, (value) => {
          T.set(T.bendChanged({ [`${stage}.${knob}`]: value }), { undo: !sliding });
          sliding = true;
        });
        slider.input.addEventListener("change", () => (sliding = false));
        return [knob, slider];
      });
      const button = (text, title, action) => el("button", { type: "button", class: "tf-button", title, onclick: action }, text);
      const neutralOf = (one) => Object.fromEntries(Object.entries(KNOBS).map(([knob, { neutral }]) => [`${one}.${knob}`, neutral]));
      const resetStage = button(T.t("Reset this stage"), null, () => T.set(T.bendChanged(neutralOf(stage)), { undo: true }));
      const resetAll = button(T.t("Reset all stages"), null, () => T.set({ bend: "" }, { undo: true }));
      const others = button(T.t("Other directions"), T.t("Another picture to shift and turn towards, and other noise"), () =>
        T.set(T.bendChanged({ seed: 1 + Math.floor(Math.random() * MOST_SEED) }), { undo: true }),
      );
      const choose = (next) => {
        stage = Number(next);
        show();
      };
      const fold = el(
        "details",
        { class: "tf-more tf-slider-fold tf-bend-fold" },
        summary,
        el("p", { class: "tf-quiet" }, T.t("Each stage of the GAN draws at one size, by a style of its own. Here one stage gets another style than the rest.")),
        chooser,
        role,
        el("div", { class: "tf-attribute-list" }, ...sliders.map(([, slider]) => slider)),
        el("div", { class: "tf-buttons" }, resetStage, resetAll, others),
      );
      const build = () => {
        stage = Math.min(stage, count());
        const options = numbers(count()).map((n) => [String(n), String(n), T.synthesisStage(n - 1, count())]);
        const choice = T.segmented("tf-bend-stage", T.t("Stage that is bent, from coarse to fine"), options, String(stage), choose);
        chooser.replaceChildren(el("span", { class: "tf-label" }, T.t("Coarse")), choice, el("span", { class: "tf-label" }, T.t("Fine")));
        T.parameters.replace("bend.", T.bendParameters());
      };
      const show = () => {
        const bends = T.readMoves(T.state.bend);
        const names = Object.keys(bends);
        const words = T.describeBend();
        summary.textContent = words ? `${T.t("Bend")} · ${words}` : T.t("Bend");
        T.say(role, T.t("{stage} of {all}, {role}", { stage: T.synthesisStage(stage - 1, count()), all: count(), role: stageRole(stage - 1, count()) }));
        for (const [knob, slider] of sliders) {
          slider.put(bends[`${stage}.${knob}`] ?? KNOBS[knob].neutral);
          slider.dataset.parameter = `bend.${stage}.${knob}`;
        }
        for (const input of chooser.querySelectorAll("input")) {
          input.parentElement.classList.toggle("tf-bent", names.some((name) => name.startsWith(`${input.value}.`)));
        }
        resetStage.disabled = !names.some((name) => name.startsWith(`${stage}.`));
        resetAll.disabled = !names.length;
        others.disabled = !names.some((name) => /\.(shift|rotate|noise)$/.test(name));
      };
      fold.refresh = () => {
        const wanted = `${T.versionOf()} ${T.state.m} ${count()}`;
        fold.hidden = !count();
        if (builtFor !== wanted) {
          if (count()) build();
          else T.parameters.replace("bend.", []);
        }
        builtFor = wanted;
        if (count()) show();
      };
      return fold;
    },
  });
})();

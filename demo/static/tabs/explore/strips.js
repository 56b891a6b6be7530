// Rows of pictures: rising truncation, two pictures mixed stage by stage, one minus another plus a third.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const TRUNCATIONS = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5];

  // The element for a row of pictures with captions. `.show(jobs)` resolves when they are drawn: { path, params, words } of each.
  T.pictureRow = (label) => {
    const row = el("div", { class: "tf-strip-row", role: "group", "aria-label": label });
    const fill = T.canvasFiller();
    row.show = (jobs) => {
      while (row.children.length > jobs.length) row.lastChild.remove();
      while (row.children.length < jobs.length) {
        row.append(el("figure", {}, T.pictureCanvas(""), el("figcaption", {})));
      }
      return fill(
        jobs.map(({ path, params, words }, i) => {
          const [canvas, caption] = row.children[i].children;
          canvas.setAttribute("aria-label", words);
          caption.textContent = words;
          return { canvas, path, params };
        }),
      );
    };
    return row;
  };
  // A field for a seed; onSeed(seed) is called when it holds a valid one.
  T.seedField = (label, value, onSeed) => {
    const field = el("input", { type: "number", min: 0, max: T.seedCount - 1, step: 1, value, inputmode: "numeric", "aria-label": label });
    field.addEventListener("input", () => {
      const seed = Number(field.value);
      const valid = field.value !== "" && Number.isInteger(seed) && seed >= 0 && seed <= T.seedCount - 1;
      field.setAttribute("aria-invalid", String(!valid));
      if (valid) onSeed(seed);
    });
    return el("label", { class: "tf-seed" }, el("span", { class: "tf-label" }, label), field);
  };
  // Model, class and truncation of the page, as parameters: of a mix of classes the largest.
  const pageParams = () => {
    const { m, c, t } = T.state;
    return c === null ? { m, t } : { m, c, t };
  };

  // The picture from Play at rising truncation. `.refresh()` draws it.
  T.truncationStrip = () => {
    const row = T.pictureRow(T.t("One picture from typical to exaggerated"));
    row.refresh = () =>
      row.show(TRUNCATIONS.map((t) => ({ path: T.picturePath(), params: { ...T.pictureParams(), t }, words: String(t) })));
    return row;
  };

  // A table of precision and recall of the GAN at several truncations; hidden where they were not measured.
  T.precisionAndRecall = () => {
    const rows = el("tbody", {});
    const head = el("thead", {}, el("tr", {}, ...[T.t("Truncation"), T.t("Precision"), T.t("Recall")].map((name) => el("th", { scope: "col" }, name))));
    const explanation = el("p", { class: "tf-quiet" }, T.t("Measured. Precision: share of samples that look like training pictures. Recall: share of training pictures that have a similar sample."));
    const box = el("div", { class: "tf-precision-recall" }, el("table", {}, head, rows), explanation);
    box.refresh = () => {
      const found = new Map((T.bundle().quality?.figures ?? []).map((figure) => [figure.name, figure.value]));
      const at = [...found.keys()].map((name) => /^gan\.precision_at_([\d.]+)$/.exec(name)?.[1]).filter(Boolean);
      box.hidden = T.state.m !== "gan" || !at.length;
      const percent = (name) => T.t("{n} %", { n: Math.round(100 * found.get(name)) });
      const levels = [...at.map((t) => [t, `_at_${t}`]), ["1", ""]].sort(([a], [b]) => a - b);
      rows.replaceChildren(
        ...levels.map(([t, end]) =>
          el("tr", {}, el("th", { scope: "row" }, t), el("td", {}, percent(`gan.precision${end}`)), el("td", {}, percent(`gan.recall${end}`))),
        ),
      );
    };
    return box;
  };

  // Two pictures and the mixture of their stages. `.refresh()` draws it.
  T.mixer = () => {
    const seeds = { seed: 1, other: 2 };
    let taken = []; // whether each stage comes from the second picture
    let labelled = ""; // the version of the bundle whose stages are shown
    const row = T.pictureRow(T.t("Two pictures and their mixture"));
    const stages = el("div", { class: "tf-stages", role: "group", "aria-label": T.t("Stages taken from the second picture") });
    const draw = () => {
      const own = { ...pageParams(), m: "gan" };
      const all = (digit) => digit.repeat(taken.length);
      const job = (stages, words) => ({ path: T.picturePath(T.state, "/mix"), params: { ...own, ...seeds, stages }, words });
      return row.show([
        job(all("0"), T.t("First: seed {seed}", { seed: seeds.seed })),
        job(all("1"), T.t("Second: seed {seed}", { seed: seeds.other })),
        job(taken.map(Number).join(""), T.t("Mixed")),
      ]);
    };
    const drawSoon = T.debounced(draw, 60);
    const fields = Object.keys(seeds).map((name, i) =>
      T.seedField(i ? T.t("Second seed") : T.t("First seed"), seeds[name], (seed) => {
        seeds[name] = seed;
        drawSoon();
      }),
    );
    const box = el("div", { class: "tf-mixer" }, el("div", { class: "tf-inline" }, ...fields), stages, row);
    box.refresh = () => {
      const count = T.bundle().stages;
      box.hidden = !count;
      if (!count) return;
      if (taken.length !== count) taken = Array.from({ length: count }, (_, i) => i >= Math.ceil(count / 2));
      if (labelled !== T.versionOf()) {
        labelled = T.versionOf();
        stages.replaceChildren(
          ...taken.map((on, i) => {
            const input = el("input", { type: "checkbox", checked: on });
            input.addEventListener("change", () => {
              taken[i] = input.checked;
              drawSoon();
            });
            return el("label", {}, input, el("span", {}, T.synthesisStage(i, count)));
          }),
        );
      }
      draw();
    };
    return box;
  };

  // Three pictures, and the first minus the second plus the third. `.refresh()` draws it.
  T.arithmetic = () => {
    const seeds = { seed: 1, minus: 2, plus: 3 };
    const row = T.pictureRow(T.t("Three pictures and the result"));
    const draw = () => {
      const own = pageParams();
      const single = (seed) => ({ path: T.picturePath(T.state, "/sum"), params: { ...own, seed, minus: seed, plus: seed } });
      return row.show([
        { ...single(seeds.seed), words: `A · ${T.t("Seed {seed}", { seed: seeds.seed })}` },
        { ...single(seeds.minus), words: `− B · ${T.t("Seed {seed}", { seed: seeds.minus })}` },
        { ...single(seeds.plus), words: `+ C · ${T.t("Seed {seed}", { seed: seeds.plus })}` },
        { path: T.picturePath(T.state, "/sum"), params: { ...own, ...seeds }, words: "A − B + C" },
      ]);
    };
    const drawSoon = T.debounced(draw, 60);
    const fields = Object.keys(seeds).map((name, i) =>
      T.seedField(T.t("Seed {letter}", { letter: "ABC"[i] }), seeds[name], (seed) => {
        seeds[name] = seed;
        drawSoon();
      }),
    );
    const box = el("div", {}, el("div", { class: "tf-inline" }, ...fields), row);
    box.refresh = draw;
    return box;
  };
})();

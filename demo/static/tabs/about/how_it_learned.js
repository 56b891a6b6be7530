// How it learned: the same latents and held-out pictures at moments of the training, on a slider beside the curves.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COLUMNS = 4; // of pictures on screen
  const FRAME_MS = 350; // from one snapshot to the next while it plays, and …
  const HOLD = 6; // … how many times that at the last one
  const FILMS = ["webp", "gif", "mp4"]; // demo/tabs/training_film.py

  const alarmWords = { collapse: () => T.t("possible mode collapse"), noise: () => T.t("samples that look like noise") };
  const alarmsOf = (snapshot) => snapshot.alarms.map((alarm) => alarmWords[alarm]()).join(", ");
  const HOW = () =>
    T.t("This bundle has no snapshots of its training: its run is older than them, or was not at hand when it was exported. python -m train … --resume takes them from then on; python -m export bundle then puts them into the bundle.");

  // Draws a row of a sheet on a canvas, below the held-out pictures where there are some.
  const drawSnapshot = (canvas, sheet, strip, at) => {
    const [width, height] = [sheet.naturalWidth / strip.pictures, sheet.naturalHeight / (strip.taken.length + strip.held_out)];
    const rows = strip.held_out ? [0, at + 1] : [at];
    T.drawRows(canvas, rows.map((row) => ({ image: sheet, top: row * height })), [height, width], COLUMNS);
  };

  // The element. `.show(bundle, model)` fills it, at the end of the training, and resolves once it is drawn; `.start()` plays it by itself, unless the
  // visitor wants no motion; `.stop()` ends that. Without snapshots it is a sentence on how to get some.
  T.howItLearned = (films = true) => {
    const box = el("div", { class: "tf-learned" });
    let bundle = null;
    let model = null;
    let at = 0; // the snapshot on screen
    let measure = null; // the curve on screen
    let timer = null;
    let render = () => {};
    let drawn = Promise.resolve();

    box.stop = () => {
      clearTimeout(timer);
      timer = null;
      box.onplaying?.();
    };
    const tick = () => {
      const { taken } = bundle.snapshots[model];
      if (!T.visible(box)) return box.stop();
      at = (at + 1) % taken.length;
      render();
      timer = setTimeout(tick, at === taken.length - 1 ? FRAME_MS * HOLD : FRAME_MS);
    };
    const play = () => {
      clearTimeout(timer);
      timer = setTimeout(tick, FRAME_MS);
      box.onplaying?.();
    };
    box.start = () => {
      if (bundle && model && timer === null && !T.reducedMotion.matches) {
        at = 0;
        render();
        play();
      }
    };
    box.show = (shown, wanted) => {
      const models = Object.keys(shown.snapshots ?? {});
      const next = models.includes(wanted) ? wanted : (models[0] ?? null);
      if (shown === bundle && next === model) return drawn;
      box.stop();
      [bundle, model] = [shown, next];
      if (models.length) build();
      else {
        box.replaceChildren(el("p", { class: "tf-quiet" }, HOW()));
        drawn = Promise.resolve();
      }
      return drawn;
    };

    const build = () => {
      const strip = bundle.snapshots[model];
      const { taken } = strip;
      const title = model.toUpperCase();
      at = taken.length - 1;
      const canvas = el("canvas", { class: "tf-picture", role: "img", width: 64, height: 64 });
      const caption = el("p", { class: "tf-caption" });
      const error = T.errorNote();
      const slider = el("input", { type: "range", min: 0, max: taken.length - 1, step: 1, value: at, "aria-label": T.t("Moment of the training") });
      slider.addEventListener("input", () => {
        box.stop();
        at = Number(slider.value);
        render();
      });
      const place = (i) => (taken.length > 1 ? i / (taken.length - 1) : 0);
      const signs = taken.flatMap((snapshot, i) =>
        snapshot.alarms.map((alarm) => {
          const sign = el("i", { class: `tf-alarm tf-alarm-${alarm}`, title: alarmWords[alarm]() });
          sign.style.setProperty("--tf-at", place(i));
          return sign;
        }),
      );
      const kinds = [...new Set(taken.flatMap((snapshot) => snapshot.alarms))];
      const legend = kinds.map((alarm) => {
        const n = taken.filter((snapshot) => snapshot.alarms.includes(alarm)).length;
        const words = T.n(n, "{alarm}: {n} moment", "{alarm}: {n} moments", { alarm: alarmWords[alarm]() });
        return el("span", {}, el("i", { class: `tf-alarm tf-alarm-${alarm}`, "aria-hidden": "true" }), words);
      });
      const playing = el("button", { type: "button", class: "tf-button", onclick: () => (timer === null ? play() : box.stop()) });
      box.onplaying = () => {
        playing.textContent = timer === null ? T.t("Play") : T.t("Pause");
      };
      box.onplaying();
      const curve = el("div", { class: "tf-learned-curve" });
      let figure = null;

      let sheet = null;
      render = () => {
        const snapshot = taken[at];
        const seen = T.t("{n} pictures seen, after {time}", { n: T.wholeNumber(snapshot.images), time: T.duration(snapshot.seconds) });
        const words = [seen, alarmsOf(snapshot)].filter(Boolean).join("; ");
        slider.value = at;
        slider.setAttribute("aria-valuetext", words);
        canvas.setAttribute("aria-label", T.t("{model}: {words}", { model: title, words }));
        caption.replaceChildren(seen, snapshot.alarms.length ? el("strong", {}, alarmsOf(snapshot)) : "");
        if (sheet) drawSnapshot(canvas, sheet, strip, at);
        figure?.moveMarker(snapshot.images);
      };
      const withSheet = T.imageAt(strip.url).then(
        (found) => {
          sheet = found;
          render();
        },
        () => error.show(T.t("The snapshots of the training could not be loaded; reload the page.")),
      );

      const drawCurve = (series, images) => {
        const names = Object.keys(series).filter((name) => series[name].some((v) => v !== null));
        if (!names.includes(measure)) measure = names.find((name) => name === "variety_distance" || name === "mse") ?? names[0];
        figure = T.plot(measure, [{ title, i: 0, images, values: series[measure] }], taken[0].images);
        const pick = el("select", { "aria-label": T.t("Curve") }, ...names.map((name) => el("option", { value: name, selected: name === measure }, T.curveName(name))));
        pick.addEventListener("change", () => {
          measure = pick.value;
          drawCurve(series, images);
          curve.querySelector("select").focus();
        });
        curve.replaceChildren(el("label", { class: "tf-inline" }, T.t("Curve"), pick), el("div", { class: "tf-plots" }, figure));
        render();
      };
      const shown = bundle;
      const withCurve = T.curvesOf(shown).then(
        (curves) => shown === bundle && curves[model] && drawCurve(curves[model].series, curves[model].images),
        (failure) => error.show(failure.message),
      );
      drawn = Promise.all([withSheet, withCurve]);

      const models = Object.keys(bundle.snapshots);
      const choose = (next) => {
        box.show(bundle, next);
        box.querySelector(".tf-segmented input:checked")?.focus();
      };
      box.replaceChildren(
        el("p", { class: "tf-quiet" }, strip.held_out ? T.t("Above, held-out pictures; below, what the VAE made of them as its training went on. The slider is logarithmic: each step multiplies the pictures seen by about the same factor.") : T.t("The same {n} latents, as the training of the GAN went on. The slider is logarithmic: each step multiplies the pictures seen by about the same factor.", { n: strip.pictures })),
        models.length > 1 ? T.segmented(`tf-learned-${films ? "about" : "tour"}`, T.t("Model"), models.map((name) => [name, name.toUpperCase(), T.translate(name)]), model, choose) : "",
        el(
          "div",
          { class: "tf-learned-columns" },
          el(
            "div",
            {},
            canvas,
            caption,
            el("div", { class: "tf-learned-track" }, slider, ...signs),
            legend.length ? el("p", { class: "tf-quiet tf-learned-legend" }, ...legend) : "",
            el("div", { class: "tf-buttons" }, playing),
          ),
          el("div", { class: "tf-learned-side" }, curve, films ? filmButtons(bundle, model, strip, error) : ""),
        ),
        error,
      );
      render();
    };
    return box;
  };

  // Buttons that save the snapshots: films, which a server makes, and the sheet itself.
  const filmButtons = (bundle, model, strip, error) => {
    const save = async (button, format) => {
      button.disabled = true;
      error.show("");
      try {
        const answer = await T.ask(T.url(`training/${bundle.name}/film`, { m: model, format, v: bundle.version }));
        T.saveBlob(await answer.blob(), `${bundle.name}-${model}-training.${format}`);
      } catch (failure) {
        error.show(failure.message);
      }
      button.disabled = false;
    };
    const films = T.facts.exports ? FILMS : [];
    const suffix = /\.(\w+)(\?|$)/.exec(strip.url)?.[1] ?? "png";
    return el(
      "div",
      { class: "tf-buttons", role: "group", "aria-label": T.t("Save the training as a film") },
      ...films.map((format) => {
        const words = T.t("Film as {format}", { format: { webp: "WebP", gif: "GIF", mp4: "MP4" }[format] });
        const button = el("button", { type: "button", class: "tf-button", "data-film": format, onclick: () => save(button, format) }, words);
        return button;
      }),
      el("a", { class: "tf-button", href: strip.url, download: `${bundle.name}-${model}-training.${suffix}` }, T.t("All moments as one sheet")),
    );
  };
})();

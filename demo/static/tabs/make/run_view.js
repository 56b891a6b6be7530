// A run as it learns: how far it is, what it draws by now, any two snapshots side by side, its curves. The tab Make shows it,
// and the page of `python -m demo.watch`. The other end: demo/routes/run_pictures.py.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COLUMNS = { vae: 4, gan: 4 }; // of the pictures of a snapshot
  const CURVES_EVERY = 5000; // ms
  const FIRST_CURVE = { vae: "mse", gan: "variety_distance", inverter: "mse", repair: "mse", classifier: "loss", attributes: "loss" };

  T.runTitle = () => T.t("What it has learned so far");
  // A count to two digits, as what is expected is no more exact.
  const about = (count) => T.wholeNumber(Number(Number(count).toPrecision(2)));
  const afterWords = ([images, seconds]) => T.t("{n} pictures seen, after {time}", { n: T.wholeNumber(images), time: T.duration(seconds) });

  const newestSheet = (stage) => stage.sheets[stage.sheets.length - 1];

  // One snapshot of one stage as a figure. `.put(stage, snapshot, size)` draws it; nothing is asked for twice.
  const snapshotFigure = (base) => {
    const canvas = el("canvas", { class: "tf-picture", role: "img", width: 64, height: 64 });
    const caption = el("figcaption", {});
    const figure = el("figure", { class: "tf-snapshot" }, canvas, caption);
    let drawn = "";
    figure.put = async (stage, snapshot, size) => {
      const [title, what] = T.trainingStages()[stage.name];
      const [images, , version] = snapshot;
      const key = [stage.name, images, version, stage.held_out].join();
      if (key === drawn) return;
      drawn = key;
      const places = [...(stage.held_out ? [T.url(`${base}/held-out/${stage.name}/0.png`, { v: stage.held_out })] : []), T.url(`${base}/snapshots/${stage.name}/${images}.png`, { v: version })];
      try {
        const rows = await Promise.all(places.map((place) => T.imageAt(place)));
        if (drawn !== key) return;
        T.drawRows(canvas, rows.map((image) => ({ image, top: 0 })), size, COLUMNS[stage.name]);
        canvas.setAttribute("aria-label", T.t("{model}: {words}", { model: title, words: `${what} ${afterWords(snapshot)}` }));
        caption.replaceChildren(el("strong", {}, title), " ", afterWords(snapshot));
      } catch {
        if (drawn === key) drawn = ""; // thinned out just now: the next look shows another
      }
    };
    return figure;
  };

  // Any two snapshots of a stage beside each other, each chosen by a slider.
  const snapshotPair = (base) => {
    const figures = [snapshotFigure(base), snapshotFigure(base)];
    let known = { stages: [], size: null };
    let stageName = null;
    let chosen = [0, Infinity]; // places among the snapshots; the last one follows the training
    const sliders = [T.t("Earlier moment"), T.t("Later moment")].map((label, i) =>
      el("input", {
        type: "range",
        min: 0,
        step: 1,
        "aria-label": label,
        oninput: (event) => {
          const last = Number(event.target.max);
          chosen[i] = Number(event.target.value) >= last ? Infinity : Number(event.target.value);
          draw();
        },
      }),
    );
    const pick = el("div", { class: "tf-inline" });
    const box = el(
      "details",
      { class: "tf-more tf-snapshot-pair", hidden: true },
      el("summary", {}, T.t("Compare two moments")),
      pick,
      el("div", { class: "tf-snapshots" }, ...figures.map((figure, i) => el("div", {}, figure, sliders[i]))),
    );
    box.addEventListener("toggle", () => draw());
    const draw = () => {
      if (!box.open || !known.size) return;
      const stage = known.stages.find((one) => one.name === stageName);
      if (!stage) return;
      const last = stage.snapshots.length - 1;
      figures.forEach((figure, i) => {
        const at = Math.min(chosen[i], last);
        sliders[i].max = last;
        sliders[i].value = at;
        sliders[i].setAttribute("aria-valuetext", afterWords(stage.snapshots[at]));
        figure.put(stage, stage.snapshots[at], known.size);
      });
    };
    box.show = (stages, size) => {
      const names = stages.map((stage) => stage.name);
      const changed = names.join() !== known.stages.map((stage) => stage.name).join();
      known = { stages, size };
      box.hidden = !stages.length;
      if (!names.includes(stageName)) stageName = names[names.length - 1] ?? null;
      if (changed) {
        const words = T.trainingStages();
        const choose = (name) => {
          stageName = name;
          chosen = [0, Infinity];
          draw();
        };
        pick.replaceChildren(...(names.length > 1 ? [T.segmented(`tf-pair-${base}`, T.t("Model"), names.map((name) => [name, words[name][0], words[name][1]]), stageName, choose)] : []));
      }
      draw();
    };
    return box;
  };

  // The curves of a stage, fetched anew while it trains.
  const runCurves = (base) => {
    const plots = el("div", { class: "tf-plots" });
    const pick = el("div", { class: "tf-inline" });
    const note = el("p", { class: "tf-quiet" }, T.t("There are curves once a stage has trained for a while."));
    const box = el("details", { class: "tf-more tf-run-curves" }, el("summary", {}, T.t("Curves")), pick, note, plots);
    let names = [];
    let stage = null;
    let follows = true; // the stage that trains
    let [askedAt, asked] = [0, ""];
    const draw = async (key) => {
      askedAt = performance.now();
      asked = key;
      const found = await T.getJson(`${base}/curves/${stage}`).catch(() => null);
      if (!found || asked !== key) return;
      const measures = Object.keys(found.series).filter((name) => found.series[name].filter((v) => v !== null).length > 1);
      const first = FIRST_CURVE[stage];
      measures.sort((a, b) => (b === first) - (a === first));
      note.hidden = measures.length > 0;
      const [title] = T.trainingStages()[stage];
      plots.replaceChildren(...measures.map((name) => T.plot(name, [{ title, i: 0, images: found.images, values: found.series[name] }])));
    };
    const refresh = (images) => {
      const key = `${stage} ${images}`;
      if (box.open && stage && key !== asked && (performance.now() - askedAt > CURVES_EVERY || !asked.startsWith(`${stage} `))) draw(key);
    };
    let lastImages = 0;
    box.addEventListener("toggle", () => refresh(lastImages));
    box.show = (stages, current, images) => {
      lastImages = images;
      const now = stages.map((one) => one.name);
      if (now.join() !== names.join()) {
        names = now;
        if (!names.includes(stage)) [stage, follows] = [null, true];
        const words = T.trainingStages();
        const choose = (name) => {
          [stage, follows] = [name, false];
          asked = "";
          refresh(lastImages);
        };
        pick.replaceChildren(...(names.length > 1 ? [T.segmented(`tf-curves-${base}`, T.t("Stage"), names.map((name) => [name, words[name][0], ""]), current ?? names[0], choose)] : []));
      }
      if (follows) {
        stage = current ?? names[names.length - 1] ?? null;
        pick.querySelector(".tf-segmented")?.choose(stage);
      }
      box.hidden = !names.length;
      refresh(images);
    };
    return box;
  };

  // The newest sheet of each stage: more samples than a snapshot has, and of those stages that have no snapshots.
  const runSheets = (base) => {
    const list = el("div", { class: "tf-make-sheets" });
    const box = el("details", { class: "tf-more", hidden: true }, el("summary", {}, T.t("All samples")), list);
    let drawn = "";
    const draw = (stages) => {
      const key = stages.map((stage) => `${stage.name} ${newestSheet(stage)}`).join();
      if (!box.open || key === drawn) return;
      drawn = key;
      const words = T.trainingStages();
      list.replaceChildren(
        ...stages.map((stage) => {
          const [newest, version] = newestSheet(stage);
          const [title, what] = words[stage.name];
          const address = T.url(`${base}/samples/${stage.name}/${newest}.png`, { v: version });
          return el("figure", { "data-stage": stage.name }, el("img", { class: "tf-picture", src: address, alt: what, loading: "lazy" }), el("figcaption", {}, el("strong", {}, title), " ", T.t("after {n} pictures", { n: T.wholeNumber(newest) })));
        }),
      );
    };
    let known = [];
    box.addEventListener("toggle", () => draw(known));
    box.show = (stages) => {
      known = stages.filter((stage) => stage.sheets.length);
      box.hidden = !known.length;
      draw(known);
    };
    return box;
  };

  // The element. `base`: the address of the run. `.show(run)` shows what GET {base} says. alarmActions(kind, stage): elements
  // that stand beside an alarm, where something can be done about it.
  T.runView = (base, alarmActions = () => []) => {
    const words = el("p", { role: "status", class: "tf-run-words" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Progress of the stage") });
    const left = el("span", { class: "tf-quiet tf-run-left" });
    const progress = el("div", { class: "tf-progress" }, bar, left);
    const expected = el("p", { class: "tf-quiet" });
    const alarms = el("div", { class: "tf-alarms", role: "alert" });
    const sheet = el("figure", { class: "tf-run-sheet", hidden: true });
    const live = el("div", { class: "tf-snapshots tf-run-live" });
    const pair = snapshotPair(base);
    const curves = runCurves(base);
    const sheets = runSheets(base);
    const root = el("div", { class: "tf-run-view" }, words, progress, expected, alarms, sheet, live, pair, curves, sheets);
    const figures = new Map(); // stage -> its figure in `live`
    let said = ""; // the alarms that are shown

    const describe = ({ status, alive }) => {
      const names = T.trainingStages();
      progress.hidden = !alive;
      let sentence = T.t("Nothing is being trained here yet.");
      if (status) {
        const [title] = names[status.stage] ?? [status.stage];
        const state = alive ? (status.state === "measuring" ? T.t("measuring what it has learned") : T.t("training")) : status.state === "finished" ? T.t("finished") : T.t("stopped");
        sentence = T.t("{stage}: {state}", { stage: title, state });
      }
      T.say(words, sentence);
      words.hidden = root.isPart && !alive;
      if (!alive) return;
      const forAll = root.leftForAll ?? (status.of > 1 ? status.left_for_all : null);
      bar.value = status.planned ? Math.min(status.images / status.planned, 1) : 0;
      left.textContent = [
        T.t("{n} pictures seen", { n: T.wholeNumber(status.images) }),
        status.rate ? T.t("{n} pictures/s", { n: T.digits(status.rate, 2) }) : "",
        T.t("{time} left in this step", { time: T.duration(status.left) }),
        forAll === null ? "" : T.t("{time} for all", { time: T.duration(forAll) }),
      ]
        .filter(Boolean)
        .join(" · ");
    };
    const showAlarms = (status, alive) => {
      const warnings = Object.entries((alive && status?.warnings) || {});
      const few = alive && status?.expected && !status.expected.is_enough;
      expected.hidden = !(alive && status?.expected);
      if (!expected.hidden) expected.textContent = T.t("This machine will get to about {n} pictures in this step: enough for {what}.", { n: about(status.expected.images), what: T.translate(status.expected.enough_for) });
      const key = JSON.stringify([warnings, few, status?.stage, root.actionsKey]);
      if (key === said) return;
      said = key;
      alarms.replaceChildren(
        ...warnings.map(([kind, sentence]) => el("div", { class: "tf-error tf-run-alarm" }, el("span", {}, T.alarmWords(kind, sentence)), el("span", { class: "tf-buttons" }, ...alarmActions(kind, status.stage)))),
        ...(few ? alarmActions("few", status.stage) : []),
      );
    };
    // The newest sheet of a stage that has no snapshots, while it trains.
    const showSheet = (stage) => {
      const [newest, version] = stage ? newestSheet(stage) : [];
      const address = stage ? T.url(`${base}/samples/${stage.name}/${newest}.png`, { v: version }) : "";
      if (sheet.dataset.of === address) return;
      sheet.dataset.of = address;
      sheet.hidden = !stage;
      if (!stage) return;
      const [title, what] = T.trainingStages()[stage.name];
      sheet.replaceChildren(el("img", { class: "tf-picture", src: address, alt: what }), el("figcaption", {}, el("strong", {}, title), " ", what));
    };
    const showLive = (run) => {
      const stages = run.stages.filter((stage) => stage.snapshots.length);
      for (const stage of stages) {
        if (!figures.has(stage.name)) {
          figures.set(stage.name, snapshotFigure(base));
          live.append(figures.get(stage.name));
        }
        figures.get(stage.name).put(stage, stage.snapshots[stage.snapshots.length - 1], run.size);
      }
      for (const [name, figure] of figures) {
        if (stages.some((stage) => stage.name === name)) continue;
        figure.remove();
        figures.delete(name);
      }
      const now = run.alive && run.stages.find((stage) => stage.name === run.status.stage);
      showSheet(now && !now.snapshots.length && now.sheets.length ? now : null);
      pair.show(stages.filter((stage) => stage.snapshots.length > 1), run.size);
    };
    root.isPart = false; // whether others say that nothing is trained now
    root.actionsKey = ""; // changes whenever alarmActions would give others
    root.leftForAll = null; // seconds; null: as the command says of its own stages
    root.show = (run) => {
      describe(run);
      showAlarms(run.status, run.alive);
      if (run.size) showLive(run);
      curves.show(run.stages, run.alive ? run.status.stage : null, run.status?.images ?? 0);
      sheets.show(run.stages);
    };
    return root;
  };
  // What an alarm means, for somebody who has buttons instead of flags.
  T.alarmWords = (kind, sentence) =>
    ({
      collapse: T.t("The GAN draws much the same picture again and again (mode collapse)."),
      noise: T.t("What the GAN draws looks like noise."),
    })[kind] ?? T.translate(sentence);
})();

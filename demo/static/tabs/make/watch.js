// Make, third step: how long to train, what the models have learned so far, and how far they are.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LEAST_MINUTES = 5;
  // Stage -> [what it is called, what its sheets show].
  const stagesInWords = () => ({
    vae: [T.t("VAE"), T.t("Your pictures, each beside what the VAE rebuilds of it.")],
    gan: [T.t("GAN"), T.t("What the GAN draws, always from the same noise.")],
    inverter: [T.t("Look-alikes"), T.t("Your pictures, each beside the nearest that the GAN can draw.")],
    repair: [T.t("Repairs"), T.t("Your pictures with holes, repaired by the VAE.")],
    classifier: [T.t("Classifier"), T.t("It tells the classes apart.")],
  });

  // Minutes as people say them: in steps of five beyond twenty, of thirty beyond two hours.
  const nice = (value) => {
    const step = value < 20 ? 1 : value < 120 ? 5 : 30;
    return step * Math.round(value / step);
  };

  // A time in words.
  T.spokenTime = (seconds) => {
    if (seconds === null || seconds === undefined) return "…";
    if (seconds < 90) return T.t("{n} s", { n: Math.round(seconds) });
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? T.t("{n} min", { n: minutes }) : T.t("{h} h {m} min", { h: Math.floor(minutes / 60), m: minutes % 60 });
  };

  // The card of the third step. act(what, minutes): train, pause or play. `.show(status)` shows what GET /make/{project} says.
  T.makeWatch = (facts, act) => {
    const STAGES = stagesInWords();
    let minutes = 30;
    const most = facts.limits.minutes;
    const log = (value) => Math.log2(value);
    const slider = T.slider(
      T.t("How long"),
      { min: log(LEAST_MINUTES), max: log(most), step: 0.05, value: log(minutes), format: (v) => T.spokenTime(60 * nice(2 ** v)), hint: T.t("For all models together. More time makes better pictures.") },
      (v) => {
        minutes = nice(2 ** v);
      },
    );
    const button = (text, what, primary) => el("button", { type: "button", class: `tf-button${primary ? " tf-primary" : ""}`, onclick: () => act(what, minutes) }, text);
    const start = button(T.t("Train"), "train", true);
    const pause = button(T.t("Pause"), "pause");
    const play = button(T.t("Play it now"), "play");
    const words = el("p", { role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Training") });
    const left = el("span", { class: "tf-quiet" });
    const progress = el("div", { class: "tf-progress" }, bar, left);
    const advice = el("p", { class: "tf-error", hidden: true, role: "alert" });
    const sheets = el("div", { class: "tf-make-sheets" });
    const root = el("div", { class: "tf-make-watch" }, slider, words, progress, advice, el("div", { class: "tf-buttons" }, start, pause, play), sheets);

    const sheet = (status, stage) => {
      const all = status.sheets[stage] ?? [];
      const newest = all[all.length - 1];
      const [title, what] = STAGES[stage];
      const address = T.url(`make/${status.name}/samples/${stage}/${newest}.png`);
      return el("figure", { "data-stage": stage }, el("img", { class: "tf-picture", src: address, alt: what }), el("figcaption", {}, el("strong", {}, title), " ", T.t("after {n} pictures", { n: T.wholeNumber(newest) })));
    };
    let drawn = "";
    root.show = (status) => {
      const now = status.training;
      const [busy, waiting] = [status.state === "training", status.state === "waiting"];
      const step = Math.min(status.step + 1, status.steps.length);
      start.hidden = busy || waiting || status.state === "finished";
      start.textContent = status.state === "paused" || status.state === "failed" ? T.t("Go on") : T.t("Train");
      slider.hidden = busy || waiting || status.state === "finished";
      pause.hidden = !busy && !waiting;
      play.hidden = !Object.values(status.sheets).some((list) => list.length) && !status.playable;
      progress.hidden = !busy;
      const sentences = {
        collecting: T.t("The VAE comes first: rebuilt pictures show within a minute. The GAN takes longest. You can play at any time."),
        waiting: T.t("Waiting for another training: place {n} in the queue.", { n: status.place }),
        training: T.t("Step {i} of {n}: {what}", { i: step, n: status.steps.length, what: now ? STAGES[now.stage][0] : T.t("getting ready …") }),
        paused: T.t("Paused. Nothing is lost; go on whenever you like."),
        finished: T.t("Finished. It is among the pictures above, in every tab."),
        failed: T.translate(status.error),
      };
      words.textContent = sentences[status.state];
      words.className = status.state === "failed" ? "tf-error" : "";
      if (now && busy) {
        bar.value = now.planned ? now.images / now.planned : 0;
        const rate = now.rate ? T.t("{n} pictures/s", { n: T.digits(now.rate, 2) }) : "";
        left.textContent = [T.t("{time} left in this step", { time: T.spokenTime(now.left) }), rate].filter(Boolean).join(" · ");
      }
      const warnings = Object.values(now?.warnings ?? {});
      advice.hidden = !warnings.length;
      advice.textContent = warnings.map((sentence) => T.translate(sentence)).join(" ");
      const stages = Object.keys(status.sheets).filter((stage) => status.sheets[stage].length);
      const key = JSON.stringify(stages.map((stage) => status.sheets[stage].length)) + status.name;
      if (key !== drawn) {
        drawn = key;
        sheets.replaceChildren(...stages.map((stage) => sheet(status, stage)));
      }
    };
    return root;
  };
})();

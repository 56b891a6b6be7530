// Make, third step: how long to train and what to expect of it, the training as it goes, and what can be done about it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LEAST_MINUTES = 5;
  const FIRST_MINUTES = 30;
  const MUCH_LONGER = 4; // times

  // Minutes as people say them: in steps of five beyond twenty, of thirty beyond two hours.
  const nice = (value) => {
    const step = value < 20 ? 1 : value < 120 ? 5 : 30;
    return step * Math.round(value / step);
  };
  // What so many pictures are enough for.
  const enoughFor = (levels, images) => (levels.find(([most]) => most === null || images < most) ?? levels[levels.length - 1])[1];

  // The card of the third step. act(what, params): what POST /make/{project}/… does. `.show(status)` shows what
  // GET /make/{project} says; `.calm()` takes back what a button asked.
  T.makeTrain = (facts, act) => {
    const most = facts.limits.minutes;
    let minutes = Math.min(FIRST_MINUTES, most);
    let status = null;
    let touched = false; // whether the visitor has moved the slider since the project was opened, or was given a time
    const expectation = el("p", { class: "tf-quiet", "aria-live": "polite" });
    const slider = T.slider(
      T.t("How long"),
      {
        min: Math.log2(LEAST_MINUTES),
        max: Math.log2(most),
        step: 0.05,
        value: Math.log2(minutes),
        format: (v) => T.duration(60 * nice(2 ** v)),
        hint: T.t("For all models together. More time makes better pictures."),
      },
      (v) => {
        minutes = nice(2 ** v);
        touched = true;
        describeTime();
        showStart();
      },
    );
    slider.classList.add("tf-make-time");
    const button = (text, action, primary) => el("button", { type: "button", class: `tf-button${primary ? " tf-primary" : ""}`, onclick: action }, text);
    // Asks for a time. Once it is given, the slider follows the project again, unless it was moved meanwhile.
    const take = async (what, wanted = minutes) => {
      const [{ name }, before] = [status, minutes];
      if (!(await act(what, { minutes: wanted })) || status.name !== name || minutes !== before) return;
      touched = false;
      root.show(status);
    };
    const start = button(T.t("Train"), () => take("train"), true);
    const pause = button(T.t("Pause"), () => act("pause"));
    let making = null; // the project that is being made playable
    const play = button(T.t("Play it now"), async () => {
      const { name } = status;
      const hadFocus = document.activeElement === play;
      making = name;
      showPlay();
      await act("play");
      if (making === name) making = null;
      showPlay();
      if (hadFocus && document.activeElement === document.body) play.focus({ preventScroll: true });
    });
    const showPlay = () => {
      play.disabled = making === status.name;
      play.textContent = play.disabled ? T.t("Making it playable …") : T.t("Play it now");
    };
    const next = button(T.t("Enough of this step"), () => act("next"));
    next.title = T.t("What it has learned is kept, and the next step begins.");
    const finish = T.sureButton(T.t("Stop here"), T.t("Really stop? What it has learned is kept."), () => act("finish"));
    const change = button(T.t("Use this time"), () => take("minutes"));
    const restart = T.sureButton(T.t("Begin again"), T.t("Really forget all that was learned? The pictures stay."), () => act("start_over"));
    const time = el("div", { class: "tf-make-times" }, slider, change, expectation);
    const longer = el("details", { class: "tf-more" }, el("summary", {}, T.t("Change the time")));
    const place = el("div", {}); // of the time, while it does not stand in `longer`
    const steps = el("ol", { class: "tf-make-steps" });
    const words = el("p", { role: "status" });
    const remedy = (text, name, hint) => el("button", { type: "button", class: "tf-button", title: hint, onclick: () => act("remedy", { name }) }, text);
    const remedies = {
      variety: () => remedy(T.t("Show the critic whole groups"), "variety", T.t("It then sees that the pictures are too much alike. The training goes on with it.")),
      steadiness: () => remedy(T.t("Hold the critic back"), "steadiness", T.t("Steadier learning. The training goes on with it.")),
      slower: () => remedy(T.t("Begin this step again, slower"), "slower", T.t("What this step has learned is forgotten; the other steps stay.")),
    };
    const taken = (name) => status?.remedies.includes(name);
    const alarmActions = (kind, stage) => {
      if (kind === "few") {
        const wanted = Math.min(nice(status.minutes * MUCH_LONGER), most);
        if (wanted <= status.minutes) return [];
        return [el("p", { class: "tf-quiet tf-run-alarm" }, T.t("In more time it sees more pictures."), button(T.t("Take {time} in all", { time: T.duration(60 * wanted) }), () => take("minutes", wanted)))];
      }
      if (stage !== "gan") return [];
      const useful = { collapse: ["variety"], noise: ["steadiness", "slower"] }[kind] ?? [];
      return useful.filter((name) => !taken(name)).map((name) => remedies[name]());
    };
    const failedActions = el("div", { class: "tf-buttons" });
    const added = el("p", { class: "tf-quiet" });
    const outside = el("p", { class: "tf-quiet" });
    const spent = el("p", { class: "tf-quiet", role: "status" });
    const home = el("div", {});
    const root = el(
      "div",
      { class: "tf-make-train" },
      steps,
      words,
      added,
      outside,
      failedActions,
      place,
      spent,
      el("div", { class: "tf-buttons" }, start, pause, play, next, finish, restart),
      longer,
      home,
    );
    let view = null;

    // What the time of the slider comes to, by how fast this machine was in earlier trainings.
    const describeTime = () => {
      const { speeds, small, power, levels } = status?.machine ?? facts.machine;
      const drawing = new Map((status?.steps ?? []).filter((step) => speeds[step.stage] && ["vae", "gan"].includes(step.stage)).map((step) => [step.stage, step]));
      const known = [...drawing.values()]; // the last step of each stage, which has its whole time
      const names = T.trainingStages();
      const parts = known.map((step) => {
        const rate = speeds[step.stage] * (small ** 2 / status.pixels) ** power;
        const images = Number((60 * step.stage_minutes * (minutes / status.minutes) * rate).toPrecision(2));
        return T.t("{stage}: about {n} pictures, enough for {what}", { stage: names[step.stage][0], n: T.wholeNumber(images), what: T.translate(enoughFor(levels[step.stage], images)) });
      });
      const told = parts.length ? T.sentence(parts.join(T.t("; "))) : T.t("How far that gets on this machine is measured in the first seconds of the training.");
      T.say(expectation, told);
    };
    const drawSteps = () => {
      const names = T.trainingStages();
      const rows = status.steps.map((step, i) => {
        const state = status.state === "finished" || i < status.step ? "done" : i === status.step && status.state === "training" ? "now" : "later";
        return el("li", { class: `tf-step-${state}`, "aria-current": state === "now" ? "step" : null }, el("span", {}, names[step.stage][0]), " ", el("small", {}, T.duration(60 * step.minutes)));
      });
      steps.replaceChildren(...rows);
      steps.hidden = status.state === "collecting";
    };
    const sentenceOf = () => {
      const sentences = {
        collecting: T.t("The VAE comes first: rebuilt pictures show within a minute. The GAN takes longest. You can play at any time."),
        waiting: T.t("Waiting for another training: place {n} in the queue.", { n: status.place }),
        training: status.training ? "" : T.t("Getting ready: reading the pictures …"),
        paused: T.t("Paused. Nothing is lost; go on whenever you like."),
        finished: T.t("Finished. It is among the pictures above, in every tab."),
        failed: T.translate(status.error),
      };
      return sentences[status.state];
    };
    // A training that had all of its time learns nothing more in the same.
    const showStart = () => {
      const nothing = status.state === "finished" && !status.short_of_time && minutes <= status.minutes;
      start.disabled = nothing;
      spent.hidden = !nothing;
      added.hidden = !status.added || nothing;
      if (nothing) T.say(spent, status.minutes >= most ? T.t("Its time is used up: a training may take {time} in all.", { time: T.duration(60 * most) }) : T.t("It has had {time} already: it learns more only in a longer time.", { time: T.duration(60 * status.minutes) }));
    };
    root.calm = () => [finish, restart].forEach((button) => button.calm());
    root.show = (shown) => {
      const isOther = status?.name !== shown.name;
      status = shown;
      if (isOther) {
        touched = false;
        view = T.runView(`make/${status.name}/run`, alarmActions);
        view.isPart = true;
        home.replaceChildren(view);
      }
      const busy = status.state === "training";
      const waiting = status.state === "waiting";
      const finished = status.state === "finished";
      if (!touched) {
        minutes = Math.min(finished ? nice(status.minutes * 2) : status.minutes, most);
        slider.put(Math.log2(minutes));
      }
      drawSteps();
      const sentence = sentenceOf();
      T.say(words, sentence);
      words.hidden = !sentence;
      words.className = status.state === "failed" ? "tf-error" : "";
      start.hidden = busy || waiting;
      start.textContent = finished ? T.t("Teach it more") : status.resting ? T.t("Go on") : T.t("Train");
      start.classList.toggle("tf-primary", !finished);
      showStart();
      pause.hidden = !busy && !waiting;
      pause.textContent = waiting ? T.t("Leave the queue") : T.t("Pause");
      const drawn = status.run.stages.some((stage) => stage.snapshots.length || stage.sheets.length);
      play.hidden = !drawn && !status.playable;
      play.classList.toggle("tf-primary", finished || busy);
      showPlay();
      next.hidden = !busy || !drawn;
      finish.hidden = !drawn || finished || waiting;
      restart.hidden = busy || waiting || status.state === "collecting";
      change.hidden = !busy;
      longer.hidden = !busy;
      const where = busy ? longer : place;
      if (time.parentElement !== where) where.append(time);
      time.hidden = waiting;
      added.textContent = T.n(status.added, "{n} new picture joins when it goes on.", "{n} new pictures join when it goes on.");
      outside.hidden = !status.outside;
      outside.textContent = T.n(status.outside, "{n} picture is not learned from: it is in none of the classes that were learned. Bring it in a folder that is called like one.", "{n} pictures are not learned from: they are in none of the classes that were learned. Bring them in folders that are called like these.");
      const stage = status.steps[status.step]?.stage;
      const diverged = status.diverged && ["vae", "gan"].includes(stage);
      failedActions.hidden = !diverged;
      if (diverged && !failedActions.children.length) failedActions.append(remedies.slower());
      describeTime();
      view.actionsKey = JSON.stringify([status.remedies, status.minutes]);
      view.leftForAll = busy ? status.left : null;
      view.hidden = status.state === "collecting" || (waiting && !drawn);
      view.show(status.run);
    };
    return root;
  };
})();

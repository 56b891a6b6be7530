// Refines a model's first answer by search, round by round, with its error as a curve; it can be stopped at any time.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const ROUNDS = 20; // each time the button is pressed

  // The card. begin(request) starts a search, end() stops it. `.show(report)` takes a round's report; `.over()` says that the
  // search is done; `.reset()` forgets it; `.running()` says whether there is one.
  T.refineCard = (begin, end) => {
    let model = "gan";
    let running = false;
    let stopped = false;
    let last = null; // the last report, whose point the next search starts from
    let errors = [];
    let earlier = []; // errors of earlier searches that this one continues
    let seed = 0;
    const picture = T.captionedPicture(T.t("Best so far"), T.t("The best picture that the search has found"));
    const curve = T.errorCurve("");
    const note = el("p", { class: "tf-quiet tf-refine-note", "aria-live": "polite" });
    const button = el("button", { type: "button", class: "tf-button tf-primary", onclick: () => (running ? stop() : start()) });
    const modelChoice = T.segmented(
      "tf-refine-model",
      T.t("Model to refine"),
      [
        ["gan", "GAN", T.t("Search for the style whose picture comes closest")],
        ["vae", "VAE", T.t("Search for the code that explains the picture best")],
      ],
      model,
      (value) => {
        model = value;
        card.reset();
      },
    );
    const meaning = el("p", { class: "tf-quiet" });
    const card = el(
      "section",
      { class: "tf-card tf-refine", "aria-label": T.t("Refine") },
      el("h3", {}, T.t("Refine by search")),
      meaning,
      el("div", { class: "tf-inline" }, modelChoice, button),
      note,
      el("div", { class: "tf-refined" }, picture, curve),
    );

    const format = (value) => (model === "gan" ? value.toFixed(5) : T.t("{nats} nats", { nats: value.toFixed(1) }));
    const describe = () => {
      button.textContent = running ? T.t("Stop") : T.t("Refine ({rounds} rounds)", { rounds: ROUNDS });
      const rounds = Math.max(0, errors.length - 1);
      const mse = last?.mse.toFixed(5);
      if (!last) note.textContent = T.t("No search yet: the result above comes from a single pass.");
      else if (stopped && !running) note.textContent = T.n(rounds, "stopped after {n} round of search, MSE {mse}", "stopped after {n} rounds of search, MSE {mse}", { mse });
      else note.textContent = T.n(rounds, "after {n} round of search, MSE {mse}", "after {n} rounds of search, MSE {mse}", { mse });
    };
    const start = () => {
      running = true;
      stopped = false;
      earlier = errors.slice(0, -1); // the search begins with the error that the last one ended on
      describe();
      begin({ model, rounds: ROUNDS, seed: seed++, start: last?.point ?? null });
    };
    const stop = () => {
      if (!running) return;
      stopped = true;
      end();
      card.over();
    };
    card.show = (report) => {
      if (!running || report.model !== model) return;
      last = report;
      errors = [...earlier, ...report.errors];
      picture.put(report.image, report.reading);
      curve.rename(model === "gan" ? T.t("Mean squared error") : T.t("Energy"));
      curve.put(errors, earlier.length + report.rounds, format);
      if (report.errors.length > report.rounds) card.over();
      else describe();
    };
    card.over = () => {
      running = false;
      describe();
    };
    card.stop = stop;
    card.running = () => running;
    // For another picture, mask or model the results no longer apply.
    card.reset = () => {
      if (running) end();
      running = stopped = false;
      last = null;
      errors = [];
      seed = 0;
      picture.put("");
      curve.put([], 0, format);
      meaning.textContent =
        model === "gan"
          ? T.t("64 styles per round, sampled around the best. The error is the mean squared error on the visible pixels.")
          : T.t("64 codes per round, sampled around the best. The energy weighs the error on the visible pixels against how likely the code is.");
      describe();
    };
    card.useBundle = (bundle) => {
      card.hidden = !bundle.inverts && !bundle.repairs;
      const possible = { gan: bundle.inverts, vae: bundle.repairs };
      if (!possible[model]) model = bundle.inverts ? "gan" : "vae";
      modelChoice.choose(model);
      for (const input of modelChoice.querySelectorAll("input")) input.disabled = !possible[input.value];
      card.reset();
    };
    card.pictures = () => [[T.t("Refined by search"), picture.href()]];
    return card;
  };
})();

// Refines a model's first answer by search, round by round, with its error as a curve; it can be stopped at any time.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const ROUNDS = 20; // each time the button is pressed

  // `begin(wish)` starts a search, `end()` stops it. `.show(report)` takes a round's report; `.over()` says it is done.
  T.refineBlock = (begin, end) => {
    let model = "gan";
    let running = false;
    let stopped = false;
    let found = null; // the last report, whose point the next search starts from
    let errors = [];
    let earlier = []; // errors of earlier searches that this one continues
    let seed = 0;
    const picture = T.figure(T.t("Best so far"), T.t("The best picture that the search has found"));
    const curve = T.errorCurve("");
    const note = el("p", { class: "tf-quiet tf-refine-note", "aria-live": "polite" });
    const button = el("button", { type: "button", class: "tf-button tf-primary", onclick: () => (running ? halt() : go()) });
    const choose = T.segmented(
      "tf-refine-model",
      T.t("Model to refine"),
      [
        ["gan", "GAN", T.t("Search for the style whose picture comes closest")],
        ["vae", "VAE", T.t("Search for the code that explains the picture best")],
      ],
      model,
      (value) => {
        model = value;
        block.reset();
      },
    );
    const meaning = el("p", { class: "tf-quiet" });
    const block = el(
      "section",
      { class: "tf-card tf-refine", "aria-label": T.t("Refine") },
      el("h3", {}, T.t("Refine by search")),
      meaning,
      el("div", { class: "tf-inline" }, choose, button),
      note,
      el("div", { class: "tf-refined" }, picture, curve),
    );

    const format = (value) => (model === "gan" ? value.toFixed(5) : T.t("{nats} nats", { nats: value.toFixed(1) }));
    const tell = () => {
      button.textContent = running ? T.t("Stop") : T.t("Refine ({rounds} rounds)", { rounds: ROUNDS });
      const rounds = Math.max(0, errors.length - 1);
      if (!found) note.textContent = T.t("No search yet: the result above comes from a single pass.");
      else {
        const words = stopped && !running ? T.t("stopped after {rounds} rounds of search, MSE {mse}") : T.t("after {rounds} rounds of search, MSE {mse}");
        note.textContent = words.replace("{rounds}", rounds).replace("{mse}", found.mse.toFixed(5));
      }
    };
    const go = () => {
      running = true;
      stopped = false;
      earlier = errors.slice(0, -1); // the search begins with the error that the last one ended on
      tell();
      begin({ model, rounds: ROUNDS, seed: seed++, start: found?.point ?? null });
    };
    const halt = () => {
      if (!running) return;
      stopped = true;
      end();
      block.over();
    };
    block.show = (report) => {
      if (!running || report.model !== model) return;
      found = report;
      errors = [...earlier, ...report.errors];
      picture.put(report.image, report.reading);
      curve.rename(model === "gan" ? T.t("Mean squared error") : T.t("Energy"));
      curve.put(errors, earlier.length + report.rounds, format);
      if (report.errors.length > report.rounds) block.over();
      else tell();
    };
    block.over = () => {
      running = false;
      tell();
    };
    block.halt = halt;
    block.running = () => running;
    // For another picture, mask or model the results no longer apply.
    block.reset = () => {
      if (running) end();
      running = stopped = false;
      found = null;
      errors = [];
      seed = 0;
      picture.put("");
      curve.put([], 0, format);
      meaning.textContent =
        model === "gan"
          ? T.t("64 styles per round, sampled around the best. The error is the mean squared error on the visible pixels.")
          : T.t("64 codes per round, sampled around the best. The energy weighs the error on the visible pixels against how likely the code is.");
      tell();
    };
    block.suit = (bundle) => {
      block.hidden = !bundle.inverts && !bundle.repairs;
      const possible = { gan: bundle.inverts, vae: bundle.repairs };
      if (!possible[model]) model = bundle.inverts ? "gan" : "vae";
      choose.choose(model);
      for (const input of choose.querySelectorAll("input")) input.disabled = !possible[input.value];
      block.reset();
    };
    block.pictures = () => [[T.t("Refined by search"), picture.href()]];
    return block;
  };
})();

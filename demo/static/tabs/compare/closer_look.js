// A closer look at one picture: where the critic looks, and the training pictures nearest to it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LARGEST = 5_000_000; // bytes of an uploaded file
  // The card. send(request) asks the server; its answers go to `.answer(value)`.
  T.closerLook = (send) => {
    const { sides } = T;
    let source = "tile";
    let cover = "blur";
    let upload = null; // { data, name } of a file
    let sent = 0;
    let waiting = null; // the picture that was asked for, in words

    const file = el("input", { type: "file", accept: "image/png,image/jpeg,image/webp,image/gif,image/bmp", "aria-label": T.t("Choose a picture file") });
    const number = el("input", { type: "number", min: 1, value: 1, step: 1, inputmode: "numeric", "aria-label": T.t("Number of the held-out picture") });
    const tile = el("p", { class: "tf-caption" });
    const panels = {
      tile,
      test: el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Held-out picture")), number),
      file: el("div", {}, file),
    };
    const sourceChoice = T.segmented(
      "tf-closer-source",
      T.t("Which picture"),
      [
        ["tile", T.t("Chosen above"), T.t("The picture that was clicked in the grids")],
        ["test", T.t("Held-out picture"), T.t("A picture that no model has seen in training")],
        ["file", T.t("Upload"), T.t("Bring a file")],
      ],
      source,
      (value) => {
        source = value;
        describe();
      },
    );
    const go = el("button", { type: "button", class: "tf-button tf-primary", onclick: () => look() }, T.t("Look closer"));
    const error = T.errorNote();
    const about = el("p", { class: "tf-quiet", role: "status" });
    const attention = T.criticAttention((value) => {
      cover = value;
      look();
    });
    const nearest = T.nearestTraining();
    const results = el("div", { class: "tf-closer-results", hidden: true }, attention, nearest);
    const card = el(
      "section",
      { class: "tf-card tf-closer", "aria-label": T.t("A closer look at one picture") },
      el("h3", {}, T.t("A closer look at one picture")),
      el("p", { class: "tf-quiet" }, T.t("What looks real to the critic, and is it a copy of a training picture? Click a picture in the grids above, or bring your own.")),
      el("div", { class: "tf-inline" }, sourceChoice, ...Object.values(panels), go),
      error,
      about,
      results,
    );

    // The picture that is chosen, in words, and as the server must know it.
    const chosen = () => {
      const { side, i } = sides.pick;
      const { b, m, bundle, title } = sides.both()[side];
      const seed = sides.first + i;
      if (source === "tile") {
        const c = sides.classOf(side, seed);
        const words = [title, T.t("Seed {seed}", { seed }), T.className(c, bundle)].filter(Boolean).join(" · ");
        return { words, request: { b, m, seed, c, t: T.state.t } };
      }
      const c = bundle.classes.length ? (T.state.b === b ? (T.state.c ?? 0) : 0) : null;
      if (source === "test") {
        return { words: T.t("Held-out picture {n} of {title}", { n: number.value, title: bundle.title }), request: { b, c, test: Math.round(Number(number.value)) - 1 } };
      }
      return { words: upload?.name ?? "", request: { b, c, picture: upload?.data } };
    };
    const describe = () => {
      for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== source;
      const { bundle } = sides.both()[sides.pick.side];
      number.max = bundle.examples;
      tile.textContent = source === "tile" ? chosen().words : "";
    };
    const idle = () => {
      waiting = null;
      go.disabled = false;
    };
    const giveUp = T.debounced(() => {
      idle();
      about.textContent = "";
      error.show(T.busyMessage);
    }, T.replyTimeout);
    const look = () => {
      error.show("");
      const { words, request } = chosen();
      if (source === "file" && !upload) {
        error.show(T.t("Choose a picture file first."));
        return;
      }
      sent += 1;
      waiting = words;
      go.disabled = true;
      about.textContent = T.t("Looking …");
      send({ ...request, cover, n: sent });
      giveUp();
    };
    card.answer = (value) => {
      if (!value || value.n !== sent || waiting === null) return;
      giveUp.cancel();
      const words = waiting;
      idle();
      about.textContent = value.error ? "" : T.t("Shown below: {words}", { words });
      error.show(value.error ?? "");
      if (value.error) return;
      results.hidden = false;
      attention.show(value.critic, value.picture, words);
      nearest.show(value.nearest, value.picture, words);
    };
    // What a file holds, as a data URL.
    const dataOf = (one) =>
      new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.addEventListener("load", () => resolve(reader.result));
        reader.addEventListener("error", () => reject(reader.error));
        reader.readAsDataURL(one);
      });
    file.addEventListener("change", async () => {
      const one = file.files[0];
      upload = null;
      error.show("");
      if (!one) return;
      if (one.size > LARGEST) {
        error.show(T.t("The file is too large: at most 5 MB are accepted."));
        return;
      }
      try {
        const data = await T.reading(dataOf(one));
        if (file.files[0] !== one) return; // another one was chosen meanwhile
        upload = { data, name: one.name };
        look();
      } catch (failure) {
        if (file.files[0] === one) error.show(failure.message);
      }
    });
    sides.on(T.debounced(describe, 60));
    describe();
    return card;
  };
})();

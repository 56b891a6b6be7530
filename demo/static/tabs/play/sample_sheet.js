// The sample sheet: the pictures of the first seeds, drawn when the bundle was made, so that no model has to run.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COLUMNS = 8; // of the sheet, as in export/assemble.py

  // The card with the sheet; choose(state) is called with the place of the picture that was chosen. `.show(bundle)` shows
  // the sheet of a bundle, `.highlight()` frames the tile that Play shows.
  T.sampleSheet = (choose) => {
    const note = el("p", { class: "tf-quiet" });
    const sheet = el("div", { class: "tf-sheet", role: "group" });
    const card = el("section", { class: "tf-card", "aria-label": T.t("Sample sheet") }, el("h3", {}, T.t("Start from a seed")), note, sheet);
    let highlighted = -1;

    const tile = (bundle, seed, rows) => {
      const c = T.seedClass(seed, bundle);
      const name = T.className(c, bundle);
      const words = [T.t("Seed {seed}", { seed }), name && T.t("class {name}", { name })].filter(Boolean).join(" · ");
      const button = el("button", {
        type: "button",
        tabindex: seed === 0 ? 0 : -1,
        "aria-label": words,
        title: words,
        onclick: () => choose({ m: bundle.models[0], x: seed, y: 0, c }),
      });
      const share = (i, count) => (count > 1 ? (100 * i) / (count - 1) : 0);
      button.style.backgroundImage = `url("${T.url(bundle.sheet.url)}")`;
      button.style.backgroundSize = `${COLUMNS * 100}% ${rows * 100}%`;
      button.style.backgroundPosition = `${share(seed % COLUMNS, COLUMNS)}% ${share(Math.floor(seed / COLUMNS), rows)}%`;
      return button;
    };
    card.show = (bundle) => {
      const { count } = bundle.sheet;
      const last = count - 1;
      highlighted = -1;
      sheet.setAttribute("aria-label", T.t("{count} sample pictures of {title}, seeds 0 to {last}. Arrow keys move.", { count, title: bundle.title, last }));
      note.textContent = bundle.models.includes("gan")
        ? T.t("The GAN's pictures of seeds 0 to {last}, drawn when the bundle was made.", { last })
        : T.t("Pictures of seeds 0 to {last}, drawn when the bundle was made.", { last });
      sheet.replaceChildren(...Array.from({ length: count }, (_, seed) => tile(bundle, seed, Math.ceil(count / COLUMNS))));
    };
    card.highlight = () => {
      const { m, x, y } = T.state;
      const seed = y === 0 && Number.isInteger(x) && m === T.bundle().models[0] ? x : -1;
      if (seed === highlighted) return;
      sheet.children[highlighted]?.classList.remove("tf-chosen");
      sheet.children[seed]?.classList.add("tf-chosen");
      highlighted = seed;
    };
    T.arrowKeys(sheet, () => [...sheet.children], () => COLUMNS);
    return card;
  };
})();

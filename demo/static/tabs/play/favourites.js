// Favourites: states of the page, kept in this browser; their pictures are drawn again.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const MOST = 60;

  // The card with the favourites. It adds T.keepFavourite() and T.favourites().
  T.favouritesCard = () => {
    const favourites = el("div", { class: "tf-favourites" });
    const nothingKept = el("p", { class: "tf-quiet" }, T.t("Nothing kept yet. Press “Keep” to keep a picture in this browser."));
    const card = el("section", { class: "tf-card tf-favourites-card", "aria-label": T.t("Favourites") }, el("h3", {}, T.t("Favourites")), nothingKept, favourites);

    const load = () => {
      const kept = T.storage.read("favourites");
      return Array.isArray(kept) ? kept.filter((state) => state && T.bundle(state.b)).map(T.valid) : [];
    };
    const store = () => {
      if (T.storage.keep("favourites", kept)) return;
      T.showMessage(T.t("This browser does not let the page store anything, so favourites are lost when it closes."));
    };
    let kept = load();
    const fill = T.canvasFiller();
    const draw = () => {
      nothingKept.hidden = kept.length > 0;
      const canvases = kept.map((state) => T.pictureCanvas(null, "", T.bundle(state.b)));
      favourites.replaceChildren(
        ...kept.map((state, i) => {
          const what = T.describe(state);
          return el(
            "div",
            { class: "tf-favourite" },
            el("button", { type: "button", "aria-label": T.t("Show favourite: {what}", { what }), title: what, onclick: () => T.set(state, { undo: true }) }, canvases[i]),
            el("button", { type: "button", class: "tf-remove", "aria-label": T.t("Remove favourite: {what}", { what }), onclick: () => remove(i) }, T.t("Remove")),
          );
        }),
      );
      fill(kept.map((state, i) => ({ canvas: canvases[i], path: T.picturePath(state), params: T.pictureParams(state) })));
    };
    const remove = (i) => {
      kept.splice(i, 1);
      store();
      draw();
    };
    // Keeps the picture that Play shows, as the first.
    T.keepFavourite = () => {
      const same = JSON.stringify(T.state);
      kept = [T.state, ...kept.filter((state) => JSON.stringify(state) !== same)].slice(0, MOST);
      store();
      draw();
    };
    // The states that are kept.
    T.favourites = () => [...kept];
    draw();
    return card;
  };
})();

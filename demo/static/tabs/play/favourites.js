// Favourites: states of the page, kept in this browser; their pictures are drawn again.
const T = window.Twofold;
const { el } = T;

const MOST = 60;
const favourites = el("div", { class: "tf-favourites" });
const noFavourites = el("p", { class: "tf-quiet" }, T.t("Nothing kept yet. Press “Keep” to keep a picture in this browser."));
element.replaceChildren(
  el("section", { class: "tf-card", "aria-label": T.t("Favourites") }, el("h3", {}, T.t("Favourites")), noFavourites, favourites),
);

const SHELF = "twofold.favourites";
const load = () => {
  try {
    const kept = JSON.parse(localStorage.getItem(SHELF) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => one && T.bundle(one.b)).map(T.valid) : [];
  } catch {
    return [];
  }
};
const store = (kept) => {
  try {
    localStorage.setItem(SHELF, JSON.stringify(kept));
  } catch {
    T.showMessage(T.t("This browser does not let the page store anything, so favourites are lost when it closes."));
  }
};
let kept = load();
const fillShelf = T.canvasFiller();
const drawFavourites = () => {
  noFavourites.hidden = kept.length > 0;
  const jobs = [];
  favourites.replaceChildren(
    ...kept.map((state, i) => {
      const picture = el("canvas", { class: "tf-picture", width: 32, height: 32 });
      jobs.push({ canvas: picture, path: T.picturePath(state), params: T.pictureParams(state) });
      const name = T.describe(state);
      return el(
        "div",
        { class: "tf-favourite" },
        el("button", { type: "button", "aria-label": T.t("Show favourite: {what}", { what: name }), title: name, onclick: () => T.set(state, { undo: true }) }, picture),
        el("button", { type: "button", class: "tf-remove", "aria-label": T.t("Remove favourite: {what}", { what: name }), onclick: () => discard(i) }, T.t("Remove")),
      );
    }),
  );
  fillShelf(jobs);
};
T.keepFavourite = () => {
  const same = JSON.stringify(T.state);
  kept = [T.state, ...kept.filter((one) => JSON.stringify(one) !== same)].slice(0, MOST);
  store(kept);
  drawFavourites();
};
T.favourites = () => [...kept];
const discard = (i) => {
  kept.splice(i, 1);
  store(kept);
  drawFavourites();
};
drawFavourites();

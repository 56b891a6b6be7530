// Gallery: favourites whose pictures were drawn when the page was written; each opens what it shows in Play.
const T = window.Twofold;
const { el } = T;

const entries = (T.facts.gallery ?? []).flatMap(({ url, bundle, state }) => {
  const known = T.bundle(bundle);
  const page = known && T.pageOfState(state, known);
  return page ? [{ url, known, state: T.valid(page) }] : [];
});
const tile = ({ url, known, state }, i) => {
  const what = `${known.title} · ${T.describe(state)}`;
  const picture = el("img", { class: "tf-picture", src: url, alt: what, width: known.width, height: known.height, loading: "lazy" });
  const open = () => {
    T.set(state, { undo: true });
    T.showPlay();
  };
  return el("button", { type: "button", tabindex: i ? -1 : 0, title: what, onclick: open }, picture);
};
const grid = el("div", { class: "tf-samples tf-gallery", role: "group", "aria-label": T.n(entries.length, "{n} picture. Arrow keys move.", "{n} pictures. Arrow keys move.") }, ...entries.map(tile));
T.arrowKeys(grid, () => [...grid.children], () => getComputedStyle(grid).gridTemplateColumns.split(" ").length);
element.replaceChildren(
  el(
    "section",
    { class: "tf-card", "aria-label": T.t("Gallery") },
    el("h3", {}, T.t("Gallery")),
    el("p", { class: "tf-quiet" }, T.t("Pictures that were chosen for this page. Open one to travel from it.")),
    grid,
  ),
);

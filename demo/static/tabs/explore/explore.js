// Explore: a map of the latent space, what moves in it do, and a guided tour.
const T = window.Twofold;
const { el } = T;

let seen = null; // the server's description of the map on screen
const moves = T.moves();
const tour = T.tour();
const map = T.latentMap((found) => {
  seen = found;
  moves.dimensions(found.dimensions);
  if (T.visible(tour)) tour.show(found);
});
const strip = T.truncationStrip();
const traded = T.precisionAndRecall();
const mixer = T.mixer();
const sums = T.arithmetic();
const card = (title, text, ...content) => el("section", { class: "tf-card tf-wide", "aria-label": title }, el("h3", {}, title), el("p", { class: "tf-quiet" }, text), ...content);

const mapCard = card(T.t("Latent map"), T.t("The VAE's codes, projected onto a plane. Similar pictures are close together; every point decodes to a picture."), map);
const stripCard = card(T.t("From typical to odd"), T.t("The picture from Play at rising truncation: 0 is the average, 1 is as trained, above 1 exaggerates."), strip, traded);
const mixCard = card(T.t("Style mixing"), T.t("Coarse stages set the layout, fine stages the details. Choose which ones come from the second picture."), mixer);
const sumCard = card(T.t("A − B + C"), T.t("Latents can be added: what A has and B does not, applied to C."), sums);
const movesCard = card(T.t("Moves"), T.t("Sliders that combine on one picture."), moves);
element.replaceChildren(
  el(
    "div",
    { class: "tf-explore" },
    el("div", { class: "tf-explore-top" }, mapCard, el("div", { class: "tf-explore" }, stripCard, mixCard, sumCard)),
    movesCard,
    card(T.t("A tour in five steps"), T.t("For teaching: the latent space, explained with the models on screen."), tour),
  ),
);

const refresh = () => {
  if (!T.visible(element)) return;
  const bundle = T.bundle();
  // A generator made elsewhere is one graph: it has no styles to mix or to add.
  const styled = Boolean(bundle.device) || bundle.models.includes("vae");
  const vae = bundle.models.includes("vae");
  mapCard.hidden = !vae;
  mixCard.hidden = !bundle.device?.gan;
  sumCard.hidden = !styled;
  movesCard.hidden = !styled;
  if (vae) map.show();
  else seen = null;
  strip.refresh();
  traded.refresh();
  mixer.refresh();
  if (styled) sums.refresh();
  if (styled) moves.refresh();
  tour.show(vae ? seen : null);
};
T.on(T.later(refresh, 150));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(element);
refresh();
if (T.query.get("tour") === "1") {
  setTimeout(() => tour.closest(".tf-card").scrollIntoView({ behavior: T.reducedMotion.matches ? "auto" : "smooth" }), 600);
}

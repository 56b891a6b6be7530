// Explore: a map of the latent space, what moves in it do, and a guided tour.
const T = window.Twofold;
const { el } = T;

let mapFacts = null; // the server's description of the map on screen, …
let mapOf = ""; // … and its bundle
const moves = T.moves();
const tour = T.tour();
const map = T.latentMap((facts) => {
  [mapFacts, mapOf] = [facts, facts ? T.state.b : ""]; // null: the map cannot be drawn
  moves.useDimensions(facts?.dimensions ?? []);
  if (facts && T.visible(tour)) tour.show(facts);
});
const truncationStrip = T.truncationStrip();
const precisionAndRecall = T.precisionAndRecall();
const mixer = T.mixer();
const blend = T.blendWith();
const arithmetic = T.arithmetic();
const card = (title, text, ...content) => el("section", { class: "tf-card", "aria-label": title }, el("h3", {}, title), el("p", { class: "tf-quiet" }, text), ...content);

const mapCard = card(T.t("Latent map"), T.t("The VAE's codes, projected onto a plane. Similar pictures are close together; every point decodes to a picture."), map);
const truncationCard = card(T.t("From typical to odd"), T.t("The picture from Play at rising truncation: 0 is the average, 1 is as trained, above 1 exaggerates."), truncationStrip, precisionAndRecall);
const mixerCard = card(T.t("Style mixing"), T.t("Coarse stages set the layout, fine stages the details. Choose which ones come from the second picture."), mixer, blend);
const arithmeticCard = card(T.t("A − B + C"), T.t("Latents can be added: what A has and B does not, applied to C."), arithmetic);
const finder = T.ownDirectionFinder();
const finderCard = card(
  T.t("Find your own direction"),
  T.t("Mark variations that have what you mean, and some that do not. After a few rounds it is a slider, with the name that you give it."),
  finder,
);
const movesCard = card(T.t("Moves"), T.t("Sliders that combine on one picture."), moves);
const top = el("div", { class: "tf-explore-top" }, mapCard, el("div", { class: "tf-explore" }, truncationCard, mixerCard, arithmeticCard));
element.replaceChildren(
  el(
    "div",
    { class: "tf-explore" },
    top,
    movesCard,
    finderCard,
    card(T.t("A guided tour"), T.t("For teaching: the latent space, explained with the models on screen."), tour),
  ),
);

const refresh = () => {
  if (!T.visible(element)) return;
  const bundle = T.bundle();
  const vae = bundle.models.includes("vae");
  // A generator made elsewhere is one graph: it has no styles to mix or to add.
  const editable = Boolean(bundle.device) || vae;
  mapCard.hidden = !vae;
  top.classList.toggle("tf-without-map", !vae);
  mixerCard.hidden = !bundle.device?.gan;
  arithmeticCard.hidden = !editable;
  movesCard.hidden = !editable;
  if (vae) map.show();
  truncationStrip.refresh();
  precisionAndRecall.refresh();
  mixer.refresh();
  blend.refresh();
  if (editable) arithmetic.refresh();
  if (editable) moves.refresh();
  finder.refresh();
  tour.show(mapOf === bundle.name ? mapFacts : null);
};
T.on(T.debounced(refresh, 150));
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && refresh()).observe(element);
refresh();
if (T.query.get("tour") === "1") {
  setTimeout(() => tour.closest(".tf-card").scrollIntoView({ behavior: T.reducedMotion.matches ? "auto" : "smooth" }), 600);
}

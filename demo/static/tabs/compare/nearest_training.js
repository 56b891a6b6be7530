// The training pictures nearest to a picture, and how near that is compared with held-out pictures.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element with the pictures. `.show(found, picture, words)`: what the server found (demo/tabs/compare/nearest_training.py),
  // the picture, and what it is called.
  T.nearestTraining = () => {
    const summary = el("p", { class: "tf-caption" });
    const strip = el("div", { class: "tf-nearest" });
    const note = el("p", { class: "tf-quiet" });
    const box = el(
      "div",
      {},
      el("h4", {}, T.t("Nearest training pictures")),
      el("p", { class: "tf-quiet" }, T.t("A copy would be much closer to its training picture than pictures that were never trained on are to theirs.")),
      summary,
      strip,
      note,
    );
    const figure = (source, alt, ...words) =>
      el("figure", {}, source ? el("img", { class: "tf-picture", src: source, alt }) : el("div", { class: "tf-not-shown" }, T.t("Not shown: the data may not be redistributed")), el("figcaption", {}, ...words));
    box.show = (found, picture, words) => {
      strip.hidden = note.hidden = Boolean(found.missing);
      summary.classList.toggle("tf-quiet", Boolean(found.missing));
      if (found.missing) {
        summary.textContent = T.translate(found.missing);
        return;
      }
      const values = { share: Math.round(100 * found.nearer), n: T.wholeNumber(found.held_out) };
      summary.textContent = found.remarkable
        ? T.t("Nearer to a training picture than {share} % of {n} held-out pictures are: check whether it is a copy.", values)
        : T.t("Nearer to a training picture than {share} % of {n} held-out pictures are: nothing unusual.", values);
      strip.replaceChildren(
        figure(picture, words, el("strong", {}, T.t("This picture"))),
        ...found.pictures.map((one, i) =>
          figure(
            one.picture,
            T.t("Nearest training picture {n}", { n: i + 1 }) + (one.class ? `, ${one.class}` : ""),
            el("strong", {}, one.distance.toFixed(2)),
            one.class ? el("span", {}, one.class) : null,
          ),
        ),
      );
      note.textContent = T.t("The number is the distance between the VAE's codes. Floor: held-out pictures are {median} from their nearest training picture (median); 5 % are nearer than {low}, 95 % nearer than {high}. Searched: {of} of {train} training pictures.", {
        median: found.median.toFixed(2),
        low: found.low.toFixed(2),
        high: found.high.toFixed(2),
        of: T.wholeNumber(found.of),
        train: T.wholeNumber(found.train),
      });
      if (found.of < found.train) note.textContent += ` ${T.t("Copies of pictures that were not searched are not found.")}`;
    };
    return box;
  };
})();

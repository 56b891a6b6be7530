// A picture with a title, a caption, and what the classifier reads in it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // What the classifier sees, "reads 3 · 98 %", from its probabilities; empty where there is no classifier.
  T.classifiedText = (probabilities) => {
    if (!probabilities) return "";
    const best = probabilities.indexOf(Math.max(...probabilities));
    const name = T.bundle().classes[best] ?? String(best);
    const words = T.t("reads {name} · {percent} %", { name, percent: (100 * probabilities[best]).toFixed(0) });
    return words.replace(/ %$/, "\u00a0%"); // never alone on a line
  };

  // The element with the picture. `.put(href, probabilities, note)` shows a picture; without href the figure is hidden. `.href()` is what it shows.
  T.captionedPicture = (title, alt) => {
    const picture = el("img", { class: "tf-picture", alt });
    const classified = el("span", { class: "tf-classified" });
    const note = el("span", { class: "tf-quiet" });
    const figure = el("figure", { hidden: true }, picture, el("figcaption", {}, el("strong", {}, title), classified, note));
    figure.put = (href, probabilities = null, words = "") => {
      figure.hidden = !href;
      if (href) picture.src = href;
      else picture.removeAttribute("src");
      classified.textContent = T.classifiedText(probabilities);
      classified.hidden = !classified.textContent;
      note.textContent = words;
      note.hidden = !words;
    };
    figure.href = () => (figure.hidden ? null : picture.src);
    return figure;
  };

  // A list of names and numbers: [[name, text, hint], …].
  T.numberList = (pairs) => el("dl", { class: "tf-numbers" }, ...pairs.map(([name, text, hint]) => el("div", { title: hint }, el("dt", {}, name), el("dd", {}, text))));
})();

// A picture with a title, a caption, and what the classifier reads in it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // "reads 3 · 98 %"; empty where there is no classifier.
  T.readingText = (probabilities) => {
    if (!probabilities) return "";
    const best = probabilities.indexOf(Math.max(...probabilities));
    const name = T.bundle().classes[best] ?? String(best);
    const words = T.t("reads {name} · {percent} %", { name, percent: (100 * probabilities[best]).toFixed(0) });
    return words.replace(/ %$/, "\u00a0%"); // never alone on a line
  };

  // `.put(href, reading, note)` shows a picture; without href the figure is hidden. `.href()` is what it shows.
  T.figure = (title, alt) => {
    const picture = el("img", { class: "tf-picture", alt });
    const reading = el("span", { class: "tf-reads" });
    const note = el("span", { class: "tf-quiet" });
    const figure = el("figure", { hidden: true }, picture, el("figcaption", {}, el("strong", {}, title), reading, note));
    figure.put = (href, probabilities = null, words = "") => {
      figure.hidden = !href;
      if (href) picture.src = href;
      else picture.removeAttribute("src");
      reading.textContent = T.readingText(probabilities);
      reading.hidden = !reading.textContent;
      note.textContent = words;
      note.hidden = !words;
    };
    figure.rename = (text, words) => {
      figure.querySelector("strong").textContent = text;
      picture.alt = words;
    };
    figure.href = () => (figure.hidden ? null : picture.src);
    return figure;
  };

  // Name and number pairs: [[name, text, hint], …].
  T.numberList = (pairs) => el("dl", { class: "tf-numbers" }, ...pairs.map(([name, text, hint]) => el("div", { title: hint }, el("dt", {}, name), el("dd", {}, text))));
})();

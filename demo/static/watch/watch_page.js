// The page of `python -m demo.watch`: a run as it learns, looked at every second. Read only. The other end: demo/watch.py.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const POLL = 1000; // ms from one look to the next
  const root = document.getElementById("tf-watch");
  const error = T.errorNote();
  const view = T.runView("run");
  const other = T.language === "en" ? "zh-CN" : "en";
  const language = el("button", { type: "button", class: "tf-button", lang: other, onclick: () => T.switchLanguage(other) }, T.languages[other]);
  const brand = el("div", { class: "tf-brand" }, el("strong", {}, "Twofold"), el("span", {}, document.title.replace(" · Twofold", "")));
  root.replaceChildren(el("header", { class: "tf-bar-row" }, brand, language), error, el("section", { class: "tf-card" }, el("h3", {}, T.runTitle()), view));
  const look = async () => {
    if (!document.hidden) {
      try {
        view.show(await T.getJson("run"));
        error.show("");
      } catch (failure) {
        error.show(failure.message);
      }
    }
    setTimeout(look, POLL);
  };
  look();
})();

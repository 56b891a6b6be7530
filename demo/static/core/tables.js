// Tables and code blocks of API and About, and what figures need there and in Compare.
(() => {
  const T = window.Twofold;
  const { el } = T;

  Object.assign(T, {
    // A table that scrolls inside its card where it is too wide; the first cell of a row names it.
    table(caption, head, rows, kind = "") {
      return el(
        "div",
        { class: `tf-scroll ${kind}`, tabindex: 0, role: "region", "aria-label": caption },
        el(
          "table",
          {},
          el("caption", {}, caption),
          el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
          el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, i) => (i ? el("td", {}, cell) : el("th", { scope: "row" }, cell)))))),
        ),
      );
    },
    // What is said of a figure, with the number of pictures where that is its own.
    counted: (text, count) => (count ? T.t("{figure}, {n} pictures", { figure: text, n: T.wholeNumber(count) }) : text),
    code: (text) => el("pre", { class: "tf-code", tabindex: 0 }, el("code", {}, text)),
    bytes: (n) => (n < 1e6 ? `${Math.max(1, Math.round(n / 1000))} kB` : `${(n / 1e6).toFixed(1)} MB`),
    // A button that copies what `text()` gives, and says so.
    copier(label, text, name = label) {
      const button = el("button", { class: "tf-button tf-copy", type: "button", "aria-label": name }, label);
      const back = T.later(() => (button.textContent = label), 2000);
      button.addEventListener("click", async () => {
        button.textContent = (await T.copy(text())) ? T.t("Copied") : T.t("Copy it by hand");
        back();
      });
      return button;
    },
  });
})();

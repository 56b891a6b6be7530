// Tables, code blocks and copy buttons.
(() => {
  const T = window.Twofold;
  const { el } = T;

  Object.assign(T, {
    // A table that scrolls inside its card where it is too wide; the first cell of a row names it.
    table(caption, head, rows, style = "") {
      return el(
        "div",
        { class: `tf-scroll ${style}`, tabindex: 0, role: "region", "aria-label": caption },
        el(
          "table",
          {},
          el("caption", {}, caption),
          el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
          el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((cell, i) => (i ? el("td", {}, cell) : el("th", { scope: "row" }, cell)))))),
        ),
      );
    },
    // A block of code, reachable with Tab because it may scroll.
    code: (text) => el("pre", { class: "tf-code", tabindex: 0 }, el("code", {}, text)),
    // What cannot be shown, and why: a paragraph for each bundle that the server could not open.
    unavailableBundles: () =>
      T.facts.unavailable.map((bundle) =>
        el("p", { class: "tf-error" }, T.t("{name} is unavailable: {reason}", { name: bundle.name, reason: T.translate(bundle.reason) })),
      ),
    // A button that copies what `text()` gives, and says so.
    copyButton(label, text, name = label) {
      const button = el("button", { class: "tf-button tf-copy", type: "button", "aria-label": name }, label);
      const show = (words, spoken = words) => {
        button.textContent = words;
        button.setAttribute("aria-label", spoken); // or nobody would hear the words
      };
      const back = T.debounced(() => show(label, name), 2000);
      button.addEventListener("click", async () => {
        show((await T.copyText(text())) ? T.t("Copied") : T.t("Copy it by hand"));
        back();
      });
      return button;
    },
  });
})();

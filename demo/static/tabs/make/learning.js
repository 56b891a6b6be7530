// Bundles that still learn: a notice in the bar, beside the picker of pictures, and a button that renews what is played.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The notice. It shows while the bundle of a project that goes on learning is chosen.
  T.learningNotice = () => {
    const error = T.errorNote();
    const words = el("span", { class: "tf-learning" }, el("i", { "aria-hidden": "true" }), T.t("still learning"));
    const renew = el("button", { type: "button", class: "tf-button" }, T.t("Show what it has learned since"));
    const root = el("div", { class: "tf-learning-notice", hidden: true }, words, renew, error);
    renew.addEventListener("click", async () => {
      const { made } = T.bundle();
      error.show("");
      renew.disabled = true;
      renew.textContent = T.t("Making it playable …");
      try {
        T.replaceBundle(await T.makePlay(made));
      } catch (failure) {
        error.show(failure.message);
      }
      renew.disabled = false;
      renew.textContent = T.t("Show what it has learned since");
    });
    const refresh = () => {
      root.hidden = !T.bundle()?.learning;
      error.show("");
    };
    T.on((after, before) => after.b !== before.b && refresh());
    refresh();
    return root;
  };
})();

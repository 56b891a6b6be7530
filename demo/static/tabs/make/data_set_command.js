// Make, second step: the chosen pictures as a data set beside the run, and the command that trains it from a terminal.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element. ready() resolves when every choice has reached the server. `.load(project)` is for another project.
  T.dataSetCommand = (ready) => {
    const error = T.errorNote();
    const words = el("p", { role: "status" });
    const code = el("code");
    const block = el("pre", { class: "tf-code", hidden: true, tabindex: 0 }, code);
    let project = null;
    const write = el("button", { type: "button", class: "tf-button" }, T.t("Write the data set"));
    const copy = el("button", { type: "button", class: "tf-button", hidden: true }, T.t("Copy"));
    write.addEventListener("click", async () => {
      error.show("");
      try {
        await ready();
        const made = await T.makePost(`make/${project}/set`, {});
        words.textContent = T.t("{n} pictures are in {folder}. This command trains them, in a run of its own:", { n: T.wholeNumber(made.pictures), folder: made.folder });
        code.textContent = made.command;
        block.hidden = copy.hidden = false;
      } catch (failure) {
        error.show(failure.message);
      }
    });
    copy.addEventListener("click", async () => {
      copy.textContent = (await T.copyText(code.textContent)) ? T.t("Copied") : T.t("Copy");
    });
    const root = el("details", { class: "tf-more" }, el("summary", {}, T.t("Train it from a terminal")), el("p", { class: "tf-quiet" }, T.t("Your choice is stored as a data set, which the command line reads. Training here writes it too.")), el("div", { class: "tf-buttons" }, write, copy), words, block, error);
    root.load = (name) => {
      project = name;
      block.hidden = copy.hidden = true;
      words.textContent = "";
      copy.textContent = T.t("Copy");
      error.show("");
    };
    return root;
  };
})();

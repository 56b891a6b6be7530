// Make, second step: the chosen pictures as a data set beside the run, and the command that trains it from a terminal.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element. ready() resolves when every choice has reached the server. `.load(project)` is for another project.
  T.dataSetCommand = (ready) => {
    const error = T.errorNote();
    const words = el("p", { role: "status" });
    const block = T.code("");
    const code = block.firstChild;
    let project = null;
    const write = el("button", { type: "button", class: "tf-button" }, T.t("Write the data set"));
    const copy = T.copyButton(T.t("Copy"), () => code.textContent);
    block.hidden = copy.hidden = true;
    write.addEventListener("click", async () => {
      const name = project;
      error.show("");
      try {
        await ready();
        const made = await T.makePost(`make/${name}/set`, {});
        if (project !== name) return;
        words.textContent = T.t("{n} pictures are in {folder}. This command trains them, in a run of its own:", { n: T.wholeNumber(made.pictures), folder: made.folder });
        code.textContent = made.command;
        block.hidden = copy.hidden = false;
      } catch (failure) {
        if (project === name) error.show(failure.message);
      }
    });
    const root = el("details", { class: "tf-more" }, el("summary", {}, T.t("Train it from a terminal")), el("p", { class: "tf-quiet" }, T.t("Your choice is stored as a data set, which the command line reads. Training here writes it too.")), el("div", { class: "tf-buttons" }, write, copy), words, block, error);
    root.load = (name) => {
      project = name;
      block.hidden = copy.hidden = true;
      words.textContent = "";
      error.show("");
    };
    return root;
  };
})();

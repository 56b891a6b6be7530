// Make, second step: the part of one picture that is used, chosen by hand in a dialog; with the keyboard too.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The dialog. onCrop(file, part): this part is used, null for all of it. `.choosePart(project, files, file, found, crops)` shows a
  // picture, from which one can step to the others in `files`; `.file()` is the one that is shown.
  T.cropByHand = (onCrop) => {
    const error = T.errorNote();
    const board = T.cropper(() => {});
    const title = el("h3");
    const button = (text, action, primary) => el("button", { type: "button", class: `tf-button${primary ? " tf-primary" : ""}`, onclick: action }, text);
    let now = null; // { project, files, file, found, crops }
    const step = (by) => show(now.files[now.files.indexOf(now.file) + by]);
    const previous = button(T.t("Previous picture"), () => step(-1));
    const next = button(T.t("Next picture"), () => step(1));
    const decide = (part) => {
      now.crops = { ...now.crops, [now.file]: part };
      onCrop(now.file, part);
      if (next.disabled) dialog.close();
      else step(1);
    };
    const use = button(T.t("Use this part"), () => decide(board.shares().map((share) => Math.min(1, Math.max(0, share)))), true);
    const all = button(T.t("Use all of it"), () => decide(null));
    const dialog = el("dialog", { class: "tf-make-dialog", "aria-label": T.t("Crop by hand") }, title, board, error, el("div", { class: "tf-buttons" }, use, all, previous, next, button(T.t("Close"), () => dialog.close())));

    const show = async (file) => {
      now.file = file;
      error.show("");
      const at = now.files.indexOf(file);
      const focused = document.activeElement;
      [previous.disabled, next.disabled] = [at <= 0, at >= now.files.length - 1];
      if (focused.disabled) (focused === previous ? next : previous).focus(); // at either end
      title.textContent = T.t("Picture {i}", { i: now.found.files.indexOf(file) + 1 });
      use.disabled = true;
      const waits = () => focused === use && [use, document.body].includes(document.activeElement); // nothing else was chosen since
      try {
        const answer = await T.ask(T.url(`make/${now.project}/picture.jpg`, { file }));
        const bitmap = await createImageBitmap(await answer.blob());
        if (now.file !== file) return;
        const [height, width] = now.found.sides;
        board.useBundle({ width, height, channels: 3, dataset: { fit: "crop" } });
        board.put(bitmap);
        if (now.crops[file]) board.choose(now.crops[file]);
        use.disabled = false;
        if (waits()) use.focus();
      } catch (failure) {
        if (now.file !== file) return;
        board.clear();
        error.show(failure.message);
        if (waits()) all.focus();
      }
    };
    dialog.file = () => now.file; // that is shown
    dialog.choosePart = async (project, files, file, found, crops) => {
      now = { project, files, file, found, crops };
      dialog.showModal();
      await show(file);
      board.querySelector(".tf-crop-frame").focus({ preventScroll: true });
    };
    return dialog;
  };
})();

// The drop zone of About: is a picture marked, by which bundle, does that draw it again?
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LARGEST = 16_000_000; // bytes, as demo/routes/verify.py takes them

  // { mark, sentences } about a file, from the server; the static page puts its own in its place.
  T.verifyFile = async (file) => {
    if (file.size > LARGEST) throw new Error(T.t("The file is too large: at most {n} MB are accepted.", { n: LARGEST / 1e6 }));
    await T.reading(file.slice(0, 1).arrayBuffer()); // or the server would be blamed
    return (await T.ask(T.url("verify"), { method: "POST", body: file })).json();
  };

  // The card with it. `where`: a sentence about where the file goes.
  T.verifyCard = (where) => {
    const chosen = el("input", { type: "file", class: "tf-hidden", accept: "image/png,image/webp,image/gif,video/mp4", "aria-label": T.t("Picture to check") });
    const told = el("div", { role: "status", class: "tf-verified" });
    const error = T.errorNote();
    const zone = el("label", { class: "tf-drop tf-verify-drop" }, chosen, el("strong", {}, T.t("Choose a picture")), el("span", { class: "tf-quiet" }, T.t("or drop one here: PNG, WebP, GIF or MP4")));
    let asked = 0;
    const check = async (file) => {
      const mine = ++asked;
      error.show("");
      told.replaceChildren(el("p", { class: "tf-quiet" }, T.t("Checking {file} …", { file: file.name })));
      try {
        const { mark, sentences } = await T.verifyFile(file);
        if (mine !== asked) return;
        const note = el("p", { class: "tf-quiet" });
        const open = el("button", { type: "button", class: "tf-button", onclick: () => openIt(mark, note) }, T.t("Open it"));
        told.replaceChildren(
          el("p", {}, el("strong", {}, file.name)),
          ...sentences.map((sentence) => el("p", {}, T.translate(sentence))),
          ...(mark && T.opensMark(mark) ? [el("div", { class: "tf-buttons" }, open), note] : []),
        );
      } catch (failure) {
        if (mine !== asked) return;
        told.replaceChildren();
        error.show(failure.message);
      }
      chosen.value = "";
    };
    const openIt = (mark, note) => {
      note.textContent = T.openMark(mark);
      if (mark.state.draw === "film" || mark.state.draw === "morph") return;
      if (T.showPlay) T.showPlay();
      else T.openTab("play");
    };
    chosen.addEventListener("change", () => chosen.files[0] && check(chosen.files[0]));
    T.dropZone(zone, check);
    return el(
      "section",
      { class: "tf-card", "aria-label": T.t("Is it generated?") },
      el("h3", {}, T.t("Is it generated?")),
      el("p", { class: "tf-quiet" }, T.t("Pictures that leave this page are marked: that a model drew them, which bundle, and what draws them again. A picture without a mark may come from anywhere.")),
      zone,
      el("p", { class: "tf-quiet" }, where),
      told,
      error,
    );
  };
})();

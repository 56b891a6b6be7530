// Make, first step: pictures that the server fetches itself: a ready set to try, and where the page is the owner's own machine,
// a folder, a zip or a data set by its name.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LOOK_EVERY = 500; // ms, while pictures are being fetched
  // Ready set -> [what it is called, what it holds]. counts: ready set -> how many pictures.
  const setsInWords = (counts) => {
    const many = (name) => ({ n: T.wholeNumber(counts[name] ?? 0) });
    return {
      shapes: [T.t("Drawn shapes"), T.t("{n} drawn shapes in four classes, with known colours, sizes and places", many("shapes"))],
      avatars: [T.t("Avatars"), T.t("{n} heads by four illustrators, with glasses, smiles and colours", many("avatars"))],
      mnist: [T.t("Handwritten digits"), T.t("{n} digits of MNIST, fetched from the Hugging Face Hub", many("mnist"))],
      fashion: [T.t("Fashion"), T.t("{n} pieces of clothing of Fashion-MNIST, fetched from the Hugging Face Hub", many("fashion"))],
    };
  };

  // The part of the card. projectNow() and project() as for T.makeBring; onArrived() is called when all are there, onTold(fetch)
  // whenever GET /make/{project}/source says something new. `.resume(project)` goes on watching, `.forget()` watches no longer.
  T.makeFetched = (facts, projectNow, project, onArrived, onTold) => {
    const SETS = setsInWords(facts.ready);
    const path = el("input", { type: "text", class: "tf-make-path", "aria-label": T.t("A folder, a zip or a data set"), placeholder: T.t("~/Pictures/cats or owner/name"), spellcheck: "false", autocapitalize: "off" });
    const fetchIt = el("button", { type: "button", class: "tf-button" }, T.t("Fetch"));
    const stop = el("button", { type: "button", class: "tf-button", hidden: true }, T.t("Stop fetching"));
    let watching = null; // the project whose fetch is watched

    const fail = (failure) => onTold({ state: "failed", error: failure.message, done: 0, of: 0, stored: 0, refused: {} });
    const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    // How far the fetch of a project is; null where there is none, or another project is watched by now. Where an answer is lost
    // it is asked for again.
    const fetchOf = async (name) => {
      for (;;) {
        const answer = await T.getJson(`make/${name}/source`).catch((failure) => {
          if (watching === name && failure.status !== undefined) throw failure;
          return null;
        });
        if (watching !== name) return null;
        if (answer) return answer.fetch;
        await pause();
      }
    };
    const watch = async (name) => {
      watching = name;
      for (;;) {
        const fetch = await fetchOf(name);
        if (!fetch) return;
        onTold(fetch);
        stop.hidden = !fetch.under_way;
        if (stop.hidden) {
          watching = null;
          if (fetch.stored) onArrived();
          return;
        }
        await pause();
      }
    };
    const begin = async (params) => {
      let name = projectNow();
      try {
        name = await project(name);
        await T.ask(T.url(`make/${name}/source`, params), { method: "POST", headers: T.makeHeaders });
        if (projectNow() === name) await watch(name);
      } catch (failure) {
        if (projectNow() === name) fail(failure);
      }
    };
    fetchIt.addEventListener("click", () => begin({ path: path.value }));
    path.addEventListener("keydown", (event) => event.key === "Enter" && begin({ path: path.value }));
    stop.addEventListener("click", async () => {
      const name = watching;
      try {
        await T.ask(T.url(`make/${name}/source`), { method: "DELETE", headers: T.makeHeaders });
      } catch (failure) {
        if (projectNow() === name) fail(failure);
      }
    });
    const ready = Object.keys(facts.ready).map((name) => el("button", { type: "button", class: "tf-button", title: SETS[name][1], onclick: () => begin({ ready: name }) }, SETS[name][0]));
    const root = el(
      "div",
      { class: "tf-make-fetched" },
      facts.own_machine && el("div", { class: "tf-inline" }, el("span", { class: "tf-label" }, T.t("From this machine")), path, fetchIt),
      ready.length > 0 && el("div", { class: "tf-inline", role: "group", "aria-label": T.t("To try") }, el("span", { class: "tf-label" }, T.t("To try")), ...ready),
      stop,
    );
    root.resume = async (name) => {
      watching = name;
      stop.hidden = true;
      try {
        const fetch = await fetchOf(name);
        if (fetch && fetch.under_way) await watch(name);
      } catch (failure) {
        if (projectNow() === name) fail(failure);
      }
    };
    root.forget = () => {
      watching = null;
      stop.hidden = true;
    };
    return root;
  };
})();

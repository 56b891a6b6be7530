// Make, fourth step: a name, a licence and a description; figures; the zip; to serve and to publish it; to delete it.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LICENCES = ["CC BY 4.0", "CC BY-SA 4.0", "CC BY-NC 4.0", "CC0 1.0"];
  const FIRST_FIGURES = 6;
  const ASK_AGAIN = 2000; // ms after an answer was lost

  // The card of the fourth step. limits: those of GET /make; act(what, params, body): what POST /make/{project}/… does;
  // onDelete(): removes the project. `.show(status)` shows what GET /make/{project} says; `.calm()` takes back what a button asked.
  T.makeKeep = (limits, act, onDelete) => {
    let status = null;
    let kept = null; // what GET /make/{project}/keep says
    let seen = ""; // what it was asked for

    const error = T.errorNote();
    const field = (label, input) => el("label", { class: "tf-make-field" }, el("span", { class: "tf-label" }, label), input);
    const title = el("input", { type: "text", maxlength: limits.title });
    const licence = el("input", { type: "text", maxlength: limits.licence, list: "tf-make-licences", placeholder: T.t("not stated") });
    const list = el("datalist", { id: "tf-make-licences" }, ...LICENCES.map((name) => el("option", { value: name })));
    const description = el("textarea", { rows: 3, maxlength: limits.description, placeholder: T.t("What the pictures are, where they come from, what the generator is good for") });
    const save = el("button", { type: "submit", class: "tf-button" }, T.t("Write it down"));
    const form = el("form", { class: "tf-make-describe" }, field(T.t("Name of the generator"), title), field(T.t("Licence of the pictures"), licence), list, field(T.t("Words for the model card"), description), el("div", { class: "tf-buttons" }, save));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      save.disabled = true;
      if (await act("describe", {}, { title: title.value, licence: licence.value, description: description.value })) save.textContent = T.t("Written down");
      save.disabled = false;
      setTimeout(() => (save.textContent = T.t("Write it down")), 2000);
    });

    const download = el("a", { class: "tf-button tf-primary" }, T.t("Download the generator"));
    const older = el("p", { class: "tf-quiet" }, T.t("More was learned since this bundle was made: press “Play it now” to renew it."));
    const button = (text, what, hint) => el("button", { type: "button", class: "tf-button", title: hint, onclick: () => act(what) }, text);
    const measure = button(T.t("Measure it"), "measure", T.t("How near its pictures are to yours: takes some minutes"));
    const shelve = button(T.t("Serve it from now on"), "shelve", T.t("A copy joins the pictures that this server shows whenever it starts"));
    const prepareButtons = { space: button(T.t("Prepare a Space"), "stage/space", T.t("A folder for the Hugging Face Hub; nothing is sent anywhere")), page: button(T.t("Prepare a web page"), "stage/page", T.t("A folder for any web host, which draws in the visitor's browser; nothing is sent anywhere")) };
    const job = el("span", { role: "status" });
    const since = el("span"); // seconds, which nobody wants to have read aloud
    const jobLine = el("p", { class: "tf-quiet" }, job, " ", since);
    const figures = el("div", { class: "tf-make-figures" });
    const staged = el("div", { class: "tf-make-staged" });
    const bundleParts = el("div", { class: "tf-make-bundle" }, form, el("div", { class: "tf-buttons" }, download, measure, shelve, prepareButtons.space, prepareButtons.page), older, jobLine, figures, staged);
    const deleteWords = () =>
      kept
        ? T.n(status.pictures, "Really delete its {n} picture and all that was learned ({size})?", "Really delete its {n} pictures and all that was learned ({size})?", { size: T.bytes(kept.bytes) })
        : T.n(status.pictures, "Really delete its {n} picture and all that was learned?", "Really delete its {n} pictures and all that was learned?");
    const remove = T.sureButton(T.t("Delete this project"), deleteWords, onDelete);
    const command = el("div", { class: "tf-make-command" });
    const terminal = el("details", { class: "tf-more" }, el("summary", {}, T.t("The same from a terminal")), command);
    const root = el("div", { class: "tf-make-keep" }, bundleParts, terminal, el("div", { class: "tf-buttons" }, remove), error);

    const jobWords = () => {
      const found = status.job;
      if (!found) return "";
      const doing = { measure: T.t("Measuring …"), space: T.t("Preparing the Space …"), page: T.t("Preparing the page …") }[found.kind];
      const done = { measure: T.t("Measured."), space: T.t("The Space is prepared."), page: T.t("The page is prepared.") }[found.kind];
      if (!found.done) return doing;
      return found.error ? T.translate(found.error) : done;
    };
    const drawFigures = () => {
      if (!kept.figures.length) return figures.replaceChildren();
      const first = kept.figures.slice(0, FIRST_FIGURES);
      const rows = first.map((figure) => [T.translate(figure.label), T.digits(figure.value), figure.floor === null ? "–" : T.digits(figure.floor)]);
      figures.replaceChildren(T.table(T.t("Measured on its own pictures; the floor is what pictures that it never saw reach."), [T.t("Figure"), T.t("Value"), T.t("Floor")], rows));
    };
    const drawStaged = () => {
      const where = ({ folders }) => ({
        space: T.t("The Space lies in {folder}. This line publishes it, once you are logged in (hf auth login):", { folder: folders.space }),
        page: T.t("The page lies in {folder}; any web host serves it. This line publishes it as a static Space:", { folder: folders.page }),
      });
      const parts = Object.entries(kept.staged)
        .filter(([kind, there]) => there && kept.staging)
        .map(([kind]) => el("div", {}, el("p", { class: "tf-quiet" }, where(kept)[kind]), T.code(kept.push[kind]), T.copyButton(T.t("Copy"), () => kept.push[kind])));
      staged.replaceChildren(...parts);
    };
    const refresh = async () => {
      const key = JSON.stringify([status.name, status.state, status.bundle_revision, status.step, status.shelved, status.job?.done, status.job?.error, status.pictures]);
      if (key === seen) return;
      seen = key;
      let found;
      try {
        found = await T.getJson(`make/${status.name}/keep`);
      } catch (failure) {
        if (seen !== key) return;
        seen = ""; // asked again at the next look, or where there is none
        if (failure.status === undefined) setTimeout(() => seen === "" && refresh(), ASK_AGAIN);
        error.show(failure.message);
        return;
      }
      if (seen !== key) return;
      kept = found;
      error.show("");
      older.hidden = kept.newest || !status.playable;
      shelve.hidden = !kept.shelf;
      shelve.textContent = status.shelved ? T.t("Serve this version from now on") : T.t("Serve it from now on");
      prepareButtons.space.hidden = prepareButtons.page.hidden = !kept.staging;
      drawFigures();
      drawStaged();
    };
    root.calm = remove.calm;
    root.show = (shown) => {
      const isOther = status?.name !== shown.name;
      status = shown;
      if (isOther) {
        error.show("");
        [kept, seen] = [null, ""];
        older.hidden = shelve.hidden = prepareButtons.space.hidden = prepareButtons.page.hidden = true; // until it is known
        figures.replaceChildren();
        staged.replaceChildren();
        [title.value, licence.value, description.value] = [status.title, status.licence, status.description];
        download.href = T.url(`make/${status.name}/bundle.zip`);
        download.setAttribute("download", "");
      }
      const working = Boolean(status.job && !status.job.done);
      bundleParts.hidden = !status.playable;
      for (const one of [measure, prepareButtons.space, prepareButtons.page, shelve]) one.disabled = status.busy || working;
      const told = jobWords();
      T.say(job, told);
      since.textContent = working ? T.duration(status.job.seconds) : "";
      jobLine.className = status.job?.error ? "tf-error" : "tf-quiet";
      jobLine.hidden = !told;
      terminal.hidden = status.state === "collecting" || !status.command;
      if (command.dataset.text !== status.command) {
        command.dataset.text = status.command;
        command.replaceChildren(T.code(status.command), T.copyButton(T.t("Copy"), () => status.command));
      }
      refresh();
    };
    return root;
  };
})();

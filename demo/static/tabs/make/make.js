// Make: from own pictures to one's own generator, in four steps. The other end: demo/routes/make.py.
const T = window.Twofold;
const { el } = T;

const POLL = 1000; // ms from one look at a training to the next

const error = T.errorNote();
const card = (title, ...children) => el("section", { class: "tf-card" }, el("h3", {}, title), ...children);

const show = (facts) => {
  let project = null; // the name of the one that is shown
  let chosen = 0;
  let there = 0; // pictures, chosen or not
  let polling = null;

  const picker = el("select", { "aria-label": T.t("Project") });
  const title = el("input", { type: "text", maxlength: 80, "aria-label": T.t("Name"), placeholder: T.t("What are they pictures of?") });
  const named = el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Name")), title);
  const bring = T.makeBring(
    facts,
    async () => project ?? (await create()),
    () => project && choose.load(project),
  );
  const choose = T.makeChoose(facts, (count, all) => {
    [chosen, there] = [count, all];
    arrange();
  });
  const watch = T.makeWatch(facts, (what, minutes) => act(what, minutes));
  const keep = el("div", { class: "tf-buttons" });
  const cards = {
    bring: card(T.t("1. Bring pictures"), named, bring),
    choose: card(T.t("2. See and choose"), choose),
    watch: card(T.t("3. Train"), watch),
    keep: card(T.t("4. Keep"), keep),
  };
  element.replaceChildren(el("div", { class: "tf-make" }, el("div", { class: "tf-field tf-make-projects" }, el("span", { class: "tf-label" }, T.t("Project")), picker), error, ...Object.values(cards)));

  const known = new Map(facts.projects.map((status) => [status.name, status]));
  const fillPicker = () => {
    picker.replaceChildren(el("option", { value: "" }, T.t("New")), ...[...known.values()].map((status) => el("option", { value: status.name, selected: status.name === project }, status.title)));
  };
  const create = async () => {
    const made = await (await T.ask(T.url("make", { title: title.value.trim() || T.t("My pictures") }), { method: "POST", headers: T.makeHeaders })).json();
    project = made.name;
    await look();
    fillPicker();
    return project;
  };
  const arrange = () => {
    const status = known.get(project);
    const begun = status && status.state !== "collecting";
    picker.parentElement.hidden = !known.size;
    named.hidden = Boolean(project);
    cards.bring.hidden = Boolean(begun);
    cards.choose.hidden = !project || begun || !there;
    cards.watch.hidden = !begun && chosen < facts.limits.least;
    cards.keep.hidden = !project;
  };
  const look = async () => {
    if (!project) return;
    const status = await T.getJson(`make/${project}`);
    known.set(status.name, status);
    watch.show(status);
    drawKeep(status);
    arrange();
    clearTimeout(polling);
    if (["waiting", "training"].includes(status.state)) polling = setTimeout(() => (T.visible(element) ? look().catch(() => (polling = setTimeout(look, POLL))) : (polling = setTimeout(look, POLL))), POLL);
    else if (status.state === "finished" && !T.bundle(status.name)) await act("play");
  };
  const act = async (what, minutes) => {
    error.show("");
    try {
      const answer = await (await T.ask(T.url(`make/${project}/${what}`, what === "train" ? { minutes } : {}), { method: "POST", headers: T.makeHeaders })).json();
      if (what === "play") {
        T.replaceBundle(answer);
        T.set({ b: answer.name, x: 0, y: 0 }, { undo: true });
        if (document.activeElement?.closest(".tf-make-watch")) T.openTab("play");
        return;
      }
      await look();
    } catch (failure) {
      error.show(failure.message);
    }
  };
  const drawKeep = (status) => {
    const link = el("a", { class: "tf-button", href: T.url(`make/${status.name}/bundle.zip`), download: `${status.name}.zip` }, T.t("Download the generator"));
    const remove = el("button", { type: "button", class: "tf-button" }, T.t("Delete this project"));
    let sure = false;
    remove.addEventListener("click", async () => {
      if (!sure) {
        sure = true;
        remove.textContent = T.t("Really delete its {n} pictures and all that was learned?", { n: T.wholeNumber(status.pictures) });
        return;
      }
      remove.disabled = true;
      try {
        await T.ask(T.url(`make/${status.name}`), { method: "DELETE", headers: T.makeHeaders });
        known.delete(status.name);
        open(null);
      } catch (failure) {
        error.show(failure.message);
      }
    });
    if (keep.dataset.of === `${status.name} ${status.playable}`) return;
    keep.dataset.of = `${status.name} ${status.playable}`;
    keep.replaceChildren(...[status.playable ? link : null, remove].filter(Boolean));
  };
  const open = async (name) => {
    clearTimeout(polling);
    project = name;
    [chosen, there] = [0, 0];
    error.show("");
    delete keep.dataset.of;
    fillPicker();
    arrange();
    if (!name) return;
    try {
      await look();
      if (known.get(name).state === "collecting") await Promise.all([choose.load(name), bring.resume(name)]);
    } catch (failure) {
      error.show(failure.message);
    }
  };
  picker.addEventListener("change", () => open(picker.value || null));
  open(facts.projects[0]?.name ?? null);
};

const notInstalled = (facts) =>
  element.replaceChildren(
    card(
      T.t("Make your own"),
      el("p", { class: "tf-quiet" }, T.t("Training needs PyTorch, which is not installed beside this page. This line brings it; then start the page again.")),
      el("pre", { class: "tf-code" }, el("code", {}, facts.install)),
    ),
  );

T.makeHeaders = { "X-Twofold": "make" };
T.makePost = async (path, value) => (await T.ask(T.url(path), { method: "POST", body: JSON.stringify(value), headers: { ...T.makeHeaders, "Content-Type": "application/json" } })).json();
element.replaceChildren(error);
T.getJson("make").then(
  (facts) => (facts.installed ? show(facts) : notInstalled(facts)),
  (failure) => error.show(failure.message),
);

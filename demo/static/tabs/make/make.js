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
    async () => project ?? (await create()), // two who drop files at once share it
    () => project && arrived(),
  );
  const choose = T.makeChoose(facts, (count, all) => {
    [chosen, there] = [count, all];
    arrange();
  });
  const watch = T.makeWatch(facts, (what, params) => act(what, params));
  const keep = T.makeKeep((what, params, body) => act(what, params, body), () => remove());
  const cards = {
    bring: card(T.t("1. Bring pictures"), named, bring),
    choose: card(T.t("2. See and choose"), choose),
    watch: card(T.t("3. Train"), watch),
    keep: card(T.t("4. Keep"), keep),
  };
  element.replaceChildren(el("div", { class: "tf-make" }, el("div", { class: "tf-field tf-make-projects" }, el("span", { class: "tf-label" }, T.t("Project")), picker), facts.note ? el("p", { class: "tf-quiet" }, T.translate(facts.note)) : "", error, ...Object.values(cards)));

  const known = new Map(facts.projects.map((status) => [status.name, status]));
  const fillPicker = () => {
    picker.replaceChildren(el("option", { value: "" }, T.t("New")), ...[...known.values()].map((status) => el("option", { value: status.name, selected: status.name === project }, status.title)));
  };
  const arrived = async () => {
    try {
      await (known.get(project)?.state === "collecting" ? choose.load(project) : look());
    } catch (failure) {
      error.show(failure.message);
    }
  };
  const create = T.oneAtATime(async () => {
    const made = await (await T.ask(T.url("make", { title: title.value.trim() || T.t("My pictures") }), { method: "POST", headers: T.makeHeaders })).json();
    project = made.name;
    title.value = ""; // the next one has a name of its own
    await look();
    fillPicker();
    return made.name;
  });
  const arrange = () => {
    const status = known.get(project);
    const begun = status && status.state !== "collecting";
    picker.parentElement.hidden = !known.size;
    named.hidden = Boolean(project);
    cards.bring.hidden = Boolean(begun) && !["finished", "paused", "failed"].includes(status.state);
    cards.bring.querySelector("h3").textContent = begun ? T.t("Bring more pictures") : T.t("1. Bring pictures");
    cards.choose.hidden = !project || begun || !there;
    cards.watch.hidden = !begun && chosen < facts.limits.least;
    cards.keep.hidden = !project;
  };
  const look = async () => {
    if (!project) return;
    const status = await T.getJson(`make/${project}`);
    known.set(status.name, status);
    watch.show(status);
    keep.show(status);
    arrange();
    clearTimeout(polling);
    if (isBusy(status)) polling = setTimeout(lookAgain, POLL);
    else if (status.playable) await takeBundle(status);
  };
  const isBusy = (status) => ["waiting", "training"].includes(status.state) || Boolean(status.job && !status.job.done);
  // Looks once more, as long as the tab is open; a server that does not answer is asked again.
  const lookAgain = async () => {
    try {
      if (T.visible(element) && !document.hidden) return await look();
    } catch (failure) {
      error.show(failure.message);
      if (failure.status === 400) return open(null); // it was deleted
    }
    polling = setTimeout(lookAgain, POLL);
  };
  // Takes what the server serves of a project into the page, where that is another version than the page has.
  const takeBundle = async (status) => {
    const bundle = (await T.getJson("made")).find((one) => one.made === status.name);
    if (bundle) T.takeBundle(bundle);
  };
  // Asks for something; whether it was done.
  const act = async (what, params = {}, body = null) => {
    error.show("");
    try {
      if (what === "play") {
        const answer = await T.makePlay(project);
        T.replaceBundle(answer);
        T.set({ b: answer.name, x: 0, y: 0 }, { undo: true });
        if (T.facts.bundles.length && T.tabs().length) T.openTab("play");
        else error.show(T.t("It can be played once this page has been started again: it was started without a bundle."));
      } else {
        const settings = { method: "POST", headers: { ...T.makeHeaders, ...(body ? { "Content-Type": "application/json" } : {}) }, body: body && JSON.stringify(body) };
        await T.ask(T.url(`make/${project}/${what}`, params), settings);
      }
      await look();
      fillPicker();
      return true;
    } catch (failure) {
      error.show(failure.message);
      return false;
    }
  };
  const remove = async () => {
    try {
      await T.ask(T.url(`make/${project}`), { method: "DELETE", headers: T.makeHeaders });
      known.delete(project);
      T.removeBundle(project);
      await open(null);
    } catch (failure) {
      error.show(failure.message);
    }
  };
  const open = async (name) => {
    clearTimeout(polling);
    project = name;
    [chosen, there] = [0, 0];
    error.show("");
    bring.forget();
    fillPicker();
    arrange();
    if (!name) return;
    try {
      await look();
      await Promise.all([known.get(name).state === "collecting" && choose.load(name), bring.resume(name)]);
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
      T.code(facts.install),
      T.copyButton(T.t("Copy"), () => facts.install),
    ),
  );

T.barMore?.append(T.learningMark());
element.replaceChildren(error);
T.getJson("make").then(
  (facts) => (facts.installed ? show(facts) : notInstalled(facts)),
  (failure) => error.show(failure.message),
);

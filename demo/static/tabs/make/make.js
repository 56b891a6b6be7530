// Make: from own pictures to one's own generator, in four steps. The other end: demo/routes/make_routes.py.
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
  let loaded = null; // the project whose pictures were asked for
  let lost = false; // whether what `error` says is that a look failed
  let taken = 0; // bundles that were made playable here
  let fresh = null; // what stands for "New" while that is open, and for the one project that is made of what is brought to it

  const picker = el("select", { "aria-label": T.t("Project") });
  const title = el("input", { type: "text", maxlength: facts.limits.title, "aria-label": T.t("Name"), placeholder: T.t("What are they pictures of?") });
  const named = el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Name")), title);
  const bring = T.makeBring(
    facts,
    () => project ?? taker(),
    async (place) => place.create?.() ?? place,
    () => project && arrived(),
  );
  const choose = T.makeChoose(facts, (count, all) => {
    [chosen, there] = [count, all];
    arrange();
  });
  const train = T.makeTrain(facts, (what, params) => act(what, params));
  const keep = T.makeKeep(facts.limits, (what, params, body) => act(what, params, body), () => remove());
  const cards = {
    bring: card(T.t("1. Bring pictures"), named, bring),
    choose: card(T.t("2. See and choose"), choose),
    train: card(T.t("3. Train"), train),
    keep: card(T.t("4. Keep"), keep),
  };
  element.replaceChildren(el("div", { class: "tf-make" }, el("div", { class: "tf-field tf-make-projects" }, el("span", { class: "tf-label" }, T.t("Project")), picker), facts.note ? el("p", { class: "tf-quiet" }, T.translate(facts.note)) : "", error, ...Object.values(cards)));

  const known = new Map(facts.projects.map((status) => [status.name, status]));
  const fillPicker = () => {
    picker.replaceChildren(el("option", { value: "" }, T.t("New")), ...[...known.values()].map((status) => el("option", { value: status.name, selected: status.name === project }, status.title)));
  };
  // Says what went wrong; isLost: that a look failed, which is over once one succeeds.
  const complain = (sentence, isLost = false) => {
    lost = isLost;
    error.show(sentence);
  };
  const arrived = async () => {
    const name = project;
    try {
      await (known.get(name)?.state === "collecting" ? choose.load(name) : look());
    } catch (failure) {
      if (project === name) complain(failure.message);
    }
  };
  // What stands for "New", as the place of what is brought: the next one has a name of its own.
  const taker = () => {
    fresh.used = true;
    return fresh;
  };
  // A "New" that is opened: its project is made once, under the name that is asked for then, whatever is open by the time.
  const newPlace = () => {
    const place = { title: "" };
    const isOpen = () => !project && fresh === place;
    place.create = T.oneAtATime(async () => {
      if (place.made) return place.made;
      if (isOpen()) place.title = title.value;
      const { name } = await (await T.ask(T.url("make", { title: place.title.trim() || T.t("My pictures") }), { method: "POST", headers: T.makeHeaders })).json();
      place.made = name;
      if (isOpen()) {
        project = loaded = name;
        title.value = "";
        await look();
      } else known.set(name, await T.getJson(`make/${name}`));
      fillPicker();
      return name;
    });
    return place;
  };
  const arrange = () => {
    const status = known.get(project);
    const begun = status && status.state !== "collecting";
    picker.parentElement.hidden = !known.size;
    named.hidden = Boolean(project);
    cards.bring.hidden = Boolean(begun) && !status.resting;
    cards.bring.querySelector("h3").textContent = begun ? T.t("Bring more pictures") : T.t("1. Bring pictures");
    cards.choose.hidden = !project || begun || !there;
    cards.train.hidden = !project || (!begun && chosen < facts.limits.least);
    cards.keep.hidden = !project;
  };
  const look = async () => {
    const [name, before] = [project, taken];
    if (!name) return;
    const status = await T.getJson(`make/${name}`);
    if (project !== name) return; // another one was opened meanwhile
    known.set(status.name, status);
    if (lost) complain("");
    train.show(status);
    keep.show(status);
    arrange();
    if (!status.playable && before === taken && T.bundle(status.name)?.made) T.removeBundle(status.name); // it begins again
    clearTimeout(polling);
    if (isBusy(status)) polling = setTimeout(lookAgain, POLL);
    else if (status.playable) await takeBundle(status);
  };
  const isBusy = (status) => status.busy || Boolean(status.job && !status.job.done);
  // Looks once more, as long as the tab is open; a server that does not answer is asked again.
  const lookAgain = async () => {
    const name = project;
    try {
      if (T.visible(element) && !document.hidden) return await look().then(() => load(name));
    } catch (failure) {
      if (project !== name) return;
      if (failure.status === 400) return leave(name, failure.message); // it was deleted
      complain(failure.message, true);
    }
    askAgain();
  };
  const askAgain = () => {
    clearTimeout(polling);
    polling = setTimeout(lookAgain, POLL);
  };
  // Shows the pictures of a project that was opened, and what is still being fetched.
  const load = async (name) => {
    if (project !== name || loaded === name) return;
    loaded = name;
    await Promise.all([known.get(name).state === "collecting" && choose.load(name), bring.resume(name)]).catch((failure) => project === name && complain(failure.message));
  };
  // Takes what the server serves of a project into the page, where that is another version than the page has.
  const takeBundle = async (status) => {
    const bundle = (await T.getJson("made")).find((one) => one.made === status.name);
    if (bundle) T.takeBundle(bundle);
  };
  // Asks for something; whether it was done.
  const act = async (what, params = {}, body = null) => {
    const name = project;
    complain("");
    try {
      if (what === "play") {
        const answer = await T.makePlay(name);
        T.replaceBundle(answer);
        taken += 1;
        if (project === name && T.visible(element)) play(answer); // who went elsewhere meanwhile stays there
      } else {
        const settings = { method: "POST", headers: { ...T.makeHeaders, ...(body ? { "Content-Type": "application/json" } : {}) }, body: body && JSON.stringify(body) };
        await T.ask(T.url(`make/${name}/${what}`, params), settings);
      }
    } catch (failure) {
      if (project === name) complain(failure.message);
      return false;
    }
    try {
      await look();
      fillPicker();
    } catch (failure) {
      if (project === name) complain(failure.message, true);
      if (project === name) askAgain();
    }
    return true;
  };
  const play = ({ name }) => {
    T.set({ b: name, x: 0, y: 0 }, { undo: true });
    if (T.facts.bundles.length && T.tabs().length) T.openTab("play");
    else complain(T.t("Start the server again to play it: it was started without a bundle."));
  };
  const remove = async () => {
    const name = project;
    try {
      await T.ask(T.url(`make/${name}`), { method: "DELETE", headers: T.makeHeaders });
      known.delete(name);
      T.removeBundle(name);
      if (project === name) await open(null);
      else fillPicker();
    } catch (failure) {
      if (project === name) complain(failure.message);
    }
  };
  // Shows a project no more that was deleted elsewhere.
  const leave = async (name, sentence) => {
    known.delete(name);
    T.removeBundle(name);
    await open(null);
    complain(sentence);
  };
  const open = async (name) => {
    clearTimeout(polling);
    if (!project && fresh) {
      fresh.title = title.value;
      if (fresh.used) title.value = "";
    }
    if (!name) fresh = newPlace();
    [project, loaded] = [name, null];
    [chosen, there] = [0, 0];
    complain("");
    for (const one of [train, keep]) one.calm();
    bring.forget();
    fillPicker();
    arrange();
    if (!name) return;
    try {
      await look();
    } catch (failure) {
      if (project !== name) return;
      if (failure.status === 400) return leave(name, failure.message);
      complain(failure.message, failure.status === undefined);
      if (failure.status === undefined) askAgain();
      return;
    }
    await load(name);
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

T.barMore?.append(T.learningNotice());
element.replaceChildren(error);
T.getJson("make").then(
  (facts) => (facts.installed ? show(facts) : notInstalled(facts)),
  (failure) => error.show(failure.message),
);

// Make, second step: every picture as the models will see it; which are left out, which class each is in, which part is used.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // Mark -> [what it is called, what it means].
  const flagsInWords = () => ({
    near_duplicate: [T.t("Near duplicates"), T.t("Almost the same as an earlier picture")],
    blurred: [T.t("Blurred"), T.t("Much less detail than most")],
    outlier: [T.t("Odd ones out"), T.t("Far from all the others")],
    unreadable: [T.t("Unreadable"), T.t("Cannot be read; always left out")],
  });
  const LOOK_EVERY = 400; // ms, while the pictures are being looked at

  // The card of the second step. facts: what GET /make says. `.load(project)` shows a project's pictures, once all were looked at;
  // onChosen(count, all) is called whenever the choice changes, and while they are looked at for the first time.
  T.makeChoose = (facts, onChosen) => {
    const FLAGS = flagsInWords();
    const STEPS = T.choiceSteps;
    let project = null;
    let found = null; // what GET /make/{project}/pictures says
    let state = null; // as T.choiceState
    let past = []; // earlier ones, for Undo
    let filter = null; // a flag
    let only = null; // a class
    let turn = 0; // of the latest reload
    let selected = new Set();
    let last = null; // the picture that was clicked last, from which Shift selects
    let mode = "leave"; // what a click does: leave, sort, crop

    const error = T.errorNote();
    const summary = el("p", { role: "status" });
    const advice = el("ul", { class: "tf-make-advice" });
    const chips = el("div", { class: "tf-chips", role: "group", "aria-label": T.t("Show only") });
    const undo = el("button", { type: "button", class: "tf-button", disabled: true, onclick: () => goBack() }, T.t("Undo"));
    const leaveMarked = el("button", { type: "button", class: "tf-button", onclick: () => leaveOutMarked() }, T.t("Leave out all marked"));
    // What sends the choices of one project to it, whichever is open by then; of another one nothing is told.
    const senderOf = (name) =>
      T.changeSender(
        (changes) => T.makePost(`make/${name}/choice`, changes),
        (answer) => project === name && tellAdvice(answer.advice),
        (failure) => {
          if (project !== name) return;
          error.show(failure.message);
          reload(false).catch(() => {}); // what the server refused is not there
        },
      );
    const senders = new Map(); // by project: what one has not sent yet is waited for when it is opened again
    let sender = null; // of the project that is shown
    const grid = T.pictureGrid(facts, (file, event) => press(file, event), (file) => (selected.has(file) ? [...selected] : [file]));
    const names = T.classNames(facts.limits.class_name, {
      put: (files, name) => {
        change(STEPS.sorted(state, files ?? [...selected], name));
        selected = new Set();
        draw();
      },
      only: (name) => {
        only = name;
        draw(true);
      },
      add: (name) => change(STEPS.added(state, name)),
      rename: (name, next) => {
        if (only === name) only = next;
        change(STEPS.renamed(state, name, next));
      },
      remove: (name) => change(STEPS.renamed(state, name, "")),
      use: (on) => ask({ use_classes: on }),
      selectShown: () => {
        selected = new Set([...selected, ...grid.shown()]);
        draw();
      },
      selectNone: () => {
        selected = new Set();
        draw();
      },
    });
    const framing = T.framingChoice(facts, (changes) => ask(changes));
    const attributes = T.attributeChoice(
      (changes) => ask(changes),
      (column) => ask(null, `make/${project}/classes?column=${encodeURIComponent(column)}`),
    );
    const crop = T.cropByHand(async (file, part) => {
      change(STEPS.cropped(state, file, part));
      await renew();
    });
    crop.addEventListener("close", () => grid.focusOn(crop.file())); // the picture that it was opened from is another element by now
    const command = facts.own_machine ? T.dataSetCommand(() => sender.idle()) : null; // it names folders of the server
    const modes = T.segmented(
      "tf-make-mode",
      T.t("A click"),
      [
        ["leave", T.t("leaves it out"), T.t("A click on a picture leaves it out, or takes it back")],
        ["sort", T.t("selects it"), T.t("A click on a picture selects it, to be put into a class; with Shift all up to it")],
        ["crop", T.t("crops it"), T.t("A click on a picture opens it, to choose the part that is used")],
      ],
      mode,
      (next) => {
        mode = next;
        selected = new Set();
        draw();
      },
    );
    const choices = el(
      "div",
      { class: "tf-make-choose", hidden: true },
      framing,
      advice,
      attributes,
      names,
      el("div", { class: "tf-inline" }, chips, leaveMarked, undo),
      el("div", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("A click")), modes),
      error,
      grid,
      command,
    );
    const root = el("div", { class: "tf-make-choose" }, summary, choices, crop);

    // --- steps, each of which can be undone ---
    const move = (next) => {
      error.show("");
      sender.push(T.choiceChanges(state, next));
      state = next;
      draw();
    };
    const change = (next) => {
      past.push(state);
      move(next);
    };
    const goBack = async () => {
      if (!past.length) return;
      const next = past.pop();
      const crops = next.crops !== state.crops;
      move(next);
      if (crops) await renew();
    };
    const leaveOutMarked = () => {
      change(STEPS.leftOut(state, shownFiles().filter((file) => found.flags[file]?.length)));
    };
    const press = (file, event) => {
      if (mode === "crop") crop.choosePart(project, shownFiles(), file, found, state.crops);
      else if (mode === "leave") change(STEPS.toggled(state, file));
      else {
        const files = grid.shown();
        const [from, to] = [files.indexOf(last), files.indexOf(file)].sort((a, b) => a - b);
        if (event.shiftKey && from >= 0) for (const one of files.slice(from, to + 1)) selected.add(one);
        else if (!selected.delete(file)) selected.add(file);
        last = file;
        draw();
      }
    };
    // Choices that no Undo is needed for: they are their own.
    const ask = async (changes, path = `make/${project}/choice`) => {
      const name = project;
      error.show("");
      try {
        await sender.idle();
        const before = state;
        await T.makePost(path, changes ?? {});
        if (project !== name) return;
        await reload(false);
        if (project !== name) return;
        if (!changes) past.push(before);
        draw();
      } catch (failure) {
        if (project !== name) return;
        error.show(failure.message);
        framing.show(found);
        attributes.show(found);
        draw();
      }
    };

    // --- what is shown ---
    const counts = () => {
      const all = Object.fromEntries([...state.classes].map((name) => [name, 0]));
      for (const file of found.files) {
        const name = state.classOf[file] ?? "";
        all[name] = (all[name] ?? 0) + (state.out.has(file) ? 0 : 1);
      }
      return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    };
    const sortedByClass = () => found.use_classes && Object.values(state.classOf).some(Boolean);
    const shownFiles = () => {
      const files = found.files.filter((file) => (!filter || found.flags[file]?.includes(filter)) && (only === null || (state.classOf[file] ?? "") === only));
      if (!sortedByClass()) return files;
      const place = new Map(found.files.map((file, i) => [file, i]));
      const rank = (file) => state.classOf[file] || "\uffff"; // those without a class come last
      return files.sort((a, b) => (rank(a) === rank(b) ? place.get(a) - place.get(b) : rank(a) < rank(b) ? -1 : 1));
    };
    const lookOf = (file) => {
      const flags = found.flags[file] ?? [];
      const [isOut, isSelected] = [state.out.has(file), selected.has(file)];
      const words = [...flags.map((flag) => FLAGS[flag][0]), isOut && T.t("left out"), state.crops[file] && T.t("cropped by hand"), found.use_classes && state.classOf[file]].filter(Boolean);
      const classes = [flags.length && "tf-marked", isOut && "tf-out", isSelected && "tf-selected", state.crops[file] && "tf-cropped"].filter(Boolean);
      return { words, classes, pressed: mode === "leave" ? !isOut : mode === "sort" ? isSelected : null };
    };
    const tellAdvice = (sentences) => advice.replaceChildren(...sentences.map((sentence) => el("li", {}, T.translate(sentence))));
    const drawChips = () => {
      const numbers = {};
      for (const flags of Object.values(found.flags)) for (const flag of flags) numbers[flag] = (numbers[flag] ?? 0) + 1;
      if (filter && !numbers[filter]) filter = null;
      const chip = (value, text, hint) => {
        const input = el("input", { type: "radio", name: "tf-make-filter", value: value ?? "", checked: value === filter });
        input.addEventListener("change", () => {
          filter = value;
          draw(true);
        });
        return el("label", { title: hint }, input, el("span", {}, text));
      };
      chips.replaceChildren(
        chip(null, T.t("All {n}", { n: T.wholeNumber(found.files.length) }), T.t("Every picture")),
        ...Object.entries(FLAGS).filter(([flag]) => numbers[flag]).map(([flag, [text, hint]]) => chip(flag, `${text} ${numbers[flag]}`, hint)),
      );
      leaveMarked.hidden = !Object.keys(found.flags).length;
    };
    const draw = (firstPage = false) => {
      undo.disabled = !past.length;
      leaveMarked.disabled = !shownFiles().some((file) => found.flags[file]?.length && !state.out.has(file));
      const counted = counts();
      if (only !== null && !(found.use_classes && (only ? only in counted : counted[""]))) only = null; // its name is on the page no more
      const kept = found.files.length - state.out.size;
      const words = [T.n(kept, "{n} picture is chosen", "{n} pictures are chosen")];
      if (state.out.size) words.push(T.n(state.out.size, "{n} is left out", "{n} are left out"));
      summary.textContent = T.sentence(words.join(T.t("; ")));
      names.show({ counts: counted, use: found.use_classes, selected: selected.size, selecting: mode === "sort", only });
      const headingOf = sortedByClass() ? (file) => state.classOf[file] || T.t("No class") : null;
      grid.show({ project, found, files: shownFiles(), headingOf, lookOf }, firstPage);
      onChosen(kept, found.error ? 1 : found.files.length); // what prevented a look may be mended by another choice
    };

    // --- from the server ---
    // Waits for the survey; gives null where another project was opened meanwhile.
    const survey = async (name) => {
      for (;;) {
        const answer = await T.getJson(`make/${name}/pictures`).catch((failure) => {
          if (project === name && failure.status !== undefined) throw failure;
          return null; // the answer was lost: it is asked for again
        });
        if (project !== name) return null;
        if (answer?.files) return answer;
        summary.textContent = answer ? T.t("Looking at picture {done} of {of} …", { done: T.wholeNumber(answer.done), of: T.wholeNumber(answer.of) }) : T.t("The server does not answer; trying again …");
        if (answer && choices.hidden) onChosen(0, answer.of);
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      }
    };
    // The pictures anew, after another part of one was chosen; what else was chosen stays.
    const renew = async () => {
      const name = project;
      try {
        await sender.idle();
        const answer = await survey(name);
        if (!answer) return;
        found = answer;
        drawChips();
        draw();
      } catch (failure) {
        if (project === name) error.show(failure.message);
      }
    };
    const reload = async (forget) => {
      turn += 1;
      const [mine, name] = [turn, project];
      let before, answer;
      do {
        await sender.idle();
        before = state;
        answer = await survey(name);
        if (!answer || mine !== turn) return; // another project was opened, or this one once more
      } while (state !== before); // somebody chose while the answer was on its way: it does not know
      found = answer;
      choices.hidden = false;
      state = T.choiceState(found);
      if (forget) past = [];
      selected = new Set();
      framing.show(found);
      attributes.show(found);
      tellAdvice(found.advice);
      drawChips();
      draw();
      if (found.error) error.show(found.error);
      const unreadable = found.files.filter((file) => found.flags[file]?.includes("unreadable") && !state.out.has(file));
      if (unreadable.length) move(STEPS.leftOut(state, unreadable));
    };
    root.load = async (name) => {
      error.show("");
      if (project !== name) {
        [filter, only, choices.hidden] = [null, null, true];
        if (!senders.has(name)) senders.set(name, senderOf(name));
        sender = senders.get(name);
      }
      project = name;
      command?.load(name);
      try {
        await reload(true);
      } catch (failure) {
        if (project === name && choices.hidden) onChosen(0, 0);
        throw failure;
      }
    };
    return root;
  };
})();

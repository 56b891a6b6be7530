// The row of keyframes: pictures, classes, times and easing, order (buttons or dragging), and buttons to add more.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element with the row. choice: { keys, classes, times, easing, loop, seconds }, which is edited here; a class is an
  // index, or null = as in the bar. changed() is called after that, timed() where only times or easing did. `.draw()` draws
  // the row again, `.showTimes()` the times in it; `.classOf(i)` is the class that keyframe i is drawn with.
  T.keyframeList = (choice, changed, timed) => {
    const strip = el("ol", { class: "tf-keyframes", "aria-label": T.t("Keyframes in their order") });
    const announcement = el("p", { class: "tf-hidden", role: "status" });
    const favouriteChoice = el("div", { class: "tf-favourite-choice", role: "group", "aria-label": T.t("Favourites to add"), hidden: true });
    const fillKeys = T.canvasFiller();
    const fillFavourites = T.canvasFiller();
    const easings = [
      ["linear", T.t("Even")],
      ["in", T.t("Ease in")],
      ["out", T.t("Ease out")],
      ["smooth", T.t("Smooth")],
    ];
    let dragged = null;
    let timeFields = []; // { seconds, easing } of each keyframe

    const path = () => T.picturePath(T.state, "/morph");
    // The class of keyframe i, which may be that of the bar.
    const classOf = (i) => choice.classes[i] ?? T.state.c;
    const paramsOf = (key, c) => {
      const params = { m: T.state.m, t: T.state.t, keys: T.keyframes.text(key) }; // a morph of one key: x does not reach every seed
      if (T.bundle().classes.length) params.classes = c;
      if (T.state.attributes) params.attributes = T.state.attributes;
      if (T.state.bend) params.bend = T.state.bend;
      return params;
    };

    // --- order -------------------------------------------------------------------------------------
    const move = (from, to) => {
      if (to < 0 || to >= choice.keys.length || from === to) return;
      for (const list of [choice.keys, choice.classes, choice.easing]) list.splice(to, 0, ...list.splice(from, 1));
      announcement.textContent = T.t("{name} is now keyframe {n} of {all}.", { name: T.keyframes.name(choice.keys[to]), n: to + 1, all: choice.keys.length });
      changed();
    };
    const remove = (i) => {
      const name = T.keyframes.name(choice.keys[i]);
      choice.times = T.timing.without(choice.times, i, choice.loop, choice.seconds);
      for (const list of [choice.keys, choice.classes, choice.easing]) list.splice(i, 1);
      announcement.textContent = T.t("{name} was removed.", { name });
      changed();
      const next = strip.children[Math.min(i, choice.keys.length - 1)];
      (next.querySelector(".tf-keyframe-remove:not(:disabled)") ?? next.querySelector(".tf-keyframe-tools button:not(:disabled)"))?.focus();
    };
    const add = (key, c) => {
      if (choice.keys.length >= T.keyframes.most) return;
      choice.times = T.timing.withOneMore(choice.times, choice.loop, choice.seconds);
      choice.keys.push(key);
      choice.classes.push(c);
      choice.easing.push("linear");
      announcement.textContent = T.t("{name} was added.", { name: T.keyframes.name(key) });
      changed();
    };
    // The focus follows the keyframe; at either end, where its button is disabled, the other button takes it.
    const step = (i, by) => {
      move(i, i + by);
      const tools = strip.children[i + by].querySelectorAll(".tf-keyframe-tools button");
      const [wanted, other] = by < 0 ? [tools[0], tools[1]] : [tools[1], tools[0]];
      (wanted.disabled ? other : wanted).focus();
    };

    const tool = (sign, label, style, disabled, action) =>
      el("button", { type: "button", class: `tf-keyframe-tool ${style}`, "aria-label": label, title: label, disabled, onclick: action }, sign);
    const figure = (key, i, jobs) => {
      const { classes } = T.bundle();
      const place = { n: i + 1, name: T.keyframes.name(key) };
      const picture = T.pictureCanvas(T.t("Keyframe {n}: {name}", place));
      if (T.state.m === "vae" || !T.keyframes.onMap(key)) jobs.push({ canvas: picture, path: path(), params: paramsOf(key, classOf(i)) });
      const select = classes.length && !T.keyframes.onMap(key) ? el("select", { class: "tf-keyframe-class", "aria-label": T.t("Class of keyframe {n}", place) }) : null;
      if (select) {
        select.append(el("option", { value: "" }, T.t("as in the bar")));
        classes.forEach((name, c) => select.append(el("option", { value: c }, name)));
        select.value = choice.classes[i] ?? "";
        select.addEventListener("change", () => {
          choice.classes[i] = select.value === "" ? null : Number(select.value);
          changed();
          strip.children[i].querySelector(".tf-keyframe-class").focus();
        });
      }
      const last = choice.keys.length - 1;
      const seconds = el("input", { type: "number", step: 0.1, disabled: i === 0, inputmode: "decimal", "aria-label": T.t("Time of keyframe {n}, in seconds", place) });
      seconds.addEventListener("change", () => {
        const [from, to] = T.timing.room(choice.times, i, choice.loop, choice.seconds);
        choice.times[i] = Math.round(T.numberWithin(seconds.value, from, to, choice.times[i]) * 100) / 100;
        timed();
      });
      const easing = el("select", { "aria-label": T.t("How the film goes on from keyframe {n}", place) });
      for (const [value, text] of easings) easing.append(el("option", { value }, text));
      easing.addEventListener("change", () => {
        choice.easing[i] = easing.value;
        timed();
      });
      timeFields[i] = { seconds, easing };
      const item = el(
        "li",
        { class: "tf-keyframe", draggable: "true" },
        picture,
        el("span", { class: "tf-keyframe-name" }, T.keyframes.name(key)),
        select,
        el("span", { class: "tf-keyframe-time" }, seconds, el("span", { "aria-hidden": "true" }, T.t("s"))),
        easing,
        el(
          "span",
          { class: "tf-keyframe-tools" },
          tool("←", T.t("Move keyframe {n} earlier", place), "", i === 0, () => step(i, -1)),
          tool("→", T.t("Move keyframe {n} later", place), "", i === last, () => step(i, 1)),
          tool("×", T.t("Remove keyframe {n}", place), "tf-keyframe-remove", choice.keys.length <= T.keyframes.least, () => remove(i)),
        ),
      );
      item.addEventListener("dragstart", (event) => {
        dragged = i;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", T.keyframes.text(key)); // without data Firefox drags nothing
      });
      item.addEventListener("dragend", () => {
        dragged = null;
        for (const other of strip.children) other.classList.remove("tf-drop-target");
      });
      item.addEventListener("dragover", (event) => {
        if (dragged === null) return;
        event.preventDefault();
        for (const other of strip.children) other.classList.toggle("tf-drop-target", other === item && i !== dragged);
      });
      item.addEventListener("drop", (event) => {
        if (dragged === null) return;
        event.preventDefault();
        move(dragged, i);
      });
      return item;
    };

    // --- more keyframes ------------------------------------------------------------------------------
    const button = (text, hint, action) => el("button", { type: "button", class: "tf-button", title: hint, onclick: action }, text);
    const addCurrent = button(T.t("Add the picture from Play"), T.t("The point of the latent space that Play shows now"), () =>
      add(T.keyframes.at(T.state.x, T.state.y), T.state.c),
    );
    const showFavourites = button(T.t("Add from favourites"), T.t("The pictures that you kept in Play"), () => {
      favouriteChoice.hidden = !favouriteChoice.hidden;
      drawFavourites();
    });
    showFavourites.setAttribute("aria-expanded", "false");
    const drawFavourites = () => {
      showFavourites.setAttribute("aria-expanded", String(!favouriteChoice.hidden));
      if (favouriteChoice.hidden) return;
      const all = T.favourites();
      const own = all.filter((one) => one.b === T.state.b);
      const full = choice.keys.length >= T.keyframes.most;
      const jobs = [];
      const tiles = own.map((state) => {
        const key = T.keyframes.at(state.x, state.y);
        const picture = T.pictureCanvas();
        jobs.push({ canvas: picture, path: path(), params: paramsOf(key, state.c) });
        const label = T.t("Add favourite: {name}", { name: T.describe(state) });
        return el("button", { type: "button", "aria-label": label, title: label, disabled: full, onclick: () => add(key, state.c) }, picture);
      });
      let note = "";
      if (!all.length) note = T.t("Nothing kept yet: in Play, “Keep” puts a picture here.");
      else if (!own.length) note = T.t("Your favourites are from other pictures than the ones chosen in the bar.");
      else if (full) note = T.t("{n} keyframes are the most: remove one first.", { n: T.keyframes.most });
      const at = [...favouriteChoice.children].indexOf(document.activeElement);
      favouriteChoice.replaceChildren(...tiles, note && el("p", { class: "tf-quiet" }, note));
      if (at >= 0) (full ? showFavourites : (tiles[Math.min(at, tiles.length - 1)] ?? showFavourites)).focus();
      fillFavourites(jobs);
    };

    const box = el(
      "div",
      {},
      strip,
      announcement,
      el("div", { class: "tf-buttons" }, addCurrent, showFavourites),
      favouriteChoice,
    );
    box.draw = () => {
      const jobs = [];
      timeFields = [];
      strip.replaceChildren(...choice.keys.map((key, i) => figure(key, i, jobs)));
      box.showTimes();
      const hadFocus = document.activeElement === addCurrent;
      addCurrent.disabled = choice.keys.length >= T.keyframes.most;
      if (hadFocus && addCurrent.disabled) showFavourites.focus();
      fillKeys(jobs);
      drawFavourites();
    };
    box.showTimes = () => {
      timeFields.forEach(({ seconds, easing }, i) => {
        const [from, to] = T.timing.room(choice.times, i, choice.loop, choice.seconds);
        Object.assign(seconds, { value: choice.times[i], min: from, max: to });
        easing.value = choice.easing[i];
        easing.hidden = !choice.loop && i === choice.keys.length - 1; // an open film ends there
      });
    };
    box.classOf = classOf;
    return box;
  };
})();

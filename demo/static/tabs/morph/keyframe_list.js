// The row of keyframes: pictures, classes, order (buttons or dragging), and buttons to add more.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // choice: { keys, classes }, which is edited here; a class is an index, or null = as in the bar. changed() is called after.
  T.keyframeList = (choice, changed) => {
    const strip = el("ol", { class: "tf-keys", "aria-label": T.t("Keyframes in their order") });
    const told = el("p", { class: "tf-hidden", role: "status" });
    const shelf = el("div", { class: "tf-shelf", role: "group", "aria-label": T.t("Favourites to add"), hidden: true });
    const fillKeys = T.canvasFiller();
    const fillShelf = T.canvasFiller();
    let dragged = null;

    const path = () => T.picturePath(T.state, "/morph");
    const classOf = (i) => choice.classes[i] ?? T.state.c;
    const paramsOf = (key, c) => {
      const params = { m: T.state.m, t: T.state.t, keys: T.keyframes.text(key) }; // a morph of one key: x does not reach every seed
      if (T.bundle().classes.length) params.classes = c;
      return params;
    };
    const canvas = (label) => el("canvas", { class: "tf-picture", width: 32, height: 32, role: "img", "aria-label": label });

    // --- order -------------------------------------------------------------------------------------
    const move = (from, to) => {
      if (to < 0 || to >= choice.keys.length || from === to) return;
      for (const list of [choice.keys, choice.classes]) list.splice(to, 0, ...list.splice(from, 1));
      told.textContent = T.t("{name} is now keyframe {n} of {all}.", { name: T.keyframes.name(choice.keys[to]), n: to + 1, all: choice.keys.length });
      changed();
    };
    const remove = (i) => {
      const name = T.keyframes.name(choice.keys[i]);
      for (const list of [choice.keys, choice.classes]) list.splice(i, 1);
      told.textContent = T.t("{name} was removed.", { name });
      changed();
      const next = strip.children[Math.min(i, choice.keys.length - 1)];
      (next.querySelector(".tf-key-remove:not(:disabled)") ?? next.querySelector(".tf-key-tools button:not(:disabled)"))?.focus();
    };
    const add = (key, c) => {
      if (choice.keys.length >= T.keyframes.most) return;
      choice.keys.push(key);
      choice.classes.push(c);
      told.textContent = T.t("{name} was added.", { name: T.keyframes.name(key) });
      changed();
    };
    // The focus follows the keyframe; at either end, where its button is disabled, the other button takes it.
    const step = (i, by) => {
      move(i, i + by);
      const tools = strip.children[i + by].querySelectorAll(".tf-key-tools button");
      const [wanted, other] = by < 0 ? [tools[0], tools[1]] : [tools[1], tools[0]];
      (wanted.disabled ? other : wanted).focus();
    };

    const tool = (sign, label, kind, off, action) =>
      el("button", { type: "button", class: `tf-key-tool ${kind}`, "aria-label": label, title: label, disabled: off, onclick: action }, sign);
    const figure = (key, i, jobs) => {
      const { classes } = T.bundle();
      const place = { n: i + 1, name: T.keyframes.name(key) };
      const picture = canvas(T.t("Keyframe {n}: {name}", place));
      jobs.push({ canvas: picture, path: path(), params: paramsOf(key, classOf(i)) });
      const select = classes.length ? el("select", { "aria-label": T.t("Class of keyframe {n}", place) }) : null;
      if (select) {
        select.append(el("option", { value: "" }, T.t("as in the bar")));
        classes.forEach((name, c) => select.append(el("option", { value: c }, name)));
        select.value = choice.classes[i] ?? "";
        select.addEventListener("change", () => {
          choice.classes[i] = select.value === "" ? null : Number(select.value);
          changed();
          strip.children[i].querySelector("select").focus();
        });
      }
      const last = choice.keys.length - 1;
      const item = el(
        "li",
        { class: "tf-key", draggable: "true" },
        picture,
        el("span", { class: "tf-key-name" }, T.keyframes.name(key)),
        select,
        el(
          "span",
          { class: "tf-key-tools" },
          tool("←", T.t("Move keyframe {n} earlier", place), "", i === 0, () => step(i, -1)),
          tool("→", T.t("Move keyframe {n} later", place), "", i === last, () => step(i, 1)),
          tool("×", T.t("Remove keyframe {n}", place), "tf-key-remove", choice.keys.length <= T.keyframes.least, () => remove(i)),
        ),
      );
      item.addEventListener("dragstart", (event) => {
        dragged = i;
        event.dataTransfer.effectAllowed = "move";
        event.dataTransfer.setData("text/plain", T.keyframes.text(key)); // without data Firefox drags nothing
      });
      item.addEventListener("dragend", () => {
        dragged = null;
        for (const other of strip.children) other.classList.remove("tf-over");
      });
      item.addEventListener("dragover", (event) => {
        if (dragged === null) return;
        event.preventDefault();
        for (const other of strip.children) other.classList.toggle("tf-over", other === item && i !== dragged);
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
    const current = button(T.t("Add the picture from Play"), T.t("The point of the latent space that Play shows now"), () =>
      add(T.keyframes.at(T.state.x, T.state.y), T.state.c),
    );
    const kept = button(T.t("Add from favourites"), T.t("The pictures that you kept in Play"), () => {
      shelf.hidden = !shelf.hidden;
      drawShelf();
    });
    kept.setAttribute("aria-expanded", "false");
    const drawShelf = () => {
      kept.setAttribute("aria-expanded", String(!shelf.hidden));
      if (shelf.hidden) return;
      const all = T.favourites?.() ?? [];
      const own = all.filter((one) => one.b === T.state.b);
      const full = choice.keys.length >= T.keyframes.most;
      const jobs = [];
      const tiles = own.map((state) => {
        const key = T.keyframes.at(state.x, state.y);
        const picture = el("canvas", { class: "tf-picture", width: 32, height: 32 });
        jobs.push({ canvas: picture, path: path(), params: paramsOf(key, state.c) });
        const label = T.t("Add favourite: {name}", { name: T.describe(state) });
        return el("button", { type: "button", "aria-label": label, title: label, disabled: full, onclick: () => add(key, state.c) }, picture);
      });
      let note = "";
      if (!all.length) note = T.t("Nothing kept yet: in Play, “Keep” puts a picture here.");
      else if (!own.length) note = T.t("Your favourites are from other pictures than the ones chosen in the bar.");
      else if (full) note = T.t("{n} keyframes are the most: remove one first.", { n: T.keyframes.most });
      shelf.replaceChildren(...tiles, note && el("p", { class: "tf-quiet" }, note));
      fillShelf(jobs);
    };

    const element = el(
      "div",
      {},
      strip,
      told,
      el("div", { class: "tf-buttons" }, current, kept),
      shelf,
    );
    element.draw = () => {
      const jobs = [];
      strip.replaceChildren(...choice.keys.map((key, i) => figure(key, i, jobs)));
      current.disabled = choice.keys.length >= T.keyframes.most;
      fillKeys(jobs);
      drawShelf();
    };
    element.classOf = classOf;
    return element;
  };
})();

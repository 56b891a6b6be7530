// Make, second step: the names of the classes. Pictures are dragged onto them, or selected and then put there by a press of a
// name, by finger and keyboard too. Names are added, changed and deleted; a class may be empty.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element. most: letters of a name. actions: put(files | null, name): the dragged files, or null for the selected ones, belong there;
  // only(name | null): show only this class; add(name), rename(name, next), remove(name), use(on): whether classes are learned,
  // selectShown(), selectNone(). `.show(view)` draws; view: { counts: name -> number, "" for those without; use, selected: how many
  // are, selecting: whether a click selects, only }.
  T.classNames = (most, actions) => {
    const list = el("div", { class: "tf-make-classes", role: "group", "aria-label": T.t("Classes") });
    const use = el("input", { type: "checkbox", onchange: () => actions.use(use.checked) });
    const words = el("p", { class: "tf-quiet", role: "status" });
    const all = el("button", { type: "button", class: "tf-button", onclick: () => actions.selectShown() }, T.t("Select this page"));
    const none = el("button", { type: "button", class: "tf-button", onclick: () => actions.selectNone() }, T.t("Select none"));
    const select = el("div", { class: "tf-inline" }, all, none);
    const root = el("div", { class: "tf-make-classing" }, el("label", { class: "tf-check" }, use, T.t("Learn classes")), list, words, select);
    const around = el("div", {}, root);
    let view = null;
    let editing = null; // the name that is being changed; "" for a new one

    const pill = (name) => {
      const text = name || T.t("No class");
      const count = T.wholeNumber(view.counts[name] ?? 0);
      const hint = view.selected ? T.t("Put the selected pictures here") : T.t("Show only these");
      const button = el("button", { type: "button", class: "tf-make-class", title: hint, "aria-pressed": String(view.only === name), onclick: () => (view.selected ? actions.put(null, name) : actions.only(view.only === name ? null : name)) }, el("span", {}, text), " ", el("small", {}, count));
      button.dataset.name = name;
      const row = el("div", { class: `tf-make-pill${name ? "" : " tf-make-nameless"}` }, button);
      if (name) {
        row.append(
          el("button", { type: "button", class: "tf-make-edit", "data-part": "rename", "aria-label": T.t("Rename {name}", { name }), title: T.t("Rename"), onclick: () => edit(name) }, "✎"),
          el("button", { type: "button", class: "tf-make-edit", "data-part": "remove", "aria-label": T.t("Delete the class {name}", { name }), title: T.t("Delete the class; its pictures stay, without one"), onclick: () => actions.remove(name) }, "×"),
        );
      }
      row.addEventListener("dragover", (event) => {
        if (!T.dragsPictures(event)) return;
        event.preventDefault();
        row.classList.add("tf-over");
      });
      row.addEventListener("dragleave", () => row.classList.remove("tf-over"));
      row.addEventListener("drop", (event) => {
        event.preventDefault();
        row.classList.remove("tf-over");
        const files = T.draggedPictures(event);
        if (files.length) actions.put(files, name);
      });
      return row;
    };
    const edit = (name) => {
      editing = name;
      draw();
      list.querySelector("input")?.select();
    };
    const field = (name) => {
      const input = el("input", { type: "text", maxlength: most, value: name, "aria-label": name ? T.t("New name of {name}", { name }) : T.t("Name of the new class") });
      const finish = (keep) => {
        if (editing === null) return;
        const next = input.value.trim().replace(/\s+/g, " ");
        editing = null;
        if (keep && next && next !== name) (name ? actions.rename(name, next) : actions.add(next));
        else draw();
        list.querySelector(`[data-name="${CSS.escape(keep ? next : name)}"], .tf-make-new`)?.focus();
      };
      input.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault(); // or Enter would press what has the focus next
        finish(event.key === "Enter");
      });
      return el("div", { class: "tf-make-pill" }, input, el("button", { type: "button", class: "tf-make-edit", "aria-label": T.t("Keep this name"), onclick: () => finish(true) }, "✓"));
    };
    const draw = () => {
      const names = Object.keys(view.counts).filter(Boolean);
      const focused = list.contains(document.activeElement) ? document.activeElement : null;
      const at = [...list.children].findIndex((row) => row.contains(focused));
      const name = list.children[at]?.querySelector("[data-name]")?.dataset.name;
      const children = names.map((name) => (editing === name ? field(name) : pill(name)));
      if (names.length && view.counts[""]) children.push(pill(""));
      children.push(editing === "" ? field("") : el("button", { type: "button", class: "tf-button tf-make-new", onclick: () => edit("") }, T.t("New class")));
      list.replaceChildren(...children);
      if (focused && editing === null) {
        // The same button of the same name; of a name that is gone, that of the next.
        const row = (name !== undefined && list.querySelector(`[data-name="${CSS.escape(name)}"]`)?.parentElement) || list.children[Math.min(at, list.children.length - 1)];
        (row.querySelector(`[data-part="${focused.dataset.part}"]`) ?? row.querySelector("button") ?? row).focus();
      }
      list.hidden = !view.use;
      select.hidden = !view.use || !view.selecting;
      none.disabled = !view.selected;
      use.checked = view.use;
      words.textContent = view.selected ? T.n(view.selected, "{n} picture is selected: press the name of its class.", "{n} pictures are selected: press the name of their class.") : names.length ? T.t("Drag pictures onto a name, or select some and press it.") : T.t("Without classes all pictures are learned alike. Give names to sort them.");
      words.hidden = !view.use;
      const atHand = view.use && view.selected > 0; // then the names stay in view, and their place on the page as it was
      if (atHand && !around.style.minHeight) around.style.minHeight = `${root.offsetHeight}px`;
      if (!atHand) around.style.minHeight = "";
      root.classList.toggle("tf-make-at-hand", atHand);
    };
    around.show = (next) => {
      view = next;
      draw();
    };
    return around;
  };
})();

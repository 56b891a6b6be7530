// Make, second step: columns of a table that came with the pictures (metadata.csv): attributes to learn, or classes.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element; hidden where no table came. choose(changes) asks the server for them, classesFrom(column) takes the classes from
  // a column. `.show(found)` draws what GET /make/{project}/pictures says.
  T.attributeChoice = (choose, classesFrom) => {
    const summary = el("summary");
    const inner = el("div", { class: "tf-make-attributes" });
    const root = el("details", { class: "tf-more", hidden: true }, summary, inner);
    root.show = (found) => {
      root.hidden = !found.columns.length;
      const focused = inner.contains(document.activeElement) ? document.activeElement : null;
      const before = inner.querySelector("select")?.value;
      const chosen = new Set(found.attributes);
      const possible = found.columns.filter((column) => !column.why_not);
      const others = found.columns.filter((column) => column.why_not);
      const boxes = possible.map(({ name, known }) => {
        const box = el("input", { type: "checkbox", name: "tf-make-attribute", value: name, checked: chosen.has(name) });
        box.addEventListener("change", () => {
          if (box.checked) chosen.add(name);
          else chosen.delete(name);
          choose({ attributes: possible.map((column) => column.name).filter((one) => chosen.has(one)) });
        });
        return el("label", { class: "tf-check", title: T.n(known, "{n} picture has a value", "{n} pictures have a value") }, box, name);
      });
      const classes = el("select", { "aria-label": T.t("Take the classes from") }, ...found.columns.filter((column) => column.classes).map(({ name }) => el("option", {}, name)));
      if ([...classes.options].some(({ value }) => value === before)) classes.value = before;
      const take = el("button", { type: "button", class: "tf-button", onclick: () => classesFrom(classes.value) }, T.t("Take the classes from it"));
      const parts = [
        boxes.length > 0 && el("fieldset", {}, el("legend", { class: "tf-label" }, T.t("Learned as attributes, each with a slider")), ...boxes),
        classes.options.length > 0 && el("div", { class: "tf-inline" }, el("span", { class: "tf-label" }, T.t("Column")), classes, take),
        others.length > 0 && el("details", { class: "tf-more" }, el("summary", {}, T.n(others.length, "{n} column cannot be an attribute", "{n} columns cannot be attributes")), el("ul", {}, ...others.map(({ name, why_not: why }) => el("li", {}, el("strong", {}, name), ": ", T.translate(why))))),
      ];
      summary.textContent = T.t("Attributes and columns: {n} of {m} attributes are learned", { n: chosen.size, m: possible.length });
      inner.replaceChildren(...parts.filter(Boolean));
      const next = { checkbox: boxes.map((label) => label.firstChild).find(({ value }) => value === focused?.value), "select-one": classes, button: take }[focused?.type];
      next?.focus({ preventScroll: true });
      if (chosen.size) root.open = true;
    };
    return root;
  };
})();

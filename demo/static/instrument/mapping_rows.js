// The list of mappings: each with its source's value, its range, its curve and its smoothing.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const CURVES = () => ({ linear: T.t("Straight"), exp: T.t("Slow, then fast"), s: T.t("Slow at both ends") });
  const shown = (value) => T.digits(value, 3);
  const nameOf = ({ source, parameter }) => `${source} ${parameter}`; // of a mapping: there is one for both at most

  // The element. engine: whose mappings they are; changed() is called after each change. `.refresh()` shows them anew,
  // `.follow()` shows the sources' values of now.
  T.mappingRows = (engine, changed) => {
    const list = el("ul", { class: "tf-mappings" });
    const nothing = el("p", { class: "tf-quiet" }, T.t("Nothing is mapped yet. Press Learn, move a knob, then touch a slider of the page."));
    const box = el("div", {}, nothing, list);
    let meters = []; // [source, its element]

    const field = (label, control) => el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, label), control);
    const row = (mapping, i) => {
      const parameter = T.parameters.find(mapping.parameter);
      const name = parameter?.label ?? mapping.parameter;
      const source = T.sourceNames.label(mapping.source);
      const change = (patch) => {
        engine.mappings = engine.mappings.map((one, at) => (at === i ? { ...one, ...patch } : one));
        summary.textContent = told({ ...mapping, ...patch });
        Object.assign(mapping, patch);
        changed();
      };
      const told = ({ from, to, curve, smoothing, invert }) =>
        [`${shown(invert ? to : from)} … ${shown(invert ? from : to)}`, CURVES()[curve], smoothing ? T.t("{ms} ms", { ms: smoothing }) : T.t("at once")].join(" · ");
      const number = (key, label) => {
        const input = el("input", { type: "number", step: "any", value: mapping[key] });
        input.addEventListener("change", () => {
          const value = input.value === "" ? NaN : Number(input.value);
          if (Number.isFinite(value)) change({ [key]: Math.min(parameter?.high ?? value, Math.max(parameter?.low ?? value, value)) });
          input.value = mapping[key];
        });
        return field(label, input);
      };
      const curve = el("select", {}, ...Object.entries(CURVES()).map(([value, words]) => el("option", { value, selected: value === mapping.curve }, words)));
      curve.addEventListener("change", () => change({ curve: curve.value }));
      const smoothing = T.slider(T.t("Smoothing"), { min: 0, max: 1000, step: 10, value: mapping.smoothing, format: (ms) => T.t("{ms} ms", { ms }) }, (ms) => change({ smoothing: ms }));
      const invert = el("input", { type: "checkbox", checked: mapping.invert });
      invert.addEventListener("change", () => change({ invert: invert.checked }));
      const meter = el("i", {});
      meters.push([mapping.source, meter]);
      const summary = el("span", { class: "tf-quiet" }, told(mapping));
      const remove = el("button", { type: "button", class: "tf-remove", "aria-label": T.t("Remove the mapping of {source}", { source }), onclick: () => drop(i) }, T.t("Remove"));
      return el(
        "li",
        { class: parameter ? null : "tf-absent" },
        el("div", { class: "tf-mapping-head" }, el("span", { class: "tf-mapping-name" }, el("strong", {}, source), " → ", name), remove),
        el("span", { class: "tf-mapping-meter", "aria-hidden": "true" }, meter),
        parameter ? null : el("p", { class: "tf-quiet" }, T.t("The page has no such control now; the mapping waits for it.")),
        el(
          "details",
          { class: "tf-more", "data-mapping": nameOf(mapping) },
          el("summary", {}, summary),
          el("div", { class: "tf-inline" }, number("from", T.t("From")), number("to", T.t("To")), field(T.t("Curve"), curve), el("label", { class: "tf-check" }, invert, T.t("Invert"))),
          smoothing,
        ),
      );
    };
    const drop = (i) => {
      engine.mappings = engine.mappings.filter((_, at) => at !== i);
      box.refresh();
      changed();
      (list.querySelectorAll(".tf-remove")[Math.max(0, i - 1)] ?? box.home)?.focus();
    };
    box.refresh = () => {
      meters = [];
      const open = [...list.querySelectorAll("details[open]")].map((details) => details.dataset.mapping);
      list.replaceChildren(...engine.mappings.map(row));
      for (const details of list.querySelectorAll("details")) details.open = open.includes(details.dataset.mapping);
      nothing.hidden = engine.mappings.length > 0;
    };
    box.follow = () => {
      for (const [source, meter] of meters) meter.style.transform = `scaleX(${engine.values.get(source) ?? 0})`;
    };
    return box;
  };
})();

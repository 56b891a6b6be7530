// Blending two bundles: which ones fit the bundle on screen, the command that blends them, and why the others do not fit.
// What export/weight_mixing.py checks weight by weight, by what the page knows of the generators.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // Why a bundle cannot be blended with another, in words; "" where it can.
  const misfit = (own, other) => {
    if (!other.stages || !other.generator) return T.t("no generator with stages");
    if (other.stages !== own.stages) return T.t("{n} stages instead of {own}", { n: other.stages, own: own.stages });
    if (["body", "width", "w_dim"].some((name) => other.generator[name] !== own.generator[name])) return T.t("built otherwise");
    return other.width === own.width && other.height === own.height ? "" : T.t("pictures of another shape");
  };
  // The finer half of the stages that fit, as the command takes them: pictures of other colours differ in the last one.
  const stagesOf = (own, other) => {
    const last = own.channels === other.channels ? own.stages : own.stages - 1;
    const first = Math.min(last, Math.ceil(own.stages / 2) + 1);
    return first === last ? String(last) : `${first}-${last}`;
  };

  // The element with a choice of the bundles that fit; hidden where the bundle on screen has no stages. `.refresh()` brings
  // it up to date with the page.
  T.blendWith = () => {
    const choice = el("select", { "aria-label": T.t("Blend with") });
    const command = el("code", { class: "tf-install" });
    const copy = T.copyButton(T.t("Copy"), () => command.textContent, T.t("Copy the command that blends"));
    const row = el("div", { class: "tf-inline" }, el("label", { class: "tf-field" }, el("span", { class: "tf-label" }, T.t("Blend with")), choice), command, copy);
    const colours = el("p", { class: "tf-quiet" });
    const others = el("p", { class: "tf-quiet" });
    const box = el(
      "div",
      { class: "tf-blend" },
      el("h4", {}, T.t("Blend with another bundle")),
      el("p", { class: "tf-quiet" }, T.t("A new bundle, whose generator has coarse stages of this one and fine stages of the other. Where one was trained from the other the mixture is smooth, else it is strange.")),
      row,
      colours,
      others,
    );
    const show = () => {
      const own = T.bundle();
      const other = T.bundle(choice.value);
      if (!other) return;
      const words = { first: own.name, second: other.name, stages: stagesOf(own, other) };
      command.textContent = T.facts.blend.replace(/\{(\w+)\}/g, (_, name) => words[name]);
      colours.textContent = own.channels === other.channels ? "" : T.t("The last stage stays this bundle's own, as the other draws in other colours.");
      colours.hidden = !colours.textContent;
    };
    choice.addEventListener("change", show);
    box.refresh = () => {
      const own = T.bundle();
      box.hidden = !own.stages || !own.generator;
      if (box.hidden) return;
      const rest = T.facts.bundles.filter(({ name }) => name !== own.name).map((other) => [other, misfit(own, other)]);
      const before = choice.value;
      const fitting = rest.filter(([, why]) => !why).map(([other]) => other);
      choice.replaceChildren(...fitting.map(({ name, title }) => el("option", { value: name }, title)));
      if (fitting.some(({ name }) => name === before)) choice.value = before;
      row.hidden = !fitting.length;
      colours.hidden = true;
      const odd = rest.filter(([, why]) => why).map(([{ title }, why]) => `${title} (${why})`);
      others.textContent = odd.length ? T.t("These do not fit: {list}.", { list: odd.join(", ") }) : "";
      if (!fitting.length && !odd.length) others.textContent = T.t("There is no other bundle here.");
      show();
    };
    return box;
  };
})();

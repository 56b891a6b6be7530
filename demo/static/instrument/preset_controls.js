// The part of the panel for presets: kept in this browser, saved and opened as files.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element. mappings(): those of now; use(mappings) takes others; say(sentence) tells what became of it.
  T.presetControls = (mappings, use, say) => {
    const choice = el("select", { "aria-label": T.t("Presets in this browser") });
    const name = el("input", { type: "text", maxlength: T.presets.mostLetters, placeholder: T.t("Name of the preset"), "aria-label": T.t("Name of the preset"), autocomplete: "off" });
    const picker = el("input", { type: "file", accept: ".json,application/json", class: "tf-hidden", tabindex: -1, "aria-label": T.t("A preset's file") });
    const button = (words, action) => el("button", { type: "button", class: "tf-button", onclick: action }, words);
    const attempt = async (action) => {
      try {
        say((await action()) ?? "");
      } catch (error) {
        say(error.message);
      }
    };
    const list = (chosen = "") => {
      const kept = T.presets.kept();
      choice.replaceChildren(el("option", { value: "" }, kept.length ? T.t("Choose a preset") : T.t("No presets yet")), ...kept.map((one) => el("option", { value: one.name }, one.name)));
      choice.value = chosen;
      forget.disabled = !choice.value;
    };
    const opened = (preset) => {
      use(preset.mappings);
      name.value = preset.name;
      return T.n(preset.mappings.length, "“{name}”: {n} mapping.", "“{name}”: {n} mappings.", { name: preset.name });
    };
    const given = () => ({ name: T.presets.nameFrom(name.value) || T.t("Preset"), mappings: mappings() });
    const keep = button(T.t("Keep preset"), () =>
      attempt(() => {
        const preset = given();
        T.presets.keep(preset);
        name.value = preset.name;
        list(preset.name);
        return T.t("“{name}” is kept in this browser.", { name: preset.name });
      }),
    );
    const forget = button(T.t("Delete preset"), () =>
      attempt(() => {
        const gone = choice.value;
        T.presets.forget(gone);
        list();
        choice.focus();
        return T.t("“{name}” is deleted.", { name: gone });
      }),
    );
    const save = button(T.t("Save as file"), () => {
      T.saveBlob(new Blob([T.presets.text(given())], { type: "application/json" }), `${given().name.replace(/[\\/:*?"<>|]/g, "-")}.json`);
    });
    const open = button(T.t("Open a file"), () => picker.click());
    picker.addEventListener("change", () => {
      const [file] = picker.files;
      picker.value = ""; // the same file can be chosen again
      if (file) attempt(async () => opened(await T.presets.readFile(file)));
    });
    choice.addEventListener("change", () => {
      const preset = T.presets.kept().find((one) => one.name === choice.value);
      forget.disabled = !preset;
      if (preset) attempt(() => opened(preset));
    });
    list();
    return el("div", {}, el("div", { class: "tf-inline" }, choice, forget), el("div", { class: "tf-inline" }, name, keep, save, open, picker));
  };
})();

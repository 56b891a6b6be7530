// The switch "On my device": worker.js computes live pictures in this browser instead of the server. Its words come from
// device_words.js.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const fromServer = T.pictureSource;
  const LIVE = /^live\/([^/?]+)(\/morph)?\?/; // the addresses that local.js answers
  T.onDevice = false; // whether live pictures are drawn here
  let pictures = null; // localPictures of local.js, once it is loaded
  let onProgress = () => {};
  let onFailure = () => {};

  const drawnHere = (bundle) => T.onDevice && Boolean(bundle?.device);
  // Who draws a bundle, and why.
  T.processor = (bundle = T.bundle()) => (drawnHere(bundle) ? T.deviceName(pictures.status(bundle.name)) : T.translate(bundle.processor));
  T.processorReason = (bundle = T.bundle()) =>
    drawnHere(bundle)
      ? `${T.t("The models run in this browser; the pictures of Play and Morph need no server.")} ${T.deviceWords(pictures.status(bundle.name))}`
      : T.translate(bundle.reason);

  // Addresses in the facts are relative to the page, but the worker lies elsewhere.
  const absolute = (file) => ({ ...file, url: T.url(file.url) });
  const forWorker = ({ device, ...bundle }) => ({
    ...bundle,
    ...device,
    graphs: Object.fromEntries(Object.entries(device.graphs).map(([name, file]) => [name, absolute(file)])),
    latents: absolute(device.latents),
  });
  const load = async () => {
    if (pictures) return;
    const failure = T.t("The scripts for drawing on this device could not be loaded. Check the connection and try again.");
    const module = await import(T.url(T.facts.device.module)).catch(() => {
      throw new Error(failure);
    });
    // As they are when a picture is wanted: bundles come, and are made anew, while the page is open.
    const factsOf = (name) => (T.bundle(name)?.device ? forWorker(T.bundle(name)) : undefined);
    const builds = Object.entries(T.facts.device.builds).map(([name, build]) => [
      name,
      { ...build, script: T.url(build.script), wasm: absolute(build.wasm) },
    ]);
    pictures = module.localPictures(factsOf, Object.fromEntries(builds), (loaded, total) => onProgress(loaded, total), announce, T.storage);
  };
  const announce = () => document.dispatchEvent(new Event("twofold-device"));

  T.pictureSource = async (path, params, signal) => {
    const name = LIVE.exec(path)?.[1];
    const onMap = /\b(pca|lda):/.test(params.keys ?? ""); // places of the latent map, which the server alone knows
    if (name === undefined || onMap || !drawnHere(T.bundle(decodeURIComponent(name)))) return fromServer(path, params, signal);
    try {
      return await pictures(path, params, signal);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      T.onDevice = false;
      onFailure(T.translate(error.message));
      announce();
      return fromServer(path, params, signal);
    }
  };

  // The element with the switch, with its status below; null where the server lacks what it needs (About says what). A
  // visitor who has switched it on finds it on again.
  T.deviceSwitch = () => {
    if (!T.facts.device || T.facts.device.install) return null;
    const box = el("input", { type: "checkbox", role: "switch" });
    const label = el("label", { class: "tf-switch" }, box, el("span", {}, T.t("On my device")));
    const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": T.t("Loading the models") });
    const note = el("p", { class: "tf-quiet", role: "status" });
    const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
    const describe = () => {
      bar.hidden = true;
      label.hidden = !T.bundle().device;
      if (!T.bundle().device) note.textContent = T.t("Only the server can draw the pictures of this bundle.");
      else if (T.onDevice) note.textContent = T.t("The pictures of Play and Morph are computed in this browser; they need no network.");
      else note.textContent = T.t("Loads the models once, then the pictures of Play and Morph are computed in this browser.");
    };
    onProgress = (loaded, total) => {
      bar.hidden = !total;
      bar.value = total ? Math.min(1, loaded / total) : 0;
      if (!total) describe();
      else if (loaded < total) note.textContent = T.t("{loaded} of {total} MB", { loaded: megabytes(loaded), total: megabytes(total) });
      else note.textContent = T.t("Starting the models");
    };
    onFailure = (sentence) => {
      box.checked = false;
      bar.hidden = true;
      note.textContent = `${sentence} ${T.t("The server keeps drawing.")}`;
    };
    const change = async (chosen = true) => {
      if (!box.checked) {
        T.onDevice = false;
        T.storage.keep("device", "off");
        describe();
        announce();
        return;
      }
      box.disabled = true;
      note.textContent = T.t("Loading the models");
      try {
        await load();
        if (T.bundle().device) await pictures(T.picturePath(), T.pictureParams());
        T.onDevice = true;
        if (chosen) T.storage.keep("device", "on");
        describe();
      } catch (error) {
        onFailure(T.translate(error.message));
      }
      box.disabled = false;
      announce();
    };
    box.addEventListener("change", () => change());
    // Draws here until the page is closed, unless the visitor has said otherwise: for hands, which feel every wait for a server.
    let offered = false; // once: what failed is not tried again unasked
    T.drawHere = () => {
      if (offered || box.checked || T.storage.text("device") !== null || !T.bundle().device) return;
      offered = box.checked = true;
      change(false);
    };
    T.on((after, before) => after.b !== before.b && describe());
    describe();
    if (T.storage.text("device") === "on") {
      box.checked = true;
      change();
    }
    return el("div", { class: "tf-device" }, label, bar, note, T.deviceSpeed(() => (drawnHere(T.bundle()) ? pictures : null)));
  };
})();

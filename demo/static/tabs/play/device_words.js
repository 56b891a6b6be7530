// What draws on the visitor's device (processor or graphics card), in words, and the choice between them. For the switch
// "On my device" and for the static page.
(() => {
  const T = window.Twofold;
  const { el } = T;
  const ms = (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

  // What draws, in two words. status: as localPictures of local.js gives it.
  T.deviceName = (status) => (status.on === "gpu" ? T.t("This device (WebGPU)") : T.t("This device"));
  // … and how fast it is, or why the other does not draw.
  T.deviceWords = ({ on, cpu, gpu, testing, problem }) => {
    const times = { cpu: ms(cpu ?? 0), gpu: ms(gpu ?? 0) };
    if (on === "gpu") return T.t("On your graphics card (WebGPU): {gpu} ms per picture. Your processor (WebAssembly) takes {cpu} ms.", times);
    if (gpu !== null && testing === null) return T.t("On your processor (WebAssembly): {cpu} ms per picture. Your graphics card (WebGPU) takes {gpu} ms.", times);
    const words = [cpu === null ? T.t("On your processor (WebAssembly).") : T.t("On your processor (WebAssembly): {cpu} ms per picture.", times)];
    if (testing) words.push(T.t("Testing the graphics card: {mb} MB to load.", { mb: (testing / 1e6).toFixed(1) }));
    else if (testing !== null) words.push(T.t("Testing the graphics card."));
    else if (problem) words.push(T.translate(problem));
    return words.join(" ");
  };

  // An element with these words, and with a choice where there is a graphics card. pictures(): what localPictures returned, or null while
  // nothing is drawn here.
  T.deviceSpeed = (pictures) => {
    const options = [
      ["auto", T.t("Automatic"), T.t("Whichever is faster")],
      ["gpu", T.t("Graphics card"), T.t("WebGPU, if its pictures are right")],
      ["cpu", T.t("Processor"), T.t("WebAssembly, on one thread")],
    ];
    const speed = el("p", { class: "tf-quiet tf-device-speed", role: "status" });
    const choice = T.segmented("tf-device-choice", T.t("What draws on this device"), options, "auto", (value) => pictures().choose(value));
    const box = el("div", { class: "tf-device-way" }, speed, choice);
    const refresh = () => {
      const drawing = pictures();
      box.hidden = !drawing;
      if (!drawing) return;
      T.say(speed, T.deviceWords(drawing.status(T.state.b)));
      choice.hidden = !drawing.offered;
      choice.choose(drawing.choice);
    };
    document.addEventListener("twofold-device", refresh);
    T.on((after, before) => after.b !== before.b && refresh());
    refresh();
    return box;
  };
})();

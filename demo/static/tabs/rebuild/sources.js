// Where the picture comes from: a held-out picture, the drawing board, a file or the webcam.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LARGEST = 40_000_000; // bytes of a file; it stays in the browser, which decodes it
  const MOST_TESTS = 24;
  const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif,image/bmp";

  // The element with all four. onChange() is called for another picture, onError(sentence) when something goes wrong ("": all
  // is well again). `.request()` is its part of the request, null while there is no picture; `.useBundle(bundle)`.
  T.sources = (onChange, onError) => {
    let source = "test";
    let test = 0;
    let bundleName = "";
    let picked = 0; // counted, so that a file that is slow does not come after what was chosen later
    const drawing = T.drawingBoard(() => onChange());
    const crops = { upload: T.cropper(() => onChange()), webcam: T.cropper(() => onChange()) };

    const file = el("input", { type: "file", accept: ACCEPTED, class: "tf-hidden", "aria-label": T.t("Choose a picture file") });
    const fileName = el("span", { class: "tf-file-name" });
    const drop = el(
      "label",
      { class: "tf-drop" },
      file,
      el("strong", {}, T.t("Choose a picture")),
      el("span", { class: "tf-quiet" }, T.t("or drop or paste one here: PNG, JPEG, WebP or GIF")),
      fileName,
    );
    const camera = T.camera((frame) => crops.webcam.put(frame), (sentence) => onError(sentence));
    const tests = el("div", { class: "tf-tests", role: "group", "aria-label": T.t("Held-out pictures") });
    const panels = {
      test: tests,
      draw: drawing,
      upload: el("div", { class: "tf-bring" }, drop, crops.upload),
      webcam: el("div", { class: "tf-bring" }, camera, crops.webcam),
    };
    const sourceChoice = T.segmented(
      "tf-source",
      T.t("Where the picture comes from"),
      [
        ["test", T.t("Test"), T.t("A picture that neither model has seen in training")],
        ["draw", T.t("Draw"), T.t("Draw one yourself")],
        ["upload", T.t("Upload"), T.t("Bring a file")],
        ["webcam", T.t("Webcam"), T.t("Take one with the camera of this device")],
      ],
      source,
      (value) => chooseSource(value),
    );
    const chooseSource = (value) => {
      picked += 1;
      source = value;
      onError("");
      sourceChoice.choose(value);
      for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== value;
      if (value !== "webcam") camera.stop();
      onChange();
    };

    // Browsers show the upper 8 bits of a grey PNG of 16. Which of its numbers are white is known to the server.
    const deep = async (chosen) => {
      const head = new Uint8Array(await chosen.slice(0, 26).arrayBuffer());
      return String.fromCharCode(...head.slice(1, 4)) === "PNG" && head[24] === 16 && head[25] === 0;
    };
    const eightBits = async (chosen) => (await T.ask(T.url(`rebuild/${encodeURIComponent(bundleName)}/eight-bits`), { method: "POST", body: chosen })).blob();

    const takeFile = async (chosen) => {
      if (!chosen) return;
      const mine = ++picked;
      if (chosen.size > LARGEST) {
        onError(T.t("The file is too large: at most {mb} MB are accepted.", { mb: LARGEST / 1e6 }));
        return;
      }
      let bitmap;
      try {
        bitmap = await createImageBitmap((await deep(chosen)) ? await eightBits(chosen) : chosen);
      } catch (error) {
        if (mine !== picked) return;
        if (!(error instanceof DOMException)) {
          onError(error.message); // of the server
          return;
        }
        onError(T.t("This file is not a picture that can be read; use PNG, JPEG, WebP or GIF."));
        return;
      }
      if (mine !== picked) return;
      fileName.textContent = chosen.name;
      if (source !== "upload") chooseSource("upload");
      onError("");
      crops.upload.put(bitmap);
    };
    file.addEventListener("change", () => {
      takeFile(file.files[0]);
      file.value = "";
    });
    T.dropZone(drop, takeFile);
    document.addEventListener("paste", (event) => {
      if (T.visible(board)) takeFile([...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/")));
    });

    const pickTest = (i) => {
      test = i;
      [...tests.children].forEach((tile, k) => tile.setAttribute("aria-pressed", String(k === i)));
      onChange();
    };
    const board = el("div", { class: "tf-sources" }, sourceChoice, ...Object.values(panels));
    for (const [name, panel] of Object.entries(panels)) panel.hidden = name !== source;
    board.request = () => {
      if (source === "test") return tests.children.length ? { test, picture: null } : null;
      if (source === "draw") return drawing.drawn() ? { test: null, picture: drawing.data() } : null;
      const picture = crops[source].data();
      return picture ? { test: null, picture } : null;
    };
    board.useBundle = (bundle) => {
      picked += 1;
      bundleName = bundle.name;
      drawing.useBundle(bundle);
      for (const crop of Object.values(crops)) crop.useBundle(bundle);
      test = 0;
      tests.replaceChildren(
        ...Array.from({ length: Math.min(MOST_TESTS, bundle.examples) }, (_, i) =>
          el(
            "button",
            { type: "button", "aria-label": T.t("Held-out picture {number}", { number: i + 1 }), "aria-pressed": String(i === 0), onclick: () => pickTest(i) },
            el("img", { class: "tf-picture", src: T.url(`${bundle.files}/examples/${i}.png`, { v: bundle.version }), alt: "", loading: "lazy" }),
          ),
        ),
      );
    };
    return board;
  };
})();

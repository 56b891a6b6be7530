// Make, first step: pictures come in as files, as a folder, as a zip or from the webcam, and are sent in pieces.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const PIECE = 4_000_000; // bytes of a request
  const AT_ONCE = 4; // files on their way
  const BURST = 30; // pictures of a webcam burst, one every …
  const BURST_EVERY = 300; // … so many ms
  const ACCEPTED = "image/*,.zip,.avif,.tif,.tiff,.jfif,.pgm,.ppm";

  // All files in what was dropped, each with the path that it has in its folder: [{ file, name }].
  const dropped = async (items) => {
    const found = [];
    const walk = async (entry) => {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.push({ file, name: entry.fullPath.replace(/^\//, "") });
        return;
      }
      const reader = entry.createReader();
      for (;;) {
        const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!entries.length) return;
        for (const inner of entries) await walk(inner);
      }
    };
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    for (const entry of entries) await walk(entry);
    return found;
  };

  // Sends one file in pieces. Where an answer was lost, the server says how much it has, and the file goes on from there.
  const send = async (project, { file, name }, sent) => {
    const id = Math.random().toString(36).slice(2);
    let at = 0;
    for (;;) {
      const piece = file.slice(at, at + PIECE);
      const address = T.url(`make/${project}/files`, { id, name, at, of: file.size });
      const answer = await (await T.ask(address, { method: "PUT", body: piece, headers: T.makeHeaders })).json();
      sent(answer.received - at);
      at = answer.received;
      if (answer.stored !== undefined) return answer;
    }
  };

  // The card of the first step. project(): the name of the project that takes the pictures, made when there is none yet.
  // onArrived() is called when all are there.
  T.makeBring = (project, onArrived) => {
    const error = T.errorNote();
    const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Pictures on their way") });
    const words = el("span", { role: "status" });
    const progress = el("div", { class: "tf-progress", hidden: true }, bar, words);

    const bring = async (files) => {
      if (!files.length) return;
      error.show("");
      const waiting = files.filter(({ file }) => file.size);
      const total = waiting.reduce((sum, { file }) => sum + file.size, 0);
      let done = 0;
      let [stored, refused] = [0, 0];
      const reasons = {};
      const show = () => {
        bar.value = total ? done / total : 1;
        words.textContent = T.t("{n} pictures, {done} of {all}", { n: T.wholeNumber(stored), done: T.bytes(done), all: T.bytes(total) });
      };
      progress.hidden = false;
      show();
      try {
        const name = await project();
        const worker = async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            const answer = await send(name, next, (bytes) => {
              done += bytes;
              show();
            });
            stored += answer.stored;
            for (const [reason, count] of Object.entries(answer.refused)) {
              refused += count;
              reasons[reason] = (reasons[reason] ?? 0) + count;
            }
          }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, worker));
      } catch (failure) {
        waiting.length = 0;
        error.show(failure.message);
      }
      if (!stored && !error.textContent) error.show(T.t("There is no picture among these files. Bring PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF, or a zip of them."));
      words.textContent = T.n(stored, "{n} picture has arrived.", "{n} pictures have arrived.");
      if (refused) words.textContent += ` ${T.n(refused, "{n} file was left out", "{n} files were left out")}: ${Object.keys(reasons).map((reason) => T.translate(reason)).join(" ")}`;
      onArrived();
    };
    const named = (list) => [...list].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
    const picker = (attributes, label, hint) => {
      const input = el("input", { type: "file", class: "tf-hidden", "aria-label": label, multiple: true, ...attributes });
      input.addEventListener("change", async () => {
        await bring(named(input.files));
        input.value = "";
      });
      return el("label", { class: "tf-button tf-file-button", title: hint }, input, label);
    };

    const drop = el(
      "div",
      { class: "tf-drop tf-make-drop" },
      el("strong", {}, T.t("Drop pictures, a folder or a zip here")),
      el("span", { class: "tf-quiet" }, T.t("Folders inside become classes, if you like.")),
      el(
        "div",
        { class: "tf-buttons" },
        picker({ accept: ACCEPTED }, T.t("Choose files"), T.t("Pictures, or a zip of them")),
        picker({ webkitdirectory: true }, T.t("Choose a folder"), T.t("With all that it holds")),
      ),
    );
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("tf-over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("tf-over"));
    drop.addEventListener("drop", async (event) => {
      event.preventDefault();
      drop.classList.remove("tf-over");
      await bring(await dropped(event.dataTransfer.items));
    });

    const camera = burstCamera(bring, error.show);
    return el(
      "div",
      { class: "tf-make-bring" },
      drop,
      camera,
      progress,
      error,
      el("p", { class: "tf-quiet" }, T.t("The pictures stay on the machine that runs this page. Nothing is sent anywhere else.")),
    );
  };

  // A button that takes BURST pictures with the webcam, with a square frame to aim by.
  const burstCamera = (bring, onError) => {
    const video = el("video", { class: "tf-video", autoplay: true, muted: true, playsinline: true, "aria-label": T.t("What the camera sees") });
    const view = el("div", { class: "tf-make-aim", hidden: true }, video);
    const start = el("button", { type: "button", class: "tf-button" }, T.t("Use the webcam"));
    const burst = el("button", { type: "button", class: "tf-button tf-primary", hidden: true }, T.t("Take {n} pictures", { n: BURST }));
    let stream = null;
    const stop = () => {
      stream?.getTracks().forEach((track) => track.stop());
      stream = null;
      view.hidden = burst.hidden = true;
      start.textContent = T.t("Use the webcam");
    };
    start.addEventListener("click", async () => {
      if (stream) return stop();
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 640 } });
      } catch {
        onError(T.t("The camera cannot be used: allow it in the browser, or bring files."));
        return;
      }
      video.srcObject = stream;
      view.hidden = burst.hidden = false;
      start.textContent = T.t("Stop the webcam");
    });
    burst.addEventListener("click", async () => {
      burst.disabled = true;
      const files = [];
      for (let i = 0; i < BURST && stream; i++) {
        const side = Math.min(video.videoWidth, video.videoHeight);
        const canvas = el("canvas", { width: 256, height: 256 });
        const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
        canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, 256, 256);
        const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
        if (blob) files.push({ file: blob, name: "webcam.png" });
        burst.textContent = T.t("{i} of {n}", { i: i + 1, n: BURST });
        await new Promise((resolve) => setTimeout(resolve, BURST_EVERY));
      }
      burst.textContent = T.t("Take {n} pictures", { n: BURST });
      burst.disabled = false;
      await bring(files);
    });
    return el("div", { class: "tf-make-camera" }, el("div", { class: "tf-buttons" }, start, burst), view);
  };
})();

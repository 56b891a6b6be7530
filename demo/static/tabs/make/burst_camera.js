// Make, first step: a burst or a timed series of pictures from the webcam, with a square frame to aim by.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const COUNTS = [10, 30, 100, 300];
  const SECONDS = [0.3, 1, 5, 30, 120]; // from one picture to the next
  const SIDE = 512; // pixels of a picture at most

  // What the camera sees in the frame, as { file, name }; null where it shows nothing.
  const taken = async (video) => {
    const side = Math.min(video.videoWidth, video.videoHeight);
    if (!side) return null;
    const size = Math.min(side, SIDE);
    const canvas = el("canvas", { width: size, height: size });
    const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
    canvas.getContext("2d").drawImage(video, left, top, side, side, 0, 0, size, size);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return blob && { file: blob, name: "webcam.png" };
  };

  // The part of the card: bring(files, project) takes the pictures for the project that was open when they were begun, projectNow()
  // names it, onError(sentence) says what is wrong.
  T.burstCamera = (bring, projectNow, onError) => {
    let taking = false;
    const onState = (state) => {
      if (state === "off") taking = false;
      panel.hidden = state !== "on";
      start.textContent = state === "on" ? T.t("Stop the webcam") : T.t("Use the webcam");
      start.disabled = state === "opening";
    };
    const video = T.webcam({ width: 640, height: 640 }, { onState, onError, inUse: () => taking });
    const view = el("div", { class: "tf-make-aim" }, video);
    const choice = (label, values, chosen, words) => el("select", { "aria-label": label }, ...values.map((value) => el("option", { value, selected: value === chosen }, words(value))));
    const count = choice(T.t("How many pictures"), COUNTS, 30, (n) => T.t("{n} pictures", { n }));
    const every = choice(T.t("How often"), SECONDS, 0.3, (n) => T.t("one every {n} s", { n }));
    const start = el("button", { type: "button", class: "tf-button", onclick: () => (panel.hidden ? video.open() : video.stop()) }, T.t("Use the webcam"));
    const burst = el("button", { type: "button", class: "tf-button tf-primary" }, T.t("Take them"));
    const words = el("span", { class: "tf-quiet", role: "status" });
    const panel = el("div", { class: "tf-make-camera", hidden: true }, view, el("div", { class: "tf-inline" }, count, every, burst, words));
    burst.addEventListener("click", async () => {
      if (taking) {
        taking = false; // what was taken so far is kept
        return;
      }
      taking = true;
      burst.textContent = T.t("Enough");
      const [files, to] = [[], projectNow()];
      for (let i = 0; i < Number(count.value) && taking; i++) {
        const next = Date.now() + 1000 * Number(every.value);
        const picture = await taken(video);
        if (picture) files.push(picture);
        words.textContent = T.t("{i} of {n}", { i: i + 1, n: count.value });
        while (taking && Date.now() < next && i + 1 < Number(count.value)) await new Promise((resolve) => setTimeout(resolve, Math.min(200, Math.max(next - Date.now(), 0))));
      }
      taking = false;
      burst.textContent = T.t("Take them");
      words.textContent = "";
      if (!T.visible(video)) video.stop(); // the tab was closed meanwhile
      if (files.length) await bring(files, to);
    });
    return el("div", {}, el("div", { class: "tf-inline" }, start), panel);
  };
})();

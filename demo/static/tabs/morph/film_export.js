// A morph as a file: a button for each format, how far the file is, and the finished file.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const STRIPS = ["film-strip", "png-strip"]; // of as many frames as are asked for, whatever the length

  // Format -> [what its button says, what the file is].
  const formatsInWords = () => ({
    webp: [T.t("Export WebP"), T.t("Animated, lossless, plays in every browser")],
    gif: [T.t("Export GIF"), T.t("Animated, plays everywhere")],
    mp4: [T.t("Export MP4"), T.t("A video for slides, phones and editing")],
    "film-strip": [T.t("Export film strip"), T.t("All frames in rows on white, A4 wide, to print")],
    "png-strip": [T.t("Export PNG strip"), T.t("All frames in rows, in one picture")],
    zip: [T.t("Export ZIP"), T.t("Every frame as PNG, and path.json to draw them again")],
  });
  // Why the server cannot write MP4 (demo/tabs/morph/video.py), in words; "" where it can.
  const missingEncoder = () => {
    const reason = T.facts.exports?.mp4;
    if (!reason) return "";
    if (reason.includes("H.264")) return T.t("The ffmpeg of this server has no H.264 encoder: pip install imageio-ffmpeg, or put an ffmpeg program on the PATH, then start the server again.");
    return T.t("There is no MP4 encoder on this server: pip install imageio-ffmpeg, or put an ffmpeg program on the PATH, then start the server again.");
  };
  // The bytes that a base64 text stands for.
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  // How far a file is, in words.
  const inWords = ({ done, of, left, about }) => {
    if (about) return about;
    if (done === of) return T.t("Finishing the file");
    const words = T.t("{n} of {all} frames", { n: done, all: of });
    return (left ?? null) === null ? words : `${words} · ${T.t("{time} left", { time: T.duration(left) })}`;
  };
  // The element that shows a finished file. about: what it holds, in words.
  const preview = (format, href, about) => {
    const alt = T.t("The exported morph: {about}", { about });
    if (format === "zip") return el("p", { class: "tf-quiet" }, about);
    if (format === "mp4") return el("video", { src: href, class: "tf-picture", controls: true, loop: true, muted: true, playsinline: true, "aria-label": alt });
    if (STRIPS.includes(format)) return el("img", { src: href, alt, class: format === "png-strip" ? "tf-strip" : "tf-film" });
    if (T.reducedMotion.matches) return el("p", { class: "tf-quiet" }, T.t("Not played here: this device is set to reduce motion."));
    return el("img", { src: href, alt, class: "tf-picture" });
  };

  // The export of a morph. choice: { keys, frames, seconds, fps }; request() gives what the server must know to draw it, once
  // an export begins. `.formats`: how many there are; `.parts`: the elements, in order.
  T.filmExport = (choice, request) => {
    let control = null; // the AbortController of the export that is waited for
    let description = ""; // of what is exported
    let format = "";
    let address = ""; // of the file that is shown

    const progress = el("progress", { max: 1, value: 0, "aria-label": T.t("Export progress") });
    const progressText = el("span", { class: "tf-quiet", "aria-live": "polite" });
    const cancel = el("button", { type: "button", class: "tf-button", onclick: () => stop() }, T.t("Cancel"));
    const progressRow = el("div", { class: "tf-progress", hidden: true }, progress, progressText, cancel);
    const result = el("div", { class: "tf-export", hidden: true });

    // The server says which formats there are; the static page has one.
    const words = formatsInWords();
    const missing = { mp4: missingEncoder() };
    const buttons = Object.keys(T.facts.exports ?? { "png-strip": "" }).map((name) => {
      const [text, hint] = words[name];
      const label = missing[name] ? T.t("{export} (needs an encoder)", { export: text }) : text;
      return el("button", { type: "button", class: `tf-button${missing[name] ? " tf-needs-encoder" : ""}`, title: missing[name] || hint, "data-format": name, onclick: () => start(name) }, label);
    });
    const setBusy = (busy) => {
      for (const button of buttons) button.disabled = busy;
    };
    const giveUp = T.debounced(() => stop(T.busyMessage), T.replyTimeout);

    const start = (name) => {
      if (missing[name]) {
        finish(missing[name]);
        return;
      }
      const asked = { ...request(), b: T.state.b, format: name, fps: choice.fps };
      const strip = STRIPS.includes(name);
      if (strip) asked.frames = choice.frames;
      control = new AbortController();
      format = name;
      description = T.t("{n} frames through {keys}", {
        n: strip ? choice.frames : Math.round(choice.seconds * (name === "gif" ? Math.min(T.timing.gifRate, choice.fps) : choice.fps)),
        keys: choice.keys.map(T.keyframes.name).join(", "),
      });
      setBusy(true);
      result.hidden = true;
      progressRow.hidden = false;
      progress.removeAttribute("value");
      progressText.textContent = T.t("Waiting in the queue");
      follow(control, asked);
      cancel.focus();
      giveUp();
    };
    // Shows the reports of an export as they arrive.
    const follow = async (mine, asked) => {
      const pieces = []; // of a long file
      try {
        for await (const report of T.exportMorph(asked, mine.signal)) {
          if (control !== mine) return; // it was given up meanwhile
          if (report.blob) return showFile(report, addressOf(report.blob)); // the static page's
          if (report.href) return showFile(report, fileAt(report.href));
          if (report.bytes) return showFile(report, addressOf(new Blob(pieces, { type: report.type })));
          if (report.part) pieces.push(bytesOf(report.part));
          else if (!report.waiting) {
            progress.value = report.progress;
            progressText.textContent = inWords(report);
          }
          giveUp(); // none of them is late
        }
      } catch (error) {
        if (control === mine) finish(T.translate(error.message));
      }
    };
    // The visitor cancels, or the server does not answer in time.
    const stop = (sentence = "") => {
      control?.abort();
      finish(sentence);
      if (!sentence) {
        result.replaceChildren(el("p", { class: "tf-quiet", role: "status" }, T.t("Cancelled: nothing was exported.")));
        result.hidden = false;
      }
      buttons.find((button) => button.dataset.format === format)?.focus();
    };
    // The export has ended; sentence: why there is no file, if there is none.
    const finish = (sentence) => {
      control = null;
      giveUp.cancel();
      setBusy(false);
      progressRow.hidden = true;
      result.hidden = !sentence;
      if (sentence) result.replaceChildren(el("p", { class: "tf-error", role: "alert" }, sentence));
    };
    const showFile = (report, href) => {
      finish("");
      const download = el("a", { class: "tf-button tf-primary", href, download: report.name }, T.t("Download {name}", { name: report.name }));
      result.replaceChildren(preview(report.format, href, description), el("div", { class: "tf-buttons" }, download, el("span", { class: "tf-quiet" }, T.bytes(report.bytes))));
      result.hidden = false;
      download.focus({ preventScroll: true });
    };
    // A blob instead of a long data address: it downloads in every browser, and plays in <video>. The one before is let go.
    const addressOf = (blob) => {
      if (address) URL.revokeObjectURL(address);
      address = URL.createObjectURL(blob);
      return address;
    };
    const fileAt = (href) => {
      if (!href.startsWith("data:")) return href;
      const [head, body] = href.split(",");
      return addressOf(new Blob([bytesOf(body)], { type: head.slice(5).split(";")[0] }));
    };
    return { formats: buttons.length, parts: [el("div", { class: "tf-buttons" }, ...buttons), progressRow, result] };
  };
})();

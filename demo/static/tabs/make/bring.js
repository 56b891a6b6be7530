// Make, first step: pictures come in as files, as a folder, as a zip, from the webcam, from a video, from this machine.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const AT_ONCE = 4; // files on their way
  const ACCEPTED = "image/*,video/*,.zip,.avif,.tif,.tiff,.jfif,.pgm,.ppm,.csv,.jsonl";
  const VIDEO = /\.(mp4|m4v|mov|webm|mkv|avi|ogv|3gp)$/i;

  const isVideo = ({ file, name }) => file.type.startsWith("video/") || VIDEO.test(name);

  // Which files were left out and why, in words. refused: reason -> count.
  const leftOut = (refused) => {
    const counts = Object.entries(refused);
    const count = counts.reduce((sum, [, n]) => sum + n, 0);
    const reasons = counts.map(([reason, n]) => T.translate(reason).replace(/[.。]$/, "") + (counts.length > 1 ? ` (${T.wholeNumber(n)})` : ""));
    return count ? T.sentence(`${T.n(count, "{n} file was left out", "{n} files were left out")}: ${reasons.join(T.t("; "))}`) : "";
  };
  // What became of files that were sent, in words.
  const arrived = (stored, tables, refused) => {
    const words = [stored || !tables ? T.n(stored, "{n} picture has arrived.", "{n} pictures have arrived.") : ""];
    if (tables) words.push(T.n(tables, "{n} table came with them.", "{n} tables came with them."));
    return [...words, leftOut(refused)].filter(Boolean).join(" ");
  };

  // The card of the first step. facts: what GET /make says. projectNow(): the name of the open project, or what stands for a new
  // one. project(place): the name of the project of such a place, which is made when there is none yet. onArrived() is called when all are there. `.resume(project)` shows what is
  // still being fetched, `.forget()` takes away what was said of another project.
  T.makeBring = (facts, projectNow, project, onArrived) => {
    const error = T.errorNote();
    const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Pictures on their way") });
    const words = el("span", { role: "status" });
    const progress = el("div", { class: "tf-progress", hidden: true }, bar, words);
    const notes = el("ul", { class: "tf-make-advice" }); // on how a source was read
    const tellNotes = (sentences) => notes.replaceChildren(...sentences.map((sentence) => el("li", {}, T.sentence(T.translate(sentence)))));
    let sending = 0; // drops whose files are on their way
    const none = () => T.t("There is no picture among these files. Bring PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF, or a zip of them.");

    // Sends files side by side to the project of a place; gives how many pictures and tables were stored, and why others
    // were not. refused: reason -> how many of others.
    const sendAll = async (files, refused, to) => {
      const total = files.reduce((sum, { file }) => sum + file.size, 0);
      const found = { stored: 0, tables: 0, refused, failure: null };
      let done = 0;
      const show = () => {
        bar.value = total ? done / total : 1;
        words.textContent = T.n(found.stored, "{n} picture, {done} of {all}", "{n} pictures, {done} of {all}", { done: T.bytes(done), all: T.bytes(total) });
      };
      progress.hidden = false;
      show();
      const waiting = [...files];
      const worker = async (name) => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const sent = (bytes) => {
            done += bytes;
            show();
          };
          const answer = await T.sendFile(name, next, sent, () => (words.textContent = T.t("The server does not answer; trying again …")));
          found.stored += answer.stored;
          found.tables += answer.tables;
          for (const [reason, count] of Object.entries(answer.refused)) found.refused[reason] = (found.refused[reason] ?? 0) + count;
        }
      };
      try {
        const name = await project(to);
        await Promise.all(Array.from({ length: AT_ONCE }, () => worker(name)));
      } catch (failure) {
        waiting.length = 0;
        found.failure = failure;
      }
      return found;
    };
    // Takes files of the visitor. to: the place that was open when they were chosen, dropped or filmed: reading them takes time,
    // in which another one may be opened.
    const bring = async (all, to) => {
      error.show("");
      tellNotes([]);
      words.textContent = "";
      const refused = {};
      const refuse = (reason, of) => of.length && (refused[reason] = of.length);
      const files = all.filter(({ file }) => file?.size);
      refuse("cannot be read", all.filter(({ file }) => !file));
      refuse("empty", all.filter(({ file }) => file?.size === 0));
      const videos = files.filter(isVideo);
      const most = facts.limits.upload_bytes;
      const large = files.filter(({ file }) => file.size > most && !videos.some((video) => video.file === file));
      const others = files.filter((one) => !videos.includes(one) && !large.includes(one));
      if (videos.length) video.offer(videos);
      if (large.length) error.show(T.t("{name} is too large: at most {n} MB are accepted. Unpack it, and drop the folder.", { name: large[0].name, n: T.wholeNumber(Math.floor(most / 1e6)) }));
      if (!others.length) {
        if (!videos.length && !large.length) error.show(leftOut(refused) || none());
        return;
      }
      sending += 1;
      const found = await sendAll(others, refused, to);
      sending -= 1;
      const nothing = !found.stored && !found.tables;
      const known = Object.keys(found.refused).some((reason) => reason !== "no picture"); // what is the matter with them
      if (found.failure) error.show(found.failure.message);
      else if (nothing) error.show(known ? leftOut(found.refused) : none());
      words.textContent = nothing ? "" : arrived(found.stored, found.tables, found.refused);
      progress.hidden = !words.textContent;
      onArrived();
    };
    const picker = (attributes, label, hint) => {
      const input = el("input", { type: "file", class: "tf-hidden", "aria-label": label, multiple: true, ...attributes });
      input.addEventListener("change", async () => {
        await bring(T.namedFiles(input.files), projectNow());
        input.value = "";
      });
      return el("label", { class: "tf-button tf-file-button", title: hint }, input, label);
    };

    const drop = el(
      "div",
      { class: "tf-drop tf-make-drop" },
      el("strong", {}, T.t("Drop pictures, a folder, a zip or a video here")),
      el("span", { class: "tf-quiet" }, T.t("Folders inside become classes, if you like.")),
      el(
        "div",
        { class: "tf-buttons" },
        picker({ accept: ACCEPTED }, T.t("Choose files"), T.t("Pictures, a zip of them, or a video")),
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
      const to = projectNow();
      await bring(await T.droppedFiles(event.dataTransfer), to);
    });

    const video = T.videoFrames(bring, projectNow, (sentence) => error.show(sentence));
    const fetched = T.makeFetched(facts, projectNow, project, onArrived, (fetch) => {
      progress.hidden = false;
      bar.value = fetch.of ? fetch.done / fetch.of : 0;
      const ended = { done: arrived(fetch.stored, 0, fetch.refused), stopped: arrived(fetch.stored, 0, fetch.refused), failed: "" }[fetch.state];
      if (ended !== undefined) bar.value = 1;
      words.textContent = ended ?? (fetch.state === "reading" ? T.t("Reading pictures: {n} so far", { n: T.wholeNumber(fetch.done) }) : T.t("Storing picture {done} of {of}", fetch));
      progress.hidden = fetch.state === "failed";
      error.show(fetch.state === "failed" ? fetch.error : "");
      tellNotes(fetch.state === "done" ? fetch.notes : []);
    });
    const root = el(
      "div",
      { class: "tf-make-bring" },
      drop,
      video,
      T.burstCamera(bring, projectNow, error.show),
      fetched,
      progress,
      notes,
      error,
      el("p", { class: "tf-quiet" }, T.t("The pictures stay on the machine that runs this page. Nothing is sent anywhere else.")),
    );
    root.resume = fetched.resume;
    root.forget = () => {
      fetched.forget();
      tellNotes([]);
      if (sending) return;
      error.show("");
      words.textContent = "";
      progress.hidden = true;
    };
    return root;
  };
})();

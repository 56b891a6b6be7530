// Make, first step: pictures from a video, one frame in n, decoded by the visitor's browser. A frame that is almost the same
// as the one kept before it is dropped.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const LONGEST = 512; // pixels of a picture's longer side
  const MOST = 1000; // pictures of one video
  const WANTED = 200; // … that are suggested
  const USUAL = 1 / 25; // seconds of a frame, where the browser does not tell
  const MEASURED = 8; // frames that are played to learn how long one takes
  const PATIENCE = 5000; // ms that the browser may take to find a frame
  const SMALL = 16; // side of the copies that are compared
  const SAME = 2.5; // of 255: frames that differ less on average are almost the same
  const QUALITY = 0.95; // of JPEG

  const within = (promise, ms) => Promise.race([promise, new Promise((_, reject) => setTimeout(reject, ms))]);
  const heard = (video, name) =>
    within(
      new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", reject, { once: true });
      }),
      PATIENCE,
    );
  const seek = async (video, time) => {
    const there = heard(video, "seeked");
    video.currentTime = time;
    await there;
  };

  // A video that is ready to be looked through, with `duration` and `frame`, the seconds of one frame. Rejects where the
  // browser cannot decode it.
  const openVideo = async (file) => {
    const video = el("video", { muted: true, playsinline: true, preload: "auto" });
    video.muted = true;
    const loaded = heard(video, "loadeddata");
    video.src = URL.createObjectURL(file);
    try {
      await loaded;
      if (!video.videoWidth) throw new Error();
      if (video.duration === Infinity) await seek(video, 1e7); // recordings do not say how long they are until their end
    } catch (failure) {
      URL.revokeObjectURL(video.src);
      throw failure;
    }
    const { duration } = video;
    const frame = await frameTime(video).catch(() => USUAL);
    return { video, duration, frame: Math.min(frame, duration) || USUAL };
  };
  const frameTime = async (video) => {
    if (!video.requestVideoFrameCallback) return USUAL;
    await seek(video, 0);
    const times = [];
    const measured = new Promise((resolve) => {
      const note = (_, { mediaTime }) => {
        times.push(mediaTime);
        if (times.length < MEASURED) video.requestVideoFrameCallback(note);
        else resolve();
      };
      video.requestVideoFrameCallback(note);
      video.addEventListener("ended", resolve, { once: true });
    });
    await video.play();
    await within(measured, 2000).catch(() => {});
    video.pause();
    const steps = times.slice(1).map((time, i) => time - times[i]).filter((step) => step > 0.001);
    return steps.length ? Math.min(...steps) : USUAL; // the shortest: others were passed over
  };

  const painted = (video, width, height) => {
    const canvas = el("canvas", { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: width === SMALL });
    context.drawImage(video, 0, 0, width, height);
    return { canvas, context };
  };
  const smallCopy = (video) => painted(video, SMALL, SMALL).context.getImageData(0, 0, SMALL, SMALL).data;
  const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / (0.75 * a.length); // alpha never differs

  // Adds the frames of a video at these steps to found: { files, seen }, where they stay if it fails half way. wanted() tells
  // whether to go on; told(share) how far it is.
  const framesOf = async ({ video, duration, frame }, step, name, found, wanted, told) => {
    const scale = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
    const [width, height] = [video.videoWidth, video.videoHeight].map((side) => Math.max(1, Math.round(side * scale)));
    let [kept, last] = [0, null];
    for (let i = 0; i * step * frame < duration && kept < MOST && wanted(); i++) {
      await seek(video, Math.min((i * step + 0.5) * frame, duration));
      const copy = smallCopy(video);
      found.seen += 1;
      told((i * step * frame) / duration);
      if (last && difference(copy, last) < SAME) continue;
      last = copy;
      const blob = await new Promise((resolve) => painted(video, width, height).canvas.toBlob(resolve, "image/jpeg", QUALITY));
      if (!blob) continue;
      found.files.push({ file: blob, name });
      kept += 1;
    }
  };

  // The part of the card. bring(files, project) takes the pictures for the project that was open when their frames were begun,
  // projectNow() names it, onError(sentence) says what is wrong. `.offer(videos)` asks how many frames of these files are wanted.
  T.videoFrames = (bring, projectNow, onError) => {
    let videos = [];
    let opened = [];
    let offers = 0; // counted, so that videos that open slowly do not come after later ones
    let working = false;
    const words = el("span", { class: "tf-quiet", role: "status" });
    const bar = el("progress", { max: 1, value: 0, "aria-label": T.t("Frames of the video"), hidden: true });
    let step = 1;
    const count = () => opened.reduce((sum, { duration, frame }) => sum + Math.min(MOST, Math.ceil(duration / (step * frame))), 0);
    const say = () => (words.textContent = T.n(count(), "{n} picture at most; frames almost the same as the one before are dropped.", "{n} pictures at most; frames almost the same as the one before are dropped."));
    const slider = T.slider(T.t("One frame in"), { min: 1, max: 100, step: 1, value: 1 }, (value) => {
      step = value;
      say();
    });
    const take = el("button", { type: "button", class: "tf-button tf-primary" }, T.t("Take the frames"));
    const title = el("strong");
    const root = el("div", { class: "tf-make-video", hidden: true }, title, slider, el("div", { class: "tf-inline" }, take, bar, words));
    const forget = (list) => list.forEach(({ video }) => URL.revokeObjectURL(video.src));
    const close = () => {
      forget(opened);
      [videos, opened] = [[], []];
      root.hidden = true;
    };
    take.addEventListener("click", async () => {
      if (working) {
        working = false; // what was found so far is kept
        return;
      }
      working = true;
      bar.hidden = false;
      take.textContent = T.t("Enough");
      const found = { files: [], seen: 0 };
      const failed = []; // names of videos
      const [mine, named, to] = [opened, videos, projectNow()];
      for (const [i, one] of mine.entries()) {
        const stem = named[i].name.split("/").pop().replace(/\.[^.]*$/, "");
        const name = mine.length > 1 ? `${stem}/frame.jpg` : "frame.jpg"; // several videos are several classes
        try {
          await framesOf(one, step, name, found, () => working, (share) => (bar.value = (i + share) / mine.length));
        } catch {
          failed.push(named[i].name);
        }
      }
      working = false;
      bar.hidden = true;
      take.textContent = T.t("Take the frames");
      close();
      const { files, seen } = found;
      if (files.length) await bring(files, to);
      if (seen) root.said.textContent = T.t("{kept} of {n} frames were taken; the others were almost the same as the one before.", { kept: T.wholeNumber(files.length), n: T.wholeNumber(seen) });
      if (failed.length) onError(undecodable(failed.join(", ")));
    });
    const undecodable = (name) => T.t("This browser cannot decode the video {name}. Save it as MP4 (H.264) or WebM, or bring its frames as pictures.", { name });
    root.offer = async (found) => {
      if (working) {
        onError(T.t("Frames are being taken: bring the next video when that is done."));
        return;
      }
      const mine = ++offers;
      close();
      root.said.textContent = "";
      const [ready, named] = [[], []];
      for (const one of found) {
        try {
          ready.push(await openVideo(one.file));
          named.push(one);
        } catch {
          if (mine === offers) onError(undecodable(one.name));
        }
      }
      if (mine !== offers) {
        forget(ready);
        return;
      }
      [videos, opened] = [named, ready];
      if (!opened.length) return;
      const frames = opened.reduce((sum, { duration, frame }) => sum + duration / frame, 0);
      step = Math.max(1, Math.min(100, Math.round(frames / WANTED)));
      slider.put(step);
      title.textContent = videos.map(({ name }) => name).join(", ");
      say();
      root.hidden = false;
    };
    root.said = el("p", { class: "tf-quiet", role: "status" });
    const around = el("div", {}, root, root.said);
    around.offer = root.offer;
    return around;
  };
})();

// A picture from the webcam: started by a click; one frame is kept and the stream is stopped.
(() => {
  const T = window.Twofold;
  const { el } = T;

  const reasons = () => ({
    NotAllowedError: T.t("The webcam was blocked. Allow it in the browser's settings for this page, then start again."),
    NotFoundError: T.t("No webcam was found on this device."),
    NotReadableError: T.t("The webcam cannot be read; another program may be using it."),
  });

  // The element with the webcam. onFrame(canvas) gets the frame that was taken, onError(sentence) what went wrong, or "".
  // `.stop()` ends a running stream.
  T.camera = (onFrame, onError) => {
    let stream = null;
    let attempt = 0; // counted, so that a stream that is allowed too late is stopped at once
    const video = el("video", { class: "tf-video", muted: true, playsinline: true, "aria-label": T.t("What the webcam sees"), hidden: true });
    video.muted = true;
    const start = el("button", { type: "button", class: "tf-button", onclick: () => open() }, T.t("Start the webcam"));
    const take = el("button", { type: "button", class: "tf-button tf-primary", hidden: true, onclick: () => shoot() }, T.t("Take the picture"));
    const end = el("button", { type: "button", class: "tf-button", hidden: true, onclick: () => close() }, T.t("Stop the webcam"));
    const show = () => {
      video.hidden = take.hidden = end.hidden = !stream;
      start.hidden = Boolean(stream);
    };
    const close = () => {
      attempt += 1;
      for (const track of stream?.getTracks() ?? []) track.stop();
      stream = null;
      video.srcObject = null;
      start.disabled = false;
      show();
    };
    const open = async () => {
      onError("");
      if (!navigator.mediaDevices?.getUserMedia) {
        onError(window.isSecureContext ? T.t("This browser gives no access to a webcam.") : T.t("Browsers allow the webcam only over https or on localhost."));
        return;
      }
      const mine = ++attempt;
      start.disabled = true;
      try {
        const opened = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } }, audio: false });
        if (mine !== attempt) {
          for (const track of opened.getTracks()) track.stop();
          return;
        }
        stream = opened;
        for (const track of opened.getTracks()) track.addEventListener("ended", close);
        video.srcObject = opened;
        show();
        await video.play();
      } catch (error) {
        if (mine !== attempt) return;
        close();
        onError(reasons()[error.name] ?? T.t("The webcam could not be started."));
      } finally {
        if (mine === attempt) start.disabled = false;
      }
    };
    const shoot = () => {
      if (!video.videoWidth) return; // the first frame has not come yet
      const frame = el("canvas", { width: video.videoWidth, height: video.videoHeight });
      frame.getContext("2d").drawImage(video, 0, 0);
      close();
      start.textContent = T.t("Take another");
      onFrame(frame);
      start.focus({ preventScroll: true });
    };
    addEventListener("pagehide", close);
    const board = el(
      "div",
      { class: "tf-camera" },
      video,
      el("div", { class: "tf-buttons" }, start, take, end),
      el("p", { class: "tf-quiet" }, T.t("The stream stays in this browser. Only the part that you choose is sent, and nothing is stored.")),
    );
    board.stop = close;
    return board;
  };
})();

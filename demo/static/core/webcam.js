// A webcam: opened by a click, and stopped when it is no longer looked at.
(() => {
  const T = window.Twofold;

  const reasons = () => ({
    NotAllowedError: T.t("The webcam was blocked. Allow it in the browser's settings for this page, then start again."),
    NotFoundError: T.t("No webcam was found on this device."),
    NotReadableError: T.t("The webcam cannot be read; another program may be using it."),
  });

  // The <video> of a webcam. wish: the width and height that would be best, in pixels. onState("off" | "opening" | "on") is called
  // whenever that changes, onError(sentence) when it cannot be used, and with "" when it is tried again. inUse(): whether it is to
  // go on while nobody sees it. `.open()`, `.stop()`.
  T.webcam = (wish, { onState, onError, inUse = () => false }) => {
    let stream = null;
    let attempt = 0; // counted, so that a stream that is allowed too late is stopped at once
    const video = T.el("video", { class: "tf-video", muted: true, playsinline: true, "aria-label": T.t("What the webcam sees") });
    video.muted = true;
    video.stop = () => {
      attempt += 1;
      for (const track of stream?.getTracks() ?? []) track.stop();
      stream = null;
      video.srcObject = null;
      onState("off");
    };
    video.open = async () => {
      onError("");
      if (!navigator.mediaDevices?.getUserMedia) {
        onError(window.isSecureContext ? T.t("This browser gives no access to a webcam.") : T.t("Browsers allow the webcam only over https or on localhost."));
        return;
      }
      const mine = ++attempt;
      onState("opening");
      try {
        const opened = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: wish.width }, height: { ideal: wish.height } }, audio: false });
        if (mine !== attempt) {
          for (const track of opened.getTracks()) track.stop();
          return;
        }
        stream = opened;
        for (const track of opened.getTracks()) track.addEventListener("ended", video.stop);
        video.srcObject = opened;
        onState("on");
        if (!T.visible(video) && !inUse()) return video.stop(); // its tab was closed meanwhile
        await video.play();
      } catch (error) {
        if (mine !== attempt) return;
        video.stop();
        onError(reasons()[error.name] ?? T.t("The webcam could not be started."));
      }
    };
    addEventListener("pagehide", video.stop);
    // Its size becomes zero when its tab is closed, even where it was out of view and no intersection changes.
    new ResizeObserver(() => stream && !T.visible(video) && !inUse() && video.stop()).observe(video);
    return video;
  };
})();

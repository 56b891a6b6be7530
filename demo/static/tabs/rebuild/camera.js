// A picture from the webcam: one frame is kept, and the webcam is stopped.
(() => {
  const T = window.Twofold;
  const { el } = T;

  // The element with the webcam. onFrame(canvas) gets the frame that was taken, onError(sentence) what went wrong, or "".
  // `.stop()` ends a running stream.
  T.camera = (onFrame, onError) => {
    const onState = (state) => {
      video.hidden = take.hidden = end.hidden = state !== "on";
      start.hidden = state === "on";
      start.disabled = state === "opening";
    };
    const video = T.webcam({ width: 640, height: 480 }, { onState, onError });
    const button = (text, action, primary) => el("button", { type: "button", class: `tf-button${primary ? " tf-primary" : ""}`, onclick: action }, text);
    const start = button(T.t("Start the webcam"), () => video.open());
    const take = button(T.t("Take the picture"), () => shoot(), true);
    const end = button(T.t("Stop the webcam"), () => video.stop());
    onState("off");
    const shoot = () => {
      if (!video.videoWidth) return; // the first frame has not come yet
      const frame = el("canvas", { width: video.videoWidth, height: video.videoHeight });
      frame.getContext("2d").drawImage(video, 0, 0);
      video.stop();
      start.textContent = T.t("Take another");
      onFrame(frame);
      start.focus({ preventScroll: true });
    };
    const board = el(
      "div",
      { class: "tf-camera" },
      video,
      el("div", { class: "tf-buttons" }, start, take, end),
      el("p", { class: "tf-quiet" }, T.t("The stream stays in this browser. Only the part that you choose is sent, and nothing is stored.")),
    );
    board.stop = () => video.stop();
    return board;
  };
})();

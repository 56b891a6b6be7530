// The pointer's place over the page, a pen's pressure and tilt, and the tilt of the device.
(() => {
  const T = window.Twofold;

  const STEEPEST = 60; // degrees of a pen, each way
  const LEANING = 45; // degrees of the device, each way
  const SILENT = 1500; // ms after which a device without a sensor has shown that it has none

  // Follows the pointer.
  T.pointerSources = (engine) => {
    const follow = (event) => {
      if (engine.wants("pointer:x")) engine.put("pointer:x", event.clientX / innerWidth, false); // moving it is how one learns: it is chosen by name
      if (engine.wants("pointer:y")) engine.put("pointer:y", event.clientY / innerHeight, false);
      if (event.pointerType !== "pen") return;
      if (engine.wants("pen:pressure")) engine.put("pen:pressure", event.pressure);
      if (engine.wants("pen:x")) engine.put("pen:x", T.mapping.fromMiddle(event.tiltX / STEEPEST), false);
      if (engine.wants("pen:y")) engine.put("pen:y", T.mapping.fromMiddle(event.tiltY / STEEPEST), false);
    };
    for (const kind of ["pointermove", "pointerdown", "pointerup"]) document.addEventListener(kind, follow, { passive: true });
  };

  // The tilt of the device. say(sentence, on: whether it plays now) tells how it is. `.start()` asks for it, after a click: iOS wants one.
  T.deviceTilt = (engine, say) => {
    let on = false;
    const follow = ({ beta, gamma }) => {
      if (beta === null || gamma === null) return;
      if (!on) say(T.t("Tilt: tilt the device left and right, front and back."), true);
      on = true;
      const turned = ((screen.orientation?.angle ?? 0) * Math.PI) / 180; // the sensor's axes are those of the device, not of the page
      const across = gamma * Math.cos(turned) + beta * Math.sin(turned);
      const down = beta * Math.cos(turned) - gamma * Math.sin(turned);
      engine.put("tilt:x", T.mapping.fromMiddle(across / LEANING));
      engine.put("tilt:y", T.mapping.fromMiddle(down / LEANING));
    };
    const start = async () => {
      if (on) return;
      if (!window.DeviceOrientationEvent || !isSecureContext) {
        say(isSecureContext ? T.t("This browser does not tell how the device is tilted.") : T.t("Browsers tell the tilt on secure pages only: open this page by https."));
        return;
      }
      try {
        const answer = await DeviceOrientationEvent.requestPermission?.();
        if (answer === "denied") throw new Error(answer);
      } catch {
        say(T.t("The tilt was refused. Allow motion sensors for this page in the browser, then press Tilt again."));
        return;
      }
      addEventListener("deviceorientation", follow);
      setTimeout(() => on || say(T.t("This device has no tilt sensor, or its browser keeps it closed.")), SILENT);
    };
    return { start };
  };
})();

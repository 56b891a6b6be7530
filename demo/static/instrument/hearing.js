// Sound as a source: the microphone, or a file that the visitor chooses. Both are only measured, here in the page: nothing is
// recorded, and nothing is sent. A file is streamed by the browser's own player, so its length does not matter.
(() => {
  const T = window.Twofold;

  const WINDOW = 2048; // samples of a spectrum: 43 ms at 48 kHz
  const FADE = 260; // ms in which an onset's value falls by 63 %
  const QUIET = 6000; // ms of silence, after which that is said
  const SILENCE = 0.02; // a level below which nothing is heard
  const REMEMBERED = 40; // onsets

  // say(sentence, on: whether it plays now) tells how it is; heard(onsets) is called at each onset with their times in ms.
  // Returns { microphone(), file(file), stop(), player: the <audio> element }.
  T.hearing = (engine, say, heard) => {
    let context = null;
    let analyser = null;
    let source = null; // the node that is measured now
    let track = null; // of the microphone
    let address = null; // of the file
    let playerNode = null; // a player has one node for life
    let samples;
    let decibels;
    let detect;
    let onsets = [];
    let pulse = 0;
    let lastAt = 0;
    let soundAt = 0; // when something was heard last
    let quiet = false;
    let words = ""; // what is said while it sounds
    let attempt = 0; // so that an answer that comes late does not start what was stopped
    const player = T.el("audio", { controls: true, loop: true, preload: "metadata", hidden: true, "aria-label": T.t("The sound file") });

    const measure = (now) => {
      analyser.getFloatTimeDomainData(samples);
      analyser.getFloatFrequencyData(decibels);
      const level = T.sound.level(samples);
      const strength = detect(decibels, now);
      if (strength) {
        pulse = 1;
        onsets = [...onsets, now].slice(-REMEMBERED);
        heard(onsets);
      } else pulse *= Math.exp(-Math.max(0, now - lastAt) / FADE);
      lastAt = now;
      engine.put("sound:level", level, false);
      for (const [band, value] of Object.entries(T.sound.bands(decibels, context.sampleRate))) engine.put(`sound:${band}`, value, false);
      engine.put("sound:onset", pulse < 0.01 ? 0 : pulse, false);
      if (level > SILENCE || (source === playerNode && player.paused)) soundAt = now;
      if (now - soundAt > QUIET !== quiet) {
        quiet = !quiet;
        say(quiet ? T.t("Nothing is heard: is the microphone muted, or the file silent?") : words, true);
      }
    };
    const listen = (node, sentence) => {
      source = node;
      node.connect(analyser);
      detect = T.sound.onsetDetector();
      onsets = [];
      quiet = false;
      soundAt = lastAt = performance.now();
      words = sentence;
      engine.poll(measure);
      say(sentence, true);
    };
    const open = async () => {
      if (!context) {
        context = new AudioContext({ latencyHint: "interactive" });
        analyser = new AnalyserNode(context, { fftSize: WINDOW, smoothingTimeConstant: 0 });
        samples = new Float32Array(WINDOW);
        decibels = new Float32Array(analyser.frequencyBinCount);
      }
      await context.resume();
    };
    const stop = (sentence = "") => {
      attempt += 1;
      engine.unpoll(measure);
      source?.disconnect();
      source = null;
      if (track) {
        track.onended = null;
        track.stop();
      }
      track = null;
      player.pause();
      player.hidden = true;
      player.removeAttribute("src");
      player.load();
      if (address) URL.revokeObjectURL(address);
      address = null;
      for (const name of ["level", "low", "mid", "high", "onset"]) engine.put(`sound:${name}`, 0, false);
      context?.suspend();
      say(sentence, false);
    };
    const refusals = () => ({
      NotAllowedError: T.t("The microphone was refused. Allow it for this page in the browser, then press Microphone again."),
      NotFoundError: T.t("No microphone was found: plug one in, or choose a sound file."),
      NotReadableError: T.t("The microphone cannot be used: another program may have it."),
    });

    const microphone = async () => {
      stop();
      const mine = attempt;
      if (!navigator.mediaDevices?.getUserMedia) {
        say(isSecureContext ? T.t("This browser gives pages no microphone.") : T.t("Browsers give the microphone to secure pages only: open this page by https, or on the machine that serves it."), false);
        return;
      }
      try {
        const opening = open();
        const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }; // they would flatten what is measured
        const stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
        await opening;
        if (mine !== attempt) {
          for (const each of stream.getTracks()) each.stop();
          return;
        }
        [track] = stream.getAudioTracks();
        track.onended = () => stop(T.t("The microphone is gone; the picture goes on without it."));
        listen(context.createMediaStreamSource(stream), T.t("The microphone is on. It is only measured: nothing is recorded or sent."));
      } catch (error) {
        if (mine === attempt) stop(refusals()[error.name] ?? T.t("The microphone does not start in this browser."));
      }
    };
    const file = async (chosen) => {
      stop();
      const mine = attempt;
      const refused = T.t("This browser cannot play “{name}”: choose a sound file, such as MP3, WAV, OGG or FLAC.", { name: chosen.name });
      try {
        await open();
        if (mine !== attempt) return; // another source was chosen meanwhile
        address = URL.createObjectURL(chosen);
        player.src = address;
        player.hidden = false;
        await player.play();
        if (mine !== attempt) return;
        playerNode ??= context.createMediaElementSource(player);
        playerNode.connect(context.destination);
        listen(playerNode, T.t("“{name}” is played and measured here; it is sent nowhere.", { name: chosen.name }));
      } catch (error) {
        if (mine === attempt && error.name !== "AbortError") stop(refused);
      }
    };
    player.addEventListener("error", () => address && source && stop(T.t("The sound file is damaged from here on, so it was stopped; the picture goes on.")));
    return { microphone, file, stop: () => stop(), player };
  };
})();

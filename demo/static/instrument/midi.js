// MIDI devices through Web MIDI, found when they are plugged in.
(() => {
  const T = window.Twofold;

  // The devices of this browser. say(sentence, on: whether one plays now) tells how they are. `.start()` asks for them.
  T.midiDevices = (engine, say) => {
    let access = null;
    const heard = new Map(); // inputs by id
    const held = new Map(); // notes by the id of their input, which end when it is unplugged

    const take = (input, { data }) => {
      for (const [source, value] of T.midiSources(data)) {
        if (source.startsWith("note:")) {
          const notes = held.get(input.id);
          if (value) notes?.add(source);
          else notes?.delete(source);
        }
        engine.put(source, value);
      }
    };
    const names = () => [...heard.values()].map((input) => input.name || T.t("a MIDI device"));
    const tell = (before = "") => {
      const now = heard.size ? T.t("MIDI: {names}.", { names: names().join(", ") }) : T.t("No MIDI device is connected. Plug one in: no click is needed.");
      say([before, now].filter(Boolean).join(" "), heard.size > 0);
    };
    // Takes note of which inputs there are, and tells of it; of an output that came or went only where it was `asked`.
    const refresh = (asked) => {
      const gone = [];
      let came = 0;
      const present = new Map([...access.inputs.values()].filter((input) => input.state !== "disconnected").map((input) => [input.id, input]));
      for (const [id, input] of heard) {
        if (present.has(id)) continue;
        gone.push(input.name || T.t("a MIDI device"));
        input.onmidimessage = null;
        for (const source of held.get(id)) engine.put(source, 0);
        heard.delete(id);
        held.delete(id);
      }
      for (const [id, input] of present) {
        if (heard.has(id)) continue;
        came += 1;
        heard.set(id, input);
        held.set(id, new Set());
        input.onmidimessage = (event) => take(input, event);
      }
      if (!gone.length && !came && !asked) return;
      tell(gone.length ? T.n(gone.length, "{names} was unplugged; the keys that were held are released.", "{names} were unplugged; the keys that were held are released.", { names: gone.join(", ") }) : "");
    };
    const start = async () => {
      if (access) return refresh(true);
      if (!navigator.requestMIDIAccess) {
        say(isSecureContext ? T.t("This browser has no MIDI. Chrome, Edge and Firefox have it.") : T.t("Browsers allow MIDI on secure pages only: open this page by https, or on the machine that serves it."));
        return;
      }
      say(T.t("The browser may ask whether this page may use MIDI."));
      try {
        access = await navigator.requestMIDIAccess({ sysex: false });
      } catch (error) {
        const refused = ["NotAllowedError", "SecurityError"].includes(error.name);
        say(refused ? T.t("MIDI was refused. Allow it for this page in the browser, then press MIDI again.") : T.t("MIDI does not start in this browser. Is another program using the device?"));
        return;
      }
      access.onstatechange = () => refresh(false);
      refresh(true);
    };
    return { start };
  };
})();

// A MIDI controller for measurements and tests of the page, run before its scripts: navigator.requestMIDIAccess answers as a
// browser does (Web MIDI API, W3C), and window.simulatedMidi.send(...bytes) is a message from the device.
(() => {
  const port = (id, name) => Object.assign(new EventTarget(), { id, name, manufacturer: "Simulated", type: "input", version: "1", state: "connected", connection: "open", onmidimessage: null });
  const inputs = new Map();
  const access = Object.assign(new EventTarget(), { inputs, outputs: new Map(), sysexEnabled: false, onstatechange: null });
  const changed = (of) => access.onstatechange?.(Object.assign(new Event("statechange"), { port: of }));
  window.simulatedMidi = {
    refusal: null, // the name of an error with which access is refused
    plug(name = "Simulated controller", id = name) {
      inputs.set(id, port(id, name));
      changed(inputs.get(id));
    },
    unplug(id) {
      const gone = inputs.get(id);
      inputs.delete(id);
      gone.state = "disconnected";
      changed(gone);
    },
    // Sends a message from every device; returns when, in ms as performance.now() has it.
    send(...bytes) {
      for (const input of inputs.values()) {
        const event = Object.assign(new Event("midimessage"), { data: Uint8Array.from(bytes) });
        input.onmidimessage?.(event);
        input.dispatchEvent(event);
      }
      return performance.now();
    },
  };
  navigator.requestMIDIAccess = async () => {
    const { refusal } = window.simulatedMidi;
    if (refusal) throw new DOMException("refused", refusal);
    return access;
  };
  window.simulatedMidi.plug();
})();

// A MIDI controller for measurements and tests of the page, run before its scripts: navigator.requestMIDIAccess answers as a
// browser does (Web MIDI API, W3C), and window.simulatedMidi.send(...bytes) is a message from the device.
(() => {
  const port = (id, name, type) => Object.assign(new EventTarget(), { id, name, manufacturer: "Simulated", type, version: "1", state: "connected", connection: "open", onmidimessage: null });
  const inputs = new Map();
  const outputs = new Map(); // most devices have one, which comes and goes with a message of its own
  const access = Object.assign(new EventTarget(), { inputs, outputs, sysexEnabled: false, onstatechange: null });
  const changed = (of) => access.onstatechange?.(Object.assign(new Event("statechange"), { port: of }));
  window.simulatedMidi = {
    refusal: null, // the name of an error with which access is refused
    plug(name = "Simulated controller", id = name) {
      for (const [ports, type] of [[inputs, "input"], [outputs, "output"]]) {
        ports.set(id, port(id, name, type));
        changed(ports.get(id));
      }
    },
    unplug(id) {
      for (const ports of [inputs, outputs]) {
        const gone = ports.get(id);
        ports.delete(id);
        gone.state = "disconnected";
        changed(gone);
      }
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

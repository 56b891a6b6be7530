"""The instrument of Play: what hands and sounds bring, given to its scripts in Node with browsers that say no."""

import json
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.inputs.cases import case
from tests.support.page_scripts import Scripts

plays = partial(case, "The instrument")
NAMES = ("mapping", "source_names", "preset", "midi_messages", "onsets", "tempo", "engine", "midi", "gamepad",
         "hearing", "pointer")  # fmt: skip
# A page that cannot do anything yet: `said` is what it says, `browser` what its navigator has.
PAGE = """
const said = [];
const say = (sentence) => sentence && said.push(sentence);
const browser = { mediaDevices: {} };
const listeners = {};
const frames = [];
Object.defineProperty(globalThis, "navigator", { value: browser, configurable: true });
Object.assign(globalThis, {
    isSecureContext: true, addEventListener: (kind, listener) => (listeners[kind] = listener),
    requestAnimationFrame: (action) => frames.push(action), screen: {},
});
const frame = (ms) => { clock.now += ms; for (const due of frames.splice(0)) due(clock.now); };
const engine = T.instrumentEngine();
const refusing = (name) => async () => { throw Object.assign(new Error("no"), { name }); };
"""
# Ears, and a player for files: what is heard is silence.
EARS = """
class Context {
    sampleRate = 48000;
    async resume() {}
    async suspend() {}
    createMediaElementSource() { return { connect() {}, disconnect() {} }; }
    createMediaStreamSource() { return { connect() {}, disconnect() {} }; }
}
class Analyser {
    frequencyBinCount = 1024;
    getFloatTimeDomainData(samples) { samples.fill(0); }
    getFloatFrequencyData(decibels) { decibels.fill(-Infinity); }
}
Object.assign(globalThis, { AudioContext: Context, AnalyserNode: Analyser });
const player = {
    paused: false, addEventListener() {}, play: async () => {}, pause() {}, load() {}, removeAttribute() {},
};
T.el = () => player;
Object.assign(URL, { createObjectURL: (file) => `blob:${file.name}`, revokeObjectURL() {} });
const hearing = T.hearing(engine, say, () => {});
"""
MIDI = """
const input = { id: "1", name: "Keys", state: "connected" };
const access = { inputs: new Map([["1", input]]) };
browser.requestMIDIAccess = async () => access;
const devices = T.midiDevices(engine, say);
"""


@cache
def _scripts() -> Scripts:
    names = [f"instrument/{name}.js" for name in NAMES]
    return Scripts(Path(tempfile.mkdtemp()), "core/parameters.js", *names)


def _said(code: str, **values: Any) -> str:
    """What the page says, sentence after sentence."""
    found = _scripts()(f"{PAGE}{code}\nreturn said;", **values)
    assert isinstance(found, list), found
    return " ".join(found)


def _heard(code: str) -> str:
    """The same where there are ears, and a player for files."""
    return _said(EARS + code)


def _preset(text: str) -> str:
    """The sentence with which a preset's file is refused, or what it holds."""
    return json.dumps(_scripts()("return T.presets.read(text);", text=text), ensure_ascii=False)


def _file(**changes: Any) -> str:
    line = {"source": "cc:1:74", "parameter": "truncation", "from": 0, "to": 1}
    return json.dumps({"format": "twofold-instrument", "version": 1, "name": "mine", "mappings": [line]} | changes)


# --- MIDI and gamepads --------------------------------------------------------------------------------------


@plays("a browser without MIDI")
def _no_midi(home: Path) -> str:
    return _said("await T.midiDevices(engine, say).start();")


@plays("MIDI, a microphone or tilt on a page by plain http")
def _insecure(home: Path) -> str:
    ways = "await T.midiDevices(engine, say).start(); await T.deviceTilt(engine, say).start();"
    return _heard(f"isSecureContext = false; delete browser.mediaDevices; {ways} await hearing.microphone();")


@plays("MIDI that is refused")
def _refused_midi(home: Path) -> str:
    return _said("browser.requestMIDIAccess = refusing('NotAllowedError'); await T.midiDevices(engine, say).start();")


@plays("MIDI that another program has")
def _taken_midi(home: Path) -> str:
    return _said("browser.requestMIDIAccess = refusing('InvalidStateError'); await T.midiDevices(engine, say).start();")


@plays("no MIDI device")
def _no_device(home: Path) -> str:
    return _said(MIDI + "access.inputs.clear(); await devices.start();")


@plays("a MIDI device that is unplugged while a key is held")
def _unplugged(home: Path) -> str:
    return _said(
        MIDI + "await devices.start(); input.onmidimessage({ data: [0x90, 60, 100] }); access.inputs.clear();"
        "access.onstatechange(); if (engine.values.get('note:1:60')) say('The key hangs.');"
    )


@plays("MIDI messages that are cut short, or of other kinds")
def _strange_messages(home: Path) -> str:
    strange = "[[], [0x90], [0x90, 60], [0xb0, 74], [0xf8], [0xb0, 255, 1], [0xf0, 1, 2, 3, 0xf7], null]"
    return _said(
        MIDI + f"await devices.start(); for (const data of {strange}) input.onmidimessage({{ data }});"
        "say(`${engine.values.size} sources`);"
    )


@plays("a gamepad that is unplugged while its stick is held")
def _unplugged_pad(home: Path) -> str:
    return _said(
        "const pads = [{ id: 'Pad', index: 0, connected: true, axes: [1], buttons: [] }];"
        "browser.getGamepads = () => pads; T.gamepads(engine, say); frame(16); pads[0] = null; frame(16);"
        "if (engine.values.get('axis:0:0') !== 0.5) say('The stick hangs.');"
    )


@plays("a page inside another one that forbids gamepads")
def _forbidden_pad(home: Path) -> str:
    return _said(
        "browser.getGamepads = () => { throw new Error('forbidden'); }; T.gamepads(engine, say); frame(16);"
        "say(`${frames.length} frames`);"
    )


@plays("a device without a tilt sensor, or tilt that is refused")
def _tilt(home: Path) -> str:
    return _said(
        "globalThis.DeviceOrientationEvent = { requestPermission: async () => 'denied' };"
        "window.DeviceOrientationEvent = DeviceOrientationEvent;"
        "await T.deviceTilt(engine, say).start(); DeviceOrientationEvent.requestPermission = async () => 'granted';"
        "globalThis.setTimeout = (action) => action();"
        "await T.deviceTilt(engine, say).start(); listeners.deviceorientation({ beta: null, gamma: null });"
    )


# --- sound --------------------------------------------------------------------------------------------------


@plays("no microphone, or one that is refused or that another program has")
def _microphones(home: Path) -> str:
    names = "['NotFoundError', 'NotAllowedError', 'NotReadableError', 'AbortError']"
    ask = "browser.mediaDevices.getUserMedia = refusing(name); await hearing.microphone();"
    return _heard(f"for (const name of {names}) {{ {ask} }}")


@plays("a microphone that is unplugged while it plays")
def _lost_microphone(home: Path) -> str:
    stream = "const track = { stop() {} }; const stream = { getAudioTracks: () => [track], getTracks: () => [track] };"
    return _heard(
        f"{stream} browser.mediaDevices.getUserMedia = async () => stream; await hearing.microphone();"
        "track.onended(); frame(16); if (engine.values.get('sound:level')) say('It still hears.');"
    )


@plays("silence")
def _silence(home: Path) -> str:
    return _heard(
        "await hearing.file({ name: 'still.wav' }); for (let i = 0; i < 500; i += 1) frame(16);"
        "const all = [...engine.values.values()]; if (!all.every((value) => value === 0)) say(`It moves: ${all}`);"
    )


@plays("a sound file of two hours")
def _long(home: Path) -> str:
    """Its bytes are the player's: none is read here."""
    unread = "get(file, key) { if (key === 'name') return 'concert.wav'; throw new Error(`read by ${String(key)}`); }"
    return _heard(f"await hearing.file(new Proxy({{}}, {{ {unread} }}));")


@plays("a file that is no sound, or a damaged one")
def _no_sound(home: Path) -> str:
    refused = "player.play = refusing('NotSupportedError'); await hearing.file({ name: 'notes.txt' });"
    return _heard(refused) + _said(
        "const ears = {};"
        + EARS.replace("addEventListener() {}", "addEventListener: (kind, listener) => (ears[kind] = listener)")
        + "await hearing.file({ name: 'half.mp3' }); ears.error();"
    )


# --- tempo and presets --------------------------------------------------------------------------------------


@plays("one tap, taps faster than any music, onsets without a beat")
def _no_tempo(home: Path) -> str:
    return json.dumps(_scripts()("return [T.tempoOf.taps([0]), T.tempoOf.taps([0, 50, 100]), T.tempoOf.onsets([1])];"))


@plays("a file that is no preset")
def _no_preset(home: Path) -> str:
    return "".join(map(_preset, ("", "{", "[]", "null", '{"format": "other"}')))


@plays("a preset of a newer version")
def _newer(home: Path) -> str:
    return _preset(_file(version=2))


@plays("a preset with a mapping that is wrong")
def _wrong(home: Path) -> str:
    right = json.loads(_file())["mappings"][0]
    worse = ({"source": "cc:99:1"}, {"to": "1"}, {"to": 1e300}, {"curve": "constructor"}, {"smoothing": -1})
    return "".join(_preset(_file(mappings=[right | wrong])) for wrong in worse)


@plays("a preset with 65 mappings, or of 100 kB")
def _large(home: Path) -> str:
    one = json.loads(_file())["mappings"]
    return _preset(_file(mappings=one * 65)) + _preset(_file(name="x" * 100_000))


@plays("a preset with more in it than a preset has")
def _more(home: Path) -> str:
    return _preset(_file(script="alert(1)", name="a\n\u202eb"))

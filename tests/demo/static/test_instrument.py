"""The arithmetic of the instrument (demo/static/instrument), in Node: mappings, presets, MIDI, onsets, tempo."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.page_scripts import Scripts

RATE, WINDOW = 48_000, 2048
NAMES = ("mapping", "source_names", "preset", "midi_messages", "onsets", "tempo", "engine")
CORE = ("core/parameters.js", "core/class_mix.js")
LINE = {"source": "cc:1:74", "parameter": "truncation", "from": 0, "to": 2, "curve": "linear", "smoothing": 0,
        "invert": False}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Scripts:
    return Scripts(tmp_path_factory.mktemp("instrument"), *CORE, *(f"instrument/{name}.js" for name in NAMES))


# --- mappings -----------------------------------------------------------------------------------------------


def test_curves_go_from_one_end_to_the_other_and_never_back(page: Scripts):
    code = """return T.mapping.curves.map((curve) => [false, true].map((invert) =>
        Array.from({ length: 101 }, (_, i) => T.mapping.valueOf({ from: -1, to: 3, curve, invert }, i / 100))));"""
    for up, down in page(code):
        assert up[0] == pytest.approx(-1) and up[-1] == pytest.approx(3) and down == pytest.approx(up[::-1])
        assert all(one < other for one, other in itertools.pairwise(up))
    straight, slow_first, slow_ends = (found[0] for found in page(code))
    assert straight[25] == pytest.approx(0)
    assert slow_first[50] == pytest.approx(-1 + 4 * math.expm1(2) / math.expm1(4))
    assert slow_ends[50] == pytest.approx(1) and slow_ends[10] < straight[10] and slow_ends[90] > straight[90]


def test_a_source_at_rest_leaves_its_parameter_where_it_is(page: Scripts):
    code = """T.fourDecimals = (value) => Number(value).toFixed(4);
    const parameter = { name: "speed", low: -4, high: 4, usual: [-2, 2], get: () => 0.25 };
    return ["sound:low", "note:1:60", "cc:1:1", "axis:0:0"].map((source) => {
        const { from, to } = T.mapping.fresh(source, parameter);
        return [from, to];
    });"""
    assert page(code) == [[0.25, 2], [0.25, 2], [-2, 2], [-2, 2]]


def test_what_lies_beyond_a_source_moves_no_further(page: Scripts):
    found = page("return [-3, 0, 1, 7].map((v) => T.mapping.valueOf(line, v));", line=LINE | {"from": 5, "to": -5})
    assert found == [5, 5, -5, -5]


def test_smoothing_is_the_same_at_every_frame_rate(page: Scripts):
    code = """return [1000 / 24, 1000 / 60, 1000 / 144].map((dt) => {
        let value = 2;
        for (let time = dt; time <= 501; time += dt) value = T.mapping.smoothed(value, 10, dt, 200);
        const passed = Math.floor(501 / dt) * dt;
        return [value, passed];
    });"""
    for value, passed in page(code):
        assert value == pytest.approx(10 - 8 * math.exp(-passed / 200), rel=1e-6)
    assert page("return T.mapping.smoothed(1, 5, 16, 0);") == 5


def test_a_stick_near_its_middle_rests_and_its_ends_are_the_ends(page: Scripts):
    code = "return [-1, -0.54, -0.08, 0, 0.05, 0.08, 0.54, 1, 9].map((v) => T.mapping.fromMiddle(v, 0.08));"
    assert page(code) == pytest.approx([0, 0.25, 0.5, 0.5, 0.5, 0.5, 0.75, 1, 1])


# --- the engine ---------------------------------------------------------------------------------------------

ENGINE = """
let frame = null;
globalThis.requestAnimationFrame = (action) => ((frame = action), 1);
const step = (ms) => { clock.now += ms; const due = frame; frame = null; due?.(clock.now); };
const at = { truncation: 0.5, other: 0 };
for (const name of Object.keys(at)) T.parameters.add({ name, label: name, low: 0, high: 2, get: () => at[name], set: (v) => (at[name] = v) });
const engine = T.instrumentEngine();
"""  # noqa: E501


def test_without_smoothing_a_value_is_there_before_the_next_frame(page: Scripts):
    code = "engine.mappings = [line]; engine.put('cc:1:74', 0.25); engine.put('cc:1:75', 1); return [at, frame];"
    assert page(ENGINE + code, line=LINE) == [{"truncation": 0.5, "other": 0}, None]
    code = "engine.mappings = [line]; engine.put('cc:1:74', 1); return at.truncation;"
    assert page(ENGINE + code, line=LINE) == 2


def test_with_smoothing_it_sets_out_from_where_the_page_is_and_frames_end(page: Scripts):
    code = """engine.mappings = [line]; engine.put("cc:1:74", 1);
    const seen = [];
    while (frame && seen.length < 500) { step(16); seen.push(at.truncation); }
    return seen;"""
    seen = page(ENGINE + code, line=LINE | {"smoothing": 100})
    assert seen[0] == pytest.approx(2 - 1.5 * math.exp(-0.16), rel=1e-6) and seen[-1] == 2 and len(seen) < 60
    assert all(one < other for one, other in itertools.pairwise(seen))


def test_a_mapping_whose_ends_are_one_value_comes_to_rest(page: Scripts):
    code = """at.truncation = 1; engine.mappings = [line]; engine.put("cc:1:74", 1);
    for (let i = 0; frame && i < 1000; i += 1) step(16);
    return [at.truncation, frame];"""
    assert page(ENGINE + code, line=LINE | {"from": 0.3, "to": 0.3, "smoothing": 60}) == [0.3, None]


def test_with_smoothing_at_rest_it_sets_out_from_where_others_have_moved_it(page: Scripts):
    code = """engine.mappings = [line]; engine.put("cc:1:74", 1);
    while (frame) step(16);
    at.truncation = 0.3; engine.put("cc:1:74", 0.5); step(16); return at.truncation;"""
    assert page(ENGINE + code, line=LINE | {"smoothing": 100}) == pytest.approx(1 - 0.7 * math.exp(-0.16), rel=1e-6)


def test_a_source_that_stands_still_leaves_its_parameter_to_others(page: Scripts):
    code = """engine.mappings = [line]; engine.put("cc:1:74", 0.5); at.truncation = 1.7;
    engine.put("cc:1:74", 0.5); return at.truncation;"""
    assert page(ENGINE + code, line=LINE) == 1.7


def test_a_mapping_to_a_control_that_is_not_there_waits_for_it(page: Scripts):
    code = """engine.mappings = [{ ...line, parameter: "attribute.hat" }]; engine.put("cc:1:74", 0.5);
    T.parameters.add({ name: "attribute.hat", label: "hat", low: 0, high: 2, get: () => 0, set: (v) => (at.hat = v) });
    engine.put("cc:1:74", 1); return at.hat;"""
    assert page(ENGINE + code, line=LINE) == 2


def test_learning_takes_what_moves_and_not_what_trembles(page: Scripts):
    code = """const found = []; engine.learn((source) => found.push(source));
    for (const value of [0.5, 0.51, 0.49]) engine.put("axis:0:0", value);
    engine.put("sound:level", 0); engine.put("sound:level", 1, false);
    const before = [...found];
    engine.put("note:1:60", 0.7); engine.put("cc:1:1", 0); engine.put("cc:1:1", 1);
    return [before, found];"""
    assert page(ENGINE + code) == [[], ["note:1:60"]]


# --- MIDI ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "moved"),
    [
        ([0xB0, 74, 127], [["cc:1:74", 1]]),
        ([0xBF, 1, 0], [["cc:16:1", 0]]),
        ([0x90, 60, 127], [["note:1:60", 1], ["keys:1", 60 / 127]]),
        ([0x91, 60, 0], [["note:2:60", 0]]),
        ([0x80, 60, 64], [["note:1:60", 0]]),
        ([0xE0, 0, 64], [["bend:1", 8192 / 16383]]),
        ([0xE0, 127, 127], [["bend:1", 1]]),
        ([0xD3, 127], [["pressure:4", 1]]),
        ([0xA0, 60, 127], [["pressure:1", 1]]),
        ([0xB0, 123, 0], []),  # all notes off: a command to a synthesiser
        ([0xF8], []),  # the clock
        ([0xF0, 1, 2, 0xF7], []),
        ([0xB0, 74], []),
        ([0xB0, 200, 1], []),
        ([], []),
    ],
)
def test_midi_messages(page: Scripts, message: list[int], moved: list):
    assert page("return T.midiSources(Uint8Array.from(message));", message=message) == moved


def test_every_source_has_a_name_that_says_what_it_is(page: Scripts):
    names = ["cc:1:74", "note:10:60", "note:1:0", "axis:0:1", "axis:1:7", "button:3:16", "tempo:wave", "pen:x"]
    told = page("return names.map((name) => [T.sourceNames.known(name), T.sourceNames.label(name)]);", names=names)
    assert all(known for known, _ in told) and len({label for _, label in told}) == len(names)
    assert told[0][1] == "MIDI control 74, channel 1" and told[1][1] == "MIDI key C4, channel 10"
    strange = ["cc:0:1", "cc:17:1", "cc:1:128", "cc:1:074", "axis:9:0", "sound:loud", "", "x".rjust(200), "cc:1:7\n"]
    assert page("return strange.map(T.sourceNames.known);", strange=strange) == [False] * len(strange)
    unlearned = ["pointer:x", "pointer:y", "pen:x", "pen:y"]  # chosen by name: Learn takes the pen's pressure
    assert page("return names.map((name) => T.sourceNames.always.includes(name));", names=unlearned) == [True] * 4


# --- presets ------------------------------------------------------------------------------------------------


def preset(**changes: Any) -> str:
    return json.dumps({"format": "twofold-instrument", "version": 1, "name": "mine", "mappings": [LINE]} | changes)


def test_a_preset_comes_back_as_it_was(page: Scripts):
    more = [LINE, LINE | {"source": "sound:low", "curve": "s", "smoothing": 250, "invert": True, "from": 1.5}]
    code = "return T.presets.read(T.presets.text({ name: 'Live – 现场', mappings: more }));"
    assert page(code, more=more) == {"name": "Live – 现场", "mappings": more}


def test_what_a_stranger_added_is_left_out_and_names_are_one_line(page: Scripts):
    text = preset(name="  a\n\u202eb\0c ", script="<b>", mappings=[LINE | {"__proto__x": 1, "onclick": "x"}])
    found = page("return T.presets.read(text);", text=text)
    assert found == {"name": "a b c", "mappings": [LINE]}


def test_the_share_of_a_class_is_kept_in_a_preset_however_long_its_name(page: Scripts):
    code = """T.bundle = () => ({ classes });
    T.className = (k) => classes[k];
    const names = T.classParameters().map(({ name }) => name);
    const mappings = names.map((parameter) => ({ ...line, parameter }));
    const read = T.presets.read(T.presets.text({ name: "a", mappings }));
    return [names, read.mappings.map(({ parameter }) => parameter)];"""
    long = "x" * 114
    names, kept = page(code, line=LINE, classes=["cat", long, long + "y", long + "z"])
    assert names == kept == ["class.cat", f"class.{long}", "class.2", "class.3"]


WRONG = "Mapping 1 of this preset is wrong, so none was taken."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This file is no preset of the instrument."),
        ("null", "This file is no preset of the instrument."),
        ("[]", "This file is no preset of the instrument."),
        ("{}", "This file is no preset of the instrument."),
        (preset(version=2), "This preset was saved by a newer version of Twofold, which this page cannot read."),
        (preset(mappings=[LINE] * 65), "A preset has at most 64 mappings."),
        (preset(mappings={"length": 1}), "A preset has at most 64 mappings."),
        (preset(name="x" * 70_000), "This file is too large for a preset: at most 64 kB are read."),
        *((preset(mappings=[wrong]), WRONG) for wrong in (
            None, [], LINE | {"source": "cc:1:999"}, LINE | {"from": "0"}, LINE | {"to": None}, LINE | {"to": 1e9},
            LINE | {"curve": "toString"}, LINE | {"smoothing": -1}, LINE | {"smoothing": 1e6},
            LINE | {"parameter": ""}, LINE | {"parameter": "x" * 200}, LINE | {"invert": 1},
        )),
    ],
)  # fmt: skip
def test_a_strangers_file_is_refused_in_a_sentence(page: Scripts, text: str, sentence: str):
    assert page("return T.presets.read(text);", text=text) == {"error": sentence}


STORE = """
const store = {};
T.storage = { read: (name) => JSON.parse(store[name] ?? "null"), keep: (name, value) => ((store[name] = JSON.stringify(value)), !full) };
"""  # noqa: E501


def test_presets_of_this_browser(page: Scripts):
    code = """const one = { name: "a", mappings: [line] };
    T.presets.keep(one); T.presets.keep({ name: "b", mappings: [] }); T.presets.keep({ ...one, mappings: [] });
    const names = T.presets.kept().map(({ name }) => name);
    T.presets.forget("b");
    store["instrument.presets"] = JSON.stringify([...JSON.parse(store["instrument.presets"]), { broken: true }, 7]);
    return [names, T.presets.kept()];"""
    assert page("const full = false;" + STORE + code, line=LINE) == [["b", "a"], [{"name": "a", "mappings": []}]]
    many = "for (let i = 0; i < 41; i += 1) T.presets.keep({ name: String(i), mappings: [] });"
    assert page("const full = false;" + STORE + many) == {
        "error": "This browser keeps at most 40 presets: delete one first."
    }
    stays = page("const full = true;" + STORE + "T.presets.forget('a');")
    assert stays == {"error": "This browser does not let the page store anything, so the preset stays."}
    refused = page("const full = true;" + STORE + "T.presets.keep({ name: 'a', mappings: [] });")
    assert refused == {"error": "This browser does not let the page store anything: save the preset as a file."}


# --- sound --------------------------------------------------------------------------------------------------


def clicks(times: np.ndarray, seconds: float, noise: float = 0.003) -> np.ndarray:
    """Drum-like bursts at `times`, in s, over quiet noise and a steady tone."""
    rng = np.random.default_rng(3)
    at = np.arange(int(seconds * RATE)) / RATE
    sound = noise * rng.standard_normal(len(at)) + 0.02 * np.sin(2 * np.pi * 220 * at)
    burst = 0.5 * rng.standard_normal(RATE // 10) * np.exp(-np.arange(RATE // 10) / (0.02 * RATE))
    for time in times:
        first = int(time * RATE)
        sound[first : first + len(burst)] += burst[: max(0, len(sound) - first)]
    return sound


def spectra(sound: np.ndarray, frames: float = 60.0) -> tuple[list, list]:
    """What an AnalyserNode gives at so many frames a second, in dB (Web Audio: a Blackman window), and when, in ms."""
    found, times = [], []
    for end in range(WINDOW, len(sound), int(RATE / frames)):
        spectrum = np.abs(np.fft.rfft(sound[end - WINDOW : end] * np.blackman(WINDOW)))[: WINDOW // 2] / WINDOW
        found.append(np.round(20 * np.log10(spectrum + 1e-9), 1)[::8].tolist())
        times.append(1000 * end / RATE)
    return found, times


def onsets(page: Scripts, sound: np.ndarray, frames: float = 60.0) -> list[float]:
    found, times = spectra(sound, frames)
    code = "const detect = T.sound.onsetDetector(); return times.filter((time, i) => detect(frames[i], time));"
    return page(code, frames=found, times=times)


@pytest.mark.parametrize("frames", [60.0, 30.0])
def test_each_beat_of_a_drum_is_an_onset_and_nothing_else(page: Scripts, frames: float):
    beats = np.arange(0.5, 6, 0.5)
    found = onsets(page, clicks(beats, 6.2), frames)
    assert len(found) == len(beats)
    assert np.abs(np.array(found) - 1000 * beats).max() < 60  # ms: a frame, and the analyser's window


def test_silence_and_a_steady_sound_have_none(page: Scripts):
    at = np.arange(4 * RATE) / RATE
    assert onsets(page, np.zeros(4 * RATE)) == []
    assert onsets(page, 0.3 * np.sin(2 * np.pi * 440 * at)) == []
    noise = 0.1 * np.random.default_rng(1).standard_normal(4 * RATE)
    assert len(onsets(page, noise)) <= 2


def test_levels_and_bands(page: Scripts):
    loud, half, quiet = page(
        "return [0.2, 0.1, 0].map((size) => T.sound.level(Float32Array.from({ length: 480 }, (_, i) => size * Math.sin(i / 3))));"  # noqa: E501
    )
    assert quiet == 0 and 0.8 < loud < 1 and loud - half == pytest.approx(6.02 / 60, abs=0.02)
    at = np.arange(WINDOW) / RATE
    for tone, name in ((100, "low"), (800, "mid"), (5000, "high")):
        spectrum = np.abs(np.fft.rfft(0.3 * np.sin(2 * np.pi * tone * at) * np.blackman(WINDOW)))[: WINDOW // 2]
        decibels = 20 * np.log10(spectrum / WINDOW + 1e-9)
        bands = page("return T.sound.bands(frame, 48000);", frame=decibels.tolist())
        assert max(bands, key=bands.__getitem__) == name and bands[name] > 0.6


# --- tempo --------------------------------------------------------------------------------------------------


def test_taps(page: Scripts):
    code = (
        "return [[0], [0, 500], [0, 500, 1000, 1490, 2010], [0, 400, 9000, 9600, 10200], [0, 100]].map(T.tempoOf.taps);"
    )
    one, two, uneven, after_a_pause, too_fast = page(code)
    assert one is None and too_fast is None
    assert two == {"period": 500, "origin": 500} and uneven["period"] == pytest.approx(500, abs=5)
    assert after_a_pause == {"period": 600, "origin": 10200}


@pytest.mark.parametrize("tempo", [72, 96, 120, 128, 150, 174])
def test_the_tempo_of_onsets_that_miss_their_beat_a_little(page: Scripts, tempo: float):
    rng = np.random.default_rng(int(tempo))
    period = 60_000 / tempo
    times = 5000 + period * np.arange(16) + rng.normal(0, 8, 16)
    times = np.delete(times, [3, 9])  # a beat that was not heard
    found = page("return T.tempoOf.onsets(times);", times=times.tolist())
    assert 60_000 / found["period"] == pytest.approx(tempo, rel=0.01)
    miss = (times - found["origin"] + period / 2) % found["period"] - period / 2
    assert np.abs(miss).max() < 60


def test_eighths_are_not_taken_for_a_tempo_nobody_taps(page: Scripts):
    found = page("return T.tempoOf.onsets(times);", times=(250.0 * np.arange(24)).tolist())
    assert 60_000 / found["period"] == pytest.approx(120, rel=0.01)


def test_no_tempo_in_few_onsets_or_in_chance(page: Scripts):
    chance = np.sort(np.random.default_rng(5).uniform(0, 60_000, 12)).tolist()
    assert page("return [[1, 2], chance].map(T.tempoOf.onsets);", chance=chance) == [None, None]


def test_a_tempo_that_is_corrected_counts_on(page: Scripts):
    code = """const before = { period: 500, origin: 100 };
    const next = T.tempoOf.goingOn({ period: 498, origin: 20_140 }, before, 20_150);
    return [T.tempoOf.beats(before, 20_150), T.tempoOf.beats(next, 20_150)];"""
    before, after = page(code)
    assert after == pytest.approx(before, abs=0.5) and after % 1 == pytest.approx(10 / 498)


def test_the_sources_of_a_tempo(page: Scripts):
    code = "return [0, 0.5, 2, 8, 15.999, 16, -1].map((beats) => T.tempoOf.sources(beats));"
    start, half, bar, phrase, end, again, before = page(code)
    assert start == again == {"tempo:pulse": 1, "tempo:wave": 0, "tempo:slow": 0, "tempo:loop": 0}
    assert half["tempo:pulse"] == pytest.approx(0.25) and bar["tempo:wave"] == 1 and phrase["tempo:slow"] == 1
    assert end["tempo:loop"] == pytest.approx(1, abs=1e-3) and 0 <= before["tempo:loop"] < 1
    mean = page(
        "let sum = 0; for (let i = 0; i < 1000; i += 1) sum += T.tempoOf.push({ period: 500, origin: 0 }, i / 2); return sum / 1000;"  # noqa: E501
    )
    assert mean == pytest.approx(2, rel=0.01)  # beats a second at 120
    assert page("return [1, 7, 8.9].map((seconds) => T.tempoOf.inBars({ period: 500 }, seconds));") == [2, 8, 8]


def test_the_scripts_of_the_instrument_are_these(page: Scripts):
    """What is pure arithmetic there is tried here, the rest in a browser: tests/browser/test_instrument.py."""
    folder = Path(__file__).resolve().parents[3] / "demo" / "static" / "instrument"
    browser = {"gamepad", "hearing", "mapping_rows", "midi", "panel", "pointer", "preset_controls"}
    browser |= {"sound_meter", "tempo_controls"}
    assert {path.stem for path in folder.glob("*.js")} == {*NAMES, *browser}

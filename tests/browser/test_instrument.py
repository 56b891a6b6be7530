"""The instrument in a real Chromium: MIDI, a gamepad, a pen and sound move the picture, and what fails is said."""

import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle import on_device
from demo.routes import device
from tests.browser.conftest import TIMEOUT_MS, WIDE
from tests.browser.test_device import pixels as bytes_of
from tests.browser.test_everyone import AXE, CHECK, HOW_TO_GET_IT, OUTSIDE
from tests.browser.test_page import settle, still, tab, wait_for_change

Page = Any  # playwright's, which need not be installed
SIMULATED = (Path(__file__).parents[2] / "benchmarks" / "simulated_midi.js").read_text(encoding="utf-8")
KNOB = "value => simulatedMidi.send(0xb0, 74, value)"
# A gamepad with two sticks, and room for another; window.pad is null while it is unplugged.
GAMEPAD = """
window.pad = { id: "Simulated pad (STANDARD GAMEPAD)", index: 0, connected: true, mapping: "standard",
    axes: [0, 0, 0, 0], buttons: Array.from({ length: 16 }, () => ({ value: 0, pressed: false })) };
navigator.getGamepads = () => [window.pad, window.other ?? null, null, null];
"""


def mapping(source: str, parameter: str, low: float, high: float, **more: Any) -> dict[str, Any]:
    plain = {"curve": "linear", "smoothing": 0, "invert": False}
    return {"source": source, "parameter": parameter, "from": low, "to": high} | plain | more


def opened(page: Page, *mappings: dict[str, Any]) -> Page:
    """The page with the fold open and these mappings."""
    page.locator(".tf-instrument-fold > summary").click()
    page.locator(".tf-instrument").wait_for()
    page.evaluate("mappings => { Twofold.instrument.mappings = mappings; }", list(mappings))
    return page


def press(page: Page, name: str) -> None:
    page.locator(".tf-instrument").get_by_role("button", name=name, exact=True).click()


def told(page: Page, words: str) -> None:
    page.locator(".tf-instrument").get_by_text(words).first.wait_for()


def wav(file: Path, seconds: float, beats: float = 0.5, loud: float = 0.6) -> Path:
    """A drum at every `beats` seconds, as a WAV file; silence where it is not loud."""
    rate = 16_000
    sound = np.zeros(int(seconds * rate))
    burst = loud * np.random.default_rng(2).uniform(-1, 1, rate // 8) * np.exp(-np.arange(rate // 8) / (0.03 * rate))
    for beat in np.arange(0.1, seconds - 0.2, beats):
        sound[int(beat * rate) : int(beat * rate) + len(burst)] += burst
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((32767 * sound).astype("<i2").tobytes())
    return file


def test_learning_maps_what_is_touched_and_the_knob_then_moves_the_picture(visit):
    page = opened(visit("?b=digits&c=3&x=5&y=0", SIMULATED))
    press(page, "MIDI")
    told(page, "MIDI: Simulated controller.")
    press(page, "Learn")
    for value in (10, 11, 40):
        page.evaluate(KNOB, value)
    told(page, "MIDI control 74, channel 1: now touch a slider")
    page.get_by_role("slider", name="Truncation").click()
    told(page, "MIDI control 74, channel 1 moves Truncation / Temperature.")
    row = page.locator(".tf-mappings li")
    assert row.count() == 1 and "MIDI control 74, channel 1 → Truncation / Temperature" in row.inner_text()
    row.locator("summary").click()
    row.get_by_label("From").fill("0")
    row.get_by_label("To", exact=True).fill("1.5")
    row.get_by_label("To", exact=True).press("Tab")
    row.get_by_label("Smoothing").fill("0")
    settle(page)
    before = page.evaluate("Twofold.stats.shown")
    page.evaluate(KNOB, 127)
    assert page.evaluate("Twofold.state.t") == 1.5  # at once, and in the bar
    assert page.get_by_role("slider", name="Truncation").input_value() == "1.5"
    page.wait_for_function(f"Twofold.stats.shown > {before}")
    row.get_by_label("Invert").check()
    page.evaluate(KNOB, 126)
    page.evaluate(KNOB, 127)
    assert page.evaluate("Twofold.state.t") == 0
    page.wait_for_function("!Twofold.parameters.moving()")
    play = "[100, 60, 20].forEach((value) => simulatedMidi.send(0xb0, 74, value))"
    was, moved, undone = page.evaluate(f"() => {{ const t = () => Twofold.state.t; const before = t(); {play}; "
                                       "const after = t(); Twofold.undo(); return [before, after, t()]; }")  # fmt: skip
    assert was == undone == 0 and moved > 1  # a performance is one step back
    page.reload()
    page.wait_for_function("window.Twofold?.instrument?.mappings.length === 1")  # what was mapped is there again
    assert page.evaluate("Twofold.instrument.mappings[0].invert") is True
    opened(page)
    page.locator(".tf-instrument").get_by_role("button", name="Remove the mapping").first.click()
    assert page.locator(".tf-mappings li").count() == 0


def test_presets_are_kept_saved_and_opened_and_a_strangers_file_changes_nothing(visit, tmp_path: Path):
    page = opened(visit("?b=plain", SIMULATED), mapping("cc:1:1", "attribute.bright", -3, 3))
    panel = page.locator(".tf-instrument")
    panel.get_by_label("Name of the preset").fill("Evening")
    press(page, "Keep preset")
    told(page, "“Evening” is kept in this browser.")
    with page.expect_download() as saving:
        press(page, "Save as file")
    file = tmp_path / "Evening.json"
    saving.value.save_as(file)
    assert saving.value.suggested_filename == "Evening.json"
    page.evaluate("Twofold.instrument.mappings = []")
    opening = panel.get_by_label("A preset's file")
    opening.set_input_files(file)
    told(page, "“Evening”: 1 mapping.")
    mine = page.evaluate("Twofold.instrument.mappings")
    assert mine == [mapping("cc:1:1", "attribute.bright", -3, 3)]
    (tmp_path / "no.json").write_text(json.dumps(json.loads(file.read_text()) | {"mappings": [{"source": "x"}]}))
    (tmp_path / "huge.json").write_bytes(b"[" * 300_000_000)
    for name, words in (("no.json", "Mapping 1 of this preset is wrong"), ("huge.json", "This file is too large")):
        opening.set_input_files(tmp_path / name)
        told(page, words)
        assert page.evaluate("Twofold.instrument.mappings") == mine
    page.evaluate("Twofold.set({ b: 'digits' })")  # which has no attributes
    told(page, "The page has no such control now; the mapping waits for it.")
    panel.get_by_label("Presets in this browser").select_option("Evening")
    press(page, "Delete preset")
    told(page, "“Evening” is deleted.")
    assert panel.get_by_label("Presets in this browser").locator("option").all_inner_texts() == ["No presets yet"]


def test_a_gamepad_and_a_pen_play_and_what_is_unplugged_is_said(visit):
    page = visit("?b=digits&x=5&y=0", SIMULATED + GAMEPAD)
    opened(
        page,
        mapping("axis:0:0", "speed.x", -2, 2),
        mapping("button:0:0", "truncation", 1, 0.25),
        mapping("pen:pressure", "step", -1, 2),
        mapping("note:1:60", "place.y", 0, 3),
    )
    told(page, "Gamepad: Simulated pad.")
    page.evaluate("pad.axes[0] = 1; pad.buttons[0].value = 1;")
    page.wait_for_function("Twofold.state.x > 5.2 && Twofold.state.t === 0.25")
    page.evaluate("window.other = { ...pad, id: 'Second pad', index: 1 }")
    told(page, "Gamepad: Simulated pad, Second pad.")
    page.evaluate("window.pad = window.other = null")
    told(page, "Simulated pad, Second pad were unplugged; their sticks and buttons are at rest now.")
    page.wait_for_function("Twofold.parameters.find('speed.x').get() === 0")  # it does not run away
    pen = "pressure => document.dispatchEvent(new PointerEvent('pointermove', { pointerType: 'pen', pressure }))"
    page.evaluate(pen, 1)
    assert float(page.get_by_role("slider", name="Step size").input_value()) == pytest.approx(2, abs=0.01)
    press(page, "MIDI")
    told(page, "MIDI: Simulated controller.")
    page.evaluate("simulatedMidi.send(0x90, 60, 127)")
    assert page.evaluate("Twofold.state.y") == 3
    page.evaluate("simulatedMidi.unplug('Simulated controller')")
    told(page, "Simulated controller was unplugged; the keys that were held are released. No MIDI device is connected")
    assert page.evaluate("Twofold.state.y") == 0  # the key that was held is no longer
    page.evaluate("simulatedMidi.plug('Another one')")
    told(page, "MIDI: Another one.")


REFUSALS: list[tuple[str, str, str]] = [
    ("MIDI", "delete Navigator.prototype.requestMIDIAccess", "This browser has no MIDI."),
    ("MIDI", SIMULATED + "simulatedMidi.refusal = 'NotAllowedError'", "MIDI was refused."),
    ("MIDI", SIMULATED + "simulatedMidi.refusal = 'InvalidStateError'", "MIDI does not start in this browser."),
    ("MIDI", SIMULATED + "simulatedMidi.unplug('Simulated controller')", "No MIDI device is connected"),
    ("Microphone", "NotAllowedError", "The microphone was refused."),
    ("Microphone", "NotFoundError", "No microphone was found"),
    ("Microphone", "NotReadableError", "another program may have it"),
    ("Microphone", "OverconstrainedError", "The microphone does not start in this browser."),
]
MICROPHONE = "navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{}'); }}"


def test_what_is_refused_or_missing_is_said_and_the_picture_goes_on(visit):
    page = opened(visit("?b=digits&x=5&y=0"))
    for button, script, words in REFUSALS:
        page.evaluate(f"() => {{ {MICROPHONE.format(script) if button == 'Microphone' else script} }}")
        press(page, button)
        told(page, words)
        shown = page.evaluate("Twofold.stats.shown")
        page.evaluate("Twofold.set({ x: Twofold.state.x + 1 })")
        page.wait_for_function(f"Twofold.stats.shown > {shown}")


@pytest.fixture(scope="module")
def loud(launch: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium whose microphone hears a drum, twice a second."""
    drum = wav(tmp_path_factory.mktemp("sound") / "drum.wav", 8)
    opened = launch(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={drum}",
        "--autoplay-policy=no-user-gesture-required",
    )
    yield opened
    opened.close()


@pytest.fixture
def listen(loud: Any, address: str) -> Iterator[Callable[..., Page]]:
    """Opens Play there, with the instrument open; at the end nothing may have gone wrong in the page."""
    context = loud.new_context(viewport=WIDE)
    context.set_default_timeout(2 * TIMEOUT_MS)
    troubles: list[str] = []

    def open_page(*mappings: dict[str, Any]) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{address}?b=digits&x=5&y=0&lang=en")
        page.wait_for_function("window.Twofold?.stats.shown > 0")
        return opened(page, *mappings)

    yield open_page
    context.close()
    assert not troubles


def test_the_microphone_moves_parameters_shows_a_meter_and_gives_the_tempo(listen):
    page = listen(mapping("sound:level", "truncation", 0, 1.5), mapping("sound:onset", "place.y", 0, 1))
    press(page, "Microphone")
    told(page, "The microphone is on. It is only measured: nothing is recorded or sent.")
    assert page.locator(".tf-sound-meter").is_visible()
    page.wait_for_function("Twofold.state.y > 0.8", polling="raf")
    page.wait_for_function("Twofold.state.y < 0.4", polling="raf")
    page.wait_for_function("Twofold.state.t > 0.5", polling="raf")
    page.get_by_label("From the sound").check()
    page.wait_for_function("Twofold.tempo && Math.abs(60000 / Twofold.tempo.period - 120) < 6")
    press(page, "Stop the sound")
    assert not page.locator(".tf-sound-meter").is_visible()
    page.wait_for_function("Twofold.state.t === 0")


def test_a_sound_file_is_streamed_however_long_and_what_is_none_is_refused(listen, tmp_path: Path):
    page = listen(mapping("sound:level", "truncation", 0, 1.5))
    choose = page.get_by_label("A sound file", exact=True)
    (tmp_path / "notes.txt").write_text("no sound")
    choose.set_input_files(tmp_path / "notes.txt")
    told(page, "This browser cannot play “notes.txt”")
    choose.set_input_files(two_hours(tmp_path / "long.wav"))
    told(page, "“long.wav” is played and measured here; it is sent nowhere.")
    page.wait_for_function("Twofold.state.t > 0.3", polling="raf")
    keyed = """() => {
        const before = Twofold.state.x;
        const player = document.querySelector(".tf-instrument audio");
        const press = (key) => player.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        [" ", "ArrowRight"].forEach(press);
        return Twofold.state.x - before;
    }"""
    assert page.evaluate(keyed) == 0  # they play and seek
    assert page.evaluate("document.querySelector('.tf-instrument audio').duration") == pytest.approx(7200, abs=1)
    assert page.evaluate("performance.memory.usedJSHeapSize") < 100e6
    choose.set_input_files(wav(tmp_path / "silent.wav", 2, loud=0))
    told(page, "Nothing is heard")
    shown = page.evaluate("Twofold.stats.shown")
    page.evaluate("Twofold.set({ x: 9 })")
    page.wait_for_function(f"Twofold.stats.shown > {shown}")


def two_hours(file: Path) -> Path:
    """A drum, then silence: two hours of it as a sparse WAV of 230 MB, of which a few seconds are written."""
    wav(file, 20)
    size = 44 + 7200 * 16_000 * 2
    with file.open("r+b") as out:
        out.seek(4)
        out.write((size - 8).to_bytes(4, "little"))
        out.seek(40)
        out.write((size - 44).to_bytes(4, "little"))
        out.truncate(size)
    return file


def test_classes_mix_the_same_in_the_link_and_on_the_device(visit):
    page = opened(visit("?b=digits&c=3&x=5&y=0&m=gan", SIMULATED), mapping("cc:1:20", "class.5", 0, 1))
    alone = still(page)
    press(page, "MIDI")
    told(page, "MIDI: Simulated controller.")
    page.evaluate("simulatedMidi.send(0xb0, 20, 64)")
    mixed = wait_for_change(page, ".tf-travel", alone)
    assert page.evaluate("[Twofold.state.c, Twofold.state.mix]") == [3, "3:1,5:0.5039"]
    page.get_by_text("3 66 % · 5 34 %").first.wait_for()
    link = page.evaluate("Twofold.link()")
    state = page.evaluate("Twofold.markState()")
    assert state["c"] == {"3": 1, "5": 0.5039}
    again = visit(link[link.index("?") :])
    assert still(again) == mixed
    if on_device.installed(device.WEB) is not None:
        there = bytes_of(again)
        again.get_by_role("switch", name="On my device").check()
        again.wait_for_function("Twofold.onDevice")
        again.evaluate("Twofold.set({ x: 6 }), Twofold.set({ x: 5 })")
        assert np.abs(bytes_of(again) - there).max() <= 1
    page.evaluate("mark => Twofold.openMark(mark)", {"bundle": "digits", "state": state | {"x": 7}})
    assert page.evaluate("[Twofold.state.x, Twofold.state.mix]") == [7, "3:1,5:0.5039"]
    page.locator(".tf-chips label", has_text="3").click()  # the largest of the mix, alone
    assert page.evaluate("[Twofold.state.c, Twofold.state.mix]") == [3, ""]
    page.evaluate("Twofold.set({ mix: '3:1,5:0.5' })")
    page.locator(".tf-chips label", has_text="7").click()
    assert page.evaluate("[Twofold.state.c, Twofold.state.mix]") == [7, ""]


def test_taps_make_a_tempo_that_drift_and_the_morph_follow(visit):
    page = opened(visit("?b=digits&x=5&y=0"), mapping("tempo:wave", "truncation", 0.5, 1))
    page.locator(".tf-travel").focus()
    page.evaluate("performance.clock = 0; performance.now = () => performance.clock")
    for at in (0, 500, 1000):
        page.evaluate("at => { performance.clock = at; }", at)
        page.keyboard.press("t")
    assert page.get_by_label("Beats a minute").input_value() == "120.0"
    page.evaluate("delete performance.now")
    page.wait_for_function("Twofold.state.t > 0.9", polling="raf")
    page.wait_for_function("Twofold.state.t < 0.6", polling="raf")
    page.evaluate("Twofold.tempoOf.push = () => { window.pushes = (window.pushes ?? 0) + 1; return 0; }")
    before = page.evaluate("Twofold.state.x")
    page.locator(".tf-travel").focus()
    page.keyboard.press("a")
    page.wait_for_function("window.pushes > 5")
    assert page.evaluate("Twofold.state.x") == before  # without a push it does not drift
    page.keyboard.press("a")
    page.evaluate("Twofold.tempoOf.inBars = (tempo, seconds) => { window.asked = seconds; return 1e9; }")
    tab(page, "Morph")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("window.asked === 3")  # 60 frames at 20 a second
    assert page.get_by_role("slider", name="Position").input_value() == "0"
    tab(page, "Play")
    page.get_by_label("From the sound").check()
    press(page, "No tempo")
    assert not page.get_by_label("From the sound").is_checked()
    page.get_by_label("Beats a minute").fill("9000")
    page.get_by_label("Beats a minute").press("Tab")
    told(page, "A tempo has 30 to 300 beats a minute.")
    assert page.evaluate("Twofold.tempo") is None


def test_the_panel_in_full_screen_by_a_key_fits_and_axe_finds_nothing(visit):
    if not AXE.exists():
        pytest.skip(HOW_TO_GET_IT)
    page = opened(visit("?b=plain&lang=en", SIMULATED, reduced_motion="reduce"), mapping("cc:1:1", "truncation", 0, 1))
    page.evaluate("Twofold.parameters.replace('none.', [])")  # the rows are shown anew, as with other pictures
    page.locator(".tf-mappings details").wait_for(state="attached")
    rows = page.locator(".tf-mappings details")
    two = [mapping("cc:1:1", "place.x", 0, 1), mapping("cc:1:1", "truncation", 0, 1)]
    page.evaluate("mappings => { Twofold.instrument.mappings = mappings; }", two)
    page.evaluate("Twofold.parameters.replace('none.', [])")
    rows.nth(1).evaluate("details => { details.open = true; }")
    page.get_by_role("button", name="Remove the mapping").first.click()
    assert rows.count() == 1 and rows.evaluate("details => details.open")  # that of the one that stays
    for details in page.locator(".tf-instrument details").all():
        details.evaluate("details => { details.open = true; }")
    page.evaluate("document.querySelector('.tf-sound-meter').hidden = false")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = []
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(OUTSIDE, width) == []
        for dark in (False, True):
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
            found += page.evaluate(CHECK, [dark, False])
    assert found == []
    page.locator(".tf-travel").focus()
    page.keyboard.press("s")
    page.keyboard.press("i")
    page.locator(".tf-full > .tf-instrument").wait_for()
    assert page.evaluate(OUTSIDE, 390) == []
    assert page.evaluate("document.activeElement.closest('.tf-instrument') !== null")
    page.keyboard.press("i")
    assert page.locator(".tf-full > .tf-instrument").count() == 0
    page.keyboard.press("i")
    page.get_by_role("button", name="Leave").click()
    page.locator(".tf-instrument-fold > .tf-instrument").wait_for()


def test_without_its_script_the_page_says_so_and_tries_again(visit):
    page = visit("?b=digits", refused="instrument.js")
    page.route("**/instrument.js", lambda route: route.fulfill(status=503))
    page.locator(".tf-instrument-fold > summary").click()
    page.get_by_text("The instrument could not be loaded.").wait_for()
    page.unroute("**/instrument.js")
    page.locator(".tf-instrument-fold > summary").click()
    page.locator(".tf-instrument-fold > summary").click()
    page.locator(".tf-instrument").wait_for()

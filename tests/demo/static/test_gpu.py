"""Whether the graphics card may draw (demo/static/gpu.js), in Node. With a card: tests/browser/test_webgpu.py."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

GPU = Path(__file__).resolve().parents[3] / "demo" / "static" / "device" / "gpu.js"
# A drawer whose i-th picture takes times[i] ms (the last one for ever) by a clock of its own; shift: grey levels off.
HARNESS = """
import * as gpu from "./gpu.mjs";
let now = 0;
const drawer = (times, shift = 0, late = 0) => {
    let drawn = 0;
    const draw = async (point) => {
        const model = times[Math.min(drawn, times.length - 1)];
        now += model;
        const wrong = drawn++ >= late ? shift : 0;
        draw.points = [...(draw.points ?? []), point];
        return { pixels: Uint8Array.from([10, 20, 30 + wrong, 255]).buffer, modelMs: model };
    };
    return draw;
};
const clock = () => now;
let code = "";
for await (const part of process.stdin) code += part;
const run = new (async () => {}).constructor("gpu", "drawer", "clock", "return " + code);
const value = await run(gpu, drawer, clock).catch((error) => ({ error: error.message }));
console.log(JSON.stringify(value));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed (apt install nodejs)")
    folder = tmp_path_factory.mktemp("gpu")
    shutil.copy(GPU, folder / "gpu.mjs")
    (folder / "harness.mjs").write_text(HARNESS)

    def evaluate(code: str) -> Any:
        command = [program, str(folder / "harness.mjs")]
        done = subprocess.run(command, input=code, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate


def test_the_faster_one_is_taken_unless_the_visitor_chooses(node):
    wishes = [["auto", 2, 1], ["auto", 1, 2], ["auto", 1, None], ["gpu", 1, 2], ["gpu", 1, None], ["cpu", 2, 1]]
    taken = node(f"{json.dumps(wishes)}.map((wish) => gpu.chosen(...wish))")
    assert taken == ["gpu", "cpu", "cpu", "gpu", "cpu", "cpu"]


def test_each_is_timed_by_its_median_once_it_gets_no_faster(node):
    slow_start = [40] * 10 + [4] * 10 + [3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 3.9, 99]
    assert node(f"gpu.pictureTimes(['gan'], 10, [drawer({slow_start}), drawer([5])], clock)") == [pytest.approx(3.9), 5]
    assert node("gpu.pictureTimes(['gan', 'vae'], 0, [drawer([...Array(20).fill(2), 6])], clock)") == [4]


def test_a_hopeless_card_is_not_waited_for(node):
    drawn = node(
        "(async () => { const card = drawer([2000]); await gpu.pictureTimes(['gan'], 10, [drawer([1]), card], clock);"
        " return card.points; })()"
    )
    assert [point["c"] for point in drawn] == [0, 1, 2] and {point["m"] for point in drawn} == {"gan"}


@pytest.mark.parametrize(
    ("shift", "late", "right"), [(1, 0, True), (-1, 0, True), (2, 0, False), (2, 7, False), (-9, 9, False)]
)
def test_one_picture_that_differs_by_two_grey_levels_is_wrong(node, shift: int, late: int, right: bool):
    found = node(f"gpu.pictureTimes(['gan'], 3, [drawer([1]), drawer([1], {shift}, {late})], clock)")
    assert found == ([1, 1] if right else {"error": "The graphics card draws different pictures from the processor."})


def test_pictures_of_other_sizes_are_not_the_same(node):
    assert node("[gpu.difference([1, 2], [1, 2, 3]), gpu.difference([9, 2], [4, 3])]") == [255, 5]


@pytest.mark.parametrize(
    ("gpu", "adapter", "problem"),
    [
        ("null", False, "No graphics card is available"),
        ("{ requestAdapter: async () => null }", False, "No graphics card is available"),
        ("{ requestAdapter: async () => { throw new Error('blocked'); } }", False, "No graphics card is available"),
        ("{ requestAdapter: async () => ({ info: { isFallbackAdapter: true } }) }", True, "emulates one"),
        ("{ requestAdapter: async () => ({ isFallbackAdapter: true }) }", True, "emulates one"),
        ("{ requestAdapter: async () => ({ info: { vendor: 'some' } }) }", True, ""),
    ],
)
def test_what_the_browser_offers(node, gpu: str, adapter: bool, problem: str):
    found = node(f"gpu.findCard({gpu})")
    assert found["adapter"] is adapter and problem in found["problem"] and bool(problem) == bool(found["problem"])


def test_the_build_is_the_one_that_the_browser_can_run(node):
    wanted = "[{ jspi: 1, asyncify: 2 }, { jspi: 1 }].map((builds) => gpu.buildOf(builds) ?? null)"
    without, have = "delete WebAssembly.Suspending", "WebAssembly.Suspending = class {}"
    assert node(f"({have}, {wanted})") == [1, 1]
    assert node(f"({without}, {wanted})") == [2, None]

"""Plain functions of the page's scripts, run by Node: strokes that become keyframes, and keyframes in their time."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle import paths
from bundle.errors import InputError

STATIC = Path(__file__).resolve().parents[3] / "demo" / "static" / "tabs"
SCRIPTS = (STATIC / "explore" / "stroke.js", STATIC / "morph" / "timing.js")


@pytest.fixture(scope="module")
def node() -> Any:
    """The value of an expression of the scripts' functions, T.stroke and T.timing."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed (apt install nodejs)")
    code = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)

    def value(expression: str, **given: Any) -> Any:
        names = "".join(f"const {name} = {json.dumps(one)};" for name, one in given.items())
        script = f"globalThis.window = {{ Twofold: {{}} }};{code}const T = window.Twofold;{names}"
        script += f"console.log(JSON.stringify({expression}))"
        done = subprocess.run([program], input=script, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return value


def off(points: np.ndarray, chosen: list[int]) -> float:
    """How far the points are from the line through the chosen ones, at most."""
    far = 0.0
    for a, b in pairwise(chosen):
        start, along = points[a], points[b] - points[a]
        shares = np.clip((points[a : b + 1] - start) @ along / max(along @ along, 1e-12), 0, 1)
        far = max(far, float(np.linalg.norm(points[a : b + 1] - start - shares[:, None] * along, axis=1).max()))
    return far


def test_a_stroke_keeps_its_shape_in_a_few_points(node):
    angles = np.linspace(0, 2 * np.pi, 400)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for most in (4, 9, 16):
        chosen = node("T.stroke.simplified(points, most)", points=circle.tolist(), most=most)
        assert len(chosen) == most and (chosen[0], chosen[-1]) == (0, 399) and chosen == sorted(set(chosen))
    assert off(circle, chosen) < 0.08
    corner = [[0, 0], [1, 0.001], [2, 0], [2, 1], [2.001, 2], [2, 3]]
    assert node("T.stroke.simplified(points, 16, 0.01)", points=corner) == [0, 2, 5]  # no more than it takes
    assert node("[[], [[1, 1]], [[1, 1], [1, 1], [1, 1]]].map((points) => T.stroke.simplified(points, 16))") == [
        [],
        [0],
        [0, 2],
    ]
    assert node("T.stroke.lengths([[0, 0], [3, 4], [3, 5]])") == [0, 5, 6]


@pytest.mark.parametrize("loop", [False, True])
def test_whatever_is_done_to_times_the_server_takes_them(node, loop: bool):
    done = node(
        """[
            T.timing.even(16, loop, 2),
            T.timing.withOneMore([0, 0.6, 2.2, 2.9], loop, 4),
            T.timing.without([0, 0.6, 2.2, 2.9], 0, loop, 4),
            T.timing.without([0, 0.6, 2.2, 2.9], 3, loop, 4),
            T.timing.stretched([0, 0.6, 2.2, 2.9], loop, 4, 600),
            T.timing.stretched([0, 0.06, 2.2, 2.9], loop, 4, 2),
            T.timing.looped([0, 0.6, 2.2, 4], loop, 4),
            T.timing.spaced([0, 3, 2, 1], loop, 4),
            T.timing.spaced([NaN, 3], loop, 4),
            T.timing.spaced([0, 3, 9], loop, 4),
        ]""",
        loop=loop,
    )
    for times, seconds in zip(done, (2, 4, 4, 4, 600, 2, 4, 4, 4, 4), strict=True):
        assert paths.timing(times, (), seconds, len(times), loop) is not None
    assert done[1][1] == pytest.approx(0.6 * (0.8 if loop else 0.75)) and done[2] == [0, 1.6, 2.3]
    with pytest.raises(InputError):
        paths.timing((0, 3, 2, 1), (), 4, 4, loop)


def test_a_length_that_is_typed_may_pass_through_a_short_one(node):
    typed = """(() => {
        const stretch = T.timing.stretcher();
        const film = { times: [0, 0.5, 1.2, 20, 40, 60], loop: false, seconds: 60 };
        const put = (seconds) => Object.assign(film, { times: stretch(film, seconds), seconds }).times;
        const [short, long] = [put(3), [...put(30)]];
        film.times[1] = 0.5; // moved by hand: it goes on from there
        return [short, long, put(60)];
    })()"""
    short, long, moved = node(typed)
    assert short == [0, 0.6, 1.2, 1.8, 2.4, 3]  # too close to each other
    assert long == [0, 0.25, 0.6, 10, 20, 30] and moved == [0, 1, 1.2, 20, 40, 60]


def test_of_even_times_and_speeds_nothing_is_said(node):
    even, uneven = (
        {"times": times, "easing": easing, "loop": True, "seconds": 4}
        for times, easing in (([0, 1, 2, 3], ["linear"] * 4), ([0, 1.5, 2, 3], ["linear", "in", "out", "smooth"]))
    )
    assert node("T.timing.fields(choice)", choice=even) == {} == node("T.timing.params({ seconds: 4 })")
    told = node("T.timing.fields(choice)", choice=uneven)
    assert told == {"times": [0, 1.5, 2, 3], "easing": ["linear", "in", "out", "smooth"]}
    params = node("T.timing.params({ ...told, seconds: 4 })", told=told)
    assert params == {"times": "0,1.5,2,3", "easing": "linear,in,out,smooth", "seconds": 4}

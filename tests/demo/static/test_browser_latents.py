"""The browser's latents, paths and bends (demo/static/device), run by Node, against those in bundle/."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundle import bend, latents, paths
from bundle.latents import Mixture
from bundle.schema import BundleIndex, Gan
from tests.support import tiny

STATIC = Path(__file__).resolve().parents[3] / "demo" / "static" / "device"
SEEDS = [0, 1, 2, 41, 65_535, 2**31 - 1, 2**31, 2**32 - 1, *np.random.default_rng(5).integers(0, 2**32, 120).tolist()]
PLACES = [(0.0, 0.0), (12.0, 0.0), (5.25, 0.0), (5.25, 7.75), (-3.1, -2.4), (1e6 - 0.3, -1e6 + 0.7)]
# Each line of stdin: an expression of the modules' names, as JSON; each of stdout: its value, or its error.
HARNESS = """
import { createInterface } from "node:readline";
import * as latents from "./latents.js";
import * as paths from "./paths.js";
import { Generator } from "./random.js";
import * as bend from "./bend.js";
import { BundleModel } from "./device.js";
const names = { ...latents, ...paths, ...bend, Generator, BundleModel };
const plain = (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v);
for await (const line of createInterface({ input: process.stdin })) {
    try {
        const value = await new Function(...Object.keys(names), "return " + JSON.parse(line))(...Object.values(names));
        console.log(JSON.stringify({ value }, plain));
    } catch (error) {
        console.log(JSON.stringify({ error: error.stack }));
    }
}
"""
PATIENCE = 60  # seconds for one value


class Node:
    """Evaluates JavaScript that may use the names of the modules, in a process that runs already."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path):
        self.process, self.errors = process, errors

    def __call__(self, code: str, **values: Any) -> Any:
        given = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
        assert self.process.stdin and self.process.stdout and self.process.poll() is None, self.errors.read_text()
        late = threading.Timer(PATIENCE, self.process.kill)
        late.start()
        try:
            self.process.stdin.write(json.dumps(f"(() => {{ {given} return {code}; }})()") + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            late.cancel()
        assert line, self.errors.read_text() or f"no value within {PATIENCE} s"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is not installed (apt install nodejs)")
    folder = tmp_path_factory.mktemp("modules")
    for name in ("random.js", "latents.js", "paths.js", "bend.js", "device.js"):
        shutil.copy(STATIC / name, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "harness.js").write_text(HARNESS)
    errors = folder / "errors.txt"
    command = [program, str(folder / "harness.js")]
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True) as process,
    ):
        yield Node(process, errors)


def rows(values: Any) -> np.ndarray:
    return np.array(values, np.float64)


def keys(dim: int = 16, count: int = 5) -> np.ndarray:
    return np.stack([latents.seed_latent(seed, dim) for seed in range(count)])


def test_the_draws_of_a_seed_are_numpys(node: Node):
    """Bit for bit the uniforms; the normals to twelve digits in float64, and the same float32 latents."""
    drawn = node(
        "seeds.map((s) => { const g = new Generator(s); return [g.normals(1000), g.uniform()]; })", seeds=SEEDS
    )
    for seed, (normals, uniform) in zip(SEEDS, drawn, strict=True):
        generator = np.random.Generator(np.random.PCG64(seed))
        np.testing.assert_allclose(normals, generator.standard_normal(1000), rtol=1e-12)
        assert uniform == generator.random()
    found = node("seeds.map((s) => seedLatent(s, 64))", seeds=SEEDS)
    np.testing.assert_array_equal(rows(found), [latents.seed_latent(seed, 64) for seed in SEEDS])


def test_the_tail_and_every_layer_of_the_ziggurat_are_met(node: Node):
    """A quarter of a million draws reach beyond 3.654, where another branch draws, on both sides."""
    drawn = rows(node("new Generator(8).normals(250000)"))
    expected = np.random.Generator(np.random.PCG64(8)).standard_normal(250_000)
    assert (expected > 3.66).sum() >= 5 and (expected < -3.66).sum() >= 5
    np.testing.assert_allclose(drawn, expected, rtol=1e-12)


@pytest.mark.parametrize("prior", ["normal", "uniform", "truncated"])
def test_priors(node: Node, prior: str):
    normal = np.concatenate([latents.seed_latent(3, 2000), np.float32([0, -0.0, 1e-7, 5.5, -5.5])])
    found = node("fromNormal(Float32Array.from(normal), prior)", normal=normal.tolist(), prior=prior)
    np.testing.assert_allclose(found, latents.from_normal(normal, prior), rtol=3e-7, atol=1e-12)


def test_the_seed_plane(node: Node):
    code = """places.map(([x, y]) => {
        const { seeds, weights } = planeCorners(x, y);
        return { seeds, z: blend(seeds.map((seed) => seedLatent(seed, 64)), weights) };
    })"""
    for (x, y), found in zip(PLACES, node(code, places=PLACES), strict=True):
        assert found["seeds"] == latents.plane_corners(x, y)[0]
        np.testing.assert_allclose(found["z"], latents.plane_latent(x, y, 64), rtol=1e-6, atol=1e-7)


def test_the_keys_of_a_morph(node: Node):
    """Seeds beyond the plane, points between seeds, and a point that is a seed."""
    given = [2**32 - 1, (7.25, 0.5), (-3.1, -2.0), (12.0, 0.0)]
    code = """keys.map((key) => {
        const { seeds, weights } = keyCorners(key);
        return { seed: seeds[0], z: blend(seeds.map((seed) => seedLatent(seed, 64)), weights) };
    })"""
    for key, found in zip(given, node(code, keys=given), strict=True):
        assert found["seed"] == latents.key_seed(key)
        np.testing.assert_allclose(found["z"], latents.key_latent(key, 64), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mode", paths.PATH_MODES)
@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_paths(node: Node, mode: str, loop: bool, count: int):
    shares, points = np.linspace(0, 1, 23), keys(count=count)
    code = "shares.map((share) => pathAt(keys.map((key) => Float32Array.from(key)), share, mode, loop))"
    found = node(code, keys=points.tolist(), shares=shares.tolist(), mode=mode, loop=loop)
    np.testing.assert_allclose(found, paths.path_at(points, shares, mode, loop), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("mode", paths.PATH_MODES)
@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("stretch", [False, True])
@pytest.mark.parametrize(
    ("times", "easing"),
    [((0, 0.5, 1.25, 4), ()), ((), ("in", "out", "smooth", "linear")), ((0, 2, 2.5, 3), ("smooth",) * 4)],
)
def test_timed_paths(node: Node, mode: str, loop: bool, stretch: bool, times: tuple, easing: tuple):
    shares, points = np.linspace(0, 1, 47), keys(count=4)
    code = """shares.map((share) => {
        const timed = timing(times, easing, 5, 4, loop);
        return pathAt(keys.map((key) => Float32Array.from(key)), share, mode, loop, timed, stretch);
    })"""
    given = {"keys": points.tolist(), "shares": shares.tolist(), "mode": mode, "loop": loop, "stretch": stretch}
    found = node(code, **given, times=times, easing=easing)
    timed = paths.timing(times, easing, 5.0, 4, loop)
    np.testing.assert_allclose(found, paths.path_at(points, shares, mode, loop, timed, stretch), rtol=2e-6, atol=1e-6)


def test_the_arc_between_opposite_and_missing_directions_is_the_line(node: Node):
    for a, b in ([[3.0, 4.0], [-3.0, -4.0]], [[0.0, 0.0], [3.0, 1.0]], [[1.0, 1.0], [2.0, 2.0]]):
        found = node("pathAt([a, b].map((key) => Float32Array.from(key)), 0.3, 'spherical', false)", a=a, b=b)
        np.testing.assert_allclose(found, latents.slerp(np.float32(a), np.float32(b), 0.3), rtol=1e-6, atol=1e-7)


def test_truncation(node: Node):
    w, centre = keys(6, 4), latents.seed_latent(9, 6)
    for psi in (0.0, 0.6, 1.0, 1.4):
        code = "truncate(Float32Array.from(w), Float32Array.from(centre), psi)"
        found = node(code, w=w.ravel().tolist(), centre=centre.tolist(), psi=psi)
        np.testing.assert_allclose(found, latents.truncate(w[None], centre[None], psi).ravel(), rtol=1e-6, atol=1e-7)


def test_shares_of_classes(node: Node):
    for shares in ({3: 0.5, 5: 0.5}, {0: 2.0, 7: 0.1, 9: 0.0}):
        found = node("classWeights(shares, 10)", shares={str(k): share for k, share in shares.items()})
        np.testing.assert_allclose(found, latents.class_weights(shares, 10), rtol=1e-6)
    for wrong in ({"10": 1}, {"1": 0}, {"1": -1}):
        said = node(
            "(() => { try { classWeights(shares, 10); return ''; } catch (error) { return error.message; } })()",
            shares=wrong,
        )
        assert said.startswith(("Class ", "The class shares"))


BENDS: list[dict[str, float]] = [
    {"1.scale": 2.5, "3.scale": 0},
    {"1.shift": -1.5, "2.shift": 99},
    {"1.rotate": 40, "2.rotate": -180, "3.rotate": 90},
    {"2.noise": 0.7, "3.noise": 4},
    {"1.scale": 1.3, "1.rotate": 77, "1.shift": 0.2, "1.noise": 0.1, "seed": 9999},
]


@pytest.mark.parametrize("given", BENDS)
def test_bends(node: Node, given: dict[str, float]):
    w, centre, towards = keys(96, 3), latents.seed_latent(9, 96), keys(288, 7)[5:]
    info = BundleIndex.model_construct(name="b", gan=Gan(latent_dim=8, w_dim=96, stages=3, prior="normal"))
    checked = bend.checked_bend(given, info, "gan")
    code = """bent(Float32Array.from(w), Float32Array.from(centre), towards.map((one) => Float32Array.from(one)),
        checkedBend(given, 3))"""
    values = {"w": w.ravel().tolist(), "centre": centre.tolist(), "towards": towards.tolist(), "given": given}
    wanted = bend.bent(w[None], centre[None], towards.reshape(2, 1, 3, 96), checked)
    assert np.abs(wanted - w).max() > 0.1
    np.testing.assert_allclose(node(code, **values), wanted.ravel(), rtol=2e-6, atol=1e-6)
    assert node("styleSeeds(checkedBend(given, 3).seed)", **values) == list(checked.style_seeds)


def test_bends_that_there_are_not(node: Node):
    """Refused as on a server; neutral ones are none."""
    for wrong in ("0.scale", "4.scale", "1.size", "scale", "01.scale", "1.scale.2", "1.constructor"):
        code = "(() => { try { checkedBend(given, 3); } catch (error) { return error.message; } })()"
        assert node(code, given={wrong: 1}) == f"There is nothing to bend called '{wrong}'."
    neutral = {f"1.{knob}": limits.neutral for knob, limits in bend.KNOBS.items()}
    assert node("checkedBend(given, 3).stages.size", given=neutral | {"seed": 4}) == 0


def test_codes_of_the_mixture(node: Node):
    """One class, a blend of classes, none given, and a class that no component holds."""
    arrays = tiny.latents(4, np.random.default_rng(3))
    arrays["mixture_classes"][:, 3] = 0
    flat = {name: arrays[name].ravel().tolist() for name in arrays if name.startswith("mixture_")}
    mixture = Mixture.from_latents(arrays)
    for weights in ([0.0, 1.0, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0], None, [0.0, 0.0, 0.0, 1.0]):
        code = """(() => {
            for (const name of Object.keys(flat)) flat[name] = Float32Array.from(flat[name]);
            const mixture = new Mixture(flat);
            return seeds.map((seed) => mixture.sample(seed, weights, 0.8));
        })()"""
        found = node(code, flat=flat, seeds=SEEDS, weights=weights)
        given = None if weights is None else np.float32(weights)
        expected = [mixture.sample(seed, given, 0.8) for seed in SEEDS]
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6)


# The class that a model draws with, of a mapping that only writes down its input.
CLASS_OF = """async (ask) => {
    let seen = null;
    const run = (graph, inputs) => {
        seen = inputs.classes ?? seen;
        return new Float32Array(graph === "mapping" ? 8 : 4);
    };
    const info = { classes: [..."0123456789"], gan: { latent_dim: 8, prior: "normal" }, vae: null };
    await ask(new BundleModel(info, { w_mean: new Float32Array(80) }, run));
    return seen.indexOf(1);
}"""


def test_a_seed_without_a_class_has_the_servers(node: Node):
    """Seed modulo K, wherever the seed comes from; of a point between seeds, the one to the upper left."""
    classes = node("seeds.map((seed) => seedClass(seed, 10))", seeds=SEEDS)
    assert classes == latents.class_rows(None, SEEDS, 10).argmax(axis=1).tolist()
    places = [*PLACES, (float(2**20), 12.5), (7.9, -0.1)]
    wanted = [latents.key_seed(place) % 10 for place in places]
    assert wanted[1] == 2 and len(set(wanted)) > 3
    at = "Promise.all(places.map(([x, y]) => classOf((model) => model.at({ x, y, c: null, t: 1, m: 'gan' }))))"
    assert node(f"(classOf => {at})({CLASS_OF})", places=places) == wanted
    morph = "model.morph({ keys: [key, 3], classes: [null, null], p: 0, mode: 'linear', loop: false, t: 1, m: 'gan' })"
    along = f"Promise.all(places.map((key) => classOf((model) => {morph})))"
    assert node(f"(classOf => {along})({CLASS_OF})", places=places) == wanted
    chosen = "Promise.all(places.map(([x, y]) => classOf((model) => model.at({ x, y, c: 4, t: 1, m: 'gan' }))))"
    assert set(node(f"(classOf => {chosen})({CLASS_OF})", places=places)) == {4}

"""Directions of classes by a linear machine: found where they are known, stored, followed."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from starlette.datastructures import QueryParams

from bundle.errors import BundleError
from bundle.read import read, read_index
from bundle.sessions import choose_provider
from bundle.write import file_entry, write_index
from demo.routes import explore
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import class_directions
from export.__main__ import main
from tests.support import tiny

ROOT = Path(__file__).parents[2]


def test_the_machines_of_many_classes_learn_from_no_more_latents_than_those_of_fifty():
    asked = []

    def seed_rows(graph: str, seeds: range) -> dict[str, np.ndarray]:
        asked.append(len(seeds))
        raise StopIteration

    for classes in (2, 50, 200, 1000):
        with pytest.raises(StopIteration):
            class_directions.directions(SimpleNamespace(graphs={"decoder": {}}, seed_rows=seed_rows), classes)
    assert asked == [800, 20_000, 20_000, 40_000]


def test_the_normal_is_found_where_noise_hides_it():
    """Two classes apart along one direction; along another one, far noisier, they differ in nothing."""
    rng = np.random.default_rng(0)
    true = np.array([0.6, 0.0, 0.8, 0.0, 0.0])
    labels = np.arange(4000) % 2
    latents = rng.standard_normal((4000, 5)) * [1, 20, 1, 1, 0.1] + np.outer(4 * labels, true)
    moves, right = class_directions.normals(latents, labels)
    along = latents @ true
    for move, sign in zip(moves, (-1, 1), strict=True):
        length = np.linalg.norm(move)
        assert move @ true / length * sign > 0.97
        assert length == pytest.approx(along.std(), rel=0.1)
    assert (right > 0.95).all()
    same, _ = class_directions.normals(latents, labels)
    assert np.array_equal(moves, same)
    _, blind = class_directions.normals(rng.standard_normal((2000, 5)), np.arange(2000) % 2)
    assert (np.abs(blind - 0.5) < 0.1).all()


def test_the_command_adds_them_twice_the_same_and_explore_moves_along_them(broken_bundle: Path, capsys):
    before = ServedBundle(Engine(read(broken_bundle), choose_provider("cpu")))
    still = explore.edit_picture(before, QueryParams({"seed": "3", "c": "1"}))
    with pytest.raises(BundleError, match="python -m export class-directions"):
        explore.edit_picture(before, QueryParams({"seed": "3", "c": "1", "across": "4:2"}))
    assert main(["class-directions", str(broken_bundle)]) == 0
    assert "svm_w: right on" in (told := capsys.readouterr().out) and "svm_code: right on" in told
    first = (broken_bundle / class_directions.LATENTS).read_bytes()
    assert main(["directions", str(broken_bundle)]) == 0
    assert (broken_bundle / class_directions.LATENTS).read_bytes() == first

    served = ServedBundle(Engine(read(broken_bundle), choose_provider("cpu")))
    row, moves = np.eye(10, dtype=np.float32)[1], served.engine.bundle.latents["svm_w"]
    w = served.styles([3], row) + np.float32(2) * moves[4]
    moved = explore.edit_picture(served, QueryParams({"seed": "3", "c": "1", "across": "4:2"}))
    assert np.allclose(moved, served.synthesise(w), atol=1e-6) and not np.array_equal(moved, still)
    code = served.codes([3], row) + np.float32(-1.5) * served.engine.bundle.latents["svm_code"][7]
    moved = explore.edit_picture(served, QueryParams({"seed": "3", "c": "1", "m": "vae", "across": "7:-1.5"}))
    assert np.allclose(moved, served.decode(code), atol=1e-6)


def test_directions_that_do_not_fit_are_refused_and_so_is_a_bundle_without_classes(broken_bundle: Path, tmp_path: Path):
    with np.load(broken_bundle / class_directions.LATENTS) as file:
        arrays = dict(file) | {"svm_w": np.zeros((3, 2), np.float32)}
    np.savez_compressed(broken_bundle / class_directions.LATENTS, **arrays)
    info = read_index(broken_bundle)
    listed = info.model_dump(mode="json")
    data = (broken_bundle / class_directions.LATENTS).read_bytes()
    listed["files"]["latents"] = file_entry(class_directions.LATENTS, data).model_dump()
    write_index(broken_bundle, type(info).model_validate(listed))
    with pytest.raises(BundleError, match=r"'svm_w' .* has shape"):
        read(broken_bundle)
    assert main(["class-directions", str(tiny.build(tmp_path / "plain", name="plain", classes=0))]) == 2


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_across_the_boundary_of_a_class_digits_become_that_class(model: str):
    """As the bundle's own classifier reads them, which had no part in finding the directions."""
    served = ServedBundle(Engine(read(ROOT / "artifacts" / "mnist"), choose_provider("cpu")))

    def share(step: float) -> float:
        """The mean probability of class k for pictures of other classes, moved towards k."""
        pairs = [(seed, (seed + 3) % 10) for seed in range(40)]
        drawn = [
            explore.edit_picture(served, QueryParams({"seed": str(seed), "m": model, "across": f"{k}:{step}"}))
            for seed, k in pairs
        ]
        read_as = served.classify(np.concatenate(drawn))
        return float(np.mean([read_as[i, k] for i, (_, k) in enumerate(pairs)]))

    assert share(0) < 0.05 and share(-5) < 0.05 and share(5) > 0.4

"""A bundle's graphs in this process: inputs are checked, many rows go in parts, rows do not depend on each other."""

from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleError, InputError
from bundle.read import read
from bundle.runner import BundleRunner, all_finite
from tests.support import tiny


@pytest.fixture(scope="module")
def runner(tiny_bundle: Path) -> BundleRunner:
    return BundleRunner(read(tiny_bundle))


def codes(count: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((count, tiny.CODE)).astype(np.float32)


def test_outputs_come_by_name(runner: BundleRunner):
    found = runner.run("encoder", {"image": np.zeros((2, 1, 32, 32), np.float32)})
    assert {name: array.shape for name, array in found.items()} == {"mean": (2, tiny.CODE), "logvar": (2, tiny.CODE)}
    assert runner.has("encoder") and not runner.has("upscaler")


def test_many_rows_go_in_parts_and_each_is_what_it_is_alone(runner: BundleRunner):
    rows = codes(2 * runner.provider.max_rows(32 * 32) + 3)
    whole = runner.run("decoder", {"z": rows})["image"]
    alone = [runner.run("decoder", {"z": rows[i : i + 1]})["image"] for i in range(len(rows))]
    np.testing.assert_array_equal(whole, np.concatenate(alone))


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "takes exactly these inputs: z"),
        ({"z": codes(1), "w": codes(1)}, "takes exactly these inputs: z"),
        ({"z": codes(0)}, "From 1 to 256 pictures at once"),
        ({"z": codes(257)}, "From 1 to 256 pictures at once"),
        ({"z": codes(1)[:, :-1]}, r"must be float32 \(1, 6\), not float32 \(1, 5\)"),
        ({"z": codes(1).astype(np.float64)}, r"must be float32 \(1, 6\), not float64"),
        ({"z": np.full((1, tiny.CODE), np.nan, np.float32)}, "not finite"),
    ],
)
def test_inputs_are_checked_before_a_graph_runs(runner: BundleRunner, inputs: dict[str, np.ndarray], words: str):
    with pytest.raises(InputError, match=words):
        runner.run("decoder", inputs)


def test_a_graph_that_is_not_there(runner: BundleRunner):
    with pytest.raises(BundleError, match="Bundle 'tiny' has no graph 'upscaler'"):
        runner.run("upscaler", {})


def test_a_graph_that_cannot_be_loaded_is_named(broken_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator\nand much more")

    monkeypatch.setattr("bundle.runner.open_session", refused)
    with pytest.raises(BundleError, match=r"Graph 'decoder' of bundle 'tiny' cannot be loaded \(no such operator\)"):
        BundleRunner(read(broken_bundle)).run("decoder", {"z": codes(1)})


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([0.0, -1.5], True),
        ([3e38, 3e38], True),
        ([1.0, np.nan], False),
        ([np.inf, -np.inf], False),
        ([-np.inf, 0.0], False),
    ],
)
def test_values_that_are_not_finite_are_found(values: list[float], finite: bool):
    assert all_finite(np.array([values] * 3, np.float32)) is finite

"""What a bundle must pass before it is served: every graph, through any function that runs it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from bundle.errors import BundleError, Busy
from bundle.feeds import Feed, RunGraph
from bundle.graph_checks import check_graphs
from bundle.read import OpenBundle, read
from bundle.runner import BundleRunner
from tests.support import tiny

Outputs = Mapping[str, np.ndarray]


@pytest.fixture(scope="module")
def opened(tiny_bundle: Path) -> OpenBundle:
    return read(tiny_bundle)


@pytest.fixture(scope="module")
def run(opened: OpenBundle) -> RunGraph:
    return BundleRunner(opened).run


def changed(run: RunGraph, graph: str, change: Callable[[dict[str, np.ndarray]], Outputs]) -> RunGraph:
    """`run`, with other outputs of one graph."""

    def other(name: str, feed: Feed) -> Outputs:
        found = dict(run(name, feed))
        return change(found) if name == graph else found

    return other


def test_good_bundles_pass(opened: OpenBundle, run: RunGraph, tmp_path: Path):
    check_graphs(opened, run)
    wide = read(tiny.build(tmp_path / "wide", classes=0, channels=3, height=16, width=24))
    check_graphs(wide, BundleRunner(wide).run)


def test_a_bundle_that_draws_one_picture_at_once_passes(broken_bundle: Path):
    tiny.save_index(broken_bundle, tiny.load_index(broken_bundle) | {"max_batch": 1})
    BundleRunner(read(broken_bundle)).check()


def shifted(found: dict[str, np.ndarray]) -> Outputs:
    """Rows that depend on each other: each is moved by the mean of all."""
    return {"score": found["score"] + found["score"].mean(axis=0, keepdims=True)}


@pytest.mark.parametrize(
    ("graph", "change", "words"),
    [
        ("critic", lambda found: {"score": found["score"] * np.float32("nan")}, "'score' that holds values .* finite"),
        ("critic", lambda found: {"score": found["score"][:, 0]}, r"'score' that is float32 \(1,\) instead of"),
        ("encoder", lambda found: found | {"mean": found["mean"].astype(np.float64)}, "'mean' that is float64"),
        ("decoder", lambda found: {"image": found["image"] + 1}, "gives pictures outside the range from 0 to 1"),
        ("critic", shifted, "'score' that depends on the other rows of its batch"),
        ("generator", lambda found: {"image": 1 - found["image"]}, "does not draw the pictures of its sample sheet"),
    ],
)
def test_a_misbehaving_graph_is_named(
    opened: OpenBundle, run: RunGraph, graph: str, change: Callable[[dict[str, np.ndarray]], Outputs], words: str
):
    with pytest.raises(BundleError, match=f"Graph '{graph}' of bundle 'tiny' .*{words}"):
        check_graphs(opened, changed(run, graph, change))


def test_two_halves_must_draw_what_the_whole_draws(opened: OpenBundle, run: RunGraph):
    def doubled(found: dict[str, np.ndarray]) -> Outputs:
        return {"w": 2 * found["w"]}

    with pytest.raises(BundleError, match=r"'synthesis' .* does not draw the pictures of its sample sheet"):
        check_graphs(opened, changed(run, "mapping", doubled))


def test_a_runtimes_error_becomes_a_sentence_and_a_users_stays(opened: OpenBundle):
    def torn(graph: str, feed: Feed) -> Outputs:
        raise RuntimeError("out of memory\nat line 3")

    def busy(graph: str, feed: Feed) -> Outputs:
        raise Busy("Too many at once.")

    with pytest.raises(BundleError, match=r"does not run \(out of memory\)"):
        check_graphs(opened, torn)
    with pytest.raises(Busy):
        check_graphs(opened, busy)

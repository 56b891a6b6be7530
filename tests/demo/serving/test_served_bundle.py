"""What is kept about a bundle goes with the bundle."""

import gc
import weakref
from pathlib import Path

import numpy as np

from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, kept_with_bundle, open_bundles


def test_results_are_computed_once_and_go_with_their_bundle(tiny_bundle: Path):
    calls: list[tuple[str, int]] = []

    @kept_with_bundle
    def drawn(served: ServedBundle, count: int) -> np.ndarray:
        calls.append((served.info.name, count))
        return np.zeros(count)

    first, second = (open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"] for _ in range(2))
    assert drawn(first, 3) is drawn(first, 3) and drawn(first, 4).shape == (4,)
    assert drawn(second, 3) is not drawn(first, 3) and calls == [("tiny", 3), ("tiny", 4), ("tiny", 3)]
    result, bundle = weakref.ref(drawn(first, 3)), weakref.ref(first)
    del first
    gc.collect()
    assert bundle() is None and result() is None and drawn(second, 3) is not None


def test_arguments_by_name_have_results_of_their_own(tiny_bundle: Path):
    @kept_with_bundle
    def drawn(served: ServedBundle, count: int) -> np.ndarray:
        return np.zeros(count)

    served = open_bundles(tiny_bundle, choose_provider("cpu"))[0]["tiny"]
    assert drawn(served, count=3).shape == (3,) and drawn(served, count=4).shape == (4,)

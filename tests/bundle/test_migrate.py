"""Bundles of earlier versions of the format: they open as they did, and are written as the present one."""

import copy
import json
from pathlib import Path

import pytest

from bundle.errors import BundleError
from bundle.migrate import migrate
from bundle.read import read, read_index
from bundle.schema import SCHEMA_VERSION
from bundle.write import write_index
from tests.support.tiny import load_index, save_index

COMPARISON = {
    "command": "python -m export check tiny",
    "hardware": "none",
    "reference": "ONNX reference",
    "batches": [1],
    "runtimes": [],
}


def as_version_2(index: dict) -> dict:
    """An index of today as the second version of the format said it: pictures are square."""
    image = index["image"]
    return copy.deepcopy(index) | {
        "schema_version": 2,
        "image": {"channels": image["channels"], "size": image["height"]},
    }


def as_version_1(index: dict) -> dict:
    """An index of today as the first version of the format said it."""
    old = as_version_2(index) | {"schema_version": 1, "portability": COMPARISON}
    for graph in old["graphs"].values():
        graph["form"] = graph.pop("precision")
    return old


def test_a_version_1_bundle_opens(broken_bundle: Path):
    before = read(broken_bundle).info
    save_index(broken_bundle, as_version_1(load_index(broken_bundle)))
    opened = read(broken_bundle).info
    assert opened == read_index(broken_bundle)
    assert opened.runtime_comparison is not None and opened.runtime_comparison.batches == (1,)
    assert opened.model_copy(update={"runtime_comparison": None}) == before
    assert {graph.precision for graph in opened.graphs.values()} == {"fp32"}
    assert (opened.dataset.fit, opened.dataset.background) == ("crop", None)
    assert opened.training["gan"].settings is None


def test_a_version_2_bundle_opens(broken_bundle: Path):
    before = read(broken_bundle).info
    save_index(broken_bundle, as_version_2(load_index(broken_bundle)))
    assert read(broken_bundle).info == before and (before.image.height, before.image.width) == (32, 32)


def test_what_is_written_is_the_present_version(broken_bundle: Path):
    save_index(broken_bundle, as_version_1(load_index(broken_bundle)))
    write_index(broken_bundle, read_index(broken_bundle))
    written = json.loads((broken_bundle / "bundle.json").read_text())
    assert written["schema_version"] == SCHEMA_VERSION and "portability" not in written
    assert all("form" not in graph for graph in written["graphs"].values())


@pytest.mark.parametrize("half_new", [False, True])
def test_migrating_changes_nothing_in_place(broken_bundle: Path, half_new: bool):
    old = as_version_1(load_index(broken_bundle))
    if half_new:
        old["runtime_comparison"] = old.pop("portability")
    kept = copy.deepcopy(old)
    new = migrate(old)
    assert old == kept and migrate(new) == new


@pytest.mark.parametrize(
    "change",
    [
        {"graphs": 3},
        {"graphs": {"critic": "x"}},
        {"portability": [1]},
        {"dataset": None},
        {"image": 5},
        {"image": {"channels": 1, "size": 0}},
    ],
)
def test_a_damaged_version_1_index_is_refused_in_a_sentence(broken_bundle: Path, change: dict):
    save_index(broken_bundle, as_version_1(load_index(broken_bundle)) | change)
    with pytest.raises(BundleError, match=r"bundle\.json of .* is wrong"):
        read(broken_bundle)


@pytest.mark.parametrize("version", [0, True, "1", None, 1.5])
def test_other_versions_are_refused(broken_bundle: Path, version: object):
    save_index(broken_bundle, load_index(broken_bundle) | {"schema_version": version})
    with pytest.raises(BundleError, match="schema_version"):
        read(broken_bundle)


def test_what_older_figures_did_not_say_is_said(broken_bundle: Path):
    """A kernel distance loses an error that was too small; figures of fewer pictures than the heading say how many."""
    plain = {"label": "Some", "value": 1.0, "floor": None, "unit": "", "better": "lower", "floor_is": "x", "error": 0.5}
    figures = [plain | {"name": name} for name in ("gan.kernel", "vae.elbo", "repair.left")]
    old = as_version_2(load_index(broken_bundle)) | {
        "quality": {"command": "c", "samples": 1000, "figures": figures},
    }
    kernel, elbo, repair = migrate(old)["quality"]["figures"]
    assert kernel["error"] is None and kernel["label"] == "Some, ± unknown"
    assert (
        elbo["name"] == "vae.negative_elbo" and elbo["error"] == 0.5 and elbo["label"] == "Some" and "count" not in elbo
    )
    assert repair["count"] == 200 and repair["error"] == 0.5


def test_figures_of_this_version_get_their_names_of_now():
    named = [{"name": name} for name in ("vae.elbo", "vae.mse", ["vae.elbo"], None)]
    found = migrate({"schema_version": 3, "quality": {"figures": [*named, "vae.elbo"]}})["quality"]["figures"]
    assert found == [{"name": "vae.negative_elbo"}, *named[1:], "vae.elbo"]

"""The released bundles are served, and their files are those that were released: nobody exports one anew by accident.

After a release on purpose: sha256sum artifacts/*/*.onnx > tests/support/released.sha256, and
python -m tests.support.released
"""

import hashlib
import json

import pytest

from bundle.read import discover, read
from bundle.runner import BundleRunner
from bundle.schema import USUAL_GRAPHS, VAE_GRAPHS
from tests.support.released import ARTIFACTS, CHECKSUMS, NAMES, REPOSITORY, WITH_VAE


def sums() -> dict[str, str]:
    """Path within the repository -> SHA-256 of each released graph."""
    pairs = [line.split(maxsplit=1) for line in CHECKSUMS.read_text(encoding="utf-8").splitlines()]
    return {path: digest for digest, path in pairs}


def sha256(relative: str) -> str:
    return hashlib.sha256((REPOSITORY / relative).read_bytes()).hexdigest()


def test_the_released_graphs_are_unchanged():
    here = [path.relative_to(REPOSITORY).as_posix() for path in ARTIFACTS.rglob("*.onnx")]
    assert {path: sha256(path) for path in here} == sums()


@pytest.mark.parametrize("name", NAMES)
def test_the_index_names_every_file_with_its_checksum(name: str):
    index = json.loads((ARTIFACTS / name / "bundle.json").read_text(encoding="utf-8"))
    entries = [*index["graphs"].values(), *index["files"].values()]
    for entry in entries:
        path = f"artifacts/{name}/{entry['file']}"
        assert (sha256(path), (REPOSITORY / path).stat().st_size) == (entry["sha256"], entry["bytes"]), path
    kept = {path.name for path in (ARTIFACTS / name).iterdir() if path.suffix in (".onnx", ".npz", ".png", ".webp")}
    assert kept == {entry["file"] for entry in entries}


def test_all_are_served_and_the_avatars_come_first():
    """As the README says: the first one is on the screen."""
    bundles, unavailable = discover(ARTIFACTS)
    assert bundles[0].info.name == "avatars" and len(bundles) == len(NAMES)
    assert not unavailable


@pytest.mark.parametrize("name", NAMES)
def test_every_graph_is_there_and_behaves(name: str):
    bundle = read(ARTIFACTS / name)
    wanted = set(USUAL_GRAPHS) - (set() if name in WITH_VAE else set(VAE_GRAPHS))
    assert set(bundle.info.graphs) == wanted | ({"attributes"} if bundle.info.attributes else set())
    BundleRunner(bundle).check()

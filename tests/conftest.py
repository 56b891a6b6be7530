"""Fixtures shared by all tests: bundles and a trained run, built once; copies for tests that break them."""

import os
import shutil
from collections.abc import Collection, Generator, Iterator, Mapping
from pathlib import Path

import pytest
import torch

from bundle.sessions import default_threads
from tests.support import exporter, tiny
from tests.support.pictures import draw_folder
from tests.support.trained import EVERY_STAGE, Exported, export, made_once, train_tiny
from train.evaluate import leak

BROWSER = Path(__file__).parent / "browser"
SERVERS = {"address", "liar", "online", "server", "triton", "visitor"}  # fixtures that start one
# Seconds that a test takes, roughly, by its mark; one without a mark takes …
WEIGHTS = {"slow": 5.0, "browser": 3.0, "serving": 1.0}
UNMARKED = 0.1
EXPORTED = "exported"  # the fixture that takes longest; one worker makes it, while …
MEANWHILE = 20.0  # … the others do so many seconds of what does without


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Sets the marks that a rule can tell, then puts the files in the order that keeps all workers busy."""
    readers = {item for item in items if EXPORTED in getattr(item, "fixturenames", ()) and not marked_slow(item)}
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("browser")
        elif SERVERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("serving")
        if item in readers:  # quick in themselves, but whoever runs one alone waits for the bundle
            item.add_marker("slow")
    yield  # by these marks, tests are left out that nobody asked for
    seconds: dict[Path, float] = {}
    for item in items:
        weight = max((WEIGHTS.get(mark.name, 0.0) for mark in item.iter_markers()), default=0.0)
        seconds[item.path] = seconds.get(item.path, 0.0) + (UNMARKED if item in readers else weight or UNMARKED)
    exported = {item.path for item in items if EXPORTED in getattr(item, "fixturenames", ())}
    places = {path: place for place, path in enumerate(file_order(seconds, exported))}
    items.sort(key=lambda item: places[item.path])  # stable, so a file's tests keep their order


def marked_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def file_order(seconds: Mapping[Path, float], exported: Collection[Path]) -> list[Path]:
    """Files by the seconds that they take, the longest first: begun last, one of them would keep a single worker busy
    at the end. But first comes one of those that need the bundle, then MEANWHILE of those that do not: begun together,
    two of the former would wait for the same bundle."""
    longest = sorted(seconds, key=lambda path: -seconds[path])
    maker = [path for path in longest if path in exported][:1]
    meanwhile: list[Path] = []
    for path in longest:
        if path not in exported and sum(seconds[other] for other in meanwhile) < MEANWHILE:
            meanwhile.append(path)
    first = [*maker, *meanwhile] if maker else []
    return [*first, *(path for path in longest if path not in first)]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker for each core where folders are asked for; none for files and single tests, which it would delay."""
    folders = any(Path(word).is_dir() for word in config.args)
    return default_threads() if folders and default_threads() > 1 else 0


@pytest.fixture(scope="session", autouse=True)
def own_ports() -> Iterator[None]:
    """Gradio looks for a free port from 7860 upwards: processes that look at the same moment must not find the same."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    with pytest.MonkeyPatch.context() as patch:
        if worker:
            patch.setattr("gradio.http_server.INITIAL_PORT_VALUE", 7960 + 100 * int(worker.removeprefix("gw")))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """PyTorch's exporter does nothing twice."""
    with pytest.MonkeyPatch.context() as patch:
        exporter.read_operators_once(patch)
        exporter.export_once(patch, made_once(tmp_path_factory, "exporter", lambda folder: None))
        yield


@pytest.fixture(scope="module")
def short_leak() -> Iterator[None]:
    """The detector of leaks hardly learns: for the tests of whole reports, as it has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leak, "EPOCHS", 1)
        yield


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid bundle: 10 classes, 1 x 32 x 32. Read only; break `broken_bundle` instead."""
    return tiny.build(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def broken_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """An own copy of the tiny bundle, to be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def shape_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 grey pictures of 16 x 16 in three classes. Read only."""
    return made_once(tmp_path_factory, "pictures", lambda folder: draw_folder(folder, 400))


@pytest.fixture(scope="session")
def trained_run(shape_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of `shape_pictures` with every stage, narrow and hardly trained. Read only: copy it to change it."""
    root = made_once(
        tmp_path_factory, "trained", lambda root: train_tiny(root / "shapes", shape_pictures, *EVERY_STAGE)
    )
    return root / "shapes"


@pytest.fixture(scope="session")
def exported(trained_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundle of `trained_run`. Read only: copy it to change it."""

    def make(root: Path) -> None:
        (root / "printed").write_text(export("bundle", trained_run, root / "shapes"), encoding="utf-8")

    root = made_once(tmp_path_factory, "exported", make)
    return Exported(root / "shapes", (root / "printed").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """On a few cores small networks lose more to threads than they gain."""
    torch.set_num_threads(1)

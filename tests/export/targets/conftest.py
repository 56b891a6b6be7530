"""A Space that is staged once, a Hub on this machine, and what tests of Spaces ask for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from export.__main__ import main
from export.targets import hub, space
from export.targets.folder import files_in
from tests.export.targets import hub_server
from tests.export.targets.hub_server import Hub
from tests.support import web_runtime


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the command looks for onnxruntime-web: it holds an imitation."""
    web = tmp_path_factory.mktemp("web")
    web_runtime.build(web)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space, "RUNTIME_HOME", web)
        yield web


@pytest.fixture(scope="module")
def staged(runtime: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Space with one bundle. Read only."""
    target = tmp_path_factory.mktemp("staged") / "space"
    space.write([tiny_bundle], target, None, hub.NOWHERE)
    return target


@pytest.fixture
def copy(staged: Path, tmp_path: Path) -> Path:
    """An own copy of the Space, to be damaged."""
    return Path(shutil.copytree(staged, tmp_path / "space"))


@pytest.fixture
def online() -> Iterator[tuple[Hub, huggingface_hub.HfApi]]:
    """A Hub on this machine, and huggingface_hub logged in to it."""
    with hub_server.running() as server:
        yield server, huggingface_hub.HfApi(endpoint=server.endpoint, token="hf_local")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.as_posix(): (folder / path).read_bytes() for path in files_in(folder)}


def refused(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> str:
    """The one sentence with which the command ends."""
    assert main([str(word) for word in argv]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    return line

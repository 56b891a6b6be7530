"""Two bundles to export morphs of."""

from pathlib import Path

import pytest

from bundle.sessions import choose_provider
from demo.serving.served_bundle import ServedBundle, open_bundles
from tests.support import tiny


@pytest.fixture(scope="module")
def bundles(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServedBundle]:
    root = tmp_path_factory.mktemp("morphs")
    tiny.build(root / "plain", "plain", classes=0, channels=3)
    return open_bundles(tiny_bundle, choose_provider("cpu"))[0] | open_bundles(root, choose_provider("cpu"))[0]

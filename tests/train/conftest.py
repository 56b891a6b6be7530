"""A small set of pictures for the tests of training."""

from pathlib import Path

import pytest

from tests.support.pictures import draw_folder


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 150 grey pictures of 16 x 16 in three classes."""
    return draw_folder(tmp_path_factory.mktemp("shapes"))

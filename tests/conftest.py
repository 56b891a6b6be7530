"""Fixtures shared by all tests: tiny bundles, built once; copies for tests that break them."""

import shutil
from pathlib import Path

import pytest
import torch

from tests import tiny


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid bundle: 10 classes, 1 x 32 x 32. Read only; break `broken_bundle` instead."""
    return tiny.build(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture
def broken_bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """An own copy of the tiny bundle, to be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """On a few cores small networks lose more to threads than they gain."""
    torch.set_num_threads(1)

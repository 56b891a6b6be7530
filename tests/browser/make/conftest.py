"""The page with the tab Make, and the projects that it shows."""

from collections.abc import Iterator

import pytest

from demo.make.projects import Projects
from tests.support.make_tab import served


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Projects:
    return Projects(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def address(projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the page with the tab; in place of that of the other files."""
    with served(projects, tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("gradio")) as url:
        yield url

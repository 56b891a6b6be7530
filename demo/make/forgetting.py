"""Forgetting what a project has learned, all of it or one step; its pictures stay."""

import shutil
from pathlib import Path

from demo.make import plan
from demo.make.data_set import SET, counts
from demo.make.projects import Projects

LEARNED = ("run", SET, "bundle", "space", "page")
"""Folders of a project that hold what was made of its pictures."""


def forget_step(projects: Projects, name: str) -> None:
    """Removes what the present step has learned, so that it begins anew. Raises InputError for an unknown project."""
    project, folder = projects.get(name), projects.folder(name)
    if left := plan.steps_left(project, *counts(folder, project)):
        remove(folder / "run" / left[0].stage)


def forget_all(projects: Projects, name: str) -> None:
    """Removes all that was learned; the pictures stay. Raises InputError for an unknown project."""
    folder = projects.folder(name)
    for place in LEARNED:
        remove(folder / place)
    projects.change(name, state="collecting", done=(), short_of_time=False, error="", remedies=(), shelved=False)


def remove(folder: Path) -> None:
    """Removes a folder with all that it holds."""
    shutil.rmtree(folder, ignore_errors=True)

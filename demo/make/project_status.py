"""How far a project is, for the page."""

import shlex
from pathlib import Path
from typing import Any

from bundle.training_status import Status, read_status
from demo.make import plan
from demo.make.data_set import counts
from demo.make.failures import DIVERGED
from demo.make.more_pictures import new_pictures
from demo.make.projects import Project, Projects, State
from demo.make.run_view import status_view, view_of

RESTING: tuple[State, ...] = ("paused", "finished", "failed")
"""States from which a training goes on, with the pictures that came since; while it trains none are counted."""


def status(projects: Projects, name: str, state: State, own_machine: bool) -> dict[str, Any]:
    """The project as JSON: what was chosen, its steps, and what its run folder shows. `state`: as it really is.
    `own_machine`: whether folders of this machine may be named."""
    project, folder = projects.get(name), projects.folder(name)
    pictures, classes = counts(folder, project)
    steps = plan.steps(project, pictures, classes)
    heard = read_status(folder / "run")
    said = of_present_step(heard, project, state, steps)
    return {
        "name": name,
        "title": project.title,
        "state": state,
        "error": project.error,
        "diverged": state == "failed" and project.error == DIVERGED,
        "minutes": project.minutes,
        "pictures": pictures,
        "added": len(new_pictures(folder, project)) if state in RESTING else 0,
        "pixels": project.sides[0] * project.sides[1],
        "step": project.step,
        "steps": [{"stage": step.stage, "minutes": step.stage_minutes, "takes": step.minutes} for step in steps],
        "training": status_view(said, folder / "run") if said else None,
        "left": left_for_all(steps, project.step, said) if state == "training" else None,
        "run": view_of(folder / "run", heard),
        "remedies": project.remedies,
        "command": resume_command(folder, project, steps) if own_machine else "",
        "words": project.words,
        "licence": project.licence,
        "shelved": project.shelved,
    }


def of_damaged(name: str, error: str) -> dict[str, Any]:
    """The same of a project whose file cannot be read, so that it can be seen and deleted."""
    project = Project(title=name, created="")
    return {
        "name": name,
        "title": name,
        "state": "failed",
        "error": error,
        "diverged": False,
        "minutes": project.minutes,
        "pictures": 0,
        "added": 0,
        "pixels": project.sides[0] * project.sides[1],
        "step": 0,
        "steps": [],
        "training": None,
        "left": None,
        "run": {"status": None, "alive": False, "size": None, "stages": []},
        "remedies": (),
        "command": "",
        "words": "",
        "licence": "",
        "shelved": False,
    }


def of_present_step(said: Status | None, project: Project, state: State, steps: tuple[plan.Step, ...]) -> Status | None:
    """What the run was heard to say, where that comes from the process of the present step; else None."""
    if state != "training" or project.step >= len(steps):
        return None
    is_now = said and said.stage == steps[project.step].stage and said.state in ("training", "measuring")
    return said if is_now else None


def left_for_all(steps: tuple[plan.Step, ...], step: int, said: Status | None) -> float:
    """Seconds until the end of the training: of the present step as it says, of the later ones as planned."""
    planned = [60 * one.minutes for one in steps[step:]]
    if planned and said and said.left is not None:
        planned[0] = said.left
    return sum(planned)


def resume_command(folder: Path, project: Project, steps: tuple[plan.Step, ...]) -> str:
    """What does the same in a terminal: the command of the present step, or of the first one."""
    if not steps:
        return ""
    step = steps[min(project.step, len(steps) - 1)]
    words = plan.training_command(step, project, folder)
    return shlex.join(["python", *words[1:]])

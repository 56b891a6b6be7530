"""How far a project is, for the page."""

from pathlib import Path
from typing import Any

from bundle.shell_line import shell_line
from bundle.training_status import Status, read_status
from demo.make import plan
from demo.make.data_set import counts
from demo.make.failures import DIVERGED
from demo.make.more_pictures import new_pictures
from demo.make.projects import BUSY, Project, Projects, State
from demo.make.run_view import NO_RUN, status_view, view_of

RESTING: tuple[State, ...] = ("paused", "finished", "failed")
"""States from which a training goes on, with the pictures that came since; while it trains none are counted."""


def status(projects: Projects, name: str, state: State, own_machine: bool) -> dict[str, Any]:
    """The project as JSON: what was chosen, its steps, and what its run folder shows. `state`: as it really is.
    `own_machine`: whether folders of this machine may be named."""
    project, folder = projects.get(name), projects.folder(name)
    pictures, classes = counts(folder, project)
    steps, left = plan.steps(project, pictures, classes), plan.steps_left(project, pictures, classes)
    heard = read_status(folder / "run")
    said = of_present_step(heard, state, left)
    joining, outside = new_pictures(folder, project) if state in RESTING else ({}, ())
    run = view_of(folder / "run", heard)
    return as_json(name, project, state, project.error) | {
        "pictures": pictures,
        "added": len(joining),
        "outside": len(outside),
        "step": steps.index(left[0]) if left else len(steps),
        "steps": [
            {"stage": step.stage, "stage_minutes": step.stage_minutes, "minutes": step.minutes} for step in steps
        ],
        "training": status_view(said, folder / "run") if said else None,
        "left": left_for_all(left, said) if state == "training" else None,
        "run": run | {"alive": run["alive"] and state == "training"},
        "command": resume_command(folder, project, left or steps[-1:]) if own_machine else "",
    }


def of_damaged(name: str, error: str) -> dict[str, Any]:
    """The same of a project whose file cannot be read, so that it can be seen and deleted."""
    return as_json(name, Project(title=name, created=""), "failed", error)


def as_json(name: str, project: Project, state: State, error: str) -> dict[str, Any]:
    """What a project's file says of it, as JSON, and of all else that there is nothing."""
    return {
        "name": name,
        "title": project.title,
        "state": state,
        "busy": state in BUSY,
        "resting": state in RESTING,
        "error": error,
        "diverged": state == "failed" and error == DIVERGED,
        "minutes": project.minutes,
        "short_of_time": project.short_of_time,
        "pictures": 0,
        "added": 0,
        "outside": 0,
        "pixels": project.sides[0] * project.sides[1],
        "step": 0,
        "steps": [],
        "training": None,
        "left": None,
        "run": NO_RUN,
        "remedies": project.remedies,
        "command": "",
        "description": project.description,
        "licence": project.licence,
        "shelved": project.shelved,
    }


def of_present_step(said: Status | None, state: State, left: tuple[plan.Step, ...]) -> Status | None:
    """What the run was heard to say, where that comes from the process of the present step; else None."""
    if state != "training" or not left:
        return None
    is_now = said and said.stage == left[0].stage and said.state in ("training", "measuring")
    return said if is_now else None


def left_for_all(left: tuple[plan.Step, ...], said: Status | None) -> float:
    """Seconds until the end of the training: of the present step as it says, of the later ones as planned."""
    planned = [60 * one.minutes for one in left]
    if planned and said and said.left is not None:
        planned[0] = said.left
    return sum(planned)


def resume_command(folder: Path, project: Project, steps: tuple[plan.Step, ...]) -> str:
    """What does the same in a terminal: the command of the first of these steps."""
    if not steps:
        return ""
    arguments = plan.training_command(steps[0], project, folder)
    return shell_line(["python", *arguments[1:]])

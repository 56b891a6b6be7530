"""Keeping what was learned: named, measured, served with the other bundles, staged to be published."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from bundle.atomic_files import replace_folder, scratch
from bundle.errors import InputError, UserError
from bundle.one_line import one_line
from bundle.sessions import default_threads
from bundle.shell_line import shell_line
from demo.make.jobs import Kind
from demo.make.maker import Maker
from demo.make.projects import BUSY, MAX_DESCRIPTION, MAX_TITLE

SAMPLES = 1000  # that are measured: few enough to take minutes, enough to mean something
MAX_LICENCE = 120
STAGED: dict[Kind, str] = {"space": "space", "page": "web"}
"""What is staged -> the command of export that does it. It lies in a folder of this name in the project."""


def describe(maker: Maker, name: str, asked: dict[str, Any]) -> None:
    """Gives the generator a name, a licence and a description. Raises InputError for what they cannot be."""
    title, licence = asked.get("title", ""), asked.get("licence", "")
    description = asked.get("description", asked.get("words", ""))  # `words`: from a page of an older version
    if not all(isinstance(text, str) for text in (title, licence, description)):
        raise InputError("The request cannot be read.")
    title, licence = one_line(title), one_line(licence)
    if not title:
        raise InputError("Give it a name first.")
    if len(title) > MAX_TITLE or len(licence) > MAX_LICENCE or len(description) > MAX_DESCRIPTION:
        raise InputError(
            f"That is too long: at most {MAX_TITLE} letters of a name, {MAX_LICENCE} of a licence "
            f"and {MAX_DESCRIPTION} of words."
        )
    maker.projects.change(name, title=title, licence=licence, description=description.strip())
    if maker.made.revision(name) and maker.state_of(name) not in BUSY:
        maker.describe(name)


def measure(maker: Maker, name: str) -> None:
    """Starts measuring the bundle on its own pictures; the figures go into its index and its card. Raises UserError."""
    folder = made_playable(maker, name)
    command = [sys.executable, "-m", "train", "evaluate", str(folder), "--data", str(folder.parent / "set")]
    command += ["--samples", str(SAMPLES), "--store", str(folder), "--threads", str(max(default_threads() - 1, 1))]
    maker.begin_job(name, "measure", command, lambda: maker.made.serve(name))


def stage(maker: Maker, name: str, kind: Kind) -> None:
    """Starts staging a Space or a static page in the project's folder. Raises UserError."""
    folder = made_playable(maker, name)
    arguments = stage_arguments(folder, kind)
    maker.begin_job(name, kind, [sys.executable, *arguments], lambda: None)


def stage_arguments(folder: Path, kind: Kind) -> list[str]:
    """The arguments of python that stage the bundle in `folder`."""
    target = folder.parent / kind
    out = ["--out", str(target)] if kind == "space" else [str(target)]
    return ["-m", "export", STAGED[kind], str(folder), *out]


def push_command(folder: Path, kind: Kind) -> str:
    """The line that publishes what was staged; USER/NAME is left to whoever does it."""
    return shell_line(["python", *stage_arguments(folder, kind)]) + " --push USER/NAME"


def shelve(maker: Maker, name: str) -> None:
    """Copies the bundle to where the server finds bundles whenever it starts. Raises UserError."""
    folder = made_playable(maker, name)
    if maker.shelf is None:
        raise InputError("This server has no folder of bundles: download the generator instead.")
    try:
        with maker.made.files_locked(name), scratch(maker.shelf / name) as copy:
            copy.rmdir()
            shutil.copytree(folder, copy)
            replace_folder(copy, maker.shelf / name, [path.name for path in copy.iterdir()])
            maker.projects.change(name, shelved=True)
    except OSError as problem:
        raise UserError(f"The copy cannot be written: {problem.strerror or problem}.") from problem


def made_playable(maker: Maker, name: str) -> Path:
    """The folder of the project's bundle, renewed where more was learned since. Raises UserError where there is none,
    and while it is trained."""
    maker.check_not_trained(name)
    maker.play(name)
    return maker.made.folder(name)


def kept(maker: Maker, name: str, staging: bool) -> dict[str, Any]:
    """What was kept of a project, as JSON. `staging`: whether commands and folders of this machine may be named."""
    folder = maker.projects.folder(name)
    bundle, served = folder / "bundle", maker.made.served.get(name)
    staged = {kind: (folder / kind).is_dir() for kind in STAGED}
    return {
        "bytes": size_of(folder),
        "newest": maker.made.is_newest(name),
        "figures": served.info.quality.model_dump(mode="json")["figures"] if served and served.info.quality else [],
        "shelf": staging and maker.shelf is not None,
        "staging": staging,
        "staged": staged,
        "push": {kind: push_command(bundle, kind) for kind in STAGED} if staging else {},
        "folders": {kind: str(folder / kind) for kind in STAGED} if staging else {},
    }


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; those with several names count once, as the disk counts them."""
    seen: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        try:
            found = path.lstat()
        except OSError:  # removed just now
            continue
        if not path.is_dir():
            seen[found.st_dev, found.st_ino] = found.st_size
    return sum(seen.values())


def download_name(title: str) -> str:
    """A title as the name of a file, in letters that every header and disk takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-.")[:60] or "generator"

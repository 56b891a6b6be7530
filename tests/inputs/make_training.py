"""What goes wrong while Make trains and keeps: killed processes, full disks, folders that are gone, two at once."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from bundle.errors import UserError
from bundle.sessions import choose_provider
from demo.make import installed, keeping, plan
from demo.make.child import Child
from demo.make.jobs import Jobs
from demo.make.limits import OWN_MACHINE
from demo.make.maker import Maker
from demo.make.projects import Project, Projects
from demo.routes.make_keep import zipped
from tests.inputs.cases import case
from tests.support import tiny
from tests.support.quick_maker import begun, lines, project, quick_maker
from tests.support.waiting import wait_until
from train import watch

ROOM = "Make: training and keeping"
REPOSITORY = Path(__file__).resolve().parents[2]
# Stores what it learned at Ctrl-C.
STORES = """
import sys, time
from pathlib import Path
try:
    Path(sys.argv[1]).touch()
    time.sleep(60)
except KeyboardInterrupt: Path(sys.argv[2]).touch()
"""


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def said(work: Callable[[], Any]) -> str:
    """The sentence with which it is refused."""
    try:
        work()
    except UserError as problem:
        return str(problem)
    return "done"


def failed(place: Path, how: str) -> str:
    """What a project says whose training fails so, and whether it can go on."""
    with quick_maker(place) as maker:
        (place / "how").write_text(how)
        name = project(maker)
        maker.train(name, 30)
        wait_until(lambda: maker.state_of(name) == "failed")
        error = maker.projects.get(name).error
        (place / "how").unlink()
        maker.train(name, 30)
        wait_until(lambda: len(lines(maker)) == 2)
        maker.pause(name)
        wait_until(lambda: maker.state_of(name) == "paused")
        return f"{error} {maker.state_of(name)}"


@case(ROOM, "no PyTorch beside the page")
def no_torch(place: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        found = installed.installation()
    assert not found["installed"]
    return found["install"]


@case(ROOM, "another PyTorch than the one that training is made for")
def another_torch(place: Path) -> str:
    (place / "pins").write_text("torch==1.2.3\n")
    return installed.other_torch(place / "pins")


case(ROOM, "a PyTorch that cannot be loaded")(lambda place: failed(place, "torch"))
case(ROOM, "a training process that is killed")(lambda place: failed(place, "kill"))
case(ROOM, "a disk that is full while it trains")(
    lambda place: failed(place, "Could not write state.safetensors: No space left on device.")
)
case(ROOM, "numbers that grow beyond all bounds")(
    lambda place: failed(place, "gan: the weights are not finite after 640 pictures. Nothing was stored; try …")
)


@case(ROOM, "a process between page and training that is killed")
def killed_between(place: Path) -> str:
    began, stored = place / "began", place / "state.safetensors"
    child = Child([sys.executable, "-c", STORES, str(began), str(stored)], place, "training")
    wait_until(began.exists)
    os.kill(child._process.pid, signal.SIGKILL)
    child.wait()
    wait_until(stored.exists)
    return stored.name


@case(ROOM, "a server that is killed while it trains")
def killed_server(place: Path) -> str:
    projects = Projects(place)
    name = projects.create("Discs")
    projects.change(name, state="training", step=1)
    maker = Maker(Projects(place), {}, choose_provider("cpu"), OWN_MACHINE)
    maker.start()
    maker.close()
    return maker.projects.get(name).state


@case(ROOM, "a disk that is full before the training")
def full_before(place: Path) -> str:
    with quick_maker(place) as maker, pytest.MonkeyPatch.context() as patch:
        name = project(maker)
        patch.setattr(os, "link", full_disk)
        patch.setattr(shutil, "copyfile", full_disk)
        words = said(lambda: maker.train(name, 30))
        assert maker.state_of(name) == "collecting"
        return words


@case(ROOM, "a disk that is full while it is made playable")
def full_export(place: Path) -> str:
    command = [sys.executable, "-c", "print('error: Could not write x: No space left on device.'); raise SystemExit(2)"]
    with quick_maker(place, exports=True) as maker, pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "export_command", lambda *of: command)
        name = begun(maker)
        maker.pause(name)
        wait_until(lambda: maker.state_of(name) == "paused")
        tiny.build(maker.made.folder(name), name=name)
        maker.made.serve(name)
        words = said(lambda: maker.play(name))
        assert name in maker.made.served and (maker.made.folder(name) / "bundle.json").exists()
        return words


@case(ROOM, "a disk too full to say so")
def too_full(place: Path) -> str:
    with quick_maker(place) as maker, pytest.MonkeyPatch.context() as patch:
        name = begun(maker)

        def refuses(name: str, **changes: Any) -> Project:
            raise UserError("Could not write project.json: No space left on device.")

        patch.setattr(maker.projects, "change", refuses)
        maker.pause(name)
        wait_until(lambda: maker.state_of(name) != "training")
        assert maker.projects.get(name).state == "training"
        return maker.state_of(name)


@case(ROOM, "a disk that is full for the zip, or for a copy")
def full_for_copies(place: Path) -> str:
    with quick_maker(place) as maker, pytest.MonkeyPatch.context() as patch:
        name = project(maker)
        (maker.projects.folder(name) / "run" / "vae").mkdir(parents=True)
        (maker.projects.folder(name) / "run" / "vae" / "record.json").write_text("{}")
        folder = tiny.build(maker.made.folder(name), name=name)
        maker.made.serve(name)
        maker.shelf.mkdir()
        patch.setattr(zipfile.ZipFile, "write", full_disk)
        patch.setattr(shutil, "copytree", full_disk)
        words = said(lambda: zipped(folder, "Discs")) + said(lambda: keeping.shelve(maker, name))
        assert not any(maker.shelf.iterdir()) and (folder / "bundle.json").exists()
        return words


@case(ROOM, "the folder of a project deleted while it trains")
def folder_gone(place: Path) -> str:
    with quick_maker(place) as maker:
        name = begun(maker)
        folder = maker.projects.folder(name)
        shutil.rmtree(folder)
        wait_until(lambda: not maker._is_current(name))
        time.sleep(0.1)
        return f"{said(lambda: maker.status(name))} {'left' if folder.exists() else 'nothing left'}"


@case(ROOM, "two visitors who train at once")
def two_visitors(place: Path) -> str:
    with quick_maker(place) as maker:
        begun(maker)
        second = project(maker, "Others")
        maker.train(second, 30)
        found = maker.status(second)
        return f"{found['state']}, place {found['place']}"


@case(ROOM, "two who press Train at once")
def pressed_twice(place: Path) -> str:
    with quick_maker(place) as maker:
        name = project(maker)
        threads = [threading.Thread(target=maker.train, args=(name, 30)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: bool(lines(maker)))
        maker.pause(name)
        wait_until(lambda: maker.state_of(name) == "paused")
        time.sleep(0.2)
        return "begun once" if lines(maker) == ["vae"] and maker.state_of(name) == "paused" else str(lines(maker))


@case(ROOM, "something else asked for while it is measured")
def busy(place: Path) -> str:
    projects = Projects(place)
    name, jobs = projects.create("Discs"), Jobs(projects)
    jobs.begin(name, "measure", [sys.executable, "-c", "import time; time.sleep(60)"], lambda: None)
    words = said(lambda: jobs.check_idle(name))
    jobs.stop(name)
    return words


@case(ROOM, "a longer name or more words than fit")
def too_long(place: Path) -> str:
    with quick_maker(place) as maker:
        return said(lambda: keeping.describe(maker, project(maker), {"title": "Discs", "description": "x" * 3000}))


@case(ROOM, "`python -m train watch` of what is no run")
def no_run(place: Path) -> str:
    words = [watch.command(folder) for folder in (place, place / "nowhere")]
    return "".join(subprocess.run(one, cwd=REPOSITORY, capture_output=True, text=True).stderr for one in words)


@case(ROOM, "`--open` without the packages of the page")
def nothing_to_open_with(place: Path) -> str:
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setattr("importlib.util.find_spec", lambda name: None)
        with watch.watched(place):
            pass
    return printed.getvalue()

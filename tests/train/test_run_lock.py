"""One training at a time in a run folder, and folders that cannot be one."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundle.errors import UserError
from tests.support.waiting import wait_until
from train import run_lock
from train.__main__ import main
from train.run_lock import locked


def test_a_second_training_is_refused_with_the_name_of_the_first(tmp_path, shapes, capsys):
    with locked(tmp_path / "r"):
        assert main(["gan", str(tmp_path / "r"), "--data", str(shapes), "--images", "32"]) == 2
    said = capsys.readouterr().err
    assert "Another training uses" in said and f"(process {os.getpid()} on {socket.gethostname()}, since" in said
    assert not (tmp_path / "r").exists()  # nothing was stored in it


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path):
    run = tmp_path / "r"
    code = (
        f"import time; from pathlib import Path; from train.run_lock import locked\nwith locked(Path({str(run)!r})):\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", f"{code}    time.sleep(60)"])
    try:
        wait_until(lambda: (run / ".training").exists(), seconds=60)
        with pytest.raises(UserError, match="Another training"), locked(run):
            pass
    finally:
        holder.kill()
        holder.wait()
    with locked(run):
        assert json.loads((run / ".training").read_text())["process"] == os.getpid()


@pytest.mark.parametrize(
    ("host", "process", "age", "refused"),
    [
        ("elsewhere", 1, 0, True),
        ("elsewhere", 1, 3600, False),  # it touched its file last an hour ago
        (socket.gethostname(), os.getppid(), 3600, True),  # runs here
        (socket.gethostname(), 2**22 + 5, 0, False),  # ended here
    ],
)
def test_without_locks_of_the_file_system_the_owner_counts(tmp_path, monkeypatch, host, process, age, refused):
    """As on some NFS."""

    def unsupported(*arguments, **options):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr(run_lock.FileLock, "acquire", unsupported)
    owner = tmp_path / ".training"
    owner.write_text(json.dumps({"host": host, "process": process, "since": "today"}))
    os.utime(owner, (time.time() - age,) * 2)
    if refused:
        with pytest.raises(UserError, match=f"process {process} on {host}"), locked(tmp_path):
            pass
        assert owner.exists()
    else:
        with locked(tmp_path):
            pass


def test_what_cannot_be_a_run_folder_is_named(tmp_path, tiny_bundle):
    (tmp_path / "notes.txt").write_text("x")
    for run, sentence in (
        (tmp_path / "notes.txt", "is a file: name a folder for the run"),
        (tmp_path / "notes.txt" / "deeper", "Name a folder that you can write to|is a file"),
        (tiny_bundle, "is a bundle, not a run folder"),
    ):
        with pytest.raises(UserError, match=sentence), locked(Path(run)):
            pass


def test_the_command_that_makes_a_run_of_a_bundle_can_be_pasted(broken_bundle: Path):
    bundle = broken_bundle.rename(broken_bundle.with_name("my $bundle"))
    with pytest.raises(UserError) as found, locked(bundle):
        pass
    command = str(found.value).partition("(")[2].partition(")")[0]
    assert shlex.split(command) == ["python", "-m", "export", "unpack", str(bundle), "RUN"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def refused(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(run_lock.FileLock, "acquire", refused)
    with pytest.raises(UserError, match=r"Nothing can be written in .*Permission denied"), locked(tmp_path):
        pass
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(UserError, match="cannot be made: Permission denied"), locked(tmp_path / "r"):
        pass


def test_a_run_folder_that_was_removed_meanwhile_hides_no_error(tmp_path):
    with pytest.raises(UserError, match="the disk is full"), locked(tmp_path / "r"):
        shutil.rmtree(tmp_path / "r")
        raise UserError("the disk is full")

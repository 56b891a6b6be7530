"""status.json: what a training says to whoever watches it, and the checkpoint that can be asked for."""

import json
from pathlib import Path

from train.status import CHECKPOINT_REQUEST, STATUS, Status, StatusFile


def status(images: int) -> Status:
    return Status("gan", 1, 2, "training", images, 1000, 50.0, 3.0, 17.0, 60.0, {"noise": "It is noise."})


def test_a_watcher_reads_what_the_training_wrote(tmp_path: Path):
    file = StatusFile(tmp_path, writes=True)
    assert file.is_due()
    file.write(status(300))
    said = json.loads((tmp_path / STATUS).read_text())
    assert (said["stage"], said["images"], said["left"], said["warnings"]) == (
        "gan",
        300,
        17.0,
        {"noise": "It is noise."},
    )
    assert not file.is_due()


def test_a_disk_that_refuses_never_stops_the_training(tmp_path: Path):
    (tmp_path / "run").write_text("no folder")
    StatusFile(tmp_path / "run", writes=True).write(status(1))


def test_a_request_is_taken_once(tmp_path: Path):
    file = StatusFile(tmp_path, writes=True)
    assert not file.takes_request()
    (tmp_path / CHECKPOINT_REQUEST).touch()
    assert file.takes_request() and not file.takes_request()

"""What a training says to whoever watches it, and the checkpoint that can be asked for."""

from pathlib import Path

from bundle.training_status import CHECKPOINT_REQUEST, STATUS, Status, read_status
from train.status import StatusFile


def status(images: int) -> Status:
    return Status(
        stage="gan",
        number=1,
        of=2,
        state="training",
        images=images,
        planned=1000,
        rate=50.0,
        seconds=3.0,
        left=17.0,
        left_for_all=60.0,
        warnings={"noise": "It is noise."},
        pid=7,
    )


def test_a_watcher_reads_what_the_training_wrote(tmp_path: Path):
    file = StatusFile(tmp_path, writes=True)
    assert read_status(tmp_path) is None and file.is_due(0.0)
    file.write(status(300))
    assert read_status(tmp_path) == status(300)
    assert not file.is_due(3.5) and file.is_due(4.1)


def test_what_another_version_wrote_is_no_status(tmp_path: Path):
    (tmp_path / STATUS).write_text('{"stage": "gan"}')
    assert read_status(tmp_path) is None


def test_a_disk_that_refuses_never_stops_the_training(tmp_path: Path):
    (tmp_path / "run").write_text("no folder")
    StatusFile(tmp_path / "run", writes=True).write(status(1))


def test_a_request_is_taken_once(tmp_path: Path):
    file = StatusFile(tmp_path, writes=True)
    assert not file.takes_request()
    (tmp_path / CHECKPOINT_REQUEST).touch()
    assert file.takes_request() and not file.takes_request()

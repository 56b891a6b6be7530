"""Snapshots of a training: when they are due, which are kept, that they change nothing, and what a resume keeps."""

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from bundle import images
from bundle.errors import UserError
from bundle.snapshot_rows import snapshot_rows
from tests.train.test_resume import train
from train import recorder, snapshots
from train.checkpoints import load_tensors
from train.snapshots import KEPT, MOST, SnapshotTaker, even, is_due, read_row


def taken_by(end: int, batch: int) -> list[int]:
    """Pictures seen at the moments that a run of `end` pictures keeps, were it to end there."""
    counts: list[int] = []
    for seen in range(batch, end + 1, batch):
        if is_due(counts, seen):
            counts.append(seen)
    return counts


@pytest.mark.parametrize("doublings", [8, 12, 16])
def test_wherever_a_run_ends_24_moments_lie_evenly_on_the_logarithmic_axis(doublings):
    counts = taken_by(2**doublings, 1)
    assert KEPT <= len(counts) <= MOST
    kept = even(counts)
    assert len(kept) == KEPT and kept[0] == counts[0] and kept[-1] == counts[-1]
    gaps = np.diff(np.log2(kept))[8:]  # early ones are whole steps, which no rule makes closer
    assert gaps.max() < 2 * doublings / KEPT and gaps.min() > 0.3 * doublings / KEPT


def test_a_short_run_keeps_what_it_has_and_a_moment_is_never_chosen_twice():
    assert even([64, 128, 192]) == [64, 128, 192]
    crowded = [1, *range(1000, 1100)]
    assert even(crowded, 24)[0] == 1 and len(set(even(crowded, 24))) == 24


class Drawing:
    """A stage that draws two grey pictures, the brighter the later."""

    held_out = torch.zeros(0, 1, 16, 16)
    snapshot_held_out = 0
    drawn = 0

    def snapshot(self, averages: object, pictures: torch.Tensor) -> torch.Tensor:
        self.drawn += 1
        return torch.full((2, 1, 16, 16), self.drawn / 255)


def test_a_run_that_ends_while_every_second_row_goes_goes_on_with_those_that_are_left(tmp_path, monkeypatch):
    stage = Drawing()
    kept = SnapshotTaker(stage, tmp_path, 0)
    for count in range(1, MOST + 1):
        kept.take(torch.nn.Module(), count * 100, float(count))
    unlink, gone = Path.unlink, []

    def ended(path: Path, missing_ok: bool = False) -> None:
        if len(gone) == 5:
            raise KeyboardInterrupt
        gone.append(path)
        unlink(path, missing_ok)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", ended)
        kept.take(torch.nn.Module(), 4900, 49.0)
    again = SnapshotTaker(stage, tmp_path, 4900)
    left = [moment.images for moment in again.taken]
    assert len(left) == MOST + 1 - 5 and left[0] == 100 and left[-1] == 4900
    for count in range(50, 56):
        again.take(torch.nn.Module(), count * 100, float(count))
    found = snapshot_rows(tmp_path)
    assert [moment.images for moment in found] == [moment.images for moment in again.taken]
    assert KEPT <= len(found) <= MOST and (found[0].images, found[-1].images) == (100, 5500)
    assert all(read_row(moment.path, (16, 16), 1) is not None for moment in found)


def test_a_row_that_cannot_be_removed_ends_no_training(tmp_path, monkeypatch):
    """On Windows a page that shows it is enough."""

    def held(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError

    kept = SnapshotTaker(Drawing(), tmp_path, 0)
    monkeypatch.setattr(Path, "unlink", held)
    for count in range(1, MOST + 3):
        kept.take(torch.nn.Module(), count * 100, float(count))
    assert KEPT <= len(kept.taken) <= MOST and len(snapshot_rows(tmp_path)) == MOST + 2
    assert len(SnapshotTaker(Drawing(), tmp_path, 100).taken) == 1


def test_sheets_of_steps_that_are_taken_again_go(tmp_path):
    """In a training that was begun anew with less time they would pass for the newest for good."""
    sheets = tmp_path / "samples"
    sheets.mkdir()
    for name in ("000000064", "000000128", "000000192", "mine"):
        (sheets / f"{name}.png").touch()
    recorder.remove_sheets(tmp_path, 128)
    assert sorted(path.stem for path in sheets.iterdir()) == ["000000064", "000000128", "mine"]
    recorder.remove_sheets(tmp_path, 0)
    assert [path.stem for path in sheets.iterdir()] == ["mine"]
    recorder.remove_sheets(tmp_path / "new", 0)


@pytest.mark.slow
def test_drawing_them_changes_nothing_of_a_training(shapes, tmp_path, monkeypatch):
    """The same bytes with snapshots and without; four VAE pictures are reconstructed, 16 latents drawn."""
    with monkeypatch.context() as patch:
        patch.setattr(SnapshotTaker, "take", lambda *arguments: None)
        for stage in ("gan", "vae"):
            assert train(tmp_path / "without", stage, shapes, 96) == 0
    for stage, count in (("gan", 16), ("vae", 4)):
        assert train(tmp_path / "with", stage, shapes, 96) == 0
        found = snapshot_rows(tmp_path / "with" / stage)
        assert [moment.images for moment in found] == [16, 32, 48, 64, 80, 96]
        assert not snapshot_rows(tmp_path / "without" / stage)
        (first, _), (second, _) = (
            load_tensors(tmp_path / w / stage / "state.safetensors") for w in ("with", "without")
        )
        assert first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)
        rows = [read_row(moment.path, (16, 16), 1) for moment in found]
        assert all(row is not None and row.shape == (count, 16, 16, 1) for row in rows)
        assert not np.array_equal(rows[0], rows[-1])


@pytest.mark.slow
def test_a_resumed_run_drops_what_is_drawn_again_and_an_old_one_begins_from_there(shapes, tmp_path):
    run = tmp_path / "run"
    assert train(run, "vae", shapes, 96) == 0
    old = shutil.copytree(run, tmp_path / "old")
    shutil.rmtree(old / "vae" / "snapshots")
    snapshots.write_row(run / "vae" / "snapshots", snapshots.row_name(112, 9.9), np.zeros((4, 16, 16, 1), np.uint8))
    (run / "vae" / "snapshots" / "notes.png").write_bytes(b"of the user")
    for folder, counts in ((run, [16, 32, 48, 64, 80, 96, 128]), (old, [112, 144, 160])):
        assert train(folder, "vae", shapes, 160 if folder == old else 128, "--resume") == 0
        assert [moment.images for moment in snapshot_rows(folder / "vae")][: len(counts)] == counts
    assert (run / "vae" / "snapshots" / "notes.png").read_bytes() == b"of the user"


def test_a_damaged_row_is_none(tmp_path):
    good = images.png(np.zeros((16, 64, 1), np.uint8))
    for data in (
        good[:40],
        b"",
        images.png(np.zeros((16, 63, 1), np.uint8)),
        images.png(np.zeros((16, 64, 3), np.uint8)),
    ):
        (tmp_path / "row.png").write_bytes(data)
        assert read_row(tmp_path / "row.png", (16, 16), 1) is None
    (tmp_path / "row.png").write_bytes(good)
    assert read_row(tmp_path / "row.png", (16, 16), 1).shape == (4, 16, 16, 1)
    assert read_row(Path("none.png"), (16, 16), 1) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (snapshots, "No more snapshots are taken; the training goes on."),
        (recorder, "The training goes on without this sheet of samples."),
    ],
)
def test_a_disk_that_refuses_costs_pictures_and_no_training(
    module: ModuleType, sentence: str, shapes, tmp_path, monkeypatch, capsys
):
    def refuses(path: Path, data: bytes) -> None:
        raise UserError(f"Could not write {path}: No space left on device.")

    monkeypatch.setattr(module, "write_file", refuses)
    assert train(tmp_path / "run", "gan", shapes, 48) == 0
    assert capsys.readouterr().out.count(sentence) == 1


def test_held_out_pictures_are_spread_over_all_and_stay_those_of_the_first_command(tmp_path):
    class Rebuilding(Drawing):
        snapshot_held_out = 4

    stage = Rebuilding()
    stage.held_out = torch.arange(32.0)[:, None, None, None].expand(32, 1, 16, 16) / 255
    first = SnapshotTaker(stage, tmp_path, 0).held_out()
    assert (first[:, 0, 0, 0] * 255).tolist() == pytest.approx([0, 10, 21, 31])
    stage.held_out = stage.held_out.flip(0)
    assert torch.allclose(SnapshotTaker(stage, tmp_path, 0).held_out(), first)

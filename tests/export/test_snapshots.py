"""Snapshots of a run become a sheet of few bytes, marked with the training's warnings; damaged ones are left out."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.marks import TRAINED, Mark, xmp
from bundle.read import read
from bundle.snapshot_rows import SnapshotRow, row_name, snapshot_rows
from bundle.snapshots import read_snapshots
from export import snapshots
from export.unpack import write_snapshots
from tests.support import tiny
from tests.support.trained import Exported
from train.run_folder import Run
from train.snapshots import read_row, write_row

MARK = Mark(source=TRAINED)
RNG = np.random.default_rng(0)


def sheet_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as sheet:
        return sheet.height, sheet.width


@pytest.mark.parametrize("side", [16, 64])
def test_a_sheet_is_as_good_as_its_bytes_allow(side):
    smooth = np.tile(np.linspace(0, 255, side).astype(np.uint8)[:, None, None], (4, 16, 1, side, 3))
    noise = RNG.integers(0, 256, (4, 16, side, side, 3), dtype=np.uint8)
    data, suffix = snapshots.encoded(smooth, 200_000, MARK)
    with Image.open(io.BytesIO(data)) as sheet:
        assert np.array_equal(np.asarray(sheet)[:side, :side], smooth[0, 0]) and suffix in ("webp", "png")
    budget = noise.nbytes // 20
    data, suffix = snapshots.encoded(noise, budget, MARK)
    assert suffix == "webp" and (len(data) <= budget or side < 32)
    height, width = sheet_of(data)
    assert side * 4 % height == 0 and width == 4 * height


def test_alarms_are_those_that_the_training_gave():
    metrics = [
        {"images": 10, "variety_distance": 0.1, "roughness": 9.0},  # so early, all runs are like that
        {"images": 400, "variety_distance": 0.9, "roughness": 1.0},
        {"images": 800, "variety_distance": 0.9, "variety_classes": 0.4, "roughness": 2.5},
        {"images": 1000, "variety_distance": 0.3},
    ]
    taken = [SnapshotRow(images, 1.0, Path()) for images in (10, 100, 500, 900, 1000)]
    assert [one.alarms for one in snapshots.with_alarms(taken, metrics)] == [
        (),
        (),
        (),
        ("collapse", "noise"),
        ("collapse",),
    ]
    assert all(one.alarms == () for one in snapshots.with_alarms(taken, []))  # a run whose metrics are gone


def test_a_run_without_them_has_none_and_damaged_ones_are_left_out(trained_run, tmp_path, capsys):
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    there = snapshot_rows(run / "gan")
    there[0].path.write_bytes(b"cut")
    (run / "vae" / "snapshots" / "held-out.png").unlink()
    found = snapshots.of_run(Run.open(run), ["gan", "vae"])
    said = capsys.readouterr().out
    assert list(found) == ["gan"] and len(found["gan"].entry.taken) == len(there) - 1
    assert f"1 of {len(there)} snapshots of the gan are damaged" in said and "lack held-out.png" in said
    for stage in ("gan", "vae"):
        shutil.rmtree(run / stage / "snapshots")
    assert snapshots.of_run(Run.open(run), ["gan", "vae"]) == {} and capsys.readouterr().out == ""


def test_rows_of_a_growing_gan_that_have_another_size_are_left_out(trained_run, tmp_path, capsys):
    """Somebody put a run's rows into the folder of the one that it grew into, and not all of them were copied whole."""
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    there = snapshot_rows(run / "gan")
    rows = run / "gan" / "snapshots"
    write_row(rows, row_name(3, 0.1), np.zeros((16, 8, 8, 1), np.uint8))
    write_row(rows, row_name(5, 0.2), np.zeros((7, 16, 16, 1), np.uint8))
    found = snapshots.of_run(Run.open(run), ["gan"])["gan"].entry
    assert [one.images for one in found.taken] == [moment.images for moment in there] and found.pictures == 16
    assert f"2 of {len(there) + 2} snapshots of the gan are damaged or of another size" in capsys.readouterr().out


def test_snapshots_of_the_end_alone_are_left_out(trained_run, tmp_path, capsys):
    """As of a GAN that came out of a bundle and was trained further: they show how next to nothing was learned."""
    run = Path(shutil.copytree(trained_run, tmp_path / "run"))
    *earlier, last = snapshot_rows(run / "gan")
    for moment in earlier:
        moment.path.unlink()
    pictures = read_row(last.path, (16, 16), 1)
    write_row(run / "gan" / "snapshots", row_name(last.images // 2 + 1, 0.1), pictures)
    assert snapshots.of_run(Run.open(run), ["gan"]) == {} and "begin when most was learned" in capsys.readouterr().out
    write_row(run / "gan" / "snapshots", row_name(1, 0.0), pictures)
    assert list(snapshots.of_run(Run.open(run), ["gan"])) == ["gan"]


def test_the_bundle_of_a_run_carries_them(exported: Exported, trained_run: Path):
    info = read(exported.folder).info
    for model, count in (("gan", 16), ("vae", 4)):
        taken = info.training[model].snapshots.taken
        assert [one.images for one in taken] == [moment.images for moment in snapshot_rows(trained_run / model)]
        shown = read_snapshots(exported.folder, info, model)
        last = read_row(snapshot_rows(trained_run / model)[-1].path, info.image.shape[1:], info.image.channels)
        assert shown.pictures.shape[1] == count and np.abs(shown.pictures[-1].astype(int) - last).mean() < 8


def test_an_unpacked_run_has_them_again(tmp_path):
    folder = tiny.build(tmp_path / "tiny")
    tiny.add_snapshots(folder)
    bundle = read(folder)
    for model in ("gan", "vae"):
        write_snapshots(tmp_path / "run" / model, model, bundle)
        rows = [read_row(moment.path, (32, 32), 1) for moment in snapshot_rows(tmp_path / "run" / model)]
        assert np.array_equal(np.stack(rows), read_snapshots(folder, bundle.info, model).pictures)
        there = snapshot_rows(tmp_path / "run" / model)
        assert [moment.seconds for moment in there] == [10.0, 20.0, 40.0]
        assert all(xmp.read(moment.path.read_bytes()).mark == MARK for moment in there)
    assert xmp.read((tmp_path / "run" / "vae" / "snapshots" / "held-out.png").read_bytes()).mark is None

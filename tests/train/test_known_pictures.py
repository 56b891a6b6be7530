"""A run knows its pictures: where they are, whether they are the same, and which were added."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from tests.support.trained import train
from train.__main__ import main
from train.data.load import Loaded, load
from train.data.mapped_images import MappedImages
from train.known_pictures import Thumbnails, as_known, as_points, matched, thumbnails
from train.run_folder import Run, data_of, place_of, read_json

FEW = ["--images", "32", "--threads", "1", "--precision", "fp32", "--batch", "16"]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return draw_folder(tmp_path / "pictures", 120)


@pytest.fixture
def run(tmp_path: Path, pictures: Path) -> Path:
    """A classifier that has seen 32 of 120 pictures."""
    assert main(["classifier", str(tmp_path / "run"), "--data", str(pictures), *FEW]) == 0
    return tmp_path / "run"


def more(*words: str, images: int = 48) -> int:
    return main(["classifier", *words, "--resume", "--images", str(images)])


def test_neither_going_on_nor_another_stage_needs_to_hear_where_the_pictures_are(run, pictures, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert place_of(run) == str(pictures)
    assert more(str(run)) == 0
    assert main(["vae", str(run), *FEW, "--width", "16"]) == 0
    assert Run.open(run).record("vae").command.endswith("--data pictures")


def test_an_older_run_has_its_place_among_the_settings_of_its_stages(run, pictures):
    facts = read_json(run / "run.json")
    del facts["place"]
    (run / "run.json").write_text(json.dumps(facts))
    (run / "pictures.safetensors").unlink()
    assert place_of(run) == str(pictures)
    assert more(str(run)) == 0
    assert Thumbnails.stored(run) is not None


def test_pictures_that_moved_are_recognised_by_what_is_in_them(run, pictures, tmp_path, capsys):
    moved = Path(shutil.move(pictures, tmp_path / "other name"))
    assert more(str(run)) == 2
    assert f"were at {pictures}, which is gone. Say where they are now with --data" in capsys.readouterr().err
    assert more(str(run), "--data", str(moved)) == 0
    assert (place_of(run), data_of(run).source) == (str(moved), "pictures")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", moved)
    assert more(str(run), "--data", packed, images=64) == 0


def test_other_pictures_of_the_same_number_are_refused(run, tmp_path, capsys):
    other = tmp_path / "others"
    draw_folder(other, 240)
    for i in range(120):  # the second half
        next(other.glob(f"*/{i:04d}.png")).unlink()
    before = (run / "classifier" / "state.safetensors").read_bytes()
    assert more(str(run), "--data", str(other)) == 2
    assert re.search(r"lacks 1\d\d of the 120 pictures that", capsys.readouterr().err)
    assert (run / "classifier" / "state.safetensors").read_bytes() == before


def test_added_pictures_are_taken_when_asked_and_those_held_out_stay_so(run, pictures, capsys):
    known = Thumbnails.stored(run)
    draw_folder(pictures, 150)  # the first 120 are the same again
    assert more(str(run)) == 2
    assert "holds 30 pictures that" in capsys.readouterr().err
    train("classifier", run, "--resume", "--images", "48", "--more-data")
    now = Thumbnails.stored(run)
    assert torch.equal(now.train[: len(known.train)], known.train)
    assert torch.equal(now.test[: len(known.test)], known.test)
    assert len(now.train) + len(now.test) == 150
    record = Run.open(run).record("classifier")
    assert record.data == [[0, len(known.train)], [32, len(now.train)]]
    assert "--more-data" in record.command
    assert not Run.open(run).settings("classifier").more_data
    assert more(str(run), images=64) == 0  # they are known now


def test_a_run_that_does_not_know_its_pictures_cannot_tell_which_were_added(run, pictures, capsys):
    (run / "pictures.safetensors").unlink()  # as in a run that was unpacked from a bundle
    draw_folder(pictures, 150)
    assert more(str(run), "--more-data") == 2
    said = capsys.readouterr().err
    assert "one by one" in said and f"--start-from {run}" in said


def test_another_order_is_put_right(run, pictures):
    info, train, test = load(str(pictures), quiet=True)
    swapped = torch.arange(len(train)).flip(0)
    _, again, held_out = as_known(run, Loaded(info, train[swapped], test), "there")
    assert torch.equal(again.images, train.images) and torch.equal(again.labels, train.labels)
    assert torch.equal(held_out.images, test.images)


def test_missing_ones_are_counted(run, pictures):
    info, train, test = load(str(pictures), quiet=True)
    with pytest.raises(UserError, match="there lacks 3 of the 120"):
        as_known(run, Loaded(info, train[torch.arange(len(train) - 3)], test), "there")


def test_thumbnails_forgive_a_decoder_and_nothing_else():
    images = torch.randint(0, 256, (40, 3, 17, 23), dtype=torch.uint8)
    assert thumbnails(images).shape == (40, 48)
    noisy = (images.short() + torch.randint(-2, 3, images.shape)).clamp(0, 255).byte()
    as_they_were, now, others = (Thumbnails(thumbnails(i), thumbnails(i[:4])) for i in (images, noisy, images.flip(0)))
    assert as_they_were.alike(now) and not as_they_were.alike(others)


def test_pictures_that_are_there_twice_are_matched_twice():
    known = torch.tensor([[1], [2], [1]], dtype=torch.uint8)
    rows, added = matched(known, torch.tensor([[3], [1], [1], [2], [1]], dtype=torch.uint8))
    assert (rows.tolist(), added.tolist()) == ([1, 3, 2], [0, 4])


def test_pictures_of_another_decoder_are_recognised_among_added_ones():
    random = np.random.default_rng(0)
    known = random.integers(0, 250, (300, 16))
    now = np.concatenate([random.integers(0, 250, (20, 16)), known + random.integers(-2, 3, known.shape)])
    order = random.permutation(320)
    rows, added = matched(*(torch.from_numpy(values.clip(0, 255).astype(np.uint8)) for values in (known, now[order])))
    assert np.array_equal(order[rows.numpy()], np.arange(20, 320)) and sorted(order[added.numpy()]) == list(range(20))


def test_many_that_are_nearly_alike_are_each_matched_once():
    known = torch.full((40, 16), 100, dtype=torch.uint8)
    rows, added = matched(known, torch.full((41, 16), 102, dtype=torch.uint8))
    assert len(set(rows.tolist())) == 40 and len(added) == 1


def test_equal_ones_are_compared_once(monkeypatch):
    """Blank pages by another decoder: one round."""
    rounds = []
    monkeypatch.setattr("train.known_pictures.as_points", lambda those: rounds.append(len(those)) or as_points(those))
    known = torch.full((5000, 16), 100, dtype=torch.uint8)
    rows, added = matched(known, torch.full((5001, 16), 102, dtype=torch.uint8))
    assert rows.tolist() == list(range(5000)) and added.tolist() == [5000] and rounds == [1, 1]


def test_pictures_added_to_a_large_set_come_in_the_order_of_the_run_and_stay_in_their_files(
    run, pictures, monkeypatch, capsys
):
    known = Thumbnails.stored(run)
    draw_folder(pictures, 150)
    monkeypatch.setattr("train.data.picture_set.fits_in_memory", lambda needed: False)
    seen = []
    monkeypatch.setattr("train.training.train", lambda *given: seen.append(given[4:6]) or True)
    assert more(str(run), "--more-data") == 0
    ((train, test),) = seen
    assert isinstance(train.images, MappedImages) and isinstance(test.images, MappedImages)
    assert torch.equal(thumbnails(train.images)[: len(known.train)], known.train)
    assert torch.equal(thumbnails(test.images)[: len(known.test)], known.test)
    assert len(train) + len(test) == 150


def test_a_run_from_before_readings_were_recorded_says_that_its_pictures_may_be_read_otherwise(run, pictures, capsys):
    """Its version took another column for the classes, say, in a way that no flag repeats."""
    facts = read_json(run / "run.json")
    del facts["data"]["reading"]
    facts["data"]["classes"][0] = "-1"
    (run / "run.json").write_text(json.dumps(facts))
    assert more(str(run)) == 2
    assert "this version reads them otherwise than the one that began the run" in capsys.readouterr().err

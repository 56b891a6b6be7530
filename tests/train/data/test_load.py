"""Loading a set: tensors, classes, what a run knows about it, mistakes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from tests.support.pictures import draw_folder, draw_shape
from train.data import hub, stacked_mnist
from train.data import shapes as drawn_shapes
from train.data.dataset import DataInfo
from train.data.load import load, load_again, shown_name
from train.known_pictures import absolute


def test_a_folder_becomes_tensors_and_classes(shapes):
    info, train, test = load(str(shapes), quiet=True)
    assert info.classes == ("bar", "disc", "square")
    assert (info.channels, info.size) == (1, 16)
    assert info.train_images + info.test_images == 150
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (135, 1, 16, 16)
    assert set(test.labels.tolist()) <= {0, 1, 2}


def test_mistakes_are_sentences(tmp_path, shapes):
    with pytest.raises(UserError, match="holds no picture"):
        load(str(tmp_path))
    for place in ("./nowhere-at-all", "~nobody-of-this-name", "~nobody-of-this-name/pets"):
        with pytest.raises(UserError, match="does not exist"):
            load(place)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="not a folder"):
        load(str(tmp_path / "notes.txt"))
    with pytest.raises(UserError, match=r"14 readable pictures.*at least 20"):
        load(str(draw_folder(tmp_path / "few", 14)), quiet=True)
    with pytest.raises(UserError, match="54"):
        load(str(shapes), size=54)


def test_a_folder_named_by_a_dot_keeps_its_name(shapes, monkeypatch):
    monkeypatch.chdir(shapes)
    assert load(".", quiet=True)[0].source == shapes.name


def test_a_short_budget_draws_large_pictures_at_64_px_and_says_so(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for i in range(100):
        draw_shape(i % 3, rng, 130).save(tmp_path / f"{i}.png")
    assert load(str(tmp_path), largest=64)[0].size == 64
    assert "64 px, as the budget is short: --size 128 draws them larger" in capsys.readouterr().out
    assert load(str(tmp_path))[0].size == 128
    assert load(str(tmp_path), size=64, largest=64)[0].size == 64
    assert "as the budget is short" not in capsys.readouterr().out


def test_a_set_that_is_made_here_is_not_looked_for_elsewhere(shapes, monkeypatch):
    """Also where it belongs to a run from before readings were recorded, whose table could have had another column."""
    monkeypatch.setattr(drawn_shapes, "TRAIN", np.arange(300))
    monkeypatch.setattr(drawn_shapes, "TEST", np.arange(300, 340))
    monkeypatch.setattr(stacked_mnist, "TRAIN_IMAGES", 90)
    monkeypatch.setattr(stacked_mnist, "TEST_IMAGES", 30)
    asked: list[str] = []
    monkeypatch.setattr(hub, "check_name", lambda name: asked.append(name))
    for source in ("shapes", f"stacked_mnist:{shapes}"):
        info, train, _ = load(source, 16, quiet=True)
        facts = info.as_json()
        del facts["reading"]
        found, again, _ = load_again(source, DataInfo.from_json(facts))
        assert torch.equal(again.images, train.images) and found.classes == info.classes
    assert not asked


def test_what_a_run_knows_survives_json(shapes):
    info = load(str(shapes), quiet=True, fit="pad")[0]
    assert DataInfo.from_json(info.as_json()) == info
    old = {k: v for k, v in info.as_json().items() if k not in ("fit", "background")}
    assert DataInfo.from_json(old).fit == "crop"


def test_a_set_made_here_says_so_beside_a_folder_of_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw_folder(tmp_path / "shapes", 60)
    monkeypatch.setattr(drawn_shapes, "TRAIN", drawn_shapes.TRAIN[:30])
    monkeypatch.setattr(drawn_shapes, "TEST", drawn_shapes.TEST[:30])
    assert load("shapes", 16).info.licence.startswith("drawn by Twofold") and absolute("shapes") == "shapes"
    assert "note: shapes is the set that is made here; write ./shapes for" in capsys.readouterr().out
    own = load("./shapes").info
    assert (own.source, own.licence, own.train_images) == ("./shapes", "not stated", 54)
    assert "note" not in capsys.readouterr().out and absolute("./shapes") == str(tmp_path / "shapes")


def test_a_set_at_the_root_of_a_disk_has_a_title(shapes, monkeypatch):
    root = Path(shapes).resolve().anchor
    assert shown_name(root) == "pictures"

"""Reading a set: the report, classes, held-out pictures, every mistake."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from tests.bundle.test_pictures import half_clear
from tests.support.pictures import draw_folder, draw_shape
from train.data.dataset import batch_indices, check_labels, default_size, load


def test_a_folder_becomes_tensors_and_classes(shapes):
    info, train, test = load(str(shapes), quiet=True)
    assert info.classes == ("bar", "disc", "square")
    assert (info.channels, info.size) == (1, 16)
    assert info.train_images + info.test_images == 150
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (135, 1, 16, 16)
    assert set(test.labels.tolist()) <= {0, 1, 2}


def test_the_scan_reports_counts_sizes_modes_and_classes(shapes, capsys):
    load(str(shapes))
    report = capsys.readouterr().out
    for fact in ("135 training and 15 test", "16x16 (150)", "L (150)", "bar (50), disc (50), square (50)"):
        assert fact in report


def test_mixed_sizes_modes_and_bad_files(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    rng = np.random.default_rng(0)
    draw_shape(0, rng, 40, "RGB").save(folder / "rgb.png")
    draw_shape(0, rng, 40, "RGB").convert("CMYK").save(folder / "cmyk.jpg")
    draw_shape(0, rng, 20, "RGB").convert("RGBA").save(folder / "rgba.png")
    draw_shape(0, rng, 20, "RGB").quantize(8).save(folder / "palette.png")
    Image.fromarray((np.arange(256).reshape(16, 16) * 257).astype(np.uint16)).save(folder / "deep.png")
    (folder / "text.png").write_text("not a picture")
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(whole, "JPEG")
    (folder / "torn.jpg").write_bytes(whole.getvalue()[:700])
    info, train, test = load(str(folder), size=16)
    report = capsys.readouterr().out
    assert info.channels == 3
    assert len(train) + len(test) == 125
    assert "skipped 2 unreadable" in report
    for fact in ("sizes 16x16 (121), ", "20x20 (2)", " -> 16x16", "L (120)", "-> RGB", "CMYK (1)", "I;16 (1)"):
        assert fact in report
    assert "text.png (not an image)" in report
    assert "torn.jpg" in report
    assert info.classes == ()


@pytest.mark.parametrize(("longer", "size"), [(28, 32), (32, 32), (64, 64), (9, 16), (500, 128)])
def test_default_size(longer, size):
    from collections import Counter

    assert default_size(Counter({(longer, longer): 10, (3, 3): 1})) == size


def test_mistakes_are_sentences(tmp_path, shapes):
    with pytest.raises(UserError, match="holds no picture"):
        load(str(tmp_path))
    with pytest.raises(UserError, match="does not exist"):
        load("./nowhere-at-all")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(UserError, match="not a folder"):
        load(str(tmp_path / "notes.txt"))
    with pytest.raises(UserError, match=r"40 readable pictures.*at least 100"):
        load(str(draw_folder(tmp_path / "few", 40)), quiet=True)
    with pytest.raises(UserError, match="54"):
        load(str(shapes), size=54)


def test_a_missing_label_and_a_lonely_class_are_sentences():
    with pytest.raises(UserError, match="2 training pictures of x have no label"):
        check_labels("x", torch.tensor([0, -1, 1, -1]), ("a", "b"))
    with pytest.raises(UserError, match="1 training pictures of 'b'"):
        check_labels("x", torch.tensor([0, 0, 1]), ("a", "b"))
    check_labels("x", torch.tensor([-1, -1]), ())


def test_a_folder_named_by_a_dot_keeps_its_name(shapes, monkeypatch):
    monkeypatch.chdir(shapes)
    assert load(".", quiet=True)[0].source == shapes.name


def test_the_report_says_what_became_of_the_alpha(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    for i in range(3):
        half_clear("LA").save(folder / f"clear{i}.png")
    info, train, test = load(str(folder), size=32, background="white")
    assert "3 pictures with transparent parts, laid on #ffffff" in capsys.readouterr().out
    assert (info.channels, info.background, info.fit) == (1, "#ffffff", "crop")
    assert sum(int(p[0, 0, -1] == 255 and p[0, 0, 0] == 120) for p in [*train.images, *test.images]) == 3


def test_what_a_run_knows_survives_json(shapes):
    info = load(str(shapes), quiet=True, fit="pad")[0]
    assert type(info).from_json(info.as_json()) == info
    old = {k: v for k, v in info.as_json().items() if k not in ("fit", "background")}
    assert type(info).from_json(old).fit == "crop"


def test_every_epoch_shows_every_picture_once():
    steps = [batch_indices(100, 10, step, seed=3) for step in range(20)]
    assert sorted(torch.cat(steps[:10]).tolist()) == list(range(100))
    assert sorted(torch.cat(steps[10:]).tolist()) == list(range(100))
    assert not torch.equal(torch.cat(steps[:10]), torch.cat(steps[10:]))
    assert torch.equal(steps[7], batch_indices(100, 10, 7, seed=3))
    assert len(batch_indices(5, 10, 0, seed=0)) == 5

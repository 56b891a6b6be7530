"""Reading pictures: every mode, every mistake."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.conftest import draw_folder, draw_shape
from train.data import batch_indices, check_labels, default_size, fit, load
from train.errors import UserError


def test_a_folder_becomes_tensors_and_classes(shapes):
    info, train, test = load(str(shapes), quiet=True)
    assert info.classes == ("bar", "disc", "square")
    assert (info.channels, info.size) == (1, 16)
    assert info.train_images + info.test_images == 150
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (135, 1, 16, 16)
    assert set(test.labels.tolist()) <= {0, 1, 2}


def test_a_parquet_tree_reads_like_the_folder(shapes, tmp_path):
    import datasets

    whole = datasets.load_dataset("imagefolder", data_dir=str(shapes))["train"]
    (tmp_path / "data").mkdir()
    whole.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    info, train, _ = load(str(tmp_path), quiet=True)
    again_info, again, _ = load(str(shapes), quiet=True)
    assert info.classes == again_info.classes
    assert torch.equal(train.images, again.images)


def test_the_scan_reports_counts_sizes_modes_and_classes(shapes, capsys):
    load(str(shapes))
    report = capsys.readouterr().out
    for fact in ("135 training and 15 test", "16x16 (150)", "L (150)", "3 classes (bar, disc, square)", "50 to 50"):
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
    assert "text.png (not an image)" in report
    assert "torn.jpg" in report
    assert info.classes == ()


def test_sixteen_bits_keep_their_gradation():
    deep = Image.fromarray((np.arange(256).reshape(16, 16) * 257).astype(np.uint16))
    assert np.abs(fit(deep, "L", 16)[0].astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert (fit(clear, "RGB", 16) == 255).all()


def test_small_pictures_are_padded_with_their_border_and_others_cropped():
    picture = Image.new("L", (28, 28), 7)
    assert (fit(picture, "L", 32) == 7).all()
    wide = Image.fromarray(np.repeat(np.array([[0, 255, 255, 0]], np.uint8), 20, axis=1).repeat(40, axis=0))
    assert (fit(wide, "L", 16) > 230).all()


def test_exif_rotation_is_obeyed():
    picture = Image.new("L", (16, 16), 0)
    picture.paste(255, (0, 0, 16, 8))
    exif = picture.getexif()
    exif[0x0112] = 3  # upside down
    stored = io.BytesIO()
    picture.save(stored, "JPEG", exif=exif, quality=100)
    assert fit(Image.open(stored), "L", 16)[0, -1].mean() > 250


@pytest.mark.parametrize(("longer", "size"), [(28, 32), (32, 32), (64, 64), (9, 16), (500, 128)])
def test_default_size(longer, size):
    from collections import Counter

    assert default_size(Counter({(longer, longer): 10, (3, 3): 1})) == size


def test_mistakes_are_sentences(tmp_path, shapes):
    with pytest.raises(UserError, match="holds no picture"):
        load(str(tmp_path))
    with pytest.raises(UserError, match="not a folder"):
        load("./nowhere-at-all")
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


def test_every_epoch_shows_every_picture_once():
    steps = [batch_indices(100, 10, step, seed=3) for step in range(20)]
    assert sorted(torch.cat(steps[:10]).tolist()) == list(range(100))
    assert sorted(torch.cat(steps[10:]).tolist()) == list(range(100))
    assert not torch.equal(torch.cat(steps[:10]), torch.cat(steps[10:]))
    assert torch.equal(steps[7], batch_indices(100, 10, 7, seed=3))
    assert len(batch_indices(5, 10, 0, seed=0)) == 5

"""Folders, zips and tables: what is taken as a class or a split, what is left out, what is refused."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from tests.bundle.test_pictures import saved
from tests.support.pictures import draw_folder, draw_shape
from train.data.dataset import load


def test_a_parquet_tree_reads_like_the_folder(shapes, tmp_path):
    import datasets

    whole = datasets.load_dataset("imagefolder", data_dir=str(shapes))["train"]
    (tmp_path / "data").mkdir()
    whole.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    info, train, _ = load(str(tmp_path), quiet=True)
    again_info, again, _ = load(str(shapes), quiet=True)
    assert info.classes == again_info.classes
    assert torch.equal(train.images, again.images)


def zipped(folder: Path, to: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, prefix + path.relative_to(folder).as_posix())
    return to


@pytest.mark.parametrize("prefix", ["", "wrapped/in/"])
def test_a_zip_reads_like_its_folder(shapes, tmp_path, prefix):
    archive = zipped(shapes, tmp_path / "set.zip", prefix)
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("__MACOSX/._a.png", b"x")
        more.writestr(prefix + "disc/.DS_Store", b"x")
    info, train, test = load(str(archive), quiet=True)
    folder_info, folder_train, folder_test = load(str(shapes), quiet=True)
    assert (info.source, info.title, info.classes) == ("set.zip", "set", folder_info.classes)
    assert torch.equal(train.images, folder_train.images) and torch.equal(test.labels, folder_test.labels)


def test_a_zip_is_not_unpacked_and_paths_out_of_it_are_left_out(shapes, tmp_path, capsys):
    archive = zipped(shapes, tmp_path / "set.zip")
    picture = saved(Image.new("L", (16, 16), 9), "PNG")
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("../outside.png", picture)
        more.writestr("/absolute.png", picture)
    before = sorted(tmp_path.parent.rglob("*"))
    info, _, _ = load(str(archive))
    assert info.train_images + info.test_images == 150
    assert "left out 2 files (../outside.png, /absolute.png) outside the zip" in capsys.readouterr().out
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_a_torn_picture_in_a_zip_is_named_and_nothing_else_is_lost(shapes, tmp_path, capsys):
    archive = zipped(shapes, tmp_path / "set.zip")
    with zipfile.ZipFile(archive) as whole:
        entry = whole.getinfo("disc/0003.png")
    data = bytearray(archive.read_bytes())
    data[entry.header_offset + 30 + len(entry.filename) + 20] ^= 255  # the check sum no longer fits
    archive.write_bytes(bytes(data))
    info, _, _ = load(str(archive))
    assert info.train_images + info.test_images == 149
    assert "skipped 1 unreadable: disc/0003.png (Bad CRC-32" in capsys.readouterr().out


def test_bad_zips_are_sentences(shapes, tmp_path, monkeypatch):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"not a zip")
    with pytest.raises(UserError, match="not a zip file"):
        load(str(bad))
    with zipfile.ZipFile(bad, "w"):
        pass
    with pytest.raises(UserError, match="is empty"):
        load(str(bad))
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(UserError, match="holds no picture"):
        load(str(bad))
    locked = bytearray(zipped(shapes, bad).read_bytes())
    start = locked.index(b"PK\x01\x02")
    locked[start + 8] |= 1  # the flag of an encrypted entry
    bad.write_bytes(bytes(locked))
    with pytest.raises(UserError, match="encrypted"):
        load(str(bad))
    with pytest.raises(UserError, match="does not exist"):
        load("nowhere.zip")
    zipped(shapes, bad)
    monkeypatch.setattr("train.data.sources.MOST_BYTES", 10_000)
    with pytest.raises(UserError, match="too large"):
        load(str(bad))
    monkeypatch.undo()
    monkeypatch.setattr("train.data.sources.MOST_ENTRIES", 149)
    with pytest.raises(UserError, match="too large"):
        load(str(bad))


def test_train_and_test_folders_keep_their_split(shapes, tmp_path):
    shutil.copytree(shapes, tmp_path / "all" / "train")
    for name in ("bar", "disc", "square"):
        (tmp_path / "all" / "test" / name).mkdir(parents=True)
        for path in sorted((tmp_path / "all" / "train" / name).iterdir())[:4]:
            path.rename(tmp_path / "all" / "test" / name / path.name)
    info, train, test = load(str(tmp_path / "all"), quiet=True)
    assert (info.train_images, info.test_images) == (138, 12)
    assert info.classes == ("bar", "disc", "square")
    assert torch.bincount(test.labels).tolist() == [4, 4, 4] and torch.bincount(train.labels).tolist() == [46] * 3
    (tmp_path / "all" / "test" / "bar").rename(tmp_path / "all" / "test" / "beam")
    with pytest.raises(UserError, match=r"test pictures are in beam"):
        load(str(tmp_path / "all"))


def test_pictures_beside_the_classes_leave_no_classes(shapes, tmp_path, capsys):
    shutil.copytree(shapes, tmp_path / "mixed")
    (tmp_path / "mixed" / "disc" / "0000.png").rename(tmp_path / "mixed" / "loose.png")
    info, train, _ = load(str(tmp_path / "mixed"))
    assert info.classes == () and set(train.labels.tolist()) == {-1}
    assert "(bar, disc, square) are not taken as classes: 1 picture (loose.png) beside" in capsys.readouterr().out


def test_one_class_is_no_class(tmp_path, capsys):
    draw_folder(tmp_path / "pets" / "cats", 120, classes=False)
    (tmp_path / "pets" / "cats" / "list.heic").write_bytes(b"x")
    info, train, _ = load(str(tmp_path / "pets"))
    report = capsys.readouterr().out
    assert info.classes == () and set(train.labels.tolist()) == {-1}
    assert "all pictures are in one sub-folder (cats), and one class is none" in report
    assert "left out 1 file (cats/list.heic) of other kinds" in report


def test_more_than_five_bad_files(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    for i in range(7):
        (folder / f"bad{i}.png").write_bytes(b"")
    load(str(folder))
    report = capsys.readouterr().out
    assert "skipped 7 unreadable" in report and "bad4.png" in report and "bad5.png" not in report


def test_identical_pictures_are_refused(tmp_path):
    for i in range(120):
        Image.new("RGB", (20, 20), "teal").save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match=r"All 120 pictures of .* are the same"):
        load(str(tmp_path))


def parquet(folder: Path, **columns) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "train.parquet")
    return str(folder)


def ramps(count: int, dtype=np.float32) -> np.ndarray:
    """[count, 16, 16] in [0, 1], each with another brightest pixel."""
    values = np.tile(np.linspace(0, 1, 256, dtype=dtype).reshape(16, 16), (count, 1, 1))
    values[:, 0, 0] = np.linspace(0, 1, count)
    return values


def test_arrays_in_parquet_are_pictures(tmp_path, capsys):
    values = ramps(120)
    values[3, 5, 5] = np.nan
    values[7, 5, 5] = 3.5
    values[9, 5, 5] = -0.2
    info, train, test = load(parquet(tmp_path, pixels=list(values.tolist()), label=[i % 2 for i in range(120)]))
    report = capsys.readouterr().out
    assert (info.channels, info.size, info.classes) == (1, 16, ("0", "1"))
    assert "skipped 3 unreadable: row 3 (NaN pixels); row 7 (pixels from 0.00392157 to 3.5, " in report
    assert len(train) + len(test) == 117
    assert train.images[:, 0, -1, -1].unique().tolist() == [255]
    assert train.images[0, 0, 8].tolist() == list(range(128, 144))


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_bytes_and_colours_in_arrays(tmp_path, layout):
    values = np.rint(ramps(110) * 255).astype(np.uint8)
    colours = np.stack([values, 255 - values, values // 2], axis=3 if layout == "HWC" else 1)
    info, train, _ = load(parquet(tmp_path, image=list(colours.tolist())), quiet=True)
    assert (info.channels, info.classes) == (3, ())
    assert train.images[0, :, 8, 0].tolist() == [128, 127, 64]


def test_an_array_of_another_form_is_named(tmp_path):
    with pytest.raises(UserError, match=r"0 readable pictures .*first row 0 \(an array of shape \(5, 6, 7\)"):
        load(parquet(tmp_path, image=list(np.zeros((110, 5, 6, 7)).tolist())))


def test_bytes_and_words_in_parquet(tmp_path):
    rng = np.random.default_rng(0)
    files = [saved(draw_shape(i % 3, rng), "PNG") for i in range(120)]
    files[4] = None
    words = [("disc", "square", "bar")[i % 3] for i in range(120)]
    folder = parquet(tmp_path, picture=files, label=words)
    info, train, test = load(folder + "/train.parquet", quiet=True)
    assert info.classes == ("bar", "disc", "square") and len(train) + len(test) == 119


def test_a_table_of_one_class_or_without_pictures(tmp_path, capsys):
    values = list(ramps(110).tolist())
    assert load(parquet(tmp_path, image=values, label=["cat"] * 110))[0].classes == ()
    assert "all pictures are of one class (cat), and one class is none" in capsys.readouterr().out
    with pytest.raises(UserError, match="No column of pictures among label"):
        load(parquet(tmp_path, label=["cat"] * 110))


def test_a_test_split_without_labels_is_left_out(tmp_path, capsys):
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = list(ramps(120).tolist())
    for name, labels in (("train", [i % 2 for i in range(120)]), ("test", [None] * 120)):
        table = pa.table({"image": values, "label": pa.array(labels, pa.int64())})
        pq.write_table(table, tmp_path / f"{name}-00000-of-00001.parquet")
    info, train, test = load(str(tmp_path))
    assert (len(train), len(test), info.classes) == (108, 12, ("0", "1")) and int(test.labels.min()) == 0
    assert "left out the test split: it has no labels" in capsys.readouterr().out

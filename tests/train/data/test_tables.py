"""Parquet: files, arrays and labels in columns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from tests.bundle.test_pictures import saved
from tests.support.pictures import draw_shape
from train.data.load import load
from train.data.open_source import open_source


def test_a_parquet_tree_reads_like_the_folder(shapes, tmp_path):
    import datasets

    whole = datasets.load_dataset("imagefolder", data_dir=str(shapes))["train"]
    (tmp_path / "data").mkdir()
    whole.to_parquet(tmp_path / "data" / "train-00000-of-00001.parquet")
    info, train, _ = load(str(tmp_path), quiet=True)
    again_info, again, _ = load(str(shapes), quiet=True)
    assert info.classes == again_info.classes
    assert torch.equal(train.images, again.images)


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
    assert "-0.2 to 3.5 -> black 0, white 1" in report  # but for outliers, which are clipped
    assert "1 picture with pixels that are no number or infinite: NaN is drawn black" in report
    assert len(train) + len(test) == 120 and info.value_range == (0, 1)
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


def test_a_path_with_brackets_is_no_pattern(tmp_path):
    columns = {"image": [saved(Image.new("L", (16, 16), 5 * i), "PNG") for i in range(30)], "label": ["a", "b"] * 15}
    folder = parquet(tmp_path / "pets [1]", **columns)
    for place in (folder, f"{folder}/train.parquet"):
        source = open_source(place)
        assert source.classes == ("a", "b") and source.train.count == 30


def test_a_test_row_without_a_label_takes_no_other_with_it(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for split, labels in (("train", ["a", "b"] * 30), ("test", ["a", "b"] * 15 + [None])):
        pictures = [saved(Image.new("L", (16, 16), 4 * i), "PNG") for i in range(len(labels))]
        pq.write_table(pa.table({"image": pictures, "label": labels}), tmp_path / f"{split}.parquet")
    info, train, test = load(str(tmp_path), quiet=True)
    assert (len(train), len(test)) == (60, 30) and info.classes == ("a", "b")

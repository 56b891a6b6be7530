"""Tables: which columns hold what."""

import hashlib
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.bundle.test_pictures import saved
from tests.inputs.cases import case, said
from tests.inputs.folders import run_folder, zipped
from tests.support.pictures import draw_folder, draw_shape
from train.data.reading import Reading

tables = partial(case, "Tables")


def parquet(folder: Path, name: str = "train", **columns: object) -> Path:
    """Writes a parquet file of these columns; returns its folder."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def ramps(count: int = 120) -> list:
    """Pictures as lists, 8 x 8 in [0, 1], each with another first pixel."""
    values = np.tile(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8), (count, 1, 1))
    values[:, 0, 0] = np.linspace(0, 1, count)
    return list(values.tolist())


@tables("parquet with a column of pictures and one of labels")
def plain(home: Path) -> str:
    return said(parquet(home, image=ramps(), label=[i % 2 for i in range(120)]))


def drawn(count: int = 120, mode: str = "L") -> list[bytes]:
    """The files of different pictures."""
    rng = np.random.default_rng(0)
    return [saved(draw_shape(i % 3, rng, mode=mode), "PNG") for i in range(count)]


PARITY = [i % 2 for i in range(120)]


@tables("labels that are floats (a null among integers makes them so), booleans, one-hot rows or lists of one")
def kinds_of_labels(home: Path) -> str:
    pictures = ramps()
    for number, labels in enumerate(
        [
            [[0, 0], *([1 - i, i] for i in PARITY[1:])],
            [float("nan"), *(float(i) for i in PARITY[1:])],
        ]
    ):  # fmt: skip; the others are in tests/train/data/test_label_values.py
        printed = said(parquet(home / str(number), image=pictures, label=labels))
        assert "2 classes: " in printed and "1 picture without a label" in printed
    return printed.replace("0 (59), 1 (60)", "0 (60), 1 (59)")


@tables("labels in a column `Label`, `target`, `category`, `class`, `class_name` …")
def names_of_columns(home: Path) -> str:
    for name in ("Label", "Category"):
        printed = said(parquet(home / name, image=ramps(), **{name: PARITY}))
        assert f"classes from the column {name}" in printed and "2 classes" in printed
    return printed


@tables("labels with fractions, or lists of several labels")
def no_classes_in_it(home: Path) -> str:
    assert "a list of several labels is no class" in said(parquet(home / "lists", image=ramps(), label=[[1, 1]] * 120))
    return said(parquet(home / "fractions", image=ramps(), target=[i / 2 for i in range(1, 121)]))


@tables("−1 among the labels")
def minus_one(home: Path) -> str:
    signs = said(parquet(home / "signs", image=ramps(), label=[2 * i - 1 for i in PARITY]))
    assert "2 classes: -1 (60), 1 (60)" in signs
    return said(parquet(home / "missing", image=ramps(), label=[*PARITY[:-1], -1]))


@tables("a column `mask` before `image`")
def masks_first(home: Path) -> str:
    masks, pictures = drawn(), drawn(mode="RGB")
    printed = said(parquet(home, mask=masks, image=pictures, label=PARITY))
    assert "-> RGB" in printed
    return printed


@tables("bytes that are no pictures (`id`, checksums)")
def checksums(home: Path) -> str:
    sums = [hashlib.md5(data).digest() for data in drawn()]
    assert "No column of pictures among id" in said(parquet(home / "nothing", id=sums))
    return said(parquet(home / "both", id=sums, photo=drawn()))


@tables("`--image-column`, `--label-column`")
def asked_for(home: Path) -> str:
    home = parquet(home, image=drawn(mode="RGB"), mask=drawn(), label=[0] * 120, kind=PARITY)
    return said(home, reading=Reading(image_column="MASK", label_column="kind"))


@tables("a column that is not there")
def no_such_column(home: Path) -> str:
    return said(parquet(home, image=ramps(), kind=PARITY), reading=Reading(label_column="sort"))


@tables("`--classes-from folder` for a table")
def folders_of_a_table(home: Path) -> str:
    return said(parquet(home, image=ramps(), kind=PARITY), reading=Reading(classes_from="folder"))


@tables("a zip of parquet")
def zipped_parquet(home: Path) -> str:
    for name, count in (("train-00000-of-00001", 135), ("test-00000-of-00001", 15)):
        parquet(home / "set", name, image=drawn(count), label=[i % 2 for i in range(count)])
    return said(zipped(home / "set", home / "set.zip"))


@tables("zips of parquet in a folder, or in a zip")
def zips_of_parquet(home: Path) -> str:
    for name, count in (("train", 135), ("test", 15)):
        parquet(home / name, name, image=drawn(count), label=[i % 2 for i in range(count)])
        (home / "set").mkdir(exist_ok=True)
        zipped(home / name, home / "set" / f"{name}.zip")
    in_folder, in_zip = said(home / "set"), said(zipped(home / "set", home / "outer.zip"))
    assert "135 training and 15 held-out pictures" in in_zip
    return in_folder


@tables("tables that `save_to_disk` of the `datasets` library wrote")
def saved_to_disk(home: Path) -> str:
    datasets.Dataset.from_dict({"image": ramps(), "label": PARITY}).save_to_disk(str(home / "set"))
    return said(home / "set")


@tables("parquet beside pictures")
def parquet_and_pictures(home: Path) -> str:
    """Also where pictures are more than parquet files: those of a run are not trained on."""
    run_folder(home / "runs" / "one")
    parquet(draw_folder(home, 1, classes=False), "numbers", image=ramps(), label=PARITY)
    printed = said(home)
    assert "2 classes" in printed and "left out 1 folder (runs/one (a run)) that Twofold made" in printed
    return printed


@tables("parquet beside other tables and texts, or with its ending in capitals")
def parquet_and_others(home: Path) -> str:
    sets = {"tables": ("a.csv", "b.csv"), "texts": ("readme.txt", "licence.txt"), "CAPITALS": ()}
    for name, others in sets.items():
        place = parquet(home / name, "numbers", image=ramps(), label=PARITY)
        ending = ".PARQUET" if name.isupper() else ".parquet"
        (place / "numbers.parquet").rename(place / f"numbers{ending}")
        for other in others:
            (place / other).write_text("a,b\n1,2\n3,4\n")
        printed = said(place)
        assert "2 classes: 0 (60), 1 (60)" in printed, place
    return printed


@tables("parquet without pictures")
def without_pictures(home: Path) -> str:
    return said(parquet(home, label=["cat"] * 120))

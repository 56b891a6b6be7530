"""Tables of the `datasets` library (parquet files, the Hugging Face Hub) as sources: which columns hold what."""

from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import numpy as np

from bundle.errors import UserError
from train.data.source import Row, Source, Split

LABEL_COLUMNS = ("label", "labels", "class")  # taken as classes even where the data set does not declare them
LISTS = (datasets.List, datasets.LargeList)
ARRAYS = (datasets.Array2D, datasets.Array3D)


def open_table(called: str, *args: str, **options: str) -> Source:
    """What `datasets.load_dataset(*args, **options)` finds. Raises UserError, which calls it `called`."""
    datasets.disable_progress_bars()
    try:
        loaded = datasets.load_dataset(*args, **options)
    except Exception as problem:  # the library raises all kinds
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        raise UserError(f"Could not read {called}: {reason[0]}") from problem
    train = loaded["train"] if "train" in loaded else next(iter(loaded.values()))
    test = next((loaded[name] for name in ("test", "validation") if name in loaded), None)
    return table_source(train, test)


def is_array(feature: object) -> bool:
    """Whether a column holds pictures as numbers: Array2D, Array3D, lists of lists, lists of lists of lists."""
    if isinstance(feature, ARRAYS):
        return True
    depth = 0
    while isinstance(feature, LISTS):
        feature, depth = feature.feature, depth + 1
    return depth in (2, 3) and isinstance(feature, datasets.Value) and feature.dtype not in ("string", "large_string")


def is_file(feature: object) -> bool:
    """Whether a column holds picture files: an Image, bytes, or bytes with a path."""
    if isinstance(feature, dict):
        feature = feature.get("bytes")
    binary = isinstance(feature, datasets.Value) and feature.dtype in ("binary", "large_binary")
    return binary or isinstance(feature, datasets.Image)


def picture_column(split: datasets.Dataset) -> tuple[str, bool]:
    """(name, whether it holds arrays) of the column of pictures: an Image if there is one, else bytes, else arrays.

    Raises UserError when there is none.
    """
    features = split.features.items()
    images = [name for name, feature in features if isinstance(feature, datasets.Image)]
    if files := images + [name for name, feature in features if is_file(feature)]:
        return files[0], False
    if arrays := [name for name, feature in features if is_array(feature)]:
        return arrays[0], True
    raise UserError(f"No column of pictures among {', '.join(split.features)}.")


def label_column(split: datasets.Dataset) -> tuple[str | None, tuple[str, ...]]:
    """(column, class names): a ClassLabel, or whole numbers or words under a usual name; (None, ()) without classes."""
    for name, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            return name, tuple(feature.names)
    for name in LABEL_COLUMNS:
        feature = split.features.get(name)
        if isinstance(feature, datasets.Value) and feature.dtype.startswith(("int", "uint", "string", "large_string")):
            return name, tuple(str(value) for value in sorted(v for v in split.unique(name) if v is not None))
    return None, ()


def cell_reader(value: object) -> Callable[[], bytes | np.ndarray]:
    """Reads the bytes or the array of one cell, and raises OSError when there is none."""

    def read() -> bytes | np.ndarray:
        if isinstance(value, np.ndarray | bytes):
            return value
        if isinstance(value, dict) and (value.get("bytes") or value.get("path")):
            return value["bytes"] or Path(value["path"]).read_bytes()
        raise OSError("no picture")

    return read


def table_split(
    split: datasets.Dataset, column: str, arrays: bool, label: str | None, classes: tuple[str, ...]
) -> Split:
    """One table as a split; a row without a file name is named by its number."""
    if isinstance(split.features[column], datasets.Image):
        split = split.cast_column(column, datasets.Image(decode=False))
    plain = label is None or isinstance(split.features[label], datasets.ClassLabel)
    index = {name: i for i, name in enumerate(classes)}
    pictures = split.select_columns([column])
    if arrays:
        pictures = pictures.with_format("numpy")
    labels = split[label][:] if label else None

    def rows() -> Iterator[Row]:
        answers = iter(labels) if labels is not None else None
        for row, record in enumerate(pictures):
            value, answer = record[column], next(answers) if answers else None
            path = value.get("path") if isinstance(value, dict) else None
            number = -1 if answer is None else int(answer) if plain else index.get(str(answer), -1)
            yield Row(Path(path).name if path else f"row {row}", number, cell_reader(value))

    return Split(len(split), rows)


def table_source(train: datasets.Dataset, test: datasets.Dataset | None) -> Source:
    """Tables of the two splits as a source. Raises UserError when no column holds pictures or there are no rows."""
    column, arrays = picture_column(train)
    label, classes = label_column(train)
    notes: list[str] = []
    if test is not None and (column not in test.features or (label and not labelled(test, label))):
        test, notes = None, ["left out the test split: it has no labels, or no pictures"]
    if len(classes) == 1:
        notes.append(f"all pictures are of one class ({classes[0]}), and one class is none")
    if len(classes) < 2:
        label, classes = None, ()
    splits = [table_split(split, column, arrays, label, classes) if split else None for split in (train, test)]
    if splits[0] is None:
        raise UserError("The training split is empty.")
    return Source(splits[0], splits[1], classes, tuple(notes))


def labelled(split: datasets.Dataset, label: str) -> bool:
    """Whether every row has a label; -1 in a ClassLabel means that there is none."""
    return label in split.features and not {None, -1} & set(split.unique(label))

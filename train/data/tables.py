"""Tables of the `datasets` library (parquet files, the Hugging Face Hub) as sources: which columns hold what."""

import glob
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bundle.errors import UserError, first_line
from bundle.picture_files import TRAINING, opened
from bundle.picture_tables import LABEL_COLUMNS, by_name
from train.data.attributes import AttributeInfo, choose_attributes, matrix
from train.data.columns import likeliest_pictures, named_column
from train.data.label_values import ClassKey, class_keys, class_numbers, label_key
from train.data.layout import SPLITS, split_name
from train.data.memory import free_memory
from train.data.reading import DEFAULT_READING, Reading
from train.data.source import Files, Row, Source, Split

ZIPPED_SHARE = 0.5  # of the free memory that the tables of a zip may fill, which are held in it whole
LISTS = (datasets.List, datasets.LargeList)
ARRAYS = (datasets.Array2D, datasets.Array3D)
TRIED = 3  # cells of a column of bytes that are opened to see whether they are pictures

Tables = Mapping[str, datasets.Dataset]
"""Name of a split -> its table."""


# ------------------------------------------------------------------------------------------ opening


def open_table(called: str, reading: Reading, *args: str, **options: str) -> Source:
    """What `datasets.load_dataset(*args, **options)` finds. Raises UserError, which calls it `called`."""
    return readable(called, reading, lambda: datasets.load_dataset(*args, **options))


def open_parquet_files(called: str, reading: Reading, files: Mapping[PurePosixPath, Path]) -> Source:
    """Parquet files, whose paths name the splits. Raises UserError, which calls them `called`."""
    splits: dict[str, list[str]] = {}
    for name, path in files.items():
        splits.setdefault(split_of(name), []).append(glob.escape(str(path)))
    return readable(called, reading, lambda: datasets.load_dataset("parquet", data_files=splits))


def open_parquet_file(called: str, reading: Reading, path: Path) -> Source:
    """One parquet file. Raises UserError, which calls it `called`."""
    return open_table(called, reading, "parquet", data_files=glob.escape(str(path)))


def open_saved(called: str, reading: Reading, folder: Path) -> Source:
    """What `Dataset.save_to_disk` wrote. Raises UserError, which calls it `called`."""

    def read() -> Tables:
        found = datasets.load_from_disk(str(folder))
        return {"train": found} if isinstance(found, datasets.Dataset) else found

    return readable(called, reading, read)


def open_zipped_parquet(called: str, reading: Reading, files: Files) -> Source:
    """Parquet files that lie in a zip; their paths name the splits. Raises UserError, which calls it `called`, also
    where they would fill the memory."""

    def read() -> Tables:
        parts: dict[str, list[datasets.Dataset]] = {}
        left = ZIPPED_SHARE * free_memory()
        for name, data in files.items():
            file = pq.ParquetFile(pa.BufferReader(data()))
            groups = [file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)]
            left -= sum(groups)  # bytes once they are unpacked
            if left < 0:
                raise UserError(f"{called} holds tables that are too large for the memory of this machine: unpack it, "
                                "and name the folder.")  # fmt: skip
            table = file.read()
            parts.setdefault(split_of(name), []).append(datasets.Dataset(datasets.table.InMemoryTable(table)))
        return {split: datasets.concatenate_datasets(found) for split, found in parts.items()}

    return readable(called, reading, read)


def readable(called: str, reading: Reading, read: Callable[[], Tables]) -> Source:
    """The tables that `read` gives, as a source. Raises UserError for whatever it raises."""
    datasets.disable_progress_bars()
    try:
        loaded = read()
    except UserError:
        raise
    except Exception as problem:  # the library raises all kinds
        raise UserError(f"Could not read {called}: {first_line(problem)}") from problem
    return chosen_splits(called, loaded, reading)


def split_of(name: PurePosixPath) -> str:
    """The split that a file's path names as the Hub's do (extra-00000-of-00002.parquet), or by a word of its name or of
    the folders around it, else "train"."""
    for part in reversed(name.parts):
        words = re.split(r"[^a-z]+", PurePosixPath(part).stem.lower())
        if split := next((SPLITS[word] for word in words if word in SPLITS), None):
            return split
    shard = re.fullmatch(r"(\w+)-\d{5}-of-\d{5}", name.stem)
    return shard[1] if shard else "train"


def chosen_splits(called: str, loaded: Tables, reading: Reading) -> Source:
    """The table for training, or else the first, and one for tests, by the words that name folders too. Raises
    UserError as `table_source` does."""
    kinds = {name: found.split for name in loaded if (found := split_name(name)) and not found.part}
    order, words = ("train", "test", "validation"), list(SPLITS)

    def rank(name: str) -> tuple[int, int]:
        word = name.lower()
        return order.index(kinds[name]), words.index(word) if word in words else len(words)

    named = sorted(kinds, key=rank)
    tests = [name for name in named if kinds[name] != "train"]
    train = next((name for name in (*named, *loaded) if name not in tests), next(iter(loaded)))
    test = next((name for name in tests if name != train), None) if train not in tests else None
    others = [name for name in loaded if name not in (train, test)]
    notes = [f"left out the split{'s' if len(others) > 1 else ''} {', '.join(others)}"] if others else []
    return table_source(called, loaded[train], loaded[test] if test else None, reading, notes)


# ------------------------------------------------------------------------------------------ columns


def is_array(feature: object) -> bool:
    """Whether a column holds pictures as numbers: Array2D, Array3D, lists of lists, lists of lists of lists."""
    if isinstance(feature, ARRAYS):
        return True
    depth = 0
    while isinstance(feature, LISTS):
        feature, depth = feature.feature, depth + 1
    return depth in (2, 3) and isinstance(feature, datasets.Value) and feature.dtype not in ("string", "large_string")


def declared_integers(feature: object) -> np.dtype | None:
    """The type of the integers of a column of arrays: uint8 of bytes; None where its numbers are no integers."""
    if isinstance(feature, ARRAYS):
        kind = feature.dtype
    else:
        while isinstance(feature, LISTS):
            feature = feature.feature
        kind = feature.dtype if isinstance(feature, datasets.Value) else ""
    return np.dtype(kind) if re.fullmatch(r"u?int(8|16|32|64)", kind) else None


def is_file(feature: object) -> bool:
    """Whether a column holds picture files: an Image, bytes, or bytes with a path."""
    if isinstance(feature, dict):
        feature = feature.get("bytes")
    binary = isinstance(feature, datasets.Value) and feature.dtype in ("binary", "large_binary")
    return binary or isinstance(feature, datasets.Image)


def begins_with_pictures(split: datasets.Dataset, name: str) -> bool:
    """Whether a column of bytes begins with pictures, rather than with checksums; any other column passes."""
    if isinstance(split.features[name], datasets.Image) or not is_file(split.features[name]):
        return True
    tried = 0
    for record in split.select_columns([name]):
        value = record[name]
        data = value.get("bytes") if isinstance(value, dict) else value
        if data:
            tried += 1
            try:
                opened(data, TRAINING)
            except Exception:  # Pillow raises all kinds
                if tried < TRIED:
                    continue
                return False
            return True
    return False


def picture_column(called: str, split: datasets.Dataset, asked: str | None) -> str:
    """The column of pictures: an Image if there is one, else bytes, else arrays; masks and identifiers last.

    asked: the column that a flag names. Raises UserError when there is none.
    """
    features = split.features
    if asked:
        name = named_column(called, "--image-column", list(features), asked)
        if not is_file(features[name]) and not is_array(features[name]):
            raise UserError(f"--image-column {asked}: this column of {called} holds no pictures.")
        return name
    found = [name for name in features if is_file(features[name]) or is_array(features[name])]
    kinds = {
        name: 0 if isinstance(features[name], datasets.Image) else 1 if is_file(features[name]) else 2 for name in found
    }
    for name in likeliest_pictures(kinds):
        if begins_with_pictures(split, name):
            return name
    raise UserError(f"No column of pictures among {', '.join(features)}.")


def older_image_column(split: datasets.Dataset) -> str:
    """The column that was taken before readings were recorded: the first Image, else the first of other files, else the
    first array. There is one, as there is one today."""
    features = split.features
    images = [name for name in features if isinstance(features[name], datasets.Image)]
    files = [name for name in features if is_file(features[name])]
    return next(iter(images + files + [name for name in features if is_array(features[name])]))


def class_names(feature: object) -> list[str] | None:
    """The names of a column that declares its classes, also as lists of one."""
    while isinstance(feature, LISTS):
        feature = feature.feature
    return list(feature.names) if isinstance(feature, datasets.ClassLabel) else None


@dataclass(frozen=True)
class LabelColumn:
    """A column of labels: its classes by key and by name, the number of each row's class (-1: none), notes."""

    column: str | None
    keys: Sequence[int | str]
    names: tuple[str, ...]
    numbers: list[int]
    notes: list[str]


def label_column(called: str, split: datasets.Dataset, reading: Reading) -> LabelColumn:
    """The column of classes: one that declares them, or numbers or words under a usual name; without classes its name
    is None.

    Raises UserError when the column that was asked for is not there or names no classes.
    """
    features, asked = split.features, reading.label_column
    none = LabelColumn(None, (), (), [], [])
    if not reading.classes:
        return LabelColumn(None, (), (), [], ["--no-classes: labels are not read"])
    declared = [name for name in features if class_names(features[name])]
    likely = declared + [name for name in by_name(features, LABEL_COLUMNS) if name not in declared]
    for name in [named_column(called, "--label-column", list(features), asked)] if asked else likely:
        try:
            cells = [label_key(value) for value in split[name][:]]
        except ValueError as problem:
            if asked:
                raise UserError(f"--label-column {asked}: {problem}.") from problem
            none.notes.append(f"the column {name} is passed over: {problem}")
            continue
        names = class_names(features[name])
        keys: Sequence[int | str] = range(len(names)) if names else class_keys(cells)
        if len(keys) == 1:
            only = names[0] if names else keys[0]
            none.notes.append(f"all pictures are of one class ({only}), and one class is none")
            continue
        if keys:
            return LabelColumn(name, keys, tuple(names or map(str, keys)), class_numbers(cells, keys), none.notes)
    return none


# ------------------------------------------------------------------------------------------ reading


def cell_reader(value: object, integers: np.dtype | None = None) -> Callable[[], bytes | np.ndarray]:
    """Reads the bytes or the array of one cell, and raises OSError when there is none. `integers`: the type that the
    column declares."""

    def read() -> bytes | np.ndarray:
        if isinstance(value, np.ndarray):
            # `datasets` gives integers of any type as int64; with gaps among them they are floats.
            return value.astype(integers) if integers is not None and value.dtype.kind in "iu" else value
        if isinstance(value, bytes):
            return value
        if isinstance(value, dict) and (value.get("bytes") or value.get("path")):
            return value["bytes"] or Path(value["path"]).read_bytes()
        raise OSError("no picture")

    return read


def table_split(
    split: datasets.Dataset, column: str, numbers: list[int], attributes: np.ndarray | None = None
) -> Split:
    """One table as a split; a row without a file name is named by its number. `numbers`: the class of each row, none
    at all where there are no classes. `attributes`: their values float64 [N, A]."""
    if isinstance(split.features[column], datasets.Image):
        split = split.cast_column(column, datasets.Image(decode=False))
    pictures = split.select_columns([column])
    integers = None
    if is_array(split.features[column]):
        pictures, integers = pictures.with_format("numpy"), declared_integers(split.features[column])

    def rows() -> Iterator[Row]:
        for row, record in enumerate(pictures):
            value = record[column]
            path = value.get("path") if isinstance(value, dict) else None
            known = () if attributes is None else tuple(attributes[row].tolist())
            name = Path(path).name if path else f"row {row}"
            yield Row(name, numbers[row] if numbers else -1, cell_reader(value, integers), known)

    return Split(len(split), rows)


def table_source(
    called: str,
    train: datasets.Dataset,
    test: datasets.Dataset | None,
    reading: Reading = DEFAULT_READING,
    notes: Sequence[str] = (),
) -> Source:
    """Tables of the two splits as a source. Raises UserError when no column holds pictures, there are no rows, or the
    reading does not fit."""
    if reading.classes_from in ("folder", "outermost", "file"):
        raise UserError(f"{called} is a table, which has columns: leave out --classes-from {reading.classes_from}, or "
                        "name the column of its classes with --label-column.")  # fmt: skip
    if not len(train):
        raise UserError("The training split is empty.")
    column = picture_column(called, train, reading.image_column)
    labels = label_column(called, train, reading)
    if reading.classes_from == "column" and not labels.column:
        raise UserError(f"{called} has no column of classes among {', '.join(train.features)}"
                        f"{''.join(f'; {note}' for note in labels.notes)}.")  # fmt: skip
    found = [*notes, columns_note(train, column, labels.column), *labels.notes]
    test_numbers: list[int] = []
    if test is not None and labels.column and labels.column in test.features:
        test_numbers = class_numbers(test_keys(test, labels.column), labels.keys)
    if test is not None and (column not in test.features or (labels.column and not labelled(test, labels))):
        test = None
        found.append("left out the test split: it has no labels, or no pictures")
    attributes, values, test_values, more = table_attributes(train, test, column, labels.column, reading.attributes)
    older = older_image_column(train)
    # Versions before packed bytes as if they were deeper: what they packed is not what is read today.
    integers = declared_integers(train.features[column]) if is_array(train.features[column]) else None
    as_bytes = " as bytes" if integers == np.uint8 else ""
    return Source(
        table_split(train, column, labels.numbers, values),
        table_split(test, column, test_numbers, test_values) if test else None,
        labels.names,
        (*found, *more),
        lambda: f"{train._fingerprint} {test._fingerprint if test else None} {column} {labels.column}{as_bytes}",
        attributes,
        None if older == column else older,
    )


def table_attributes(
    train: datasets.Dataset, test: datasets.Dataset | None, picture: str, label: str | None, asked: str | None
) -> tuple[tuple[AttributeInfo, ...], np.ndarray | None, np.ndarray | None, list[str]]:
    """The attributes, their values float64 [N, A] in both splits, and notes. Raises UserError as
    `choose_attributes`."""
    if asked is None:
        return (), None, None, []
    names = [name for name in train.features if name != picture and not is_file(train.features[name])
             and not is_array(train.features[name])]  # fmt: skip
    cells = {name: train[name][:] for name in names}
    columns, notes = choose_attributes(asked, cells, [label] if label else [])
    infos = tuple(column.info for column in columns)
    others = {info.name: test[info.name][:] for info in infos if info.name in test.features} if test else {}
    return infos, matrix(infos, cells, len(train)), matrix(infos, others, len(test)) if test else None, notes


def columns_note(split: datasets.Dataset, column: str, label: str | None) -> str:
    """Which columns are used and which are passed over."""
    others = [name for name in split.features if name not in (column, label)]
    classes = f", classes from the column {label}" if label else ""
    return f"pictures from the column {column}{classes}" + (f"; passed over: {', '.join(others)}" if others else "")


def test_keys(split: datasets.Dataset, label: str) -> list[ClassKey]:
    """The class that each row names, None also where a cell names no single class."""
    keys: list[ClassKey] = []
    for value in split[label][:]:
        try:
            keys.append(label_key(value))
        except ValueError:
            keys.append(None)
    return keys


def labelled(split: datasets.Dataset, labels: LabelColumn) -> bool:
    """Whether any row has a label; -1 is none unless it is a class."""
    if labels.column is None or labels.column not in split.features:
        return False
    missing = {None} if -1 in labels.keys else {None, -1}
    return not missing.issuperset(test_keys(split, labels.column))

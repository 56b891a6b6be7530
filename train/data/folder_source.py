"""Pictures in folders as a source: their splits by the folders, their classes by folders or by a file of labels."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from bundle.errors import UserError
from train.data.attributes import AttributeInfo, choose_attributes, matrix
from train.data.label_files import STYLEGAN, TABLES, find_labels, find_rows
from train.data.label_values import ClassKey, class_keys
from train.data.layout import Parts, find_splits, folder_classes, known_test, no_splits, tops, without_masks
from train.data.reading import Reading
from train.data.source import Files, Row, Source, Split
from train.data.wording import first_few

Labels = Mapping[PurePosixPath, ClassKey]
Values = Mapping[PurePosixPath, tuple[float, ...]]


def folder_source(
    source: str, pictures: list[PurePosixPath], files: Files, notes: list[str], reading: Reading
) -> Source:
    """The pictures among `files`, as a source. Raises UserError where labels were asked for that are not there."""
    outermost = reading.classes_from == "outermost"
    splits = no_splits(pictures) if outermost else find_splits(pictures)
    notes = [*notes, *splits.notes]
    train, test = splits.train, splits.test or {}
    if not outermost:
        train, more = without_masks(train)
        test, _ = without_masks(test)
        notes += more
    labels, class_columns, about_labels = (
        file_labels(source, train, test, files, reading) if reading.classes else (None, [], [])
    )
    attributes, values, more = file_attributes(source, [*train], [*test], files, reading.attributes, class_columns)
    notes += dict.fromkeys([*more, *about_labels])  # both read the same files
    if not reading.classes:
        none = file_split(train, files, {}, (), values), file_split(test, files, {}, (), values) if test else None
        return Source(*none, (), (*notes, "--no-classes: labels are not read"), attributes=attributes)
    if labels is not None:
        keys = class_keys(labels.get(path) for path in train)
        names = tuple(dict.fromkeys(map(str, keys)))  # 1 and "1" are one class
        if len(names) == 1:
            notes.append(f"all pictures are of one class ({names[0]}), and one class is none")
        classes = names if len(names) > 1 else ()
        by_path: Labels = {path: str(key) for path, key in labels.items() if key is not None}
    else:
        classes, more = folder_classes(train, splits.outer, reading.classes_from is not None)
        notes += more
        if classes:
            test, more = known_test(test, classes)
            notes += more
        elif strange := sorted(tops(test) - tops(train)):
            notes.append(f"test pictures are also in {first_few(strange)}, which no training picture is in")
        by_path = {path: parts[0] for path, parts in [*train.items(), *test.items()]}
    return Source(
        file_split(train, files, by_path, classes, values),
        file_split(test, files, by_path, classes, values) if test else None,
        classes,
        tuple(notes),
        attributes=attributes,
    )


def file_attributes(
    source: str,
    train: list[PurePosixPath],
    test: list[PurePosixPath],
    files: Files,
    wanted: str | None,
    class_columns: Collection[str],
) -> tuple[tuple[AttributeInfo, ...], Values, list[str]]:
    """The attributes that files beside the pictures give, the values of each picture, and notes. `wanted`: as
    --attributes takes them; `class_columns`: the columns that are taken for the classes. Raises UserError as
    `choose_attributes`, and for a file that cannot be read."""
    if wanted is None:
        return (), {}, []
    pictures = [*train, *test]
    rows, columns, about_files = find_rows(source, files, pictures)
    cells = {name: [rows.get(path, {}).get(name) for path in train] for name in columns}
    chosen, notes = choose_attributes(wanted, cells, class_columns)
    infos = tuple(column.info for column in chosen)
    asked = {info.name: [rows.get(path, {}).get(info.name) for path in pictures] for info in infos}
    values = {
        path: tuple(row) for path, row in zip(pictures, matrix(infos, asked, len(pictures)).tolist(), strict=True)
    }
    return infos, values, [*about_files, *notes]


def file_labels(
    source: str, train: Parts, test: Parts, files: Files, reading: Reading
) -> tuple[Labels | None, list[str], list[str]]:
    """The label of each picture that a file beside the pictures names, or None to go by the folders; the columns that
    were taken; notes on why.

    Raises UserError where a file was asked for and none names labels.
    """
    if reading.classes_from in ("folder", "outermost"):
        return None, [], []
    asked = reading.classes_from is not None or reading.label_column is not None
    found = find_labels(source, files, [*train, *test], reading.label_column)
    if found is None:
        if asked:
            raise UserError(f"{source} has no file that names labels ({', '.join((STYLEGAN, *TABLES))}): leave out "
                            "--classes-from and --label-column.")  # fmt: skip
        return None, [], []
    if found.keys and all(found.keys.get(path) is None for path in train):
        found.notes.append(f"{', '.join(found.called)} {'name' if len(found.called) > 1 else 'names'} a label of no "
                           "training picture")  # fmt: skip
    elif found.keys:
        also = "; --classes-from folder goes by the sub-folders" if len(tops(train)) > 1 and not asked else ""
        return found.keys, found.columns, [*found.notes, f"classes by {', '.join(found.called)}{also}"]
    if asked:
        raise UserError(f"{source} has no labels in a file: {'; '.join(found.notes)}. Leave out --classes-from and "
                        "--label-column.")  # fmt: skip
    return {} if found.without_classes else None, [], found.notes


def file_split(
    parts: Parts, files: Files, labels: Labels, classes: tuple[str, ...], attributes: Values = MappingProxyType({})
) -> Split:
    """The pictures of one split, in the order of their paths."""
    index: dict[ClassKey, int] = {name: i for i, name in enumerate(classes)}

    def rows() -> Iterator[Row]:
        for name in parts:
            yield Row(str(name), index.get(labels.get(name), -1), files[name], attributes.get(name, ()))

    return Split(len(parts), rows)

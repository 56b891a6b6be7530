"""Folders and zips of image files as sources: which files, which splits, which classes. Zips are never unpacked."""

import stat
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from bundle.picture_files import IMAGE_SUFFIXES
from train.data.source import Row, Source, Split

MOST_ENTRIES = 1_000_000
MOST_BYTES = 200_000_000_000  # what a zip may hold, unpacked; it is read one picture at a time, of at most …
MOST_FILE_BYTES = 200_000_000
# Name of a folder -> the split that it is.
SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}

Files = dict[PurePosixPath, Callable[[], bytes]]
"""Path within a folder or zip -> what reads its bytes."""
Parts = dict[PurePosixPath, tuple[str, ...]]
"""Path of a picture -> the parts of it that tell its split and class."""


def open_folder(source: str, folder: Path) -> Source:
    """A folder of pictures. Raises UserError as `arrange` does."""
    paths = {PurePosixPath(p.relative_to(folder).as_posix()): p for p in folder.rglob("*") if p.is_file()}
    return arrange(source, {name: path.read_bytes for name, path in paths.items() if not hidden(name)}, [])


def open_zip(source: str, path: Path) -> Source:
    """A zip of pictures, read in place. Raises UserError for what is no zip, an encrypted one, one that is too large,
    and as `arrange` does."""
    return arrange(source, *zip_files(source, path))


def hidden(name: PurePosixPath) -> bool:
    """Whether it is one of the files that systems leave beside pictures: .DS_Store, ._a.png, __MACOSX/."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def zip_files(source: str, path: Path) -> tuple[Files, list[str]]:
    """Every visible file of a zip, and notes on those left out because they point outside it. Raises UserError."""
    try:
        archive = zipfile.ZipFile(path)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise UserError(f"{source} is not a zip file, or it is damaged: {problem}") from problem
    if any(entry.flag_bits & 1 for entry in entries):
        raise UserError(f"{source} is encrypted: unpack it, and name the folder.")
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise UserError(
            f"{source} is too large: at most {MOST_ENTRIES} files and {MOST_BYTES // 10**9} GB unpacked are read."
        )
    files: Files = {}
    odd = []
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
            odd.append(entry.filename)
        elif not hidden(name):
            files[name] = partial(zip_entry, archive, entry)
    return files, [f"left out {named(odd, 'file')} outside the zip"] if odd else []


def zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one file. Raises OSError for one that is too large; zipfile never reads more than was declared."""
    if entry.file_size > MOST_FILE_BYTES:
        raise OSError(f"{entry.file_size / 1e6:.0f} MB are too large")
    return archive.read(entry)


def named(names: list[str], what: str) -> str:
    """E.g. "7 files (a, b, c, d, e, …)"."""
    more = ", …" if len(names) > 5 else ""
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({', '.join(names[:5])}{more})"


def arrange(source: str, files: Files, notes: list[str]) -> Source:
    """Files -> splits and classes. Where train/ and test/ are both there, they are the splits; the next level of
    folders are the classes.

    Where pictures lie beside the sub-folders, the sub-folders are not classes; the notes say so. Raises UserError when
    there is no picture, or when test/ has classes that train/ lacks.
    """
    found = sorted(name for name in files if name.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        if not files:
            raise UserError(f"{source} is empty: it holds no picture.")
        raise UserError(f"{source} holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))}) and no parquet file.")
    if others := sorted(str(name) for name in files if name.suffix.lower() not in IMAGE_SUFFIXES):
        notes = [*notes, f"left out {named(others, 'file')} of other kinds"]
    inner: Parts = {name: name.parts for name in found}
    outer = ""
    while all(len(parts) > 1 for parts in inner.values()) and len({parts[0] for parts in inner.values()}) == 1:
        outer = inner[found[0]][0]
        inner = {name: parts[1:] for name, parts in inner.items()}
    splits: dict[str, Parts] = {"train": inner}
    tops = {SPLITS.get(parts[0].lower(), "") if len(parts) > 1 else "" for parts in inner.values()}
    if "" not in tops and "train" in tops and len(tops) > 1:
        splits = {top: {n: p[1:] for n, p in inner.items() if SPLITS[p[0].lower()] == top} for top in sorted(tops)}
        outer = ""
    if "test" in splits and "validation" in splits:
        notes = [*notes, f"left out {len(splits.pop('validation'))} pictures of the validation split"]
    test = splits.get("test", splits.get("validation"))
    classes, why = folder_classes(splits["train"], outer)
    at = {parts[0] if len(parts) > 1 else str(name) for name, parts in (test or {}).items()}
    if classes and (strange := sorted(at - set(classes))):
        raise UserError(f"{source}: test pictures are in {', '.join(strange[:5])}, which no training picture is.")
    return Source(
        file_split(splits["train"], files, classes),
        file_split(test, files, classes) if test else None,
        classes,
        tuple([*notes, *why]),
    )


def folder_classes(inner: Parts, outer: str) -> tuple[tuple[str, ...], list[str]]:
    """The names of the sub-folders that are classes, or none and a note that says why. `outer`: the folder around
    all of them."""
    folders = sorted({parts[0] for parts in inner.values() if len(parts) > 1})
    loose = [str(name) for name, parts in inner.items() if len(parts) == 1]
    if folders and loose:
        where = ", ".join(folders[:5]) + (", …" if len(folders) > 5 else "")
        return (), [f"the sub-folders ({where}) are not taken as classes: {named(loose, 'picture')} beside them"]
    one = folders[0] if len(folders) == 1 else outer if outer.lower() not in SPLITS else ""
    if len(folders) < 2:
        return (), [f"all pictures are in one sub-folder ({one}), and one class is none"] if one else []
    return tuple(folders), []


def file_split(inner: Parts, files: Files, classes: tuple[str, ...]) -> Split:
    """The pictures of one split, in the order of their paths."""
    index = {name: i for i, name in enumerate(classes)}

    def rows() -> Iterator[Row]:
        for name, parts in inner.items():
            yield Row(str(name), index[parts[0]] if classes else -1, files[name])

    return Split(len(inner), rows)

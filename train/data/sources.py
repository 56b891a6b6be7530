"""Opening a source: a folder, a zip, parquet files, a Hugging Face data set. No picture is decoded here.

A source can be read again and again, so that the first look decides size and mode and the second one fills memory.
"""

import stat
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from bundle.pictures import IMAGE_SUFFIXES
from train.data.source import Row, Source, Split

MOST_ENTRIES = 1_000_000
MOST_BYTES = 200_000_000_000  # what a zip may hold, unpacked; it is read one picture at a time, of at most …
MOST_FILE_BYTES = 200_000_000
SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}


def is_path(source: str) -> bool:
    """Whether a source means a file or folder rather than a data set of the Hub."""
    beginning, end = source.startswith((".", "/", "~")), source.lower().endswith((".zip", ".parquet"))
    return beginning or end or Path(source).expanduser().exists()


def open_source(source: str) -> Source:
    """Raises UserError with a sentence when nothing can be read there."""
    path = Path(source).expanduser()
    if not is_path(source):
        return open_dataset(source, source)
    if not path.exists():
        raise UserError(f"{source} does not exist: it is not a folder of pictures, a zip of them, or parquet.")
    if path.is_file():
        if path.suffix.lower() == ".parquet":
            return open_dataset(source, "parquet", data_files=str(path))
        if path.suffix.lower() == ".zip":
            return arrange(source, *zip_files(source, path))
        raise UserError(f"{source} is not a folder of pictures, a zip of them, or parquet.")
    if any(path.rglob("*.parquet")):
        return open_dataset(source, str(path))
    return arrange(source, *folder_files(path))


# ------------------------------------------------------------------------------------ folders and zips


def hidden(name: PurePosixPath) -> bool:
    """What systems leave beside pictures: .DS_Store, ._a.png, __MACOSX/."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def folder_files(folder: Path) -> tuple[dict[PurePosixPath, Callable[[], bytes]], list[str]]:
    """Every visible file below a folder: path in it -> its reader; no notes."""
    paths = {PurePosixPath(p.relative_to(folder).as_posix()): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes for name, path in paths.items() if not hidden(name)}, []


def zip_files(source: str, path: Path) -> tuple[dict[PurePosixPath, Callable[[], bytes]], list[str]]:
    """Every visible file of a zip: path in it -> its reader; and notes. Nothing is unpacked to the disk.

    Raises UserError for what is no zip, an encrypted one, and one that is too large.
    """
    try:
        archive = zipfile.ZipFile(path)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise UserError(f"{source} is not a zip file, or it is torn: {problem}") from problem
    if any(entry.flag_bits & 1 for entry in entries):
        raise UserError(f"{source} is encrypted: unpack it, and name the folder.")
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise UserError(
            f"{source} is too large: at most {MOST_ENTRIES} files and {MOST_BYTES // 10**9} GB unpacked are read."
        )
    files, odd = {}, []
    for entry in entries:
        name = PurePosixPath(entry.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(entry.external_attr >> 16):
            odd.append(entry.filename)
        elif not hidden(name):
            files[name] = partial(zip_entry, archive, entry)
    return files, [f"left out {named(odd, 'file')} outside the zip"] if odd else []


def zip_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The bytes of one file; zipfile never reads more than the size declared. Raises OSError for too large a file."""
    if entry.file_size > MOST_FILE_BYTES:
        raise OSError(f"{entry.file_size / 1e6:.0f} MB are too large")
    return archive.read(entry)


def named(names: list[str], what: str) -> str:
    """ "7 files (a, b, c, d, e, …)"."""
    more = ", …" if len(names) > 5 else ""
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''} ({', '.join(names[:5])}{more})"


def arrange(source: str, files: dict[PurePosixPath, Callable[[], bytes]], notes: list[str]) -> Source:
    """Files -> splits and classes: first train/ and test/, where both are there, then the next level as classes.

    Pictures beside the sub-folders mean that the sub-folders are no classes; the notes say so. Raises UserError when
    there is no picture, or when test/ has classes that train/ lacks.
    """
    found = sorted(name for name in files if name.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        if not files:
            raise UserError(f"{source} is empty: it holds no picture.")
        raise UserError(f"{source} holds no picture ({', '.join(sorted(IMAGE_SUFFIXES))}) and no parquet file.")
    if others := sorted(str(name) for name in files if name.suffix.lower() not in IMAGE_SUFFIXES):
        notes = [*notes, f"left out {named(others, 'file')} of other kinds"]
    inner, outer = {name: name.parts for name in found}, ""
    while all(len(parts) > 1 for parts in inner.values()) and len({parts[0] for parts in inner.values()}) == 1:
        outer = inner[found[0]][0]
        inner = {name: parts[1:] for name, parts in inner.items()}
    splits = {"train": inner}
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


def folder_classes(inner: dict[PurePosixPath, tuple[str, ...]], outer: str) -> tuple[tuple[str, ...], list[str]]:
    """Names of the sub-folders that are classes, or none and a note why."""
    folders = sorted({parts[0] for parts in inner.values() if len(parts) > 1})
    loose = [str(name) for name, parts in inner.items() if len(parts) == 1]
    if folders and loose:
        where = ", ".join(folders[:5]) + (", …" if len(folders) > 5 else "")
        return (), [f"the sub-folders ({where}) are not taken as classes: {named(loose, 'picture')} beside them"]
    one = folders[0] if len(folders) == 1 else outer if outer.lower() not in SPLITS else ""
    if len(folders) < 2:
        return (), [f"all pictures are in one sub-folder ({one}), and one class is none"] if one else []
    return tuple(folders), []


def file_split(inner: dict[PurePosixPath, tuple[str, ...]], files: dict, classes: tuple[str, ...]) -> Split:
    index = {name: i for i, name in enumerate(classes)}

    def rows() -> Iterator[Row]:
        for name, parts in inner.items():
            yield Row(str(name), index[parts[0]] if classes else -1, files[name])

    return Split(len(inner), rows)


# ------------------------------------------------------------------------- what the `datasets` library reads


def open_dataset(source: str, *args: str, **options: str) -> Source:
    """`source` is how messages call it; the rest goes to `datasets.load_dataset`."""
    import datasets

    from train.data.tables import table_source

    datasets.disable_progress_bars()
    try:
        loaded = datasets.load_dataset(*args, **options)
    except Exception as problem:
        where = source if is_path(source) else f"the data set {source} from the Hugging Face Hub"
        reason = str(problem).strip().splitlines() or [type(problem).__name__]
        raise UserError(f"Could not read {where}: {reason[0]}") from problem
    train = loaded["train"] if "train" in loaded else next(iter(loaded.values()))
    test = next((loaded[name] for name in ("test", "validation") if name in loaded), None)
    return table_source(train, test)

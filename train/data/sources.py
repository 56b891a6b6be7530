"""Opening a source: a folder, a zip, parquet files, a Hugging Face data set. No picture is decoded here.

A source can be read again and again: the first pass (scan.py) decides on size and mode, the second one fills memory.
"""

from pathlib import Path, PurePosixPath

from bundle.errors import UserError
from train.data import image_files
from train.data.file_kinds import kind_of_name
from train.data.reading import AS_FOUND, Reading
from train.data.source import Source


def is_path(source: str) -> bool:
    """Whether a source means a file or folder rather than a data set of the Hub."""
    beginning, end = source.startswith((".", "/", "~")), source.lower().endswith((".zip", ".parquet"))
    return beginning or end or Path(source).expanduser().exists()


def open_source(source: str, reading: Reading = AS_FOUND) -> Source:
    """Opens any source. Raises UserError with a sentence when nothing can be read there."""
    path = Path(source).expanduser()
    if not is_path(source):
        return open_table(f"the data set {source} from the Hugging Face Hub", source)
    if not path.exists():
        raise UserError(f"{source} does not exist: it is not a folder of pictures, a zip of them, or parquet.")
    if path.is_file():
        if path.suffix.lower() == ".parquet":
            return open_table(source, "parquet", data_files=str(path))
        if path.suffix.lower() == ".zip":
            return image_files.open_zip(source, path, reading)
        kind = kind_of_name(PurePosixPath(path.name))
        what = f" It is a {kind.called}: {kind.instead}." if kind else ""
        raise UserError(f"{source} is not a folder of pictures, a zip of them, or parquet.{what}")
    if any(path.rglob("*.parquet")):
        return open_table(source, str(path))
    return image_files.open_folder(source, path, reading)


def open_table(called: str, *args: str, **options: str) -> Source:
    """As train.data.tables.open_table, imported only where a table is read: the `datasets` library is slow to load."""
    from train.data import tables

    return tables.open_table(called, *args, **options)

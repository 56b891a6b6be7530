"""Large sets: packed beside the run."""

import shutil
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from tests.inputs.cases import case, said
from tests.inputs.folders import zipped
from tests.inputs.tables import drawn, parquet
from tests.support.pictures import draw_folder
from train.data.cache import Cache

large = partial(case, "Large sets")


def too_large(home: Path, free: int) -> str:
    """What is said of a set that is too large for memory, on a disk with so many bytes free."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.data.memory.free_memory", lambda: 4 * 150 * 16 * 16 - 1)
        patch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(free, 0, free))
        return said(draw_folder(home / "set"), cache=Cache(home / "pictures"))


@large("pictures that would fill more than a quarter of the free memory")
def packed(home: Path) -> str:
    printed = too_large(home, 10**9)
    assert (home / "pictures" / "pack.json").is_file()
    return printed


@large("the same, in a cache that another training packs just now")
def packed_by_another(home: Path) -> str:
    (home / "pictures").mkdir()
    lock = FileLock(home / "pictures" / ".lock")
    lock.acquire()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.data.cache.say", lambda words: (print(words), lock.release()))
        return too_large(home, 10**9)


@large("the same, on a disk without room")
def no_room(home: Path) -> str:
    return too_large(home, 1000)


@large("a zip of parquet that would fill more than half of the free memory")
def zipped_tables(home: Path) -> str:
    for name in ("train", "test"):
        parquet(home / "set", name, image=drawn(60))
    archive = zipped(home / "set", home / "set.zip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.data.tables.free_memory", lambda: 3 * sum(map(len, drawn(60))))
        return said(archive)

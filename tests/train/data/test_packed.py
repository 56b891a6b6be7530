"""Sets larger than memory: packed once, the same pictures as in memory, gone on with where it was interrupted."""

import errno
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from tests.inputs.attributes import COUNT, draw
from tests.support.pictures import draw_folder
from train.data import packed, picture_set
from train.data.cache import Cache, opened_cache
from train.data.load import Loaded, load, load_again
from train.data.mapped_images import MappedImages
from train.data.open_source import open_source
from train.data.reading import Reading
from train.data.scan import choose_format


@pytest.fixture
def too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every set is too large for memory."""
    monkeypatch.setattr(picture_set, "fits_in_memory", lambda needed: False)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pictures that are packed, as they are."""
    seen: list[str] = []
    read = packed.read_picture
    monkeypatch.setattr(packed, "read_picture", lambda row, *rest: (seen.append(row.name), read(row, *rest))[1])
    return seen


def same(one: Loaded, other: Loaded) -> bool:
    return one[0] == other[0] and all(
        np.array_equal(a.pixels, b.pixels) and torch.equal(a.labels, b.labels)
        for a, b in zip(one[1:], other[1:], strict=True)
    )


def split_folder(home: Path) -> Path:
    """A set with a test split, an unreadable picture and a class of one."""
    draw_folder(home / "train")
    (home / "train" / "odd").mkdir()
    shutil.copy(home / "train" / "disc" / "0000.png", home / "train" / "odd")
    (home / "train" / "disc" / "torn.png").write_bytes(b"torn")
    draw_folder(home / "test", 12)
    return home


@pytest.mark.parametrize("make", [draw_folder, split_folder])
def test_packed_pictures_are_those_of_memory(make: Callable[[Path], Path], too_large, tmp_path, capsys):
    folder = make(tmp_path / "set")
    in_memory = load(str(folder))
    report = re.sub(r"  .* are copies of .*\n", "", capsys.readouterr().out)  # which are looked for in memory alone
    again = load(str(folder), cache=Cache(tmp_path / "pack"))
    assert same(in_memory, again)
    assert capsys.readouterr().out.split("\n", 1)[1] == report  # the first line says that they are packed
    left = {path.name for path in (tmp_path / "pack").iterdir()} - {".lock", "test.read"}
    assert left == {
        "pack.json",
        "train.read",
        *(f"{name}.{kind}" for name in ("train", "test") for kind in ("rows", "numbers")),
    }


def test_a_pack_is_made_once_and_found_again_as_known(shapes, too_large, reads, tmp_path):
    info, *_ = first = load(str(shapes), cache=Cache(tmp_path / "pack"))
    assert len(reads) == 150
    assert same(first, load(str(shapes), cache=Cache(tmp_path / "pack"))) and same(
        first, load_again(str(shapes), info, Cache(tmp_path / "pack"))
    )
    assert len(reads) == 150
    load(str(shapes), reading=Reading(classes=False), cache=Cache(tmp_path / "pack"))
    assert len(reads) == 300


def test_an_interrupted_pack_goes_on(shapes, too_large, reads, tmp_path, monkeypatch):
    read, pack = packed.read_picture, tmp_path / "pack"
    monkeypatch.setattr(packed, "SAVE_SECONDS", 0)

    def interrupted(row, *rest):
        if len(reads) == 70:
            raise KeyboardInterrupt
        return read(row, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(packed, "read_picture", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load(str(shapes), cache=Cache(pack))
    assert json.loads((pack / "pack.json").read_text())["seen"] == {"train": 70}
    with (pack / "train.read").open("ab") as torn:  # what came after the last record does not count
        torn.write(b"x" * 100)
    finished = load(str(shapes), cache=Cache(pack))
    assert len(reads) == len(set(reads)) == 150
    assert same(load(str(shapes)), finished)


def test_a_set_that_changed_and_a_damaged_pack_are_packed_anew(too_large, reads, tmp_path):
    folder, pack = draw_folder(tmp_path / "set"), tmp_path / "pack"
    load(str(folder), cache=Cache(pack))
    shutil.copy(folder / "disc" / "0000.png", folder / "disc" / "more.png")
    _, train, test = load(str(folder), cache=Cache(pack))
    assert len(train) + len(test) == 151 and len(reads) == 301
    os.truncate(pack / "train.read", 100)
    load(str(folder), cache=Cache(pack))
    (pack / "pack.json").write_text("{")
    load(str(folder), cache=Cache(pack))
    assert len(reads) == 301 + 302


def test_a_pack_that_lost_its_attributes_is_packed_anew(too_large, reads, tmp_path):
    folder, pack, reading = draw(tmp_path / "set"), tmp_path / "pack", Reading(attributes="age")
    _, train, _ = load(str(folder), 16, reading=reading, cache=Cache(pack))
    (pack / "train.known").unlink()
    _, again, _ = load(str(folder), 16, reading=reading, cache=Cache(pack))
    assert len(reads) == 2 * COUNT and train.attributes is not None and again.attributes is not None
    assert torch.allclose(train.attributes, again.attributes, equal_nan=True)


def labelled_zip(home: Path) -> Path:
    """A folder with a zip, which holds pictures without classes, and a file that names theirs."""
    draw_folder(home / "set", classes=False)
    shutil.make_archive(str(home / "zips" / "set"), "zip", home / "set")
    return home / "zips"


def plain_folder(home: Path) -> Path:
    """A folder of pictures without classes."""
    return draw_folder(home / "set", classes=False)


@pytest.mark.parametrize("make", [labelled_zip, plain_folder])
@pytest.mark.parametrize(("column", "reading"), [("label", Reading()), ("weight", Reading(attributes="weight"))])
def test_labels_and_attributes_that_changed_beside_the_pictures_are_read_anew(
    make: Callable[[Path], Path], column: str, reading: Reading, too_large, tmp_path
):
    """Each value goes to another picture; their number, and their mean, stay as they were."""
    home, seen = make(tmp_path), []
    folder = "set/" if make is labelled_zip else ""
    for turn in (0, 1):
        rows = [f"{folder}{i:04d}.png,{(i + turn) % 2}" for i in range(150)]
        (home / "metadata.csv").write_text("\n".join([f"file_name,{column}", *rows]))
        _, train, _ = load(str(home), quiet=True, reading=reading, cache=Cache(tmp_path / "pack"))
        seen.append(train.labels if train.attributes is None else train.attributes[:, 0])
    assert torch.equal(seen[0], 1 - seen[1])


def test_a_full_disk_is_a_sentence_and_loses_nothing(shapes, too_large, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage._replace(free=1000))
        with pytest.raises(UserError, match=r"has no room for .* GB: name another folder with --cache"):
            load(str(shapes), cache=Cache(tmp_path / "pack"))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(packed.Pack, "divide", full)
        with pytest.raises(UserError, match="has no room"):
            load(str(shapes), cache=Cache(tmp_path / "pack"))
    assert same(load(str(shapes)), load(str(shapes), cache=Cache(tmp_path / "pack")))


def test_small_sets_stay_in_memory(shapes, tmp_path):
    load(str(shapes), cache=Cache(tmp_path / "pack"))
    assert not (tmp_path / "pack").exists()


def test_a_pack_in_the_folder_of_the_pictures_is_no_part_of_them(too_large, reads, tmp_path):
    folder = draw_folder(tmp_path / "set")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "mine.labels").write_text("a user's own file")
    first = load(str(folder), cache=Cache(folder / "pictures"))
    assert same(first, load(str(folder), cache=Cache(folder / "pictures"))) and len(reads) == 150
    assert (folder / "pictures" / "mine.labels").exists()


def test_a_shared_cache_holds_several_sets_and_each_once(shapes, too_large, reads, tmp_path):
    cache, others = Cache(tmp_path / "packs", shared=True), draw_folder(tmp_path / "other set", 60)
    first, second = load(str(shapes), cache=cache), load(str(others), cache=cache)
    assert len(reads) == 210
    assert same(first, load(str(shapes), cache=cache)) and same(second, load_again(str(others), second[0], cache))
    assert len(reads) == 210
    assert sorted(path.name[:-9] for path in (tmp_path / "packs").glob("[!.]*")) == ["other-set", shapes.name]


@pytest.mark.parametrize("shared", [False, True])
def test_whoever_comes_second_waits_and_finds_the_pack(shared, shapes, too_large, reads, tmp_path, monkeypatch):
    cache, ready, done = Cache(tmp_path / "pack", shared), threading.Event(), threading.Event()

    def hold() -> None:
        """Another process, which packs the same pictures under another name."""
        source = open_source(str(shapes))
        key = packed.key_of(source, ("asked",))
        with cache.one_at_a_time(key, 0):
            ready.set()
            done.wait(60)
            wanted = choose_format(source, None, "crop", None)
            packed.Pack.begin(cache.place("another name", key), key, wanted, 0).fill(source)

    other = threading.Thread(target=hold)
    other.start()
    assert ready.wait(60)
    monkeypatch.setattr("train.data.cache.say", lambda words: done.set())
    source = open_source(str(shapes))
    found = picture_set.read_set("set", source, ("asked",), lambda: choose_format(source, None, "crop", None), cache)
    other.join()
    assert len(reads) == 150  # once
    assert len(found.train) + len(found.test) == 150


def test_a_command_without_a_run_packs_into_a_folder_that_is_gone_afterwards(shapes, too_large, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with opened_cache(None, None) as cache:
        loaded = load(str(shapes), quiet=True, cache=cache)
        assert isinstance(loaded[1].images, MappedImages) and cache.folder.parent == tmp_path
        assert same(loaded, load(str(shapes), quiet=True))
    assert not list(tmp_path.iterdir())
    with opened_cache(tmp_path / "mine", None) as cache:
        assert cache == Cache(tmp_path / "mine", shared=True)


def test_chosen_rows_stay_in_their_files(shapes, too_large, tmp_path):
    _, train, test = load(str(shapes), quiet=True, cache=Cache(tmp_path / "pack"))
    order = torch.randperm(150, generator=torch.Generator().manual_seed(1))
    both = train.and_then(test)[order]
    assert isinstance(both.images, MappedImages) and both.images.shape == (150, 1, 16, 16)
    whole = np.concatenate([train.pixels, test.pixels])[order.numpy()]
    assert np.array_equal(both.pixels, whole) and both.images.nbytes == whole.nbytes
    assert np.array_equal(torch.cat(list(both.images.split(64))).numpy(), whole)
    assert np.array_equal(both.images[3:7].numpy(), whole[3:7])
    assert not isinstance(both.in_memory().images, MappedImages)

"""Sets larger than memory: every picture packed once, in its final form, into files that are mapped into memory.

    pack.json         what was read, how, and how far it is
    train.read        pictures in the order of the source, uint8 [N, C, H, W]
    train.labels      their labels, int64 [N]
    train.attributes  their attributes, float32 [N, A], where there are any
    train.rows        which of those the final split takes, int64 [M]
    train.numbers     their classes, int64 [M]
    train.known       their attributes, float32 [M, A]
    test.…            the same of the test split

A pack that was interrupted goes on where it stood; one of a set that has changed since, or that is to be read in
another way, is made anew. What comes out is what would be read into memory, in the same order.
"""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.full_disk import is_disk_full
from train.data.dataset import Pictures
from train.data.mapped_images import MappedImages
from train.data.pack_state import PackState, state_as_json, state_from_json
from train.data.pillow_warnings import pillow_warnings
from train.data.scan import PictureFormat, read_picture
from train.data.selection import select_rows
from train.data.source import Row, Source, Split
from train.progress_bar import progress_bar

VERSION = 2  # of what is in the folder
SAVE_SECONDS = 15.0  # from one record of how far it is to the next
INDEX = "pack.json"
READ = ("read", "labels", "attributes")  # files of a split as it was read
KINDS = (*READ, "rows", "numbers", "known")


def set_bytes(source: Source, wanted: PictureFormat) -> int:
    """Bytes of all pictures of a source in their final form."""
    return (source.train.count + (source.test.count if source.test else 0)) * picture_bytes(wanted)


def picture_bytes(wanted: PictureFormat) -> int:
    """Bytes of one picture."""
    return wanted.framing.channels * wanted.framing.height * wanted.framing.width


def key_of(source: Source, options: object) -> str:
    """A checksum that two sources share only if they are the same files, read in the same way. options: what else the
    pictures depend on, with a repr that says all."""
    attributes = (source.attributes,) if source.attributes else ()
    facts = (VERSION, source.fingerprint(), source.classes, options, *attributes)
    return hashlib.sha256(repr(facts).encode()).hexdigest()


class Pack:
    """A folder that holds, or will hold, the pictures of one source."""

    def __init__(self, folder: Path, state: PackState):
        self.folder, self.state = folder, state
        self.saved = time.monotonic()

    @staticmethod
    def open(folder: Path, key: str) -> "Pack | None":
        """The pack in a folder, finished or not, if it is there, of this key and undamaged."""
        try:
            pack = Pack(folder, state_from_json(json.loads((folder / INDEX).read_text(encoding="utf-8"))))
            return pack if key in pack.state.keys and pack.is_whole() else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, ValidationError):
            return None

    @staticmethod
    def begin(folder: Path, key: str, wanted: PictureFormat, needed: int, attributes: int = 0) -> "Pack":
        """An empty pack, in place of whatever pack the folder held. needed: bytes on the disk. Raises UserError."""
        with disk_errors(folder, needed):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / INDEX).unlink(missing_ok=True)
            for name in (f"{split}.{kind}" for split in ("train", "test") for kind in KINDS):
                (folder / name).unlink(missing_ok=True)
            if shutil.disk_usage(folder).free < needed:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        pack = Pack(folder, PackState([key], wanted, attributes=attributes))
        pack.save()
        return pack

    def is_whole(self) -> bool:
        """Whether the files hold at least what was recorded."""
        state = self.state
        least = {f"{name}.read": count * picture_bytes(state.wanted) for name, count in state.kept.items()}
        if state.finished:
            least |= {f"{name}.{kind}": n * 8 for name, n in state.counts.items() for kind in ("rows", "numbers")}
            known = {f"{name}.known": n * 4 * state.attributes for name, n in state.counts.items()}
        else:
            least |= {f"{name}.labels": count * 8 for name, count in state.kept.items()}
            known = {f"{name}.attributes": count * 4 * state.attributes for name, count in state.kept.items()}
        if state.attributes:
            least |= known
        return all(self.size(name) >= bytes_ for name, bytes_ in least.items())

    def size(self, name: str) -> int:
        """Bytes of one of the files. Raises OSError when it is missing."""
        return (self.folder / name).stat().st_size

    def save(self) -> None:
        """Records how far it is. Raises UserError when the disk refuses."""
        write_file(self.folder / INDEX, json.dumps(state_as_json(self.state)).encode())
        self.saved = time.monotonic()

    def answers_to(self, key: str) -> None:
        """Records another key. Raises UserError when the disk refuses."""
        if key not in self.state.keys:
            self.state.keys.append(key)
            self.save()

    # ------------------------------------------------------------------------------------------ writing

    def fill(self, source: Source) -> None:
        """Reads what is missing, divides it into the final splits, and records what was found. Raises UserError."""
        with disk_errors(self.folder, set_bytes(source, self.state.wanted)):
            self.read("train", source.train, "packing pictures")
            if source.test:
                self.read("test", source.test, "packing held-out pictures")
            self.divide(source)

    def read(self, name: str, split: Split, title: str) -> None:
        """Appends the pictures of a split that are not in its file yet."""
        state, each = self.state, picture_bytes(self.state.wanted)
        seen, kept = state.seen.setdefault(name, 0), state.kept.setdefault(name, 0)
        with (
            cut_to(self.folder / f"{name}.read", kept * each) as pictures,
            cut_to(self.folder / f"{name}.labels", kept * 8) as labels,
            cut_to(self.folder / f"{name}.attributes", kept * 4 * self.state.attributes) as attributes,
            progress_bar(title, split.count, "pictures", initial=seen) as bar,
            pillow_warnings() as warned,
        ):

            def record() -> None:
                pictures.flush()
                labels.flush()
                attributes.flush()
                self.save()

            for row in islice(rows_of(split), seen, None):
                values = read_picture(row, state.wanted, state.scan, warned)
                state.seen[name] += 1
                if values is not None:
                    pictures.write(values.tobytes())
                    labels.write(np.int64(row.label).tobytes())
                    attributes.write(np.array(row.attributes, np.float32).tobytes())
                    state.kept[name] += 1
                bar.update()
                if time.monotonic() - self.saved > SAVE_SECONDS:
                    record()
            record()

    def divide(self, source: Source) -> None:
        """Chooses the rows of the final splits, and removes what is not needed any more."""
        state = self.state
        labels = {name: self.int64s(f"{name}.labels") for name in state.kept}
        selection = select_rows(labels["train"], labels.get("test"), source.classes)
        state.scan.labels.clear()
        for name, some in (("train", selection.train), ("test", selection.test)):
            origin = "train" if selection.test_of_train else name
            rows = torch.arange(state.kept[origin]) if some is None else some
            numbers = selection.renumbered(labels[origin][rows])
            state.origins[name], state.counts[name] = origin, len(rows)
            state.scan.labels.update(numbers.tolist())
            rows.numpy().tofile(self.folder / f"{name}.rows")
            numbers.numpy().tofile(self.folder / f"{name}.numbers")
            if state.attributes:
                values = np.fromfile(self.folder / f"{origin}.attributes", np.float32).reshape(-1, state.attributes)
                values[rows.numpy()].tofile(self.folder / f"{name}.known")
        read, used = set(state.kept), set(state.origins.values())
        state.kept = {name: count for name, count in state.kept.items() if name in used}
        state.classes, state.notes = selection.classes, tuple(selection.notes)
        state.finished = True
        self.save()
        for name in {f"{split}.{kind}" for split in read for kind in READ} - {f"{split}.read" for split in used}:
            (self.folder / name).unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------ reading

    def int64s(self, name: str) -> Tensor:
        """One of the files of int64."""
        return torch.from_numpy(np.fromfile(self.folder / name, np.int64))

    def split(self, name: str) -> Pictures:
        """A final split; its pictures stay in the file until they are looked at."""
        state, framing, origin = self.state, self.state.wanted.framing, self.state.origins[name]
        shape = (state.kept[origin], framing.channels, framing.height, framing.width)
        images = MappedImages.of_file(self.folder / f"{origin}.read", shape, self.int64s(f"{name}.rows"))
        labels = self.int64s(f"{name}.numbers")
        if not state.attributes:
            return Pictures(images, labels)
        known = np.fromfile(self.folder / f"{name}.known", np.float32).reshape(len(labels), state.attributes)
        return Pictures(images, labels, torch.from_numpy(known))


def rows_of(split: Split) -> Iterator[Row]:
    """The rows of a split. Raises UserError where the source can no longer be read, which is no fault of the pack."""
    try:
        yield from split.rows()
    except OSError as problem:
        raise UserError(f"The pictures cannot be read any more: {problem.strerror or problem}.") from problem


@contextmanager
def cut_to(path: Path, length: int) -> Iterator[BinaryIO]:
    """The file, opened for appending at `length` bytes, without what came after."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(length)
        file.seek(length)
        yield file


@contextmanager
def disk_errors(folder: Path, needed: int) -> Iterator[None]:
    """Turns the disk's refusals into a UserError. needed: bytes in all."""
    try:
        yield
    except OSError as problem:
        where = f"The pictures are too many for memory, and {folder}, where they are packed, "
        if is_disk_full(problem) or problem.errno == errno.EFBIG:
            raise UserError(f"{where}has no room for {needed / 1e9:.1f} GB: name another folder with --cache, or lower "
                            "--size.") from problem  # fmt: skip
        raise UserError(
            f"{where}cannot be written ({problem.strerror or problem}): name another with --cache."
        ) from problem

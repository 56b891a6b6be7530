"""The pictures that a run knows: where they are, and by what they are recognised when it goes on.

pictures.safetensors in the run folder holds a thumbnail of 4 x 4 pixels of every picture, in the order of the training.
So a folder that was moved, packed or unpacked is recognised by what is in it; other pictures of the same number are
refused; and those that were added are told from those that were there, which keep their order and their split.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bundle.errors import UserError
from train.checkpoints import load_tensors, save_tensors
from train.data.cache import cache_of_run
from train.data.dataset import DataInfo, Pictures, synthetic_set
from train.data.load import Loaded, load, load_older
from train.data.mapped_images import Images
from train.data.pixel_format import format_of
from train.data.places import path_of
from train.data.reading import Reading, reading_of
from train.data.scan import LARGEST_DEFAULT
from train.progress_bar import with_bar
from train.run_folder import bind_data, check_same, data_of, place_of, read_otherwise
from train.settings import READING, Settings

AnySettings = TypeVar("AnySettings", bound=Settings)

GRID = 4  # cells of a thumbnail, a side
TOLERANCE = 4  # of 255: other versions of a JPEG decoder differ by less
CHUNK = 4096
NEIGHBOURS = 8  # that are looked at for each thumbnail at a time


@dataclass(frozen=True)
class Thumbnails:
    """Of both splits, uint8 [N, C x GRID x GRID]."""

    train: Tensor
    test: Tensor

    @staticmethod
    def of(train: Pictures, test: Pictures) -> "Thumbnails":
        """Those of these pictures."""
        return Thumbnails(thumbnails(train.images), thumbnails(test.images))

    @staticmethod
    def stored(run: Path) -> "Thumbnails | None":
        """Those that a run has noted; None in a run of an older version. Raises UserError for a damaged file."""
        path = run / "pictures.safetensors"
        if not path.exists():
            return None
        tensors, _ = load_tensors(path)
        try:
            return Thumbnails(tensors["train"], tensors["test"])
        except KeyError as problem:
            raise UserError(f"{path} is damaged: {problem} is missing.") from problem

    def store(self, run: Path) -> None:
        """Notes them. Raises UserError when the disk refuses."""
        save_tensors(run / "pictures.safetensors", {"train": self.train, "test": self.test}, {})

    def alike(self, other: "Thumbnails") -> bool:
        """Whether they are the same pictures in the same order."""
        return alike(self.train, other.train) and alike(self.test, other.test)


def thumbnails(images: Images) -> Tensor:
    """Images uint8 [N, C, H, W] -> uint8 [N, C x GRID x GRID], the mean of each cell."""
    parts = [
        F.adaptive_avg_pool2d(part.float(), GRID).round().byte().flatten(1)
        for part in with_bar(images.split(CHUNK), "recognising pictures")
    ]
    return torch.cat(parts) if parts else torch.zeros(0, images.shape[1] * GRID**2, dtype=torch.uint8)


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether thumbnails [N, D] differ by no more than decoders do."""
    return a.shape == b.shape and (not a.numel() or int((a.short() - b.short()).abs().max()) <= TOLERANCE)


# --------------------------------------------------------------------------------------- what a run trains on


def open_pictures(
    settings: Settings,
    given: Set[str],
    check: Callable[[DataInfo], None],
    quiet: bool = False,
    largest: int = LARGEST_DEFAULT,
    write: bool = True,
) -> Loaded:
    """The pictures that a command trains on, which its run folder then knows (unless `write` is False).

    check: raises UserError for pictures that the command cannot use, before the run folder is bound to them.
    given: names of the settings that the user gave. A run that exists needs no --data, --size, --fit or --background.
    largest: as in `load`. Raises UserError as `as_known` and `load`.
    """
    place = place_of_pictures(settings, given)
    if not (settings.run / "run.json").exists():
        found = load_as(settings, place, None, given, quiet, largest)
    else:
        stored = data_of(settings.run)
        settings = with_framing(settings, stored, given)
        found = as_known(settings.run, load_as(settings, place, stored, given, quiet), place, settings.more_data)
    check(found.info)
    if write:
        bind_data(settings.run, found.info, absolute(place))
        noted = Thumbnails.stored(settings.run)
        if noted is None or (len(noted.train), len(noted.test)) != (len(found.train), len(found.test)):
            Thumbnails.of(found.train, found.test).store(settings.run)
    return found


def in_known_order(run: Path, loaded: Loaded, place: str) -> Loaded:
    """Pictures from `place` in the order and the splits that a run noted; as they are where it noted none, or `run` is
    a bundle. Raises UserError where noted pictures are missing, or others are there."""
    known, info = Thumbnails.stored(run), loaded.info
    if known is None or known.train.shape[1] != info.channels * GRID**2:
        return loaded
    train, test = recognised(known, loaded.train, loaded.test, run, place, more=False)
    return Loaded(replace(info, train_images=len(train), test_images=len(test)), train, test)


def place_of_pictures(settings: Settings, given: Set[str]) -> str:
    """Where the pictures of a command are: where --data says, else where its run says. Raises UserError as
    `stated_place`."""
    if "data" in given or not (settings.run / "run.json").exists():
        return settings.data
    return stated_place(settings.run)


def stated_place(run: Path) -> str:
    """Where the pictures of a run are by its own words. Raises UserError when it does not say, or they are gone."""
    place, source = place_of(run), data_of(run).source
    if place is None:
        raise UserError(f"{run} does not say where its pictures ({source}) are: name the place with --data.")
    if Path(place).is_absolute() and not Path(place).exists():
        raise UserError(f"The pictures of {run} were at {place}, which is gone. Say where they are now with --data.")
    return place


def absolute(place: str) -> str:
    """A place as it is found from any folder."""
    kind, _, copy = place.partition(":")
    if synthetic_set(place):
        return f"{kind}:{absolute(copy)}" if copy else place
    path = path_of(place)
    return str(path.resolve()) if path.exists() else place


def with_framing(settings: AnySettings, stored: DataInfo, given: Set[str]) -> AnySettings:
    """Settings with the size, framing and reading of a run's pictures, where the user gave no others."""
    known = {"size": stored.size, "fit": stored.fit, "background": stored.background} | vars(stored.reading)
    return replace(settings, **{name: value for name, value in known.items() if name not in given})


def load_as(
    settings: Settings,
    place: str,
    known: DataInfo | None,
    given: Set[str],
    quiet: bool,
    largest: int = LARGEST_DEFAULT,
) -> Loaded:
    """The pictures at `place`, read as settings say. Raises as `load`."""
    pixels = format_of(settings, known, given)
    cache = cache_of_run(settings.run, settings.cache)

    def load_with(reading: Reading, quiet: bool) -> Loaded:
        return load(place, settings.size, quiet, settings.fit, settings.background, largest, reading, pixels, cache)

    if known is None or known.reading_recorded or given & READING:
        return load_with(reading_of(settings), quiet)
    return load_older(place, load_with, known, quiet)


def as_known(run: Path, loaded: Loaded, place: str, more: bool = False) -> Loaded:
    """Pictures from `place` as the run knows them: the same order, the same held out.

    Raises UserError for others, and for added ones unless `more`.
    """
    stored, train, test = data_of(run), loaded.train, loaded.test
    info = replace(loaded.info, source=stored.source, title=stored.title, licence=stored.licence)
    check_same(run, info)
    info = replace(info, attributes=stored.attributes or info.attributes)
    known = Thumbnails.stored(run)
    if known is not None:
        train, test = recognised(known, train, test, run, place, more)
    elif more and len(train) > stored.train_images:
        raise UserError(
            f"{run} does not know its {stored.train_images} training pictures one by one, as it was unpacked from a "
            "bundle or is of an older version, so --more-data cannot tell which are new: use the same pictures, or "
            f"begin another run with --start-from {run}."
        )
    elif len(train) != stored.train_images:
        raise UserError(
            f"{run} belongs to {stored.source} with {stored.train_images} training pictures, not {len(train)}: use the "
            f"same pictures, or another run folder.{read_otherwise(stored)}"
        )
    return Loaded(replace(info, train_images=len(train), test_images=len(test)), train, test)


def recognised(
    known: Thumbnails, train: Pictures, test: Pictures, run: Path, place: str, more: bool
) -> tuple[Pictures, Pictures]:
    """(train, test) in the known order, the added ones behind. Raises UserError where known ones are missing, and for
    added ones unless `more`."""
    now = Thumbnails.of(train, test)
    if known.alike(now):
        return train, test
    whole = train.and_then(test)
    rows, added = matched(torch.cat([known.train, known.test]), torch.cat([now.train, now.test]))
    count = len(known.train) + len(known.test)
    if len(rows) < count:
        raise UserError(
            f"{place} lacks {count - len(rows)} of the {count} pictures that {run} was trained on: name the "
            "place of those with --data, or begin another run with these."
        )
    if len(added) and not more:
        raise UserError(
            f"{place} holds {len(added)} pictures that {run} was not trained on: add --more-data to go on with them "
            "too, or begin another run folder."
        )
    held_out = added >= len(train)
    order = torch.cat([rows[: len(known.train)], added[~held_out]])
    return whole[order], whole[torch.cat([rows[len(known.train) :], added[held_out]])]


def matched(known: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
    """(the rows of `now` that are the known thumbnails, in their order and without those that are missing; the other
    rows of `now`), both int64."""
    places = rows_by_thumbnail(now.numpy(), np.arange(len(now)))
    keys = map(np.ndarray.tobytes, known.numpy())
    found = np.array([places[key].popleft() if places.get(key) else -1 for key in keys])
    match_nearly_alike(known.numpy(), now.numpy(), found)
    rows = torch.from_numpy(found[found >= 0].astype(np.int64))
    others = torch.ones(len(now), dtype=torch.bool)
    others[rows] = False
    return rows, others.nonzero().flatten()


def match_nearly_alike(known: np.ndarray, now: np.ndarray, found: np.ndarray) -> None:
    """Fills in `found`, the row of `now` for each row of `known` or -1, what differs by no more than decoders do: the
    most alike first, each row once. Thumbnails are uint8 [N, D]; equal ones are compared once, such as blank pages."""
    from scipy.spatial import KDTree  # rarely needed

    wanted = rows_by_thumbnail(known, np.flatnonzero(found < 0))
    free = rows_by_thumbnail(now, np.setdiff1d(np.arange(len(now)), found))
    while wanted and free:
        those, these = list(wanted), list(free)
        distances, places = KDTree(as_points(these)).query(
            as_points(those), k=range(1, min(NEIGHBOURS, len(these)) + 1), p=np.inf,
            distance_upper_bound=TOLERANCE + 0.5,
        )  # fmt: skip
        pairs = np.argwhere(np.isfinite(distances))
        if not len(pairs):
            return
        for row, rank in pairs[np.argsort(distances[tuple(pairs.T)], kind="stable")]:
            mine, theirs = wanted[those[row]], free[these[places[row, rank]]]
            while mine and theirs:
                found[mine.popleft()] = theirs.popleft()
        wanted = {thumbnail: rows for thumbnail, rows in wanted.items() if rows}
        free = {thumbnail: rows for thumbnail, rows in free.items() if rows}


def rows_by_thumbnail(thumbnails: np.ndarray, rows: np.ndarray) -> dict[bytes, deque[int]]:
    """These rows of thumbnails uint8 [N, D], by their bytes, in order."""
    found: dict[bytes, deque[int]] = defaultdict(deque)
    for row in rows:
        found[thumbnails[row].tobytes()].append(int(row))
    return dict(found)


def as_points(thumbnails: list[bytes]) -> np.ndarray:
    """The bytes of thumbnails as float32 [N, D]."""
    return np.stack([np.frombuffer(one, np.uint8) for one in thumbnails]).astype(np.float32)

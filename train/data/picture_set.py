"""A source, read: the pictures of both splits and what was found on the way. In memory, or packed where it is large."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from train.data.cache import Cache
from train.data.dataset import Pictures
from train.data.memory import fits_in_memory
from train.data.packed import Pack, key_of, set_bytes
from train.data.scan import PictureFormat, Scan, read_split
from train.data.selection import Selection, select_rows
from train.data.source import Source
from train.progress_bar import say


@dataclass(frozen=True)
class PictureSet:
    """Both splits, their classes, how the pictures were brought to one form, what was counted, notes for the report.
    `pack`: where they are packed, if they are."""

    train: Pictures
    test: Pictures
    classes: tuple[str, ...]
    wanted: PictureFormat
    scan: Scan
    notes: tuple[str, ...]
    pack: Pack | None = None


def read_set(
    called: str,
    source: Source,
    options: object,
    choose: Callable[[], PictureFormat],
    cache: Cache | None,
    quiet: bool = True,
) -> PictureSet:
    """Reads every picture of a source; into files in `cache` where they would fill too much of the memory, unless that
    is None.

    called: a name for the pack. options: all that the pictures depend on besides the source. choose: decides on their
    format, for which it looks at all of them. Raises UserError.
    """
    key = key_of(source, options) if cache and not cache.is_empty() else None
    pack = cache.find(key) if cache and key else None
    if not pack or not pack.state.finished:
        wanted = pack.state.wanted if pack else choose()
        needed = set_bytes(source, wanted)
        if not cache or (not pack and fits_in_memory(needed)):
            return read_into_memory(source, wanted)
        key = key or key_of(source, options)
        with cache.one_at_a_time(key, needed):
            pack = cache.find(key)  # another process may have packed them just now
            if not pack:
                place = cache.place(called, key)
                if not quiet:
                    say(f"The pictures take {needed / 1e9:.1f} GB, too much for memory: they are packed into {place} "
                        "once.")  # fmt: skip
                pack = Pack.begin(place, key, wanted, needed, len(source.attributes))
            if not pack.state.finished:
                pack.fill(source)
    state = pack.state
    return PictureSet(pack.split("train"), pack.split("test"), state.classes, state.wanted, state.scan, state.notes,
                      pack)  # fmt: skip


def read_into_memory(source: Source, wanted: PictureFormat) -> PictureSet:
    """Reads every picture."""
    scan = Scan()
    train = Pictures(*read_split(source.train, wanted, scan, "reading pictures"))
    test = Pictures(*read_split(source.test, wanted, scan, "reading held-out pictures")) if source.test else None
    selection = select_rows(train.labels, test.labels if test else None, source.classes)
    held_out = train if selection.test_of_train or test is None else test
    final = picked(train, selection.train, selection), picked(held_out, selection.test, selection)
    scan.labels = Counter(label for split in final for label in split.labels.tolist())
    return PictureSet(*final, selection.classes, wanted, scan, tuple(selection.notes))


def picked(split: Pictures, rows: Tensor | None, selection: Selection) -> Pictures:
    """Rows of a split, or all of it, with today's labels."""
    found = split if rows is None else split[rows]
    return Pictures(found.images, selection.renumbered(found.labels), found.attributes)

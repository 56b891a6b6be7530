"""Favourites on the static page: a file or a picture that Play saved becomes a gallery. Its pictures are drawn when the
page is written, and open their states.

The file may be a stranger's: it is read within limits, and what it asks for is checked as marks are.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bundle.errors import BundleError, InputError, UserError
from bundle.limited_files import read_limited
from bundle.marks import MAX_FAVOURITES, Point, formats, plain_state, trained, xmp
from bundle.marks.redraw import drawn_again
from bundle.model import BundleModel
from bundle.read import OpenBundle
from bundle.runner import BundleRunner
from export.targets.folder import TargetFile

FORMAT = "twofold-favourites"  # of the file; demo/static/tabs/play/favourites.js writes it
LARGEST_FILE, LARGEST_PICTURE = 2_000_000, 64_000_000  # bytes
HOME = "gallery"


@dataclass(frozen=True)
class Favourite:
    """A picture of a gallery: the name of its bundle, what draws it, and which one of the file it is, from 1."""

    bundle: str
    point: Point
    number: int


def read_favourites(path: Path) -> list[Favourite]:
    """The favourites in a file, or in the mark of a picture. Raises UserError when there are none that can be read."""
    try:
        data = read_limited(path, LARGEST_PICTURE)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    is_picture = data.startswith(b"\x89PNG")
    if not is_picture and len(data) > LARGEST_FILE:
        raise UserError(f"{path} is too large for favourites: at most {LARGEST_FILE // 1_000_000} MB are read.")
    entries, owner = _of_picture(path, data) if is_picture else (_of_file(path, data), None)
    if not entries:
        raise UserError(f"{path} holds no favourites.")
    if len(entries) > MAX_FAVOURITES:
        raise UserError(f"{path} holds {len(entries)} favourites: at most {MAX_FAVOURITES} make a gallery.")
    return [_favourite(path, i, entry, owner) for i, entry in enumerate(entries, 1)]


def _of_file(path: Path, data: bytes) -> list[Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON that can be read; it may have been cut off.") from error
    entries = found.get("favourites") if isinstance(found, dict) and found.get("format") == FORMAT else None
    if not isinstance(entries, list):
        raise UserError(f"{path} is no file of favourites: save one in Play, with “Save as file”.")
    return entries


def _of_picture(path: Path, data: bytes) -> tuple[list[Any], str | None]:
    reading = xmp.read(data)
    if reading.long:
        raise UserError(f"{path} has metadata of more than {xmp.LONGEST_READ // 1000} kB, which no mark is.")
    if reading.torn:
        raise UserError(f"{path} has metadata that cannot be read; it may have been cut off.")
    state = reading.mark.state if reading.mark else None
    entries = state.get("pictures") if state and state.get("draw") == "favourites" else None
    if reading.mark is None or not isinstance(entries, list):
        raise UserError(f"{path} is no picture of favourites: save one in Play, with “Save as one picture”.")
    return entries, reading.mark.bundle


def _favourite(path: Path, number: int, entry: Any, owner: str | None) -> Favourite:
    given = dict(entry) if isinstance(entry, dict) else {}
    bundle = given.pop("bundle", owner)
    given.pop("sha256", None)
    try:
        point = Point.model_validate(given)
    except ValidationError as error:
        raise UserError(f"Favourite {number} of {path} cannot be read.") from error
    if not isinstance(bundle, str):
        raise UserError(f"Favourite {number} of {path} does not say which bundle draws it.")
    return Favourite(bundle, point, number)


def gallery(
    favourites: Sequence[Favourite], bundles: Sequence[OpenBundle]
) -> tuple[list[TargetFile], list[dict[str, Any]]]:
    """The pictures of the gallery, and what the page has to know of them. Those of other bundles are left out.

    Raises UserError when none is left, or a bundle cannot draw one."""
    models: Mapping[str, BundleModel] = {bundle.info.name: BundleModel(BundleRunner(bundle)) for bundle in bundles}
    shown = [favourite for favourite in favourites if favourite.bundle in models]
    if not shown:
        named = ", ".join(sorted({favourite.bundle for favourite in favourites}))
        raise UserError(f"None of the favourites is of a bundle of this page: they are of {named}.")
    if left := [str(favourite.number) for favourite in favourites if favourite.bundle not in models]:
        print(f"{len(left)} of {len(favourites)} favourites are of bundles that this page does not have: left out "
              f"({', '.join(left)}).")  # fmt: skip
    target_files, facts = [], []
    for i, favourite in enumerate(shown, 1):
        model = models[favourite.bundle]
        mark = trained(model.runner.bundle, favourite.point)
        drawing = drawn_again(model, mark)  # the picture is what its mark says, whatever points come to hold
        assert drawing  # a point is drawn from numbers alone
        try:
            (picture,) = drawing.pictures()
        except (InputError, BundleError) as error:
            raise UserError(f"Favourite {favourite.number} cannot be drawn. {error}") from error
        place = f"{HOME}/{i:03}.png"
        target_files.append(TargetFile(place, formats.png(picture, mark)))
        facts.append({"url": place, "bundle": favourite.bundle, "state": plain_state(favourite.point)})
    return target_files, facts

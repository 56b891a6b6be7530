"""Which column of a table holds the pictures, by its name; those that tell about them: bundle/picture_tables.py."""

import re
from collections.abc import Mapping, Sequence

from bundle.errors import UserError

# The likeliest first, however they are capitalised.
IMAGE_COLUMNS = ("image", "img", "picture", "photo", "images", "pixels", "pixel_values", "x")
NO_IMAGE_COLUMNS = ("mask", "segmentation", "annotation", "label", "target", "depth", "conditioning", "thumb", "id",
                    "hash", "md5", "sha")  # fmt: skip


def named_column(called: str, flag: str, names: Sequence[str], asked: str) -> str:
    """The column that a flag names, however it is capitalised. Raises UserError when there is none."""
    for name in names:
        if name == asked:
            return name
    for name in names:
        if name.lower() == asked.lower():
            return name
    raise UserError(f"{flag} {asked}: {called} has no such column, but {', '.join(names)}.")


def likeliest_pictures(kinds: Mapping[str, int]) -> list[str]:
    """Columns, each of which could hold pictures, the likeliest first. `kinds`: column -> its kind, 0 the likeliest.

    Masks, depths and identifiers come last, then kinds count, then usual names, then the order of the columns.
    """

    def rank(name: str) -> tuple[bool, int, int]:
        words = name.lower()
        usual = IMAGE_COLUMNS.index(words) if words in IMAGE_COLUMNS else len(IMAGE_COLUMNS)
        other = usual == len(IMAGE_COLUMNS) and any(
            part.startswith(bad) for part in re.split(r"[^a-z0-9]+", words) for bad in NO_IMAGE_COLUMNS
        )
        return other, kinds[name], usual

    return sorted(kinds, key=rank)  # stable

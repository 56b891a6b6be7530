"""Which columns of a table hold the pictures and the labels, by their names."""

from collections.abc import Iterable, Sequence

from bundle.errors import UserError

# The likeliest first, however they are capitalised.
LABEL_COLUMNS = ("label", "labels", "class", "target", "category", "class_name", "classname", "label_name", "class_id")
IMAGE_COLUMNS = ("image", "img", "picture", "photo", "images", "pixels", "pixel_values", "x")
NO_IMAGE_COLUMNS = ("mask", "segmentation", "annotation", "label", "target", "depth", "conditioning", "thumb", "id",
                    "hash", "md5", "sha")  # fmt: skip
FILE_COLUMNS = ("file_name", "filename", "file", "image", "path", "image_path", "image_file")


def named_column(called: str, flag: str, names: Sequence[str], asked: str) -> str:
    """The column that a flag names, however it is capitalised. Raises UserError when there is none."""
    for name in names:
        if name == asked:
            return name
    for name in names:
        if name.lower() == asked.lower():
            return name
    raise UserError(f"{flag} {asked}: {called} has no such column, but {', '.join(names)}.")


def by_name(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Those of `names` that are `wanted`, however they are capitalised, in the order of `wanted`."""
    ranks = {name: rank for rank, name in enumerate(wanted)}
    return sorted((name for name in names if name.lower() in ranks), key=lambda name: ranks[name.lower()])


def likeliest_pictures(names: Iterable[str]) -> list[str]:
    """Columns, each of which could hold pictures, the likeliest first: by name, masks and identifiers last."""

    def rank(name: str) -> int:
        words = name.lower()
        if words in IMAGE_COLUMNS:
            return IMAGE_COLUMNS.index(words)
        parts = words.replace("-", "_").split("_")
        return len(IMAGE_COLUMNS) + any(part.startswith(bad) for part in parts for bad in NO_IMAGE_COLUMNS)

    return sorted(names, key=rank)  # stable: columns of equal rank stay in their order

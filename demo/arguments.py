"""Arguments of endpoints and events, which anyone may send in any form: checked here, refused in a sentence."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bundle import images, latents, pictures
from bundle.errors import InputError
from bundle.model import MAX_ROUNDS
from demo.serving.served_bundle import ServedBundle

MAX_PICTURES = 64
MAX_KEYS = 6
MAX_FRAMES = 240
MAX_TRUNCATION = 1.5
MAX_POINT = 1000.0  # of a number of a latent: far beyond any that a model knows
MAX_COORDINATE = 1e6  # of the seed plane
MAX_TEXT = 4 * pictures.UPLOAD.bytes // 3 + 200  # base64 of the largest upload, with its prefix


def bundle(bundles: Mapping[str, ServedBundle], name: Any) -> ServedBundle:
    """The bundle of this name; an empty name is the first one. InputError for any other."""
    if not bundles:
        raise InputError("There is no bundle here yet.")
    if name is None or name == "":
        return next(iter(bundles.values()))
    found = bundles.get(name) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"There is no bundle {_shown(name)}: choose one of {', '.join(bundles)}.")
    return found


def choice(value: Any, options: tuple[str, ...], name: str) -> str:
    """One of a few words."""
    if value not in options:
        raise InputError(f"The {name} must be one of {', '.join(options)}, not {_shown(value)}.")
    return value


def model(value: Any, of: ServedBundle) -> str:
    """A model of the bundle; empty is its first."""
    return choice(value or of.models[0], of.models, "model")


def number(value: Any, name: str, low: float, high: float) -> float:
    """A finite number within [low, high]."""
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high:  # which NaN and the infinities never are
        raise InputError(f"The {name} must be a number from {low:g} to {high:g}, not {_shown(value)}.")
    return float(value)


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within [low, high]; 3.0 counts as 3."""
    right = isinstance(value, int | float) and not isinstance(value, bool)
    if not right or not low <= value <= high or value != int(value):
        raise InputError(f"The {name} must be a whole number from {low} to {high}, not {_shown(value)}.")
    return int(value)


def truncation(value: Any) -> float:
    return number(value, "truncation", 0, MAX_TRUNCATION)


def rounds(value: Any) -> int:
    return whole(value, "number of rounds", 0, MAX_ROUNDS)


def seeds(value: Any, least: int = 1, most: int = MAX_PICTURES) -> list[int]:
    """A list of seeds, each from 0 to 2**32 - 1."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise InputError(f"Seeds must be a list of {least} to {most} whole numbers.")
    return [whole(seed, "seed", 0, latents.SEEDS - 1) for seed in value]


def places(value: Any) -> list[int | tuple[float, float]]:
    """What can be drawn: seeds, and points [x, y] of the seed plane, where (x, 0) is seed x."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PICTURES:
        raise InputError(f"Seeds must be a list of 1 to {MAX_PICTURES} whole numbers or places [x, y].")
    return [_place(one) if isinstance(one, list | tuple) else seeds([one])[0] for one in value]


def _place(value: Sequence[Any]) -> tuple[float, float]:
    if len(value) != 2:
        raise InputError(f"A place must be two numbers [x, y], not {len(value)}.")
    x, y = (number(one, "coordinate of a place", -MAX_COORDINATE, MAX_COORDINATE) for one in value)
    return x, y


def class_weights(label: Any, of: ServedBundle) -> np.ndarray | None:
    """Class weights [K] of a class's name; an empty one is None, which leaves the class to the seed."""
    if label is None or label == "":
        return None
    names = of.info.dataset.classes
    if not names:
        raise InputError(f"Bundle '{of.info.name}' has no classes, so the label must be empty.")
    if label not in names:
        listing = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise InputError(f"There is no class {_shown(label)}: choose one of {listing}.")
    return latents.one_hot(names.index(label), of.classes)


def key_classes(indices: Any, count: int, of: ServedBundle) -> np.ndarray | None:
    """Class weights [count, K] of a list with one class index a key; an empty list is None."""
    if not indices:
        return None
    if not isinstance(indices, list) or len(indices) != count or not of.classes:
        raise InputError("There must be one class for each keyframe, or none.")
    return np.stack([latents.one_hot(whole(c, "class", 0, of.classes - 1), of.classes) for c in indices])


def picture_file(path: Any, of: ServedBundle) -> np.ndarray:
    """The image [1, C, H, W] in a file that Gradio has received."""
    if not isinstance(path, str | Path):
        raise InputError("A picture is needed.")
    return _image(Path(path), of)


def mask_data(text: Any, of: ServedBundle) -> np.ndarray:
    """The mask [1, 1, H, W] in the data address of a picture: bright = known, dark = to be filled in."""
    return pictures.decode_mask(_data(text), pictures.framing_of(of.info))


def picture_data(text: Any, of: ServedBundle) -> np.ndarray:
    """The image [1, C, H, W] in a data address ("data:image/png;base64,…")."""
    return _image(_data(text), of)


def _image(source: Path | bytes, of: ServedBundle) -> np.ndarray:
    """The image [1, C, H, W] in a file, framed as the bundle's training pictures were."""
    return images.from_uint8(pictures.decode(source, pictures.framing_of(of.info))[None])


def _data(text: Any) -> bytes:
    """The bytes in a data address."""
    if not isinstance(text, str) or not text.startswith("data:"):
        raise InputError("A picture is needed.")
    if len(text) > MAX_TEXT:
        raise InputError(f"The file is too large: at most {pictures.UPLOAD.bytes // 1_000_000} MB are accepted.")
    try:
        return base64.b64decode(text.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("This is not a picture that can be read.") from error


def mask_cells(cells: Any, of: ServedBundle) -> np.ndarray | None:
    """The mask [1, 1, H, W] in a text of one "1" (known) or "0" a pixel, row by row; None stays None."""
    if cells is None:
        return None
    side = of.info.image.size
    if not isinstance(cells, str) or len(cells) != side * side or set(cells) - {"0", "1"}:
        raise InputError(f"A mask must have one 0 or 1 for each of {side} x {side} pixels.")
    return (np.frombuffer(cells.encode(), np.uint8) == ord("1")).astype(np.float32).reshape(1, 1, side, side)


def point(value: Any, size: int) -> np.ndarray | None:
    """Where a search begins: a list of `size` numbers, as an earlier answer gave it; None stays None."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != size:
        raise InputError(f"The start of the search must be a list of {size} numbers.")
    return np.array([number(one, "start of the search", -MAX_POINT, MAX_POINT) for one in value], np.float32)


def mask_file(path: Any, of: ServedBundle) -> np.ndarray:
    """The mask [1, 1, H, W] in a picture file: bright = known, dark = to be filled in."""
    if not isinstance(path, str | Path):
        raise InputError("A mask is needed: a picture that is white where pixels are known.")
    return pictures.decode_mask(Path(path), pictures.framing_of(of.info))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"

"""The keys of a morph: seeds, points of the seed plane, and places of the latent map. As text "3", "7.25:0.5" or
"pca:1.5:-2", in JSON 3, [7.25, 0.5] or ["pca", 1.5, -2].
"""

import math
import re

from bundle import latents
from bundle.errors import InputError
from bundle.latent_map import PROJECTIONS
from bundle.latents import Key, MapPoint
from demo import arguments
from demo.arguments import MAX_KEYS

MAX_TEXT = 60  # characters of one key: two numbers of 24, and the name of a map
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)


def from_text(text: str) -> list[Key]:
    """One to MAX_KEYS keys of "3,7.25:0.5". Raises InputError."""
    parts = text.split(",", MAX_KEYS)
    if len(parts) > MAX_KEYS:
        raise InputError(f"A morph has at most {MAX_KEYS} keys, not {MAX_KEYS + 1} or more.")
    return [_from_part(part) for part in parts]


def text(key: Key) -> str:
    """The key as `from_text` reads it."""
    if isinstance(key, MapPoint):
        return f"{key.projection}:{short(key.x)}:{short(key.y)}"
    return f"{short(key[0])}:{short(key[1])}" if isinstance(key, tuple) else str(key)


def name(key: Key) -> str:
    """The key in words: "seed 3", "(7.25, 0.5)", "map (1.5, -2)"."""
    if isinstance(key, MapPoint):
        return f"map ({short(key.x)}, {short(key.y)})"
    return f"({short(key[0])}, {short(key[1])})" if isinstance(key, tuple) else f"seed {key}"


def short(value: float) -> str:
    """A number as text that reads back as the same number."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)


def _from_part(part: str) -> Key:
    if len(part) <= MAX_TEXT:
        projection, colon, place = part.partition(":")
        if colon and projection in PROJECTIONS:
            x, _, y = place.partition(":")
            if _NUMBER.fullmatch(x) and _NUMBER.fullmatch(y):
                return arguments.map_point([projection, float(x), float(y)])
        x, colon, y = part.partition(":")
        if colon and _NUMBER.fullmatch(x) and _NUMBER.fullmatch(y):
            return arguments.point([float(x), float(y)])
        if part.isascii() and part.isdigit() and len(part) <= 16 and int(part) < latents.SEEDS:
            return int(part)
    raise InputError(
        f"The parameter 'keys' takes seeds, whole numbers from 0 to {latents.SEEDS - 1}, points such as 7.25:0.5, and "
        "places of the map such as pca:1.5:-2."
    )

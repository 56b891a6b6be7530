"""The keys of a morph: seeds, and points of the seed plane. As text "3" or "7.25:0.5", in JSON 3 or [7.25, 0.5]."""

import math
import re
from typing import Any

from bundle import latents
from bundle.errors import InputError
from bundle.latents import Key
from demo import arguments
from demo.arguments import MAX_COORDINATE, MAX_KEYS

MAX_TEXT = 40  # letters of one key
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)


def from_text(text: str) -> list[Key]:
    """One to MAX_KEYS keys of "3,7.25:0.5". InputError with a sentence."""
    parts = text.split(",", MAX_KEYS)
    if len(parts) > MAX_KEYS:
        raise InputError(f"A morph has at most {MAX_KEYS} keys, not {MAX_KEYS + 1} or more.")
    return [_from_part(part) for part in parts]


def from_json(value: Any, least: int = 2, most: int = MAX_KEYS) -> list[Key]:
    """Keys of a list of seeds and pairs [x, y]. InputError with a sentence."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise InputError(f"Seeds must be a list of {least} to {most} whole numbers, or of points [x, y].")
    return [_point(one) if isinstance(one, list | tuple) else arguments.seeds([one])[0] for one in value]


def text(key: Key) -> str:
    """The key as `from_text` takes it."""
    return f"{_short(key[0])}:{_short(key[1])}" if isinstance(key, tuple) else str(key)


def name(key: Key) -> str:
    """The key in words: "seed 3", "(7.25, 0.5)"."""
    return f"({_short(key[0])}, {_short(key[1])})" if isinstance(key, tuple) else f"seed {key}"


def _from_part(part: str) -> Key:
    if len(part) <= MAX_TEXT:
        x, colon, y = part.partition(":")
        if colon and _NUMBER.fullmatch(x) and _NUMBER.fullmatch(y):
            return _point([float(x), float(y)])
        if part.isascii() and part.isdigit() and len(part) <= 16 and int(part) < latents.SEEDS:
            return int(part)
    raise InputError(
        f"The parameter 'keys' takes seeds, whole numbers from 0 to {latents.SEEDS - 1}, and points such as 7.25:0.5."
    )


def _point(value: Any) -> tuple[float, float]:
    if len(value) != 2:
        raise InputError(f"A point must be two numbers [x, y], not {len(value)}.")
    x, y = (arguments.number(one, "coordinate of a point", -MAX_COORDINATE, MAX_COORDINATE) for one in value)
    return x, y


def _short(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)

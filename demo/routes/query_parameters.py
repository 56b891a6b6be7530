"""Parameters in the addresses of routes: text in, checked values out, or an InputError with a sentence.

By hand and not by pydantic models: numbers are clamped instead of refused, and each sentence is translated, so every
field would need a validator and every error a translation of its own.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import unquote

import numpy as np
from starlette.datastructures import QueryParams

from bundle import latents
from bundle.attribute_moves import MAX_ATTRIBUTE_MOVE
from bundle.bend import MAX_BEND_SEED, MAX_BENDS
from bundle.errors import InputError
from bundle.own_directions import MOST_OWN, OwnMove, decoded
from bundle.paths import EASINGS, MAX_SECONDS, Timing, timing
from bundle.schema import MAX_ATTRIBUTES, Model
from demo.arguments import MAX_KEYS, MAX_TRUNCATION
from demo.serving.served_bundle import ServedBundle

Word = TypeVar("Word", bound=str)
Value = TypeVar("Value")

# Names that old links and scripts use, and what they are called now, by the last word of the route, without parameters.
# demo/static/core/address.js has those of the page's own address.
OLD_NAMES: dict[str, dict[str, str]] = {
    "morph": {"mode": "path"},
    "grid": {"s": "seed", "g": "grid"},
    "quiz": {"k": "quiz", "a": "answers"},
    "map": {"way": "projection", "u": "mapx", "w": "mapy"},
    "explore": {"way": "projection"},
    "mix": {"a": "seed", "b": "other", "s": "stages"},
    "sum": {"a": "seed", "b": "minus", "d": "plus"},
    "edit": {"a": "seed", "d": "dimensions", "k": "towards", "h": "across", "g": "along"},
    "figures": {"l": "left", "r": "right"},
    "rebuild": {"other": "completion_seed"},
}
MAX_SEQUENCE = 2**53  # the largest whole number that a browser counts exactly


def under_current_names(query: QueryParams, route: str) -> QueryParams:
    """`current_names` of the parameters of an address."""
    return QueryParams(current_names(dict(query), route))


def current_names(given: Mapping[str, Value], route: str) -> dict[str, Value]:
    """The values under their current names; where both names of one are given, the current name counts."""
    names = OLD_NAMES.get(route, {})
    old = {names[name]: value for name, value in given.items() if name in names}
    return old | {name: value for name, value in given.items() if name not in names}


def number(query: QueryParams, name: str, default: float, low: float, high: float) -> float:
    """A finite number, clamped to [low, high]."""
    text = query.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"The parameter '{name}' must be a finite number.")
    return min(max(value, low), high)


def truncation(query: QueryParams) -> float:
    """The parameter t, clamped to [0, MAX_TRUNCATION]; 1 when absent."""
    return number(query, "t", 1.0, 0.0, MAX_TRUNCATION)


def whole(text: str, name: str, highest: int, lowest: int = 0) -> int:
    """A whole number from `lowest` to `highest`."""
    # Length first: int() of a very long text is slow.
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and lowest <= int(text) <= highest):
        raise InputError(f"The parameter '{name}' takes whole numbers from {lowest} to {highest}.")
    return int(text)


def seed(query: QueryParams, name: str) -> int:
    """A seed; 0 when absent."""
    return whole(query.get(name, "") or "0", name, latents.SEEDS - 1)


def sequence(query: QueryParams) -> str | None:
    """The number n of a request, which its answer carries too; None when absent."""
    text = query.get("n", "")
    return str(whole(text, "n", MAX_SEQUENCE)) if text else None


def choice(query: QueryParams, name: str, options: Sequence[Word]) -> Word:
    """One of the options; the first when absent."""
    text = query.get(name, "") or options[0]
    for option in options:
        if option == text:
            return option
    raise InputError(f"The parameter '{name}' must be one of {', '.join(options)}.")


def model(query: QueryParams, served: ServedBundle) -> Model:
    """The parameter m, "gan" or "vae"; the bundle's first model when absent."""
    return choice(query, "m", served.models)


def attributes(query: QueryParams) -> dict[str, float | OwnMove]:
    """The moves of the parameter attributes, "glasses:1.5,smile:-2", in standard deviations; none when absent. A move
    along a direction that is brought has its vector behind it, "round face:1.5*VECTOR".

    A comma in a name stands there as %2C. Whether the bundle has these attributes: bundle/attribute_moves.py."""
    text = query.get("attributes", "")
    found: dict[str, float | OwnMove] = {}
    for part in text.split(",", MAX_ATTRIBUTES + MOST_OWN) if text else ():
        name, colon, move = part.rpartition(":")
        if not colon:
            raise InputError("The parameter 'attributes' takes names with numbers, such as glasses:1.5.")
        far, star, vector = move.partition("*")
        amount = number(QueryParams({"attributes": far}), "attributes", 0.0, -MAX_ATTRIBUTE_MOVE, MAX_ATTRIBUTE_MOVE)
        if star:
            decoded(vector, name)
        found[unquote(name)] = OwnMove(amount=amount, vector=vector) if star else amount
    return found


def bend(query: QueryParams) -> dict[str, float]:
    """The numbers of the parameter bend, "2.scale:1.5,5.noise:0.3"; none when absent. What they do: bundle/bend.py."""
    text = query.get("bend", "")
    found: dict[str, float] = {}
    for part in text.split(",", MAX_BENDS) if text else ():
        name, colon, value = part.rpartition(":")
        if not colon:
            raise InputError("The parameter 'bend' takes names with numbers, such as 2.scale:1.5.")
        found[name] = number(QueryParams({"bend": value}), "bend", 0.0, -MAX_BEND_SEED, MAX_BEND_SEED)
    return found


def timed(query: QueryParams, keys: int) -> Timing | None:
    """The parameters times, easing and seconds of a morph of so many keys; None where they are absent."""
    given, easing = query.get("times", ""), query.get("easing", "")
    times = [_time(text) for text in given.split(",", MAX_KEYS)] if given else []
    words = [choice(QueryParams({"easing": word}), "easing", EASINGS) for word in easing.split(",", MAX_KEYS) if easing]
    seconds = number(query, "seconds", 0.0, 0.0, MAX_SECONDS)
    return timing(times, words, seconds, keys, query.get("loop", "") == "1")


def _time(text: str) -> float:
    if not text:
        raise InputError("The parameter 'times' takes numbers, such as 0,1.5,4.")
    return number(QueryParams({"times": text}), "times", 0.0, 0.0, MAX_SECONDS)


def classes(query: QueryParams, served: ServedBundle) -> np.ndarray | None:
    """The class weights [K] of the parameter c; None when absent, which leaves the class to the seed."""
    shares = query.get("c", "")
    class_count = served.class_count
    return latents.class_weights(class_shares(shares, ",", class_count), class_count) if shares else None


def class_shares(text: str, separator: str, classes: int) -> dict[int, float]:
    """The shares in "3" or "3:0.5,5:0.5" (with `separator` in place of the comma) by the numbers of the classes,
    {3: 0.5, 5: 0.5}."""
    if not classes:
        raise InputError("This model has no classes.")
    shares: dict[int, float] = {}
    for part in text.split(separator):
        index, colon, share = part.partition(":")
        try:
            shares[whole(index, "class", classes - 1)] = float(share) if colon else 1.0
        except ValueError as error:
            raise InputError(f"Classes are whole numbers below {classes}, with shares like 3:0.5.") from error
    return shares


def key_classes(text: str, keys: Sequence[latents.Key], classes: int) -> np.ndarray | None:
    """Class weights [keys, K] of one entry a key, separated by commas: "3", "3:0.5|5:0.5", or empty for the key's own
    class. None when the whole text is empty."""
    if not text:
        return None
    entries = text.split(",")
    if len(entries) != len(keys):
        raise InputError(f"There are {len(keys)} keys but {len(entries)} classes.")
    chosen = [class_shares(entry, "|", classes) if entry else None for entry in entries]
    return latents.key_class_rows(chosen, keys, classes)

"""Arguments of endpoints and of the page's requests, which anyone may send in any form: checked here.

Every function takes a value as JSON has it and returns a checked one, or raises an InputError with a sentence for the
person who sent it. Parameters in addresses, which are text: demo/routes/query_parameters.py.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from bundle import attribute_moves, images, latents, own_directions, pictures
from bundle.bend import KNOBS, MAX_BEND_SEED, SEED, split_name
from bundle.errors import InputError
from bundle.inversion import MAX_ROUNDS
from bundle.latent_map import PROJECTIONS
from bundle.latents import Key, MapPoint, SeedKey
from bundle.marks.mark import MAX_COORDINATE, MAX_KEYS, MAX_PLACE
from bundle.own_directions import OwnMove
from bundle.picture_files import UPLOAD, too_large
from bundle.schema import Model
from demo.serving.served_bundle import ServedBundle

MAX_PICTURES = 64
MAX_FRAMES = 240  # of a strip, or in one call
MAX_TRUNCATION = 1.5
MAX_LATENT = 1000.0  # of one number of a latent: far beyond any that a network was trained on
MAX_TEXT = 4 * UPLOAD.bytes // 3 + 200  # characters: the largest upload in base64, with its prefix
NO_MOVES = "The attributes must be names with numbers, such as {'glasses': 1.5}"
NO_BEND = "The bend must be names with numbers, such as {'2.scale': 1.5}"
TOO_LARGE = too_large(UPLOAD.bytes)

Word = TypeVar("Word", bound=str)


# --- the bundle and its parts --------------------------------------------------------------------


def bundle(bundles: Mapping[str, ServedBundle], name: Any) -> ServedBundle:
    """The bundle of this name; an empty name is the first one."""
    if not bundles:
        raise InputError("There is no bundle here yet.")
    if name is None or name == "":
        return next(iter(bundles.values()))
    found = bundles.get(name) if isinstance(name, str) else None
    if found is None:
        raise InputError(f"There is no bundle {_shown(name)}: choose one of {', '.join(bundles)}.")
    return found


def model(value: Any, served: ServedBundle) -> Model:
    """A model of the bundle, "gan" or "vae"; empty is its first."""
    return choice(value or served.models[0], served.models, "model")


def class_weights(label: Any, served: ServedBundle) -> np.ndarray | None:
    """Class weights [K] of a class's name; None for an empty one, which leaves the class to the seed."""
    if label is None or label == "":
        return None
    names = served.info.dataset.classes
    if not names:
        raise InputError(f"Bundle '{served.info.name}' has no classes, so the label must be empty.")
    if label not in names:
        listing = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        raise InputError(f"There is no class {_shown(label)}: choose one of {listing}.")
    return latents.one_hot(names.index(label), served.class_count)


def attributes(value: Any, served: ServedBundle, model: Model) -> dict[str, float | OwnMove]:
    """How far pictures move along attributes, {"glasses": 1.5}, in standard deviations, and along directions that are
    brought, {"round face": {"vector": …, "amount": 1.5}}; none for null."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{NO_MOVES}, not {_shown(value)}.")
    names, most = served.attribute_names, attribute_moves.MAX_ATTRIBUTE_MOVE
    found: dict[str, float | OwnMove] = {}
    for name, move in value.items():
        if isinstance(move, dict):
            found[name] = _own_move(name, move, served, model)
            continue
        if not names:
            raise InputError(f"Bundle '{served.info.name}' has no attributes, so none can be moved.")
        if name not in names:
            raise InputError(f"There is no attribute {_shown(name)}: choose one of {', '.join(names)}.")
        found[name] = number(move, f"attribute '{name}'", -most, most)
    own_directions.checked_own(found, served.engine.bundle, model, most)
    return found


def _own_move(name: str, value: dict, served: ServedBundle, model: Model) -> OwnMove:
    """A move along a direction that is brought; its vector may be a list of numbers, one standard deviation long."""
    own_directions.check_direction_name(name, served.info)
    vector, most = value.get("vector"), attribute_moves.MAX_ATTRIBUTE_MOVE
    if set(value) != {"vector", "amount"} or not isinstance(vector, str | list):
        raise InputError(f"The direction '{name}' must have a vector, as text or a list of numbers, and an amount.")
    amount = number(value["amount"], f"amount of '{name}'", -most, most)
    if isinstance(vector, list):
        size = own_directions.latent_size(served.info, model)
        if len(vector) != size:
            raise InputError(f"The vector of '{name}' must have {size} numbers, not {len(vector)}.")
        largest = own_directions.LARGEST
        numbers = np.array([number(one, f"vector of '{name}'", -largest, largest) for one in vector])
        vector = own_directions.encoded(numbers, own_directions.space_key(served.engine.bundle, model))
    own_directions.decoded(vector, name)
    return OwnMove(amount=amount, vector=vector)


def bend(value: Any, served: ServedBundle) -> dict[str, float]:
    """What is done to the styles of stages, {"2.scale": 1.5}, see bundle/bend.py; nothing for null."""
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{NO_BEND}, not {_shown(value)}.")
    gan = served.info.gan
    if value and not (gan and gan.stages):
        raise InputError(f"Bundle '{served.info.name}' has no GAN with styles, so nothing can be bent.")
    stages = (gan.stages if gan else None) or 0
    found: dict[str, float] = {}
    for name, amount in value.items():
        if name == SEED:
            found[name] = whole(amount, "seed of the bend", 0, MAX_BEND_SEED)
            continue
        limits = KNOBS[split_name(name, stages)[1]]
        found[name] = number(amount, f"bend '{name}'", limits.low, limits.high)
    return found


# --- words and numbers ---------------------------------------------------------------------------


def choice(value: Any, options: tuple[Word, ...], name: str) -> Word:
    """One of a few words."""
    if value not in options:
        raise InputError(f"The {name} must be one of {', '.join(options)}, not {_shown(value)}.")
    return options[options.index(value)]


def number(value: Any, name: str, low: float, high: float) -> float:
    """A finite number within [low, high]."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # which NaN and the infinities never are
        raise InputError(f"The {name} must be a number from {low:g} to {high:g}, not {_shown(value)}.")
    return float(value)


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within [low, high]; 3.0 counts as 3."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or value != int(value):
        raise InputError(f"The {name} must be a whole number from {low} to {high}, not {_shown(value)}.")
    return int(value)


def truncation(value: Any) -> float:
    """A truncation, or the temperature of a VAE, from 0 to MAX_TRUNCATION."""
    return number(value, "truncation", 0, MAX_TRUNCATION)


def rounds(value: Any) -> int:
    """How many rounds a search has."""
    return whole(value, "number of rounds", 0, MAX_ROUNDS)


# --- latents -------------------------------------------------------------------------------------


def seed(value: Any, name: str = "seed") -> int:
    """A seed, from 0 to 2**32 - 1."""
    return whole(value, name, 0, latents.SEEDS - 1)


def keys(value: Any, least: int = 1, most: int = MAX_PICTURES) -> list[SeedKey]:
    """A list of seeds and of points [x, y] of the seed plane, where [x, 0] is seed x."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise InputError(f"Seeds must be a list of {least} to {most} whole numbers or points [x, y].")
    return [point(one) if isinstance(one, list | tuple) else seed(one) for one in value]


def point(value: Any) -> tuple[float, float]:
    """A point of the seed plane, from a list [x, y]."""
    if len(value) != 2:
        raise InputError(f"A point must be two numbers [x, y], not {len(value)}.")
    x, y = (number(one, "coordinate of a point", -MAX_COORDINATE, MAX_COORDINATE) for one in value)
    return x, y


def stops(value: Any) -> list[Key]:
    """The 2 to MAX_KEYS keys of a morph: as `keys`, and places ["pca", x, y] of the latent map."""
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_KEYS:
        raise InputError(
            f"Seeds must be a list of 2 to {MAX_KEYS} whole numbers, points [x, y] or places ['pca', x, y] of the "
            "latent map."
        )
    return [map_point(one) if _on_map(one) else keys([one])[0] for one in value]


def _on_map(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[0], str)


def map_point(value: Any) -> MapPoint:
    """A place of the latent map, from a list ["pca", x, y]."""
    projection = choice(value[0], PROJECTIONS, "map")
    x, y = (number(one, "coordinate of a place on the map", -MAX_PLACE, MAX_PLACE) for one in value[1:])
    return MapPoint(projection, x, y)


def numbers(value: Any, name: str, name_of_one: str) -> tuple[float, ...]:
    """A list of finite numbers, MAX_KEYS at most; empty for null."""
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_KEYS:
        raise InputError(f"The {name} must be a list of at most {MAX_KEYS} numbers, one for each keyframe.")
    return tuple(number(one, name_of_one, -1e6, 1e6) for one in value)


def search_start(value: Any, size: int) -> np.ndarray | None:
    """Where a search begins: `size` numbers, as an earlier answer gave them; None stays None."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != size:
        raise InputError(f"The start of the search must be a list of {size} numbers.")
    return np.array([number(one, "start of the search", -MAX_LATENT, MAX_LATENT) for one in value], np.float32)


# --- pictures and masks --------------------------------------------------------------------------
#
# Images are float32 [1, C, H, W] in [0, 1], framed as the bundle's training pictures were; masks float32 [1, 1, H, W],
# 1 = known. In a mask's picture, bright = known and dark = to be filled in.


def picture_file(path: Any, served: ServedBundle) -> np.ndarray:
    """The image in a file that Gradio received."""
    if not isinstance(path, str | Path):
        raise InputError("A picture is needed.")
    return _image(Path(path), served)


def picture_data(text: Any, served: ServedBundle) -> np.ndarray:
    """The image in a data URL ("data:image/png;base64,…")."""
    return _image(_data(text), served)


def picture_bytes(data: bytes | None, served: ServedBundle) -> np.ndarray:
    """The image in the bytes of a picture file; None is refused."""
    if data is None:
        raise InputError("A picture is needed.")
    return _image(data, served)


def held_out_picture(index: Any, served: ServedBundle) -> np.ndarray:
    """One of the bundle's held-out pictures, by its number."""
    return images.from_uint8(served.engine.bundle.examples[[_held_out(index, served)]])


def held_out_label(index: Any, served: ServedBundle) -> int:
    """The class of one of the bundle's held-out pictures; -1 if it has none."""
    return int(served.engine.bundle.example_labels[_held_out(index, served)])


def _held_out(index: Any, served: ServedBundle) -> int:
    count = len(served.engine.bundle.examples)
    if not count:
        raise InputError("This bundle has no held-out pictures.")
    return whole(index, "number of the held-out picture", 0, count - 1)


def mask_file(path: Any, served: ServedBundle) -> np.ndarray:
    """The mask in a picture file that Gradio received."""
    if not isinstance(path, str | Path):
        raise InputError("A mask is needed: a picture that is white where pixels are known.")
    return pictures.decode_mask(Path(path), pictures.framing_of(served.info))


def mask_data(text: Any, served: ServedBundle) -> np.ndarray:
    """The mask in the data URL of a picture."""
    return pictures.decode_mask(_data(text), pictures.framing_of(served.info))


def mask_cells(cells: Any, served: ServedBundle) -> np.ndarray | None:
    """The mask in a text of one "1" (known) or "0" for each pixel, row by row; None stays None."""
    if cells is None:
        return None
    _, height, width = served.info.image.shape
    if not isinstance(cells, str) or len(cells) != height * width or set(cells) - {"0", "1"}:
        raise InputError(f"A mask must have one 0 or 1 for each of {width} x {height} pixels.")
    return (np.frombuffer(cells.encode(), np.uint8) == ord("1")).astype(np.float32).reshape(1, 1, height, width)


def _image(source: Path | bytes, served: ServedBundle) -> np.ndarray:
    return images.from_uint8(pictures.decode(source, pictures.framing_of(served.info))[None])


def _data(text: Any) -> bytes:
    """The bytes in a data URL."""
    if not isinstance(text, str) or not text.startswith("data:"):
        raise InputError("A picture is needed.")
    if len(text) > MAX_TEXT:
        raise InputError(TOO_LARGE)
    try:
        return base64.b64decode(text.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("This is not a picture that can be read.") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"

"""Directions that somebody found by choosing among pictures: a vector in the latents of one model, as a text that is
short enough for an address, a mark and a file. Every door draws with this arithmetic; demo/static/device/latents.js and
demo/static/core/own_directions.js repeat it in the browser.

The text is base64 without padding, in the alphabet of addresses, of

    4 bytes                 whose latents these are: the first of a SHA-256, see `space_key`
    float32, little-endian  one unit of the numbers that follow
    int8 [D]                the numbers of one standard deviation along the direction, in that unit
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from bundle.errors import InputError
from bundle.read import OpenBundle
from bundle.schema import BundleIndex, Model
from bundle.schema.entries import Entry

MOST_OWN = 8  # in one picture
LONGEST_NAME = 40  # characters
MOST_NUMBERS = 4096  # of a latent
LARGEST = 1000.0  # of one number: far beyond any that a network was trained on
KEY_BYTES, HEAD_BYTES = 4, 8
LONGEST = 4 * (HEAD_BYTES + MOST_NUMBERS) // 3 + 3  # characters of the text
WHOLE = 127  # the largest number, in units
LETTERS = "[A-Za-z0-9_-]+"
VectorText = Annotated[str, Field(max_length=LONGEST, pattern=f"^{LETTERS}$")]


class OwnMove(Entry):
    """A move along a direction that is brought: `amount` standard deviations along the `vector`, as text."""

    amount: Annotated[float, Field(ge=-1e6, le=1e6)]
    vector: VectorText


def latent_size(info: BundleIndex, model: Model) -> int:
    """How many numbers a latent of a model has: a style w, the noise z of a GAN without styles, a VAE's code. Raises
    BundleError for a model that the bundle lacks."""
    if model == "vae":
        return info.require_vae().latent_dim
    gan = info.require_gan()
    return gan.w_dim or gan.latent_dim


def space_key(bundle: OpenBundle, model: Model) -> bytes:
    """A checksum by which the latents of one trained model are told from those of any other: of their means, which
    figures, attributes and another precision of the same networks do not change. Of a generator without styles, which
    has no means, it is taken of the name of the bundle and of when it was made."""
    if model == "gan" and bundle.info.require_gan().w_dim is None:
        known = f"{bundle.info.name} {bundle.info.created.isoformat()}".encode()
    else:
        known = np.ascontiguousarray(bundle.latents["w_mean" if model == "gan" else "code_mean"], "<f4").tobytes()
    return hashlib.sha256(model.encode() + known).digest()[:KEY_BYTES]


def space_facts(bundle: OpenBundle) -> dict[str, dict[str, object]]:
    """The latents of each model as the page knows them: their key in hexadecimal, and their size."""
    return {
        model: {"key": space_key(bundle, model).hex(), "size": latent_size(bundle.info, model)}
        for model in bundle.info.models
    }


def encoded(vector: np.ndarray, key: bytes) -> str:
    """The text of a vector [D] of the latents `key`. Raises InputError for one that is zero, not finite or too long."""
    if vector.size > MOST_NUMBERS:
        raise InputError(f"A direction has at most {MOST_NUMBERS} numbers, not {vector.size}.")
    largest = float(np.abs(vector).max()) if vector.size else 0.0
    if not np.isfinite(vector).all() or not 0 < largest <= LARGEST:
        raise InputError(f"The numbers of a direction must be finite, within ±{LARGEST:g}, and not all zero.")
    unit = np.float32(largest / WHOLE)
    steps = np.clip(np.rint(vector / np.float64(unit)), -WHOLE, WHOLE).astype(np.int8)
    data = key + np.array([unit], "<f4").tobytes() + steps.tobytes()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str, name: str = "") -> tuple[bytes, np.ndarray]:
    """The key of the latents and the vector float32 [D] of a text, which then is a VectorText. Raises InputError;
    `name`: how the direction is called in its sentence."""
    wrong = InputError(f"The direction '{name[:LONGEST_NAME]}' cannot be read: it was cut off or changed.")
    try:
        if len(text) > LONGEST or not re.fullmatch(LETTERS, text):  # b64decode also takes "+", "/" and "="
            raise wrong
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    if len(data) <= HEAD_BYTES:
        raise wrong
    unit = np.frombuffer(data, "<f4", 1, KEY_BYTES)[0]
    if not 0 < unit * WHOLE <= LARGEST:  # which NaN is not
        raise wrong
    return data[:KEY_BYTES], np.frombuffer(data, np.int8, offset=HEAD_BYTES).astype(np.float32) * unit


def checked_own(
    moves: Mapping[str, float | OwnMove] | None, bundle: OpenBundle, model: Model, most: float
) -> list[tuple[float, np.ndarray]]:
    """The moves of `moves` along directions that are brought, in their order: how far, within ±most, and the vector
    float32 [D] of one standard deviation. Without those that move nothing.

    Raises InputError for more than MOST_OWN directions, for a name that is an attribute's or too long, for a text that
    cannot be read, and for a direction of other latents."""
    own = {name: move for name, move in (moves or {}).items() if isinstance(move, OwnMove)}
    if len(own) > MOST_OWN:
        raise InputError(f"At most {MOST_OWN} directions of your own move one picture, not {len(own)}.")
    found = []
    for name, move in own.items():
        check_direction_name(name, bundle.info)
        key, vector = decoded(move.vector, name)
        size = latent_size(bundle.info, model)
        if key != space_key(bundle, model) or len(vector) != size:
            raise InputError(
                f"The direction '{name}' belongs to other latents than those of the {model.upper()} of bundle "
                f"'{bundle.info.name}': find it there anew."
            )
        if move.amount:
            found.append((min(max(move.amount, -most), most), vector))
    return found


def check_direction_name(name: str, info: BundleIndex) -> None:
    """Raises InputError for a name that no direction can have in a bundle."""
    if (
        not name
        or name != name.strip()
        or len(name) > LONGEST_NAME
        or not name.isprintable()
        or set(name) & set(",:*%")
    ):
        raise InputError(
            f"A direction needs a name of 1 to {LONGEST_NAME} printable characters without , : * or %, "
            f"not '{name[:LONGEST_NAME]}'."
        )
    if any(attribute.name == name for attribute in info.attributes):
        raise InputError(f"The name '{name}' is an attribute's: give your direction another one.")

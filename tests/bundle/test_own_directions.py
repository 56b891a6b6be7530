"""Directions that are brought: their text, the moves along them through every door, and what is refused."""

import base64
from pathlib import Path

import numpy as np
import pytest

from bundle import latents
from bundle.adopt import About, adopt
from bundle.errors import BundleError, InputError
from bundle.marks import Point, known_state, trained, xmp
from bundle.marks.redraw import drawn_again
from bundle.model import BundleModel
from bundle.own_directions import (
    HEAD_BYTES,
    MOST_NUMBERS,
    OwnMove,
    decoded,
    encoded,
    latent_size,
    space_facts,
    space_key,
)
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Model
from tests.support import attributes, tiny
from tests.support.foreign import exported

MODELS: tuple[Model, ...] = ("gan", "vae")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BundleModel:
    return BundleModel(BundleRunner(read(attributes.add(tiny.build(tmp_path_factory.mktemp("own") / "tiny")))))


def direction(model: BundleModel, kind: Model, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(latent_size(model.info, kind))


def move(model: BundleModel, kind: Model, amount: float, seed: int = 0) -> OwnMove:
    text = encoded(direction(model, kind, seed), space_key(model.runner.bundle, kind))
    return OwnMove(amount=amount, vector=text)


def test_a_text_is_short_and_holds_the_vector():
    vector = np.random.default_rng(1).standard_normal(384)
    text = encoded(vector, b"abcd")
    key, back = decoded(text)
    assert key == b"abcd" and len(text) < 530
    assert back @ vector / np.linalg.norm(back) / np.linalg.norm(vector) > 0.9999
    assert encoded(back, b"abcd") == text  # once rounded, it stays


@pytest.mark.parametrize("kind", MODELS)
def test_a_move_is_added_to_the_latent_and_stacks_with_attributes(model: BundleModel, kind: Model):
    arrays = model.runner.bundle.latents
    moves = {"bright": 1.0, "round face": move(model, kind, -2.0)}
    _, vector = decoded(moves["round face"].vector)
    attribute = arrays["attribute_w" if kind == "gan" else "attribute_code"][0]
    offset = (attribute - 2.0 * vector).astype(np.float32)
    if kind == "gan":
        wanted = model.synthesise(model.styles([7], truncation=0.8) + offset)
    else:
        wanted = model.decode(model.codes([7], temperature=0.8) + offset)
    found = model.sample([7], None, 0.8, kind, moves)
    assert np.allclose(found, wanted, atol=1e-5)
    assert np.abs(found - model.sample([7], None, 0.8, kind, {"bright": 1.0})).max() > 0.01
    assert model.at(7, 0, None, 0.8, kind, moves).tobytes() == found.tobytes()
    first = model.morph_at([7, 9], np.array([0.0]), truncation=0.8, model=kind, attributes=moves)
    assert np.allclose(first, found, atol=1e-5)


def test_a_generator_without_styles_moves_in_its_noise(tmp_path: Path):
    (tmp_path / "g.onnx").write_bytes(exported())
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"))
    model = BundleModel(BundleRunner(read(tmp_path / "out")))
    own = move(model, "gan", 1.5)
    _, vector = decoded(own.vector)
    z = latents.seed_latents([3], model.info.require_gan().latent_dim) * np.float32(0.5) + np.float32(1.5) * vector
    wanted = model.runner.run("generator", {"z": z, "classes": np.eye(5, dtype=np.float32)[[3]]})["image"]
    found = model.sample([3], None, 0.5, "gan", {"mine": own})
    assert np.allclose(found, wanted, atol=1e-5)
    assert np.abs(found - model.sample([3], None, 0.5, "gan")).max() > 0.01
    with pytest.raises(InputError, match="There is no attribute"):
        model.sample([3], model="gan", attributes={"bright": 1.0})


def test_the_key_tells_latents_apart_and_survives_new_figures(model: BundleModel, tmp_path: Path):
    bundle = model.runner.bundle
    facts = space_facts(bundle)
    assert facts["gan"]["key"] != facts["vae"]["key"]
    plain = read(tiny.build(tmp_path / "tiny"))  # the same networks, without attributes
    assert plain.sha256 != bundle.sha256 and space_facts(plain) == facts


def test_a_mark_with_a_direction_draws_the_picture_again(model: BundleModel):
    own = move(model, "vae", 1.25)
    state = Point(m="vae", x=2.5, y=0, attributes={"bright": 0.5, "round face": own})
    mark = trained(model.runner.bundle, state)
    back = xmp.read(xmp.block(mark)).mark
    assert back is not None and known_state(back) == state
    drawing = drawn_again(model, back)
    assert drawing is not None
    wanted = model.at(2.5, 0, None, 1.0, "vae", {"bright": 0.5, "round face": own})
    (picture,) = drawing.pictures()
    assert np.abs(picture.astype(int) - np.rint(255 * wanted[0]).transpose(1, 2, 0)).max() <= 1


@pytest.mark.parametrize("vector", [np.zeros(4), np.full(4, np.nan), np.array([np.inf, 0]), np.full(3, 1e6)])
def test_a_vector_that_is_none_has_no_text(vector: np.ndarray):
    with pytest.raises(InputError, match="must be finite"):
        encoded(vector, b"abcd")


def test_a_vector_whose_text_could_not_be_read_has_none():
    assert len(decoded(encoded(np.ones(MOST_NUMBERS), b"abcd"))[1]) == MOST_NUMBERS
    with pytest.raises(InputError, match=f"at most {MOST_NUMBERS} numbers"):
        encoded(np.ones(MOST_NUMBERS + 1), b"abcd")


def broken(text: str) -> list[str]:
    """Texts that are cut, of other letters, padded, in the usual alphabet, empty, and with a unit that is no number."""
    data = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    data[4:HEAD_BYTES] = np.array([np.nan], "<f4").tobytes()
    padded, usual = text + "=" * (-len(text) % 4 or 4), text[:-2] + "+/"
    return [text[:9], text + "!", padded, usual, "", base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=")]


@pytest.mark.parametrize("which", range(6))
def test_a_broken_text_is_refused(model: BundleModel, which: int):
    with pytest.raises(InputError, match="The direction 'mine' cannot be read: it was cut off or changed"):
        decoded(broken(move(model, "gan", 1).vector)[which], "mine")


def test_wrong_moves_are_refused(model: BundleModel):
    own = move(model, "gan", 1)
    for moves, kind, sentence in (
        ({"mine": own}, "vae", "The direction 'mine' belongs to other latents than those of the VAE of bundle 'tiny'"),
        ({"bright": own}, "gan", "The name 'bright' is an attribute's"),
        ({"a:b": own}, "gan", "A direction needs a name of 1 to 40 printable characters"),
        ({"x" * 41: own}, "gan", "A direction needs a name"),
        ({str(i): own for i in range(9)}, "gan", "At most 8 directions of your own move one picture, not 9"),
    ):
        with pytest.raises(InputError, match=sentence):
            model.sample([3], model=kind, attributes=moves)


def test_a_direction_of_a_model_that_a_bundle_lacks_is_refused(model: BundleModel):
    info = model.info.model_copy(update={"vae": None})
    with pytest.raises(BundleError, match="Bundle 'tiny' has no VAE"):
        latent_size(info, "vae")


def test_far_moves_are_clamped_and_none_changes_no_byte(model: BundleModel):
    far, farther = (model.sample([3], attributes={"mine": move(model, "gan", amount)}) for amount in (4, 400))
    assert far.tobytes() == farther.tobytes()
    still = model.sample([3], attributes={"mine": move(model, "gan", 0)})
    assert still.tobytes() == model.sample([3]).tobytes()

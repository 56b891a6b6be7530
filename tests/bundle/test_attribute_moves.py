"""Moves along attributes: without one no byte changes, one is added after truncation, wrong ones are refused."""

import io

import numpy as np
import pytest

from bundle import paths
from bundle.errors import BundleError, InputError
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import Model
from tests.support import attributes, tiny

SEEDS = (3, 14, 15, 92)
MODELS: tuple[Model, ...] = ("gan", "vae")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BundleModel:
    """A bundle with the attributes "bright" and "slanted"; the VAE has no direction for the second."""
    folder = attributes.add(tiny.build(tmp_path_factory.mktemp("attributes") / "tiny"))
    index = tiny.load_index(folder)
    index["attributes"][1]["vae"] = None
    tiny.save_index(folder, index)
    return BundleModel(BundleRunner(read(folder)))


@pytest.mark.parametrize("name", ["attribute_w", "attribute_code"])
def test_an_attribute_that_has_a_direction_needs_it(tmp_path, name: str):
    folder = attributes.add(tiny.build(tmp_path / "tiny"))
    index = tiny.load_index(folder)
    with np.load(folder / index["files"]["latents"]["file"]) as stored:
        arrays = {key: array for key, array in stored.items() if key != name}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    index["files"]["latents"] |= tiny.write(folder / index["files"]["latents"]["file"], buffer.getvalue())
    tiny.save_index(folder, index)
    with pytest.raises(BundleError, match=f"lack a valid float32 array '{name}'"):
        read(folder)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("none", [None, {}, {"bright": 0.0}])
def test_no_move_changes_no_byte(model: BundleModel, kind: Model, none: dict | None):
    for drawn in (
        lambda **moves: model.sample(SEEDS, truncation=0.7, model=kind, **moves),
        lambda **moves: model.at(1.25, 2.5, model=kind, **moves),
        lambda **moves: model.morph_at([3, 9], paths.path_shares(3, False), model=kind, **moves),
    ):
        assert drawn(attributes=none).tobytes() == drawn().tobytes()


def test_a_move_is_added_after_truncation(model: BundleModel):
    arrays = model.runner.bundle.latents
    w = model.styles(SEEDS, truncation=0.5)
    wanted = model.synthesise(w + (1.5 * arrays["attribute_w"][0] - 2 * arrays["attribute_w"][1]).astype(np.float32))
    assert np.allclose(model.sample(SEEDS, None, 0.5, "gan", {"slanted": -2, "bright": 1.5}), wanted, atol=1e-5)
    codes = model.codes(SEEDS, temperature=0.5)
    wanted = model.decode(codes + np.float32(1.5) * arrays["attribute_code"][0])
    assert np.allclose(model.sample(SEEDS, None, 0.5, "vae", {"bright": 1.5}), wanted, atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_every_door_draws_the_same_moved_picture(model: BundleModel, kind: Model):
    moves = {"bright": 2.5}
    wanted = model.sample([7], None, 0.8, kind, moves)
    assert np.abs(wanted - model.sample([7], None, 0.8, kind)).max() > 0.01
    assert model.at(7, 0, None, 0.8, kind, moves).tobytes() == wanted.tobytes()
    first = model.morph_at([7, 9], np.array([0.0]), truncation=0.8, model=kind, attributes=moves)
    assert np.allclose(first, wanted, atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_the_attribute_follows_its_move(model: BundleModel, kind: Model):
    drawn = [
        attributes.bright(model.sample(range(32), model=kind, attributes={"bright": m})).mean() for m in (-2, 0, 2)
    ]
    assert drawn[0] < drawn[1] < drawn[2]


def test_moves_are_clamped(model: BundleModel):
    far, farther = (model.sample([3], attributes={"bright": move}) for move in (4, 400))
    assert far.tobytes() == farther.tobytes()


def test_a_reconstruction_moves_between_encoder_and_decoder(model: BundleModel):
    image = model.sample([3], model="vae")
    plain, moved = model.reconstruct(image), model.reconstruct(image, {"bright": 2})
    assert attributes.bright(moved.image) > attributes.bright(plain.image)
    assert (moved.mean == plain.mean).all()  # the code of the picture itself


def test_attributes_are_read_in_pictures(model: BundleModel):
    dark, light = np.zeros((1, 1, 32, 32), np.float32), np.ones((1, 1, 32, 32), np.float32)
    rows = model.read_attributes(np.concatenate([dark, light]))
    assert rows.shape == (2, 2) and rows[0, 0] < rows[1, 0]


@pytest.mark.parametrize(
    ("moves", "kind", "sentence"),
    [
        ({"glasses": 1}, "gan", "There is no attribute 'glasses': choose one of bright, slanted."),
        ({"slanted": 1}, "vae", "The VAE of bundle 'tiny' has no direction for 'slanted'."),
        ({"bright": float("nan")}, "gan", "must move by a finite number"),
    ],
)
def test_a_wrong_move_is_refused(model: BundleModel, moves: dict, kind: Model, sentence: str):
    with pytest.raises(InputError, match=sentence):
        model.sample([3], model=kind, attributes=moves)

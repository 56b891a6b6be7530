"""Bending styles: nothing changes where nothing is bent, a rotation keeps norms, noise stays the same."""

import math
from pathlib import Path

import numpy as np
import pytest

from bundle import bend, latents, paths
from bundle.adopt import About, adopt
from bundle.bend import CheckedBend, StageBend, bent, checked_bend, rotated
from bundle.errors import InputError
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from tests.support import foreign, tiny

SEEDS = (3, 14, 15)
WHOLE = {"1.scale": 1.5, "2.rotate": 60.0, "3.shift": -0.7, "3.noise": 0.4, "seed": 12}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> BundleModel:
    return BundleModel(BundleRunner(read(tiny.build(tmp_path_factory.mktemp("bend") / "tiny"))))


def styles(rows: int = 4, stages: int = 3, dim: int = 12) -> np.ndarray:
    return np.stack([latents.seed_latent(seed, stages * dim).reshape(stages, dim) for seed in range(rows)])


CENTRE = latents.seed_latent(50, 12)[None].repeat(4, axis=0)
TOWARDS = np.stack([styles() + 1, styles()[::-1] - 2])


def test_neutral_values_give_the_very_same_array(model: BundleModel):
    w = styles()
    neutral = {f"{stage}.{knob}": limits.neutral for stage in (1, 2) for knob, limits in bend.KNOBS.items()}
    assert bent(w, CENTRE, TOWARDS, CheckedBend({})) is w
    assert StageBend() == StageBend(**{knob: limits.neutral for knob, limits in bend.KNOBS.items()})
    assert not checked_bend(neutral | {"seed": 5}, model.info, "gan").stages
    assert not checked_bend(None, model.info, "gan").stages and not checked_bend({}, model.info, "vae").stages


def test_each_knob_changes_its_stage_alone_and_as_much_as_it_says():
    w = styles()
    for stage in range(3):
        scaled = bent(w, CENTRE, None, CheckedBend({stage: StageBend(scale=0.5)}))
        wanted = CENTRE + 0.5 * (w[:, stage] - CENTRE)
        np.testing.assert_allclose(scaled[:, stage], wanted, atol=1e-6)
        shifted = bent(w, CENTRE, TOWARDS, CheckedBend({stage: StageBend(shift=-1.5)}))
        np.testing.assert_allclose(shifted[:, stage], w[:, stage] - 1.5 * (TOWARDS[0, :, stage] - CENTRE), atol=1e-5)
        noisy = bent(w, CENTRE, TOWARDS, CheckedBend({stage: StageBend(noise=0.8)}, seed=3))
        step, unit = (
            np.linalg.norm(one, axis=1) for one in (noisy[:, stage] - w[:, stage], TOWARDS[0, :, stage] - CENTRE)
        )
        np.testing.assert_allclose(step / unit, 0.8 * np.linalg.norm(bend.noise(3, stage, 12)), rtol=1e-5)
        for found in (scaled, shifted, noisy):
            others = [other for other in range(3) if other != stage]
            assert np.array_equal(found[:, others], w[:, others]) and found.dtype == np.float32


@pytest.mark.parametrize("degrees", [-150, -90, 30, 90, 150])
def test_a_rotation_keeps_the_norm_and_turns_by_its_angle(degrees: int):
    vectors, towards = styles()[:, 0].astype(float), styles()[:, 1].astype(float)
    turned = rotated(vectors, towards, math.radians(degrees))
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), np.linalg.norm(vectors, axis=1), rtol=1e-12)
    cosine = (turned * vectors).sum(axis=1) / (vectors**2).sum(axis=1)
    np.testing.assert_allclose(cosine, math.cos(math.radians(degrees)), atol=1e-12)
    again = rotated(turned, vectors, math.radians(abs(degrees)))  # back, as vectors lie on that side
    np.testing.assert_allclose(again, vectors, atol=1e-9)
    if 0 < degrees < 180:
        assert ((turned * towards).sum(axis=1) > cosine * (vectors * towards).sum(axis=1)).all()


def test_a_vector_without_a_direction_or_with_the_same_is_not_turned():
    one = styles()[:, 0].astype(float)
    for vectors, towards in ((np.zeros_like(one), one), (one, 3 * one), (one, np.zeros_like(one))):
        assert np.array_equal(rotated(vectors, towards, 1.0), vectors)


def test_noise_is_the_same_each_time_and_another_for_each_stage_and_seed():
    drawn = {(seed, stage): bend.noise(seed, stage, 4096) for seed in (0, 1, 9999) for stage in (0, 1, 8)}
    assert np.array_equal(drawn[1, 8], bend.noise(1, 8, 4096))
    assert len({one.tobytes() for one in drawn.values()}) == len(drawn)
    for one in drawn.values():
        assert abs(np.linalg.norm(one) - 1) < 0.05


def test_no_bend_changes_no_byte(model: BundleModel):
    for none in (None, {}, {"1.scale": 1.0, "2.shift": 0.0, "seed": 9}):
        for drawn in (
            lambda **more: model.sample(SEEDS, truncation=0.7, **more),
            lambda **more: model.at(1.25, 2.5, **more),
            lambda **more: model.morph_at([3, 9], paths.path_shares(3, False), **more),
        ):
            assert drawn(bend=none).tobytes() == drawn().tobytes()


def test_every_door_draws_the_same_bent_picture(model: BundleModel):
    wanted = model.sample([7], None, 0.8, bend=WHOLE)
    assert np.abs(wanted - model.sample([7], None, 0.8)).max() > 0.01
    assert model.sample([7], None, 0.8, bend=WHOLE).tobytes() == wanted.tobytes()
    assert model.at(7, 0, None, 0.8, bend=WHOLE).tobytes() == wanted.tobytes()
    assert np.allclose(model.sample([1, 7], None, 0.8, bend=WHOLE)[1:], wanted, atol=1e-5)
    first = model.morph_at([7, 9], np.array([0.0]), truncation=0.8, bend=WHOLE)
    assert np.allclose(first, wanted, atol=1e-5)
    assert model.sample([7], None, 0.8, bend=WHOLE | {"seed": 13}).tobytes() != wanted.tobytes()


def test_it_goes_around_the_mean_of_the_class_after_truncation(model: BundleModel):
    """Scaling every stage is truncation; a shift goes to the style of a picture of the same class."""
    stages = range(1, model.info.require_styles()[0] + 1)
    scaled = model.sample(SEEDS, bend={f"{stage}.scale": 0.5 for stage in stages})
    assert np.allclose(scaled, model.sample(SEEDS, truncation=0.5), atol=1e-5)
    seed = bend.FIRST_STYLE + 2 * 4
    for c in (2, 5):
        row = latents.one_hot(c, model.class_count)
        shifted = model.sample([3], row, 0.0, bend={f"{stage}.shift": 1.0 for stage in stages} | {"seed": 4})
        assert np.allclose(shifted, model.sample([seed], row), atol=1e-5)


WRONG_NAMES = ("0.scale", "99.scale", "1.size", "scale", "01.scale", "1.", "", "\uff11.scale", "1.scale.2")


@pytest.mark.parametrize("wrong", WRONG_NAMES)
def test_unknown_names_are_refused(model: BundleModel, wrong: str):
    with pytest.raises(InputError, match=r"nothing to bend called .*: write a stage from 1 to 4 and one of scale"):
        model.sample([1], bend={wrong: 1.0})


def test_numbers_are_kept_within_their_ranges_or_refused(model: BundleModel):
    far, most = {"1.scale": 99.0, "2.shift": -99.0}, {"1.scale": 4.0, "2.shift": -4.0}
    assert model.sample([1], bend=far).tobytes() == model.sample([1], bend=most).tobytes()
    for value in (math.nan, math.inf):
        with pytest.raises(InputError, match="must be a finite number"):
            model.sample([1], bend={"1.scale": value})


def test_models_without_styles_cannot_be_bent(model: BundleModel, tmp_path: Path):
    (tmp_path / "g.onnx").write_bytes(foreign.exported())
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"))
    one_graph = BundleModel(BundleRunner(read(tmp_path / "out")))
    for one, kind in ((model, "vae"), (one_graph, "gan")):
        for draw, first in ((one.sample, ([1],)), (one.at, (1, 2)), (one.morph_at, ([1, 2], np.ones(1)))):
            with pytest.raises(InputError, match="has no styles, so it cannot be bent"):
                draw(*first, model=kind, bend={"1.scale": 2.0})

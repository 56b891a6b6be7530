"""What Explore draws, through the served's own arithmetic."""

import numpy as np
import pytest
from starlette.datastructures import QueryParams

from bundle.read import read
from demo.routes import explore
from demo.serving.engine import Engine, choose_provider
from demo.serving.served_bundle import ServedBundle


@pytest.fixture(scope="module")
def served(tiny_bundle) -> ServedBundle:
    return ServedBundle(Engine(read(tiny_bundle), choose_provider("cpu")))


def drawn(served: ServedBundle, word: str, **query: object) -> np.ndarray:
    return explore.PICTURES[word](served, QueryParams({name: str(value) for name, value in query.items()}))


def test_no_stage_all_stages_and_nothing_moved_are_the_pictures_themselves(served: ServedBundle):
    stages, row = served.info.gan.stages, np.eye(10, dtype=np.float32)[4]
    one, two = (served.sample([seed], row) for seed in (7, 8))
    assert np.array_equal(drawn(served, "mix", a=7, b=8, c=4, s="0" * stages), one)
    assert np.array_equal(drawn(served, "mix", a=7, b=8, c=4, s="1" * stages), two)
    assert np.array_equal(drawn(served, "edit", a=7, c=4, m="gan"), one)
    assert np.array_equal(drawn(served, "edit", a=7, c=4, m="vae"), served.sample([7], row, model="vae"))
    assert np.allclose(drawn(served, "sum", a=7, b=8, d=8, c=4, m="gan"), one, atol=1e-5)


def test_a_move_along_a_dimension_is_that_many_deviations(served: ServedBundle):
    code = served.codes([3], np.eye(10, dtype=np.float32)[1])
    code[:, 2] += 1.5 * served.engine.bundle.latents["code_std"][2]
    assert np.array_equal(drawn(served, "edit", a=3, c=1, m="vae", d="2:1.5"), served.decode(code))


def test_a_whole_move_towards_a_class_carries_one_mean_to_the_other(served: ServedBundle):
    means = served.engine.bundle.latents["w_mean"]
    w = served.styles([3], np.eye(10, dtype=np.float32)[1]) + (means[6] - means[1])
    assert np.allclose(drawn(served, "edit", a=3, c=1, m="gan", k="6:1"), served.synthesise(w), atol=1e-6)
    centres = explore.class_centres(served.mixture)
    assert centres.shape == (10, served.info.vae.latent_dim)


def test_the_strongest_direction_is_the_one_of_most_variance(served: ServedBundle):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((4000, 6)) * np.array([1, 5, 1, 0.5, 2, 1]) + 7
    axes, deviations, shares = explore.strongest(rows)
    assert np.abs(axes[0]).argmax() == 1 and np.abs(axes[1]).argmax() == 4
    assert deviations[:2] == pytest.approx([5, 2], rel=0.05)
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    for model in served.models:
        plain = drawn(served, "edit", a=3, c=1, m=model)
        there, back = (drawn(served, "edit", a=3, c=1, m=model, g=f"0:{move}") for move in (2, -2))
        assert not np.array_equal(there, plain) and not np.array_equal(there, back)

"""A direction found by choosing: a known one is recovered, rounds sharpen it, bad choices are told."""

from pathlib import Path

import numpy as np
import pytest

from bundle.adopt import About, adopt
from bundle.errors import InputError
from bundle.own_directions import OwnMove, decoded
from bundle.read import read
from bundle.sessions import choose_provider
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from demo.tabs.explore import own_direction
from demo.tabs.explore.own_direction import Estimate, Spread, estimate, next_round, spread_of, variations
from tests.support.attributes import bright
from tests.support.foreign import exported

SIZE = 64
ROUNDS = 5


def known_spread(seed: int) -> Spread:
    """Latents of 64 numbers, of which few vary much."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.standard_normal((SIZE, SIZE)))
    rows = (rng.standard_normal((2000, SIZE)) * 0.8 ** np.arange(SIZE)) @ axes.T
    return spread_of(rows)


def searched(seed: int, noise: float = 0.2) -> list[float]:
    """The cosines between the direction that a visitor means and the estimate, round by round. The visitor marks a
    picture by what it has of the direction, and errs near the threshold."""
    spread, rng = known_spread(seed), np.random.default_rng([seed, 1])
    meant = rng.standard_normal(len(spread.deviations))
    meant /= np.linalg.norm(meant)
    truth = spread.steps(meant[None])[0]
    steps, has, cosines = np.zeros((0, SIZE)), np.zeros(0, bool), []
    found: Estimate | None = None
    for _ in range(ROUNDS):
        shown = variations(spread, found, rng)
        steps = np.concatenate([steps, shown])
        seen = spread.coordinates(shown) @ meant + noise * rng.standard_normal(len(shown))
        has = np.concatenate([has, seen > 0.2])
        if min(has.sum(), (~has).sum()) < own_direction.LEAST_ANNOTATIONS:
            cosines.append(0.0)
            continue
        found = estimate(spread, steps, has)
        cosines.append(float(found.vector @ truth / np.linalg.norm(found.vector) / np.linalg.norm(truth)))
    return cosines


def test_a_known_direction_is_recovered_and_every_round_sharpens_it():
    cosines = np.mean([searched(seed) for seed in range(12)], axis=0)
    assert (np.diff(cosines) > 0).all()
    assert cosines[0] > 0.4 and cosines[-1] > 0.85


def test_few_annotations_in_many_coordinates_give_the_same_boundary():
    """Of a GAN without styles, whose coordinates are all of its noise."""
    rng = np.random.default_rng(5)
    points, has = rng.standard_normal((9, 40)), np.arange(9) < 4
    weights = np.where(has, 1 / 8, 1 / 10)
    apart = points - weights @ points
    gram = apart.T @ np.diag(weights) @ apart + own_direction.RIDGE * np.eye(40)
    slope = np.linalg.solve(gram, apart.T @ (weights * np.where(has, 1, -1)))
    normal, edge = own_direction._boundary(points, has)
    assert normal == pytest.approx(slope / np.linalg.norm(slope)) and edge == pytest.approx(weights @ points @ normal)


def test_a_direction_is_one_deviation_of_the_latents_long():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((4000, 6)) * np.array([1, 5, 1, 0.5, 2, 1])
    spread = spread_of(rows)
    steps = rng.standard_normal((60, 6)) * rows.std(axis=0)
    found = estimate(spread, steps, steps[:, 1] > 0)
    unit = found.vector / np.linalg.norm(found.vector)
    assert unit[1] > 0.95
    assert np.linalg.norm(found.vector) == pytest.approx((rows @ unit).std(), rel=0.02)
    assert found.agreement > 0.85


def test_annotations_at_random_do_not_agree():
    rng = np.random.default_rng(5)
    spread = known_spread(5)
    shares = []
    for _ in range(20):
        steps = variations(spread, None, rng)
        shares.append(estimate(spread, steps, rng.permutation(np.arange(len(steps)) % 2 == 0)).agreement)
    assert np.mean(shares) < own_direction.LEAST_AGREEMENT


@pytest.mark.parametrize(("yes", "no"), [(2, 5), (5, 2), (0, 0)])
def test_too_few_annotations_are_told(yes: int, no: int):
    spread = known_spread(1)
    steps = np.random.default_rng(0).standard_normal((yes + no, SIZE))
    with pytest.raises(InputError, match=f"3 pictures that have it and 3 that do not; so far it is {yes} and {no}"):
        estimate(spread, steps, np.arange(yes + no) < yes)


@pytest.fixture(scope="module")
def served(tiny_bundle) -> ServedBundle:
    return ServedBundle(Engine(read(tiny_bundle), choose_provider("cpu")))


@pytest.mark.parametrize("model", ["gan", "vae"])
def test_a_visitor_who_means_bright_gets_a_direction_that_brightens(served: ServedBundle, model):
    annotations: list[tuple[str, bool]] = []
    answer = next_round(served, model, annotations, 7, 0)
    assert answer["found"] is None and "so far it is 0 and 0" in answer["problem"]
    assert answer == next_round(served, model, annotations, 7, 0)

    def drawn(step: np.ndarray) -> float:
        if model == "gan":
            return float(bright(served.synthesise(served.styles([5]) + step.astype(np.float32)))[0])
        return float(bright(served.decode(served.codes([5]) + step.astype(np.float32)))[0])

    middle = drawn(np.zeros(1))
    for number in range(1, 4):
        annotations += [(text, drawn(decoded(text)[1]) > middle) for text in answer["variations"]]
        answer = next_round(served, model, annotations, 7, number)
    assert answer["problem"] == "" and answer["found"]["annotation_count"] == 36 and answer["found"]["agreement"] > 0.7
    _, vector = decoded(answer["found"]["vector"])
    assert drawn(-vector) < middle < drawn(vector)


def test_contradictions_and_annotations_of_another_model_are_told(served: ServedBundle):
    shown = next_round(served, "gan", [], 1, 0)["variations"]
    twice = [(text, has) for text in shown for has in (True, False)]
    answer = next_round(served, "gan", twice, 1, 1)
    assert answer["found"] is None
    assert answer["problem"].startswith(
        "These choices do not agree on one direction: of each that is left out, the others tell 0 %"
    )
    assert len(answer["variations"]) == own_direction.SHOWN
    with pytest.raises(InputError, match="of another model or bundle: start over"):
        next_round(served, "vae", [(shown[0], True)], 1, 1)


def test_a_generator_without_styles_steps_in_its_noise(tmp_path: Path):
    (tmp_path / "g.onnx").write_bytes(exported())
    adopt(tmp_path / "g.onnx", tmp_path / "out", About("g", "G"))
    other = ServedBundle(Engine(read(tmp_path / "out"), choose_provider("cpu")))
    assert (own_direction.latent_spread(other, "gan").deviations == 1).all()
    shown = next_round(other, "gan", [], 1, 0)["variations"]
    drawn = [other.sample([5], attributes={"step": OwnMove(amount=1, vector=text)}) for text in shown]
    assert all(np.abs(one - other.sample([5])).max() > 0.01 for one in drawn)

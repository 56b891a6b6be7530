"""Directions of attributes: found where they are known, without the others, and said in a table."""

import numpy as np
import pytest

from bundle.schema import Attribute, AttributeEffect
from export import attribute_directions
from export.attribute_directions import covariance_root, separated_directions
from export.attribute_section import EXPLAINED, HEADING, attribute_table, with_section


def latents_that_go_together() -> np.ndarray:
    """[8000, 4]: the first two dimensions have a correlation of 0.8, the others are noise."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal(8000)
    second = 0.8 * first + 0.6 * rng.standard_normal(8000)
    return np.stack([first, second, *rng.standard_normal((2, 8000))], axis=1)


def test_random_steps_vary_as_the_latents_do():
    latents = latents_that_go_together()
    root = covariance_root(latents)
    assert np.allclose(root @ root.T, np.cov(latents, rowvar=False))
    assert np.allclose(covariance_root(latents[:, :1]) ** 2, latents[:, 0].var(ddof=1))


@pytest.mark.parametrize(
    "shape", [lambda x: x, np.tanh, lambda x: (x > 0.5).astype(float)], ids=["linear", "curve", "step"]
)
def test_a_direction_moves_its_response_and_hardly_the_others(shape):
    """Also where the responses go together in the latents, and are no linear function of them."""
    latents = latents_that_go_together()
    root = covariance_root(latents)
    noise = np.random.default_rng(1).standard_normal(latents.shape)

    def shown(rows: np.ndarray) -> np.ndarray:
        return np.stack([shape(rows[:, 0]), 5 + 3 * shape(rows[:, 1]), np.full(len(rows), 2.0)], axis=1)

    spread = np.maximum(shown(latents).std(axis=0), 1e-9)
    half = noise @ root.T / 2
    directions = separated_directions(root, noise, (shown(latents + half) - shown(latents - half)) / spread)
    for own, other in ((0, 1), (1, 0)):
        moved = (shown(latents + directions[own]) - shown(latents - directions[own])).mean(axis=0) / 2 / spread
        assert moved[own] > 0.35 and abs(moved[other]) < 0.35 * moved[own]  # 0.8 together
        unit = directions[own] / np.linalg.norm(directions[own])
        assert np.isclose(np.linalg.norm(directions[own]), (latents @ unit).std(), rtol=1e-3)
    assert not directions[2].any()  # what never changes has no direction


def test_the_card_says_it_once():
    effect = AttributeEffect(moved=0.81, others=0.12, kept=0.97)
    glasses = Attribute(name="a | b", kind="binary", low=0, high=1, accuracy=0.98, gan=effect)
    assert "98.0%" in (found := attribute_table([glasses])) and "0.81 | 0.12 | 0.97" in found
    card = "# Card\n\n## Graphs\n\nmany\n"
    once = with_section(card, [glasses])
    assert once.index(HEADING) < once.index("## Graphs") and once.endswith("## Graphs\n\nmany\n")
    assert with_section(once, [glasses]) == once
    assert with_section(with_section("# Card\n", [glasses]), [glasses]).count(HEADING) == 1


def test_what_people_wrote_in_the_card_stays():
    glasses = Attribute(name="glasses", kind="binary", low=0, high=1, accuracy=0.98)
    older = f"{HEADING}\n\n{attribute_table([glasses])}\n\n{EXPLAINED}"  # without comments around it
    own = "# Card\n\n### Attributes\n\nHats are rare.\n\n## Data\n\nmany\n\n"
    card = f"{own}{older}\n\nMy own note.\n\n## Graphs\n\nten\n"
    better = glasses.model_copy(update={"accuracy": 0.99})
    for _ in range(2):
        card = with_section(card, [better])
        assert card.startswith(own) and card.endswith("\n\nMy own note.\n\n## Graphs\n\nten\n")
        assert card.count(f"\n{HEADING}\n") == 1 and "99.0%" in card and "98.0%" not in card
        assert card.count(EXPLAINED) == 1
    assert with_section(own + "## Graphs\n", [better]).startswith(own)
    reworded = card.replace("<!-- attributes: begin -->\n", "").replace("Recognised:", "In short:")
    assert "In short:" in with_section(reworded, [better])  # not ours any more


@pytest.mark.parametrize(
    ("kind", "accuracy", "moved", "others", "offered"),
    [
        ("binary", 0.9, 0.5, 0.1, True),
        ("binary", 0.9, 0.1, 0.01, False),  # it hardly moves
        ("binary", 0.9, -0.5, 0.1, False),  # it moves the other way
        ("binary", 0.9, 0.3, 0.4, False),  # the others move more
        ("binary", 0.5, 0.5, 0.1, False),  # by an opinion that is none
        ("number", 0.5, 0.5, 0.1, True),
        ("number", 0.1, 0.5, 0.1, False),
    ],
)
def test_a_direction_that_does_not_do_what_it_says_is_not_offered(kind, accuracy, moved, others, offered):
    attribute = Attribute(name="glasses", kind=kind, low=0, high=1, accuracy=accuracy)
    effect = AttributeEffect(moved=moved, others=others, kept=0.9)
    assert attribute_directions.works(attribute, effect) is offered
    assert not attribute_directions.works(attribute, None)

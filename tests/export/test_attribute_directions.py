"""Directions of attributes: found where they are known, without the others, and said in a table."""

import numpy as np
import pytest

from bundle.schema import Attribute, AttributeEffect
from export import attribute_directions
from export.attribute_directions import conditional_moves
from export.attribute_section import HEADING, attribute_table, with_section


def test_a_direction_moves_its_attribute_and_leaves_the_others():
    """Attributes that go together in the latents (correlation 0.8) are moved apart."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal(8000)
    second = 0.8 * first + 0.6 * rng.standard_normal(8000)
    noise = rng.standard_normal((8000, 2))
    latents = np.stack([first, second, *noise.T], axis=1)
    values = np.stack([first, 5 + 3 * second, np.full(8000, 2.0)], axis=1)
    moves = conditional_moves(latents, values)
    assert moves[0, 0] > 0.9 and abs(moves[0, 1]) < 0.05 and moves[1, 1] > 0.9 and abs(moves[1, 0]) < 0.05
    for move in moves[:2]:
        unit = move / np.linalg.norm(move)
        assert np.isclose(np.linalg.norm(move), (latents @ unit).std(), rtol=1e-3)
    assert not moves[2].any()  # an attribute that never varies has no direction


def test_a_class_that_an_attribute_goes_with_is_left_alone():
    rng = np.random.default_rng(1)
    labels = np.arange(6000) % 2
    wanted = rng.standard_normal(6000)
    latents = np.stack([labels * 2.0, wanted], axis=1) + 0.01 * rng.standard_normal((6000, 2))
    values = (wanted + labels)[:, None]
    blind, informed = (conditional_moves(latents, values, known)[0] for known in (None, labels))
    assert abs(informed[0]) < 0.05 < abs(blind[0])


def test_the_card_says_it_once():
    effect = AttributeEffect(moved=0.81, others=0.12, kept=0.97)
    glasses = Attribute(name="a | b", kind="binary", low=0, high=1, accuracy=0.98, gan=effect)
    assert "98.0%" in (found := attribute_table([glasses])) and "0.81 | 0.12 | 0.97" in found
    card = "# Card\n\n## Graphs\n\nmany\n"
    once = with_section(card, [glasses])
    assert once.index(HEADING) < once.index("## Graphs") and once.endswith("## Graphs\n\nmany\n")
    assert with_section(once, [glasses]) == once
    assert with_section(with_section("# Card\n", [glasses]), [glasses]).count(HEADING) == 1


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

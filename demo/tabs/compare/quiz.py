"""Real or generated? The pictures of a quiz, and what a score means.

Half of the pictures are held-out ones, half are samples of the same classes. The number of a quiz, a seed,
determines which, and in which order. Statistics: Wilson's score interval (Wilson 1927), and the results of guessing.
"""

import math
from dataclasses import dataclass

import numpy as np

from bundle import images, latents
from bundle.errors import BundleError, InputError
from bundle.model import Model
from demo.serving.served_bundle import ServedBundle

QUESTIONS, COLUMNS = 20, 5
Z = 1.959964  # of a 95 % interval
REAL, GENERATED = "r", "g"


@dataclass(frozen=True)
class Plan:
    """`real`: bool [Q], in the order of the questions. `examples`: indices [Q / 2] of the held-out pictures in their
    order. `seeds`, `classes`: of the samples [Q / 2] in theirs; class -1: the model has no classes."""

    real: np.ndarray
    examples: np.ndarray
    seeds: tuple[int, ...]
    classes: np.ndarray


@dataclass(frozen=True)
class Score:
    """`right` of `of` answers. `low`, `high`: the 95 % interval of the share. `guess_low`, `guess_high`: how many right
    answers 95 % of people have who guess. `p_value`: the probability of at least as many right answers by guessing."""

    right: int
    of: int
    low: float
    high: float
    guess_low: int
    guess_high: int
    p_value: float


def plan(key: int, labels: np.ndarray, questions: int = QUESTIONS) -> Plan:
    """The quiz of a number, 0 to 2**32 - 1, over held-out pictures with these labels [N]: as many real as generated
    pictures, fewer than `questions` when there are not enough. Raises InputError when there are none."""
    if not len(labels):
        raise InputError("This bundle has no held-out pictures to ask about.")
    half = min(questions // 2, len(labels))
    generator = np.random.Generator(np.random.PCG64(int(key) % latents.SEEDS))
    examples = generator.choice(len(labels), half, replace=False)
    seeds = tuple(int(seed) for seed in generator.integers(0, latents.SEEDS, half))
    # Both halves have the same classes, shuffled: neither the subject nor the position of a picture gives it away.
    classes = generator.permutation(labels[examples])
    real = generator.permutation(np.repeat([True, False], half))
    return Plan(real, examples, seeds, classes)


def pictures(served: ServedBundle, model: Model, key: int) -> np.ndarray:
    """The images [Q, C, H, W] of a quiz, all rounded to bytes. Raises InputError, BundleError."""
    chosen, examples = plan_of(served, key), served.engine.bundle.examples
    rows = (
        np.stack([latents.one_hot(int(c), served.class_count) for c in chosen.classes]) if served.class_count else None
    )
    most, parts = served.info.max_batch, []
    for i in range(0, len(chosen.seeds), most):
        part = None if rows is None else rows[i : i + most]
        parts.append(served.sample(chosen.seeds[i : i + most], part, 1.0, model))
    drawn = images.from_uint8(images.to_uint8(np.concatenate(parts)))
    shown = np.empty((len(chosen.real), *drawn.shape[1:]), np.float32)
    shown[chosen.real], shown[~chosen.real] = images.from_uint8(examples[chosen.examples]), drawn
    return shown


def plan_of(served: ServedBundle, key: int) -> Plan:
    """The plan of a bundle's quiz. Raises BundleError when its held-out pictures lack classes."""
    labels = served.engine.bundle.example_labels
    if served.class_count and len(labels) and labels.min() < 0:
        raise BundleError(f"The held-out pictures of bundle '{served.info.name}' have no classes.")
    return plan(key, labels)


def score_of(answers: str, real: np.ndarray) -> Score:
    """The score of answers, one letter each, "r" for real or "g" for generated, given the truth `real` [Q]. Raises
    InputError for other letters."""
    if not 1 <= len(answers) <= len(real) or set(answers) - {REAL, GENERATED}:
        raise InputError(f"Answers are 1 to {len(real)} letters, r for real and g for generated.")
    right = sum((letter == REAL) == bool(truth) for letter, truth in zip(answers, real, strict=False))
    low, high = wilson(right, len(answers))
    guess_low, guess_high = guessing(len(answers))
    return Score(right, len(answers), low, high, guess_low, guess_high, p_value(right, len(answers)))


def wilson(right: int, of: int, z: float = Z) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927) at `z` standard errors:
    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    if of < 1 or not 0 <= right <= of:
        raise InputError(f"{right} of {of} is no score.")
    share, more = right / of, z * z / of
    middle = share + more / 2
    reach = z * math.sqrt(share * (1 - share) / of + more / (4 * of))
    return max(0.0, (middle - reach) / (1 + more)), min(1.0, (middle + reach) / (1 + more))


def p_value(right: int, of: int) -> float:
    """The probability of at least `right` right answers out of `of` by guessing."""
    return sum(math.comb(of, k) for k in range(right, of + 1)) / 2**of


def guessing(of: int, share: float = 0.95) -> tuple[int, int]:
    """The narrowest symmetric range of right answers that at least this share of people have who guess."""
    reach = 0
    while sum(math.comb(of, k) for k in range(of // 2 - reach, (of + 1) // 2 + reach + 1)) < share * 2**of:
        reach += 1
    return of // 2 - reach, (of + 1) // 2 + reach

"""Mixing the weights of two generators: each stage of the synthesis from one, from the other, or between them.

Layer swapping (Pinkney & Adler 2020, "Resolution dependent GAN interpolation", arXiv 2010.05334): where one generator
was trained from the other, both understand the same styles, and coarse stages of one draw with fine ones of the other.
Generators are given as state dicts: name of a weight -> tensor. Stages count from 1, coarse to fine, as on the page.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bundle.errors import UserError
from train.models.residual import BLOCKS

Weights = Mapping[str, Tensor]

# Cosine of the weights of a stage. The released digits and garments, which only began with the same random weights,
# have 0.14 to 0.42; a generator that was trained from another stays near 1.
RELATED = 0.6
COMPONENT = re.compile(r"synthesis\.(constant|up|refine|blocks|to_image|hidden)(?:\.([0-9]+))?(?:\.|$)")


@dataclass(frozen=True)
class StageFit:
    """Whether a stage of two generators can be mixed. `problem`: why not, the end of a sentence, or "". `cosine`: of
    its weights in one and in the other, 1 = the same direction; None where they cannot be mixed."""

    stage: int
    parameters: int
    problem: str
    cosine: float | None


def stage_of(weight: str, stages: int) -> int | None:
    """The stage that a weight of a generator belongs to; None for those of the mapping."""
    found = COMPONENT.match(weight)
    if found is None:
        return None
    component, number = found[1], int(found[2] or 0)
    match component:
        case "up":
            return number + 2
        case "blocks":
            return number // BLOCKS + 1
        case "refine":
            return number + 1
        case "to_image":  # one for each stage, or a single one at the end
            return number + 1 if found[2] else stages
    return 1


def of_stage(weights: Weights, stage: int | None, stages: int) -> dict[str, Tensor]:
    """The weights of a stage, or of the mapping."""
    return {name: value for name, value in weights.items() if stage_of(name, stages) == stage}


def fit(a: Weights, b: Weights, stages: tuple[int, int]) -> list[StageFit]:
    """What can be mixed of two generators with so many stages, for each stage of the first."""
    found = []
    for stage in range(1, stages[0] + 1):
        own, other = (of_stage(one, stage, count) for one, count in zip((a, b), stages, strict=True))
        problem = misfit(own, other) if stage <= stages[1] else f"the second generator has only {stages[1]} stages"
        parameters = sum(value.numel() for value in own.values())
        found.append(StageFit(stage, parameters, problem, None if problem else cosine(own, other)))
    return found


def misfit(own: Weights, other: Weights) -> str:
    """Why two sets of weights cannot be mixed, the end of a sentence; "" where they can."""
    for name in sorted({*own, *other}):
        if name not in own or name not in other:
            return f"only the {'first' if name in own else 'second'} generator has {name}"
        if own[name].shape != other[name].shape:
            first, second = (" x ".join(map(str, one[name].shape)) for one in (own, other))
            return f"{name} is {first} in the first generator and {second} in the second"
    return ""


def cosine(own: Weights, other: Weights) -> float:
    """Of two sets of weights of the same names and shapes, each taken as one vector, in [-1, 1]."""
    one, two = (torch.cat([weights[name].double().ravel() for name in sorted(own)]) for weights in (own, other))
    return float(torch.nn.functional.cosine_similarity(one, two, dim=0))


def shares_of_stages(
    fits: Sequence[StageFit],
    stages: Sequence[int] | None,
    share: float | None,
    names: tuple[str, str],
    mapping: float = 0.0,
) -> list[float]:
    """How much of each stage comes from the second generator, each in [0, 1].

    `stages`: those that take `share` of it (all of it where that is None); None: every stage that can be mixed.
    `mapping`: how much of the mapping is asked for; alone, it leaves all stages to the first. Raises UserError where
    nothing is asked for, for a stage that there is not, and for one that cannot be mixed."""
    if stages is None and share is None:
        if mapping:
            return [0.0] * len(fits)
        raise UserError(
            f"Say what to take from {names[1]}: stages, as in --stages {len(fits)}, a share of all, as in --share 0.5, "
            "or a share of the mapping alone, as in --mapping-share 0.5."
        )
    share = 1.0 if share is None else share
    if not 0 < share <= 1:
        raise UserError(f"--share {share:g}: it must be larger than 0 and at most 1.")
    for stage in stages or ():
        if not 1 <= stage <= len(fits):
            raise UserError(f"--stages: there is no stage {stage}; the generator of {names[0]} has 1 to {len(fits)}.")
    asked = [one for one in fits if stages is None or one.stage in stages]
    wrong = [one for one in asked if one.problem]
    if wrong and (stages is not None or len(wrong) == len(asked)):
        able = [str(one.stage) for one in fits if not one.problem]
        advice = f"These can: {', '.join(able)}." if able else "No stage can."
        raise UserError(f"{names[0]} and {names[1]} do not fit: {reasons(wrong)} {advice}")
    taken = {one.stage for one in asked if not one.problem}
    return [share if one.stage in taken else 0.0 for one in fits]


def reasons(fits: Sequence[StageFit]) -> str:
    """Which stages cannot be mixed, and why, in sentences."""
    return " ".join(f"Stage {one.stage} cannot be mixed: {one.problem}." for one in fits if one.problem)


def stage_numbers(text: str) -> list[int]:
    """The stages that "1-2,5" names. Raises UserError."""
    found: list[int] = []
    for group in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,2})\s*(?:-\s*([0-9]{1,2})\s*)?", group, re.ASCII)
        if match is None or (match[2] and int(match[2]) < int(match[1])):
            raise UserError(f"--stages {text}: write numbers of stages from 1 (coarse), such as 4-5 or 1,3.")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return sorted(set(found))


def mixed(a: Weights, b: Weights, shares: Sequence[float], mapping: float) -> dict[str, Tensor]:
    """The first generator's weights with such `shares` of each stage, and a share `mapping` of the mapping, from the
    second; shares of 0 and 1 give the very same numbers."""
    result = {}
    for name, value in a.items():
        stage = stage_of(name, len(shares))
        share = mapping if stage is None else shares[stage - 1]
        if share == 0:
            result[name] = value.clone()
        else:
            result[name] = b[name].clone() if share == 1 else (1 - share) * value + share * b[name]
    return result

"""What several tests of evaluation need: settings that measure little, refusals, contexts without an evaluator."""

from typing import Any, TypedDict

import numpy as np
import torch

from train.__main__ import main
from train.data.dataset import Pictures
from train.evaluate.context import EvaluationContext
from train.evaluate.evaluator import Evaluator
from train.evaluate.report import Report


class Few(TypedDict):
    samples: int
    bound_samples: int
    bound_pictures: int
    threads: int


FEW = Few(samples=100, bound_samples=4, bound_pictures=8, threads=1)
FLAGS = ["--samples", "100", "--bound-samples", "4", "--bound-pictures", "8", "--threads", "1"]


def refusal(capsys: Any, *words: object) -> str:
    """The sentence with which `python -m train evaluate` refuses these words."""
    assert main(["evaluate", *map(str, words)]) == 2
    shown = capsys.readouterr().err.strip().splitlines()
    assert shown[-1].startswith("error: ")
    return shown[-1]


class NoEvaluator(Evaluator):
    """For sections that compare no features."""

    def __init__(self) -> None:
        pass


def context_of(pictures: np.ndarray) -> EvaluationContext:
    """A context of pictures uint8 [N, C, S, S] without classes, for sections that compare no features."""
    shown = Pictures(torch.from_numpy(pictures), torch.zeros(len(pictures), dtype=torch.long))
    return EvaluationContext(Report({}), NoEvaluator(), shown, shown, pictures, 0, 0)

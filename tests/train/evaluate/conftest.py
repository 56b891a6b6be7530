"""The report of the shared run, measured once; its detector of leaks hardly learns, as it has tests of its own."""

import pytest

from tests.train.evaluate.support import FEW
from train.evaluate import leak
from train.evaluate.evaluation import evaluate
from train.evaluate.report import Report
from train.settings import EvaluateSettings


@pytest.fixture(scope="session")
def report(trained_run, tmp_path_factory) -> Report:
    """Of `trained_run`, with 40 pictures a side. Read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leak, "EPOCHS", 1)
        return evaluate(EvaluateSettings(trained_run, **FEW)).report

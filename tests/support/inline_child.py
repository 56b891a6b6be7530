"""The commands that Make starts, run within this process: all that they do, without the time that a process takes to
load PyTorch. How processes are started, watched and stopped is tested with real ones (test_trainer.py)."""

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from demo.make.child import Child
from demo.make.failures import Work
from export.__main__ import main as export_main
from train.__main__ import main as train_main

MAINS = {"train": train_main, "export": export_main}


class InlineChild(Child):
    """A command that has ended once it is there. Nothing stops it."""

    def __init__(self, command: Sequence[str], folder: Path, work: Work, nice: int = 0):
        python, flag, module, *words = command
        assert (python, flag) == (sys.executable, "-m")
        self.work, self.log = work, folder / f"{work}.log"
        with (
            self.log.open("w", encoding="utf-8") as out,
            redirect_stdout(out),
            redirect_stderr(out),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr("sys.argv", [module, *words])  # stands in what it records
            self.code = MAINS[module](words)

    def stop(self) -> None:
        pass

    def wait(self) -> int:
        return self.code

    def ends_within(self, seconds: float) -> bool:
        return True


def inline(patch: pytest.MonkeyPatch, *modules: str) -> None:
    """Lets these modules of demo/make run their commands so."""
    for module in modules:
        patch.setattr(f"demo.make.{module}.Child", InlineChild)

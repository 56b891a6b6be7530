"""What the cases share: where they are registered, and what reading a source prints."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from bundle.errors import UserError
from train.data.load import load

Case = Callable[[Path], str]
"""Builds what somebody brings in an empty folder, gives it to the real function or command, returns what it says."""

CASES: dict[tuple[str, str], Case] = {}
"""(room, what you bring) as in docs/inputs.md -> its case."""


def case(room: str, brought: str) -> Callable[[Case], Case]:
    """Decorator: the case of the row that begins with `brought`, under the heading `room`."""

    def register(function: Case) -> Case:
        assert (room, brought) not in CASES, f"two cases of {brought}"
        CASES[room, brought] = function
        return function

    return register


def said(source: str | Path, **options: Any) -> str:
    """The report on a source, and the error where it is refused; nothing is trained. `options` as for `load`."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        try:
            load(str(source), **options)
        except UserError as problem:
            print(f"error: {problem}")
    return printed.getvalue()

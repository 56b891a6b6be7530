"""How far a long piece of work is: a bar on a terminal, a plain line now and then where the output is a file or a pipe.

The one place that decides which. Output that nobody can take any more (a closed terminal, a full disk) never stops the
work.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from typing import Any, TextIO, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
LINE_SECONDS = 30.0  # at least, from one plain line to the next


class Tolerant:
    """A stream whose failures do not matter. It equals the stream, by which tqdm knows that a bar and a line share a
    screen."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> None:
        """Writes what can be written."""
        with suppress(OSError, ValueError):  # ValueError: it is closed
            self._stream.write(text)

    def flush(self) -> None:
        """Flushes what can be flushed."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __eq__(self, other: object) -> bool:
        return self._stream is getattr(other, "_stream", other)

    def __hash__(self) -> int:
        return id(self._stream)


class ProgressBar(tqdm):
    """A tqdm bar; `left` is what it says of the time that is left, tqdm's own estimate until it is set."""

    left: str | None = None

    @property
    def format_dict(self) -> dict[str, Any]:
        """What the bar shows, with `left`."""
        facts = dict(super().format_dict)
        return facts | {"left": self.left if self.left is not None else f"{remaining(facts)} left"}


class Lines(ProgressBar):
    """A bar as plain lines, for files and pipes: none in the first seconds, then one at most every 30 s."""

    def __init__(self, *arguments: Any, **options: Any):
        self.last_shown = time.monotonic()
        super().__init__(*arguments, **options | {"leave": False})  # whoever did the work says what came of it

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Writes a line if the last one is old enough; an empty one never, which would wipe a bar away."""
        if msg == "" or time.monotonic() - self.last_shown < LINE_SECONDS:
            return
        self.last_shown = time.monotonic()
        self.fp.write(f"{msg or line(self.format_dict)}\n")
        self.fp.flush()

    def clear(self, nolock: bool = False) -> None:
        """There is nothing to wipe away."""


def remaining(facts: Mapping[str, Any]) -> str:
    """The time that is left by the speed so far, "?" while that is unknown."""
    rate = facts["rate"] or ((facts["n"] - facts["initial"]) / facts["elapsed"] if facts["elapsed"] else 0)
    return tqdm.format_interval((facts["total"] - facts["n"]) / rate) if rate and facts["total"] else "?"


def line(facts: Mapping[str, Any]) -> str:
    """E.g. "gan: 25%, 3200 of 12800 pictures, 01:10, 03:30 left, critic=0.6"."""
    done = f"{facts['n']} of {facts['total']}" if facts["total"] else str(facts["n"])
    share = f"{facts['n'] / facts['total']:.0%}, " if facts["total"] else ""
    words = [share + done + facts["unit"], tqdm.format_interval(facts["elapsed"]), facts["left"], facts["postfix"]]
    return f"{facts['prefix'].removesuffix(': ')}: {', '.join(word for word in words if word)}"


def progress_bar(title: str, total: int | None = None, unit: str = "", **options: Any) -> ProgressBar:
    """A bar to be updated by hand, gone at its end unless `leave` is given; other options as tqdm takes them."""
    kind: Any = ProgressBar if sys.stderr.isatty() else Lines
    chosen: dict[str, Any] = {"leave": False, "file": Tolerant(sys.stderr)} | options
    return kind(total=total, desc=title, unit=f" {unit}" if unit else "", **chosen)


def with_bar(items: Iterable[Item], title: str, total: int | None = None, unit: str = "") -> Iterator[Item]:
    """The items, one by one, while a bar shows how many there were; `total`: how many there are, where `items` have no
    length."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress_bar(title, total, unit) as shown:
        for item in items:
            yield item
            shown.update()


def say(text: str, stream: TextIO | None = None) -> None:
    """Prints a line above whatever bar is shown; `stream`: default the standard output."""
    tqdm.write(text, file=Tolerant(stream or sys.stdout))

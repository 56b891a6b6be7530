"""How the minutes of a command are divided: by the clock, from its start to its end.

Reading the pictures, sheets, checkpoints and what is measured at the end all count. What one stage takes too much of,
the later ones share out among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StageTime:
    """What is known about the time of one stage before it begins or goes on, in seconds."""

    wanted: float
    """What it was given of the minutes in all."""
    spent: float = 0.0
    """What it has used in earlier commands."""
    finished_budget: float | None = None
    """What it had been given when it was finished; None for an unfinished stage."""

    @property
    def left(self) -> float:
        """What it still needs: nothing once it is finished, unless it is given more than then."""
        return max(self.wanted - (self.spent if self.finished_budget is None else self.finished_budget), 0.0)


@dataclass(frozen=True)
class Slot:
    """A stage's place among those of a command."""

    number: int = 1
    of: int = 1
    seconds: float | None = None
    """Time of the stage in all, with that of earlier commands; None: what its --minutes say."""
    after: float | None = None
    """Seconds that the later stages are going to take; None where that is not known."""

    @property
    def is_last(self) -> bool:
        """Whether no stage follows."""
        return self.number == self.of

    @property
    def title(self) -> str:
        """E.g. ", stage 2 of 5"; nothing for the only stage."""
        return f", stage {self.number} of {self.of}" if self.of > 1 else ""


def slot_of(stages: Sequence[StageTime], index: int, elapsed: float) -> Slot:
    """The slot of stage `index`; `elapsed`: seconds since the command began.

    `spent` of the stages is that of earlier commands, so what this one's earlier stages took is in `elapsed`.
    """
    total = sum(max(stage.wanted, stage.spent) for stage in stages)
    remaining = max(total - sum(stage.spent for stage in stages) - elapsed, 0.0)
    needed = sum(stage.left for stage in stages[index:])
    share = stages[index].left / needed if needed else 0.0
    return Slot(index + 1, len(stages), stages[index].spent + share * remaining, (1 - share) * remaining)


def spoken(seconds: float) -> str:
    """E.g. "40 s", "12 min", "2 h 05 min"."""
    if seconds < 90:
        return f"{max(seconds, 0):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"

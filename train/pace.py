"""The pace of a stage: how fast it trains, how many pictures its time allows, and how much of that time is left."""

import time
from collections.abc import Callable

from train.budget import Slot, spoken
from train.recorder import Progress
from train.settings import Settings

FIRST_STEPS = 20  # after each of which the plan is made anew; with --images no time left is told before
LAST_STEPS = 6  # at least, by which the speed is told for the first time
LEAST_STEPS = 5  # before they are taken, no speed is told
PLAN_STEPS, PLAN_SECONDS = 50, 5.0  # from one estimate of the speed to the next, whichever is sooner
MEASURING_SHARE = 0.4  # of the time of a stage, kept for what is measured at its end, at most


class Pace:
    """The pace of one command in one stage, from where `progress` stands."""

    def __init__(self, settings: Settings, slot: Slot, progress: Progress, batch: int, began: float,
                 measuring_seconds: Callable[[float], float]):  # fmt: skip
        """batch: pictures of a step. began: time.monotonic() from which the stage's time counts. measuring_seconds: of
        what is measured at the end, at so many pictures a second."""
        self.settings, self.slot, self.progress, self.batch = settings, slot, progress, batch
        self.measuring_seconds = measuring_seconds
        self.first_step, self.first_images = progress.step, progress.images
        self.clock = began - progress.seconds
        self.steps_began = self.planned_at = 0.0  # times of the first step and the last plan
        if settings.images is not None:
            progress.planned = settings.images

    @property
    def done(self) -> int:
        """Steps that this command has taken."""
        return self.progress.step - self.first_step

    @property
    def seconds(self) -> float:
        """Seconds that the stage may take in all, measuring included."""
        return self.settings.minutes * 60 if self.slot.seconds is None else self.slot.seconds

    def elapsed(self) -> float:
        """Seconds that the stage has taken in all."""
        return time.monotonic() - self.clock

    def leave_out(self, pause: float) -> None:
        """Counts none of the seconds of a pause."""
        self.clock += pause
        self.steps_began += pause

    def has_more(self) -> bool:
        """Whether the plan goes beyond what the stage was finished with."""
        if self.settings.images is not None:
            return self.settings.images > self.progress.images
        if self.progress.budget:
            return self.settings.minutes * 60 > self.progress.budget
        return self.plan() > self.progress.images  # finished with --images, or by an older version

    def rate(self) -> float:
        """Pictures a second: of this command, once it has taken some steps."""
        progress = self.progress
        if self.done >= LEAST_STEPS:
            return (progress.images - self.first_images) / max(time.monotonic() - self.steps_began, 1e-9)
        return progress.images / max(progress.seconds, 1e-9)

    def plan(self) -> int:
        """How many pictures to train on in all, at the speed so far."""
        progress = self.progress
        if self.settings.images is not None:
            return self.settings.images
        if progress.step < 1 or (progress.step < LEAST_STEPS and progress.seconds < self.seconds):
            return max(progress.planned, 1_000 * self.batch)
        rate = self.rate()
        measuring = min(self.measuring_seconds(rate), self.seconds * MEASURING_SHARE)
        return images_in_all(progress.images, self.seconds - progress.seconds - measuring, rate, self.batch)

    def replan(self) -> None:
        """Estimates anew what fits into the time budget: at first in each step, then now and then."""
        now = time.monotonic()
        due = self.done < FIRST_STEPS or self.done % PLAN_STEPS == 0 or now - self.planned_at > PLAN_SECONDS
        if due or self.progress.images >= self.progress.planned:
            self.planned_at, self.progress.planned = now, self.plan()

    def left(self) -> float | None:
        """Seconds that are left of the stage; None where that is not known yet."""
        if self.settings.images is None:
            return max(self.seconds - self.progress.seconds, 0.0)
        if self.done < FIRST_STEPS:
            return None
        return max(self.progress.planned - self.progress.images, 0) / self.rate()

    def left_for_all(self) -> float | None:
        """Seconds that are left of all stages of the command; None where that is not known."""
        left, after = self.left(), 0.0 if self.slot.is_last else self.slot.after
        return None if left is None or after is None else left + after

    def left_in_words(self) -> str:
        """E.g. "12 min left, 40 min for all"."""
        left = self.left()
        if left is None:
            return "…"
        for_all = self.left_for_all()
        in_all = f", {spoken(for_all)} for all" if for_all is not None and for_all > left else ""
        return f"{spoken(left)} left{in_all}"


def timed_steps(trial: int, cycle: int) -> tuple[int, int]:
    """(steps before, steps after) those that tell the speed for the first time: none of the `trial` steps that find the
    number of threads, and all of a `cycle` after which their cost repeats."""
    before = max(FIRST_STEPS - LAST_STEPS, trial)
    return before, before + max(LAST_STEPS, cycle)


def images_in_all(images: int, left: float, rate: float, batch: int) -> int:
    """How many pictures in all: those seen, and whole batches in the seconds that are left at `rate` pictures a
    second."""
    return images + int(max(left, 0.0) * rate) // batch * batch

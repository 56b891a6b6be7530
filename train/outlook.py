"""What a training is going to come to, said while there is still time to choose something else."""

from dataclasses import dataclass

import torch

from bundle.training_outlook import ENOUGH, SMALL, enough_for, speedup
from bundle.training_status import Expected
from train.budget import spoken
from train.hardware import computes_bf16
from train.settings import Settings

BF16_GAIN = 1.4  # times as fast as fp32, where a processor or GPU computes in bf16: a usual one of 1.3 to 2.2


@dataclass
class Outlook:
    """What can be said after the first steps of a stage."""

    stage: str
    settings: Settings
    size: float
    """Side of a square with as many pixels as a picture has."""
    device: torch.device

    def expected(self, images: int) -> Expected:
        """What so many pictures are enough for."""
        level, words = enough_for(self.stage, images)
        return Expected(images=images, enough_for=words, is_enough=level >= len(ENOUGH.get(self.stage, ())) - 1)

    def sentence(self, expected: Expected, rate: float, seconds: float | None, left: int) -> str:
        """One line: the speed in pictures a second, how many that makes in `seconds` (None: a number was asked for, of
        which so many are `left`), what they are enough for, and what would help where that is little."""
        images, words = expected.images, expected.enough_for
        within = f" in {spoken(seconds)}" if seconds is not None else f", in about {spoken(left / max(rate, 1e-9))}"
        speed = f"{rate:.3g}" if rate < 999.5 else rounded(round(rate))  # no 1.23e+03
        line = f"{self.stage}: {speed} pictures/s, about {rounded(images)}{within}: enough for {words}."
        return line if expected.is_enough else f"{line} {self.advice()}"

    def advice(self) -> str:
        """What would make more of the same time."""
        ways = []
        if self.size > SMALL:
            ways.append(f"--size {SMALL} (in another run folder) is about {speedup(self.size, SMALL)} as fast")
        if self.settings.precision == "fp32" and computes_bf16(self.device):
            ways.append(f"--precision bf16 is about {BF16_GAIN:g} times as fast")
        more = "--images" if self.settings.images is not None else "--minutes"
        ways.append(f"four times the {more} shows four times as many")
        return f"What would help: {'; '.join(ways)}."


def rounded(count: int) -> str:
    """A count to two digits: 238 912 -> "240 000"."""
    digits = max(len(str(count)) - 2, 0)
    return f"{round(count, -digits):,}".replace(",", " ")

"""What a training is going to come to, said while there is still time to choose something else."""

from dataclasses import dataclass

import torch

from train.budget import spoken
from train.hardware import computes_bf16
from train.settings import Settings

# Stage -> (pictures, what so many are enough for), the last for any number. Of trainings of the sets in artifacts/.
ENOUGH: dict[str, tuple[tuple[float, str], ...]] = {
    "gan": (
        (30_000, "blobs in the right colours"),
        (150_000, "rough shapes"),
        (600_000, "pictures that one can recognise"),
        (float("inf"), "detailed pictures"),
    ),
    "vae": (
        (20_000, "blobs in the right colours"),
        (100_000, "blurred pictures"),
        (400_000, "recognisable pictures, somewhat blurred"),
        (float("inf"), "pictures about as sharp as they get"),
    ),
    "classifier": ((30_000, "rough guesses"), (150_000, "most of the classes"), (float("inf"), "all it can tell")),
    "attributes": ((30_000, "rough guesses"), (150_000, "most of the attributes"), (float("inf"), "all it can tell")),
    "inverter": ((30_000, "rough likenesses"), (float("inf"), "likenesses")),
    "repair": ((30_000, "rough repairs"), (float("inf"), "repairs")),
}
PIXEL_POWER = 0.9  # the time of a picture grows as its pixels to this power: a GAN of 128 px takes 3.5 times 64 px
BF16_GAIN = 1.4
SMALL = 64  # px; sets of a default size go down to it


@dataclass
class Outlook:
    """What can be said after the first steps of a stage."""

    stage: str
    settings: Settings
    size: float
    """Side of a square with as many pixels as a picture has."""
    device: torch.device

    def sentence(self, rate: float, images: int, seconds: float | None) -> str:
        """One line: the speed in pictures a second, how many that makes in `seconds` (None: a number was asked for),
        what they are enough for, and what would help where that is little."""
        level, words = enough_for(self.stage, images)
        within = f" in {spoken(seconds)}" if seconds is not None else f", in about {spoken(images / max(rate, 1e-9))}"
        line = f"{self.stage}: {rate:.3g} pictures/s, about {rounded(images)}{within}: enough for {words}."
        advice = self.advice(level)
        return f"{line} {advice}" if advice else line

    def advice(self, level: int) -> str:
        """What would make more of the same time; "" where it is enough."""
        if level >= len(ENOUGH.get(self.stage, ())) - 1:
            return ""
        ways = []
        if self.size > SMALL:
            ways.append(f"--size {SMALL} (in another run folder) is about {speedup(self.size, SMALL)} as fast")
        if self.settings.precision == "fp32" and computes_bf16(self.device):
            ways.append(f"--precision bf16 is about {BF16_GAIN:g} times as fast")
        more = "--images" if self.settings.images is not None else "--minutes"
        ways.append(f"four times the {more} shows four times as many")
        return f"What would help: {'; '.join(ways)}."


def enough_for(stage: str, images: int) -> tuple[int, str]:
    """(level from 0, what so many pictures are enough for)."""
    levels = ENOUGH.get(stage, ((float("inf"), "a control"),))
    return next((i, words) for i, (most, words) in enumerate(levels) if images < most)


def speedup(size: float, smaller: int) -> str:
    """How many times as fast pictures of `smaller` px are trained on, in words."""
    times = (size / smaller) ** (2 * PIXEL_POWER)
    return f"{round(times)} times" if times >= 2 else f"{times:.1f} times"


def rounded(count: int) -> str:
    """A count to two digits: 238 912 -> "240 000"."""
    digits = max(len(str(count)) - 2, 0)
    return f"{round(count, -digits):,}".replace(",", " ")

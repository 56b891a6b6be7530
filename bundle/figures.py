"""Which of the measured figures are shown first, and how near a bundle is to its pictures."""

import math
import re

from bundle.schema import Figure, Quality

CONTROL_MINUTES = "control.minutes"
HEADLINES = (
    "classifier.accuracy",
    "gan.label_accuracy",
    "gan.frechet",
    "gan.precision",
    "gan.recall",
    "gan.coverage",
    "gan.features_copies",
    "control.frechet",
    "control.precision",
    "control.recall",
    "vae.psnr",
    "vae.ssim",
    "vae.frechet_reconstruction",
    "vae.frechet_prior",
    "vae.frechet_normal",
    "vae.precision",
    "vae.recall",
    "repair.centre",
    "repair.left",
    "repair.random",
    "gan.inversion",
)


def headlines(quality: Quality) -> list[Figure]:
    """The measured figures among HEADLINES, in that order."""
    found = {figure.name: figure for figure in quality.figures}
    return [found[name] for name in HEADLINES if name in found]


def is_control(figure: Figure) -> bool:
    """Whether a figure is one of the control, the plain DCGAN that the GAN is compared with."""
    return figure.name.startswith("control.")


def control_minutes(quality: Quality) -> float | None:
    """How long the control was trained; figures of older versions say it in a note. None where there is no control."""
    for figure in quality.figures:
        if figure.name == CONTROL_MINUTES:
            return figure.value
    found = re.search(r"The control is a plain DCGAN: .* pictures in (\d+) minutes", " ".join(quality.notes))
    return float(found[1]) if found else None


def over_floor(quality: Quality | None) -> float:
    """The GAN's Fréchet distance over its floor, which is that of held-out pictures: 1 = as near as they are.

    Bundles are measured in features of their own, so this orders them only roughly. Infinite where it was not measured
    or makes no sense.
    """
    for figure in quality.figures if quality else ():
        if figure.name == "gan.frechet" and figure.floor and figure.floor > 0 <= figure.value:
            return figure.value / figure.floor
    return math.inf

"""Which of the measured figures are shown first; the others stay one click away."""

from demo.schema import Figure, Quality

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
    """Those of the figures that come first, in that order."""
    found = {figure.name: figure for figure in quality.figures}
    return [found[name] for name in HEADLINES if name in found]

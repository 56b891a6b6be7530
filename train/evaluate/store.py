"""`python -m train evaluate … --store BUNDLE`: the figures of a report into the index and the card of a bundle."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from bundle.errors import UserError
from bundle.graph_checks import MAX_DRIFT, sheet_drift
from bundle.images import to_uint8
from bundle.quality_section import store_quality
from bundle.read import GOLDEN, OpenBundle, read
from bundle.runner import BundleRunner
from bundle.trial_inputs import TrialInputs
from train.evaluate.control import is_bundle
from train.evaluate.handles import Subject
from train.evaluate.report import Report
from train.evaluate.sheets import PictureSheet, save_sheet
from train.settings import EvaluateSettings

CLOSEST = "gan_closest_features.png"  # the sheet that only the data can show
FROM_RUN = "Measured in PyTorch, on the networks from which the graphs were exported."


def check_store(folder: Path, subject: Subject) -> None:
    """Raises UserError unless the bundle in `folder` holds the networks of the subject. Called before measuring."""
    bundle = read(folder)
    if folder.resolve() == subject.folder.resolve():
        return
    info = bundle.info
    other = UserError(f"{folder} does not hold the networks of {subject.folder}: its figures would be wrong.")
    data = subject.data
    if (info.image.shape, info.dataset.classes) != ((data.channels, *data.sides), data.classes):
        raise other
    for own, there in ((subject.gan, info.gan), (subject.vae, info.vae)):
        if (own is None) != (there is None) or (own and there and own.latent_dim != there.latent_dim):
            raise other
    if sheet_drift(bundle, first_seeds(bundle, subject)).max() > MAX_DRIFT:
        raise other


def first_seeds(bundle: OpenBundle, subject: Subject) -> np.ndarray:
    """The first pictures of the bundle's sample sheet, drawn by the subject: uint8 [GOLDEN, H, W, C]."""
    graph = "generator" if subject.gan else "decoder"
    rows = TrialInputs.of_bundle(bundle, BundleRunner(bundle).run).seed_rows(graph, range(GOLDEN))
    if subject.gan:
        images = subject.gan.draw(*rows.values())
    else:
        assert subject.vae  # a bundle holds a GAN or a VAE
        images = subject.vae.decode(rows["z"])
    return to_uint8(images)


def store(folder: Path, subject: Subject, report: Report, command: str, sheets: dict[str, PictureSheet]) -> None:
    """Stores a report that `check_store` allowed, and the samples most like a training picture as a sheet in the
    folder `report` beside the bundle, where `export report` finds it. Raises UserError."""
    quality = report.as_quality(command)
    if subject.kind == "run":
        quality = quality.model_copy(update={"notes": (*quality.notes, FROM_RUN)})
    bundle = store_quality(folder, quality)
    if CLOSEST in sheets:
        save_sheet(bundle.folder.parent / "report" / f"{bundle.info.name}_closest.png", sheets[CLOSEST])


def shown_folder(folder: Path) -> Path:
    """A bundle or a run as a stored command names it, which quotes no folder of this computer."""
    return Path("artifacts" if is_bundle(folder) else "runs") / folder.resolve().name


def without_local_paths(settings: EvaluateSettings) -> EvaluateSettings:
    """The settings as a bundle quotes them: with no folder of this computer."""
    return replace(
        settings,
        subject=shown_folder(settings.subject),
        control=settings.control and shown_folder(settings.control),
        classifier=settings.classifier and shown_folder(settings.classifier),
        features=settings.features and Path(settings.features.name),
    )

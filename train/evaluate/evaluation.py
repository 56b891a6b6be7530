"""`python -m train evaluate RUN_OR_BUNDLE`: one report of everything that can be measured, floors beside figures."""

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bundle.errors import UserError
from bundle.processors import usable_cores
from train import augment
from train.data.cache import Cache, opened_cache
from train.data.dataset import DataInfo, Pictures
from train.data.load import Loaded, load_again
from train.data.splits import random_subset
from train.evaluate import store
from train.evaluate.context import MOST_BYTES, MOST_TRAINING, EvaluationContext
from train.evaluate.control import add_control, check_control
from train.evaluate.evaluator import NEIGHBOURS, Evaluator
from train.evaluate.feature_extractor import FeatureExtractor, choose_extractor
from train.evaluate.gan import measure_gan, measure_truncation
from train.evaluate.handles import ClassifierHandle, GanHandle, Subject
from train.evaluate.inverse import measure_inversion, measure_repair
from train.evaluate.report import Report
from train.evaluate.sheets import PictureSheet, save_sheet
from train.evaluate.subject import classifier_of_run, open_subject
from train.evaluate.synthetic_sets import check_reads_digits, measure_factors, measure_modes
from train.evaluate.vae import measure_vae
from train.hardware import hardware, is_out_of_memory, measuring_device
from train.known_pictures import in_known_order
from train.progress_bar import say
from train.run_folder import Run, check_known
from train.settings import EvaluateSettings, changed_flags
from train.settings_checks import check_seed, check_threads

LEAST_SAMPLES = 100
FEW = 1000  # pictures a side under which a report warns
MOST_TRUNCATION = 1.5  # as far as the demo's slider goes
LEAST_A_SIDE = NEIGHBOURS + 1  # pictures; each needs so many neighbours


@dataclass(frozen=True)
class Evaluation:
    """What was measured, the report, and sheets of pictures by file name."""

    subject: Subject
    report: Report
    sheets: dict[str, PictureSheet]


def check(settings: EvaluateSettings) -> None:
    """Raises UserError for numbers that nothing can be measured with."""
    if settings.samples < LEAST_SAMPLES:
        raise UserError(f"--samples must be at least {LEAST_SAMPLES}, not {settings.samples}.")
    for flag, value in (("bound-samples", settings.bound_samples), ("bound-pictures", settings.bound_pictures)):
        if value < 1:
            raise UserError(f"--{flag} must be positive, not {value}.")
    for psi in settings.truncation:
        if not 0 < psi <= MOST_TRUNCATION or psi == 1:
            raise UserError(f"--truncation must lie between 0 and {MOST_TRUNCATION:g} and differ from 1, which is "
                            f"measured anyway; it is {psi:g}.")  # fmt: skip
    if len({f"{psi:g}" for psi in settings.truncation}) < len(settings.truncation):
        raise UserError("--truncation names a number twice.")
    check_seed(settings.seed, 0, 2**32 - 1)  # what numpy and scikit-learn take
    if settings.threads is not None:
        check_threads(settings.threads)


def evaluate(settings: EvaluateSettings) -> Evaluation:
    """Measures and prints everything; stores nothing. Raises UserError."""
    check(settings)
    began = time.monotonic()
    torch.set_num_threads(settings.threads or min(torch.get_num_threads(), usable_cores()))
    subject = open_subject(settings.subject, settings.threads)
    if settings.control:
        check_control(settings.control, subject.data)
    if settings.store:
        store.check_store(settings.store, subject)
    classifier = classifier_of_run(Run.open(settings.classifier)) if settings.classifier else None
    extractor = choose_extractor(subject, classifier, settings.features, settings.features_input)
    with opened_cache(settings.cache, subject.cache) as cache:
        return measure_subject(settings, subject, classifier, extractor, cache, began)


def measure_subject(
    settings: EvaluateSettings,
    subject: Subject,
    classifier: ClassifierHandle | None,
    extractor: FeatureExtractor,
    cache: Cache,
    began: float,
) -> Evaluation:
    """As `evaluate`, in the features of `extractor`; `classifier`: that of --classifier. `began`: time.monotonic() when
    the command began. Large sets are packed into `cache`."""
    loaded = subject_pictures(subject, settings.data or subject.source, cache)
    info, train, test = loaded.info, loaded.train, loaded.test
    if classifier and info.source == "stacked_mnist":
        check_reads_digits(classifier)
    report = begin_report(settings, subject, extractor, info)
    augmented = augmentations(subject.gan, info) if settings.leaks else ()
    most = most_searched(info)
    chosen = choose_training(train, report.samples, most if settings.copies or augmented else 0)
    held_out = random_subset(test, report.samples)
    context = EvaluationContext(
        report=report,
        evaluator=Evaluator(extractor, chosen.reference.pixels, held_out.pixels, chosen.others),
        train=chosen.reference,
        held_out=held_out,
        searched=chosen.searched,
        classes=len(info.classes),
        seed=settings.seed,
        augmentations=augmented,
        copies=settings.copies,
    )
    if settings.copies and len(train) > most:
        report.note(f"Copies are looked for among {most} of the training pictures.")
    measure_classifier(context)
    if subject.gan:
        measure_gan(context, subject.gan)
        measure_truncation(context, subject.gan, settings.truncation)
        measure_inversion(context, subject.gan, subject.vae)
        if classifier and info.source == "stacked_mnist":
            measure_modes(context, subject.gan, classifier, test.pixels)
    if subject.vae:
        measure_vae(context, subject.vae, settings.bound_samples, min(settings.bound_pictures, report.samples))
        measure_repair(context, subject.vae)
        if info.source == "shapes":
            measure_factors(context, subject.vae, info.sides, info.channels)
    if settings.control:
        add_control(context, settings.control, subject.gan)
    device = torch.device("cpu") if subject.kind == "bundle" else measuring_device()
    report.facts |= {"seconds": round(time.monotonic() - began, 1), "hardware": hardware(device=device)}
    return Evaluation(subject, report, context.sheets)


def subject_pictures(subject: Subject, source: str, cache: Cache | None = None) -> Loaded:
    """The pictures that the subject was trained on. Raises UserError when they are not there, are others, or are too
    few to be measured with."""
    data = subject.data
    try:
        found = load_again(source, data, cache)
    except UserError as problem:
        raise UserError(f"{problem} Name the place of the pictures of {subject.folder} with --data.") from problem
    found = in_known_order(subject.folder, found, source)
    check_known(subject.folder, source, data, found.info)
    check_enough(found.info)
    return found


def check_enough(info: DataInfo) -> None:
    """Raises UserError for fewer pictures in a split than the figures need."""
    for split, count in (("training", info.train_images), ("held-out", info.test_images)):
        if count < LEAST_A_SIDE:
            raise UserError(f"{info.source} has {count} {split} pictures, and at least {LEAST_A_SIDE} are needed to "
                            "measure: train with a larger test split, or with none (a tenth is held out).")  # fmt: skip


def most_searched(info: DataInfo) -> int:
    """How many training pictures copies are looked for among, at most."""
    return min(MOST_TRAINING, MOST_BYTES // (info.channels * info.height * info.width))


@dataclass(frozen=True)
class TrainingPictures:
    """Those training pictures that something is measured on, in memory. `others`: as many as the `reference` and none
    of it, uint8 [N, C, H, W]; None where there are fewer. `searched`: uint8 [M, C, H, W], what samples are held against
    to find copies and leaking augmentations."""

    reference: Pictures
    others: np.ndarray | None
    searched: np.ndarray


def choose_training(train: Pictures, count: int, searched: int) -> TrainingPictures:
    """`count` training pictures as the reference, and at most `searched` for what is compared with many. Each picture
    is read once: all are parts of one random order, always the same."""
    enough = len(train) >= 2 * count
    found = random_subset(train, max(2 * count if enough else count, searched))
    return TrainingPictures(
        reference=found[:count],
        others=found[count : 2 * count].pixels if enough else None,
        searched=found[:searched].pixels,
    )


def begin_report(settings: EvaluateSettings, subject: Subject, extractor: FeatureExtractor, info: DataInfo) -> Report:
    """A report with its facts and first notes, printed."""
    count = min(settings.samples, info.train_images, info.test_images)
    scaling = "z-scored on the reference" if extractor.scaled else "as is"
    facts: dict[str, object] = {
        "subject": f"{subject.kind} {subject.folder}",
        "data": f"{info.source}, {info.train_images} training and {info.test_images} held-out pictures, "
        f"{info.channels} x {info.height} x {info.width}",
        "samples": f"{count}, and as many training pictures (the reference) and held-out pictures (the floor)",
        "features": f"{extractor.name}, sha256 {extractor.sha256[:16]}, {scaling}",
        "command": repeating_command(settings, info.source),
    }
    report = Report(facts, samples=count)
    report.begin()
    if count < FEW:
        report.note(f"{count} pictures a side are few: the figures mean little without the floor beside them.")
    for stage in subject.unfinished:
        report.note(f"The {stage} has not finished its training.")
    if subject.gan and is_steered_by_held_out(subject.gan, info):
        report.note(f"{min(augment.MOST_APART, info.test_images)} of the held-out pictures steered the augmentation of "
                    "the GAN, and are among those that measure it.")  # fmt: skip
    return report


def augmentations(gan: GanHandle | None, info: DataInfo) -> tuple[str, ...]:
    """What the critic's pictures went through: by the setting of the training; where it was adapted, or is not known,
    by the number of pictures with which it began."""
    if gan is None:
        return ()
    augmented = began_small(gan, info) if gan.augment is None else gan.augment > 0
    return augment.policy(info) if augmented else ()


def began_small(gan: GanHandle, info: DataInfo) -> bool:
    """Whether the GAN began with so few pictures that augmentation was adapted: it then goes on being so, however many
    --more-data added, unless its probability had come down to 0."""
    return augment.starts_augmented(info.train_images if gan.began_with is None else gan.began_with)


def is_steered_by_held_out(gan: GanHandle, info: DataInfo) -> bool:
    """Whether held-out pictures told the GAN's training how strongly to augment, as in older versions."""
    return gan.augment is None and began_small(gan, info) and gan.gap_pictures == "held-out"


def measure_classifier(context: EvaluationContext) -> None:
    """Its accuracy on held-out pictures, where the features come from a classifier of the same classes."""
    labels = context.evaluator.floor.extracted.labels
    if labels is not None:
        right = float((labels == context.held_out.labels.numpy()).mean())
        context.report.add("classifier.accuracy", "Accuracy of the classifier on held-out pictures", right, "higher")


def repeating_command(settings: EvaluateSettings, source: str) -> str:
    """The command that repeats the report; the pictures by name rather than by a local path."""
    words = ["python", "-m", "train", "evaluate", str(settings.subject), "--data", source]
    return shlex.join(words + changed_flags(settings, without=("subject", "data", "cache", "out", "store", "threads")))


def main(settings: EvaluateSettings) -> int:
    """Prints the report; stores it in the run's folder `evaluation` or in --out, and its figures in the bundle named
    by --store. Returns 0. Raises UserError, OSError."""
    try:
        found = evaluate(settings)
    except (MemoryError, RuntimeError) as problem:
        if not is_out_of_memory(problem):
            raise
        raise UserError(
            "The memory is too small to measure so much at once: use fewer --samples, or leave out what is compared "
            "with many training pictures: --no-copies --no-leaks."
        ) from problem
    report, sheets = found.report, found.sheets
    say(f"{report.facts['seconds']} s on {report.facts['hardware']}")
    folder = settings.out
    if folder is None and found.subject.kind == "run":
        folder = settings.subject / "evaluation"
    if folder:
        store_report(folder, report, sheets)
    if settings.store:
        command = repeating_command(store.without_local_paths(settings), found.subject.data.source)
        store.store(settings.store, found.subject, report, command, sheets)
        say(f"Stored in {settings.store}: the figures, in its index and its model card.")
    if not folder and not settings.store:
        print("Add --out FOLDER to keep the report and its sheets, or --store BUNDLE to keep the figures in a bundle.",
              file=sys.stderr)  # fmt: skip
    return 0


def store_report(folder: Path, report: Report, sheets: dict[str, PictureSheet]) -> None:
    """Writes report.json, report.md and the sheets. Raises UserError."""
    report.store(folder, list(sheets))
    for name, sheet in sheets.items():
        save_sheet(folder / name, sheet)
    say(f"Stored in {folder}: report.json, report.md, {len(sheets)} sheets.")

"""`python -m train evaluate RUN_OR_BUNDLE`: one report of everything that can be measured, floors beside figures."""

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.images import png, sheet
from train import augment
from train.data.dataset import DataInfo, Pictures
from train.data.load import load
from train.evaluate.context import MOST_TRAINING, Bench, measure_classifier, measure_gan, measure_truncation
from train.evaluate.feature_extractor import Judge, choose
from train.evaluate.inverse import measure_inversion, measure_repair
from train.evaluate.made_sets import measure_factors, measure_modes
from train.evaluate.report import Report
from train.evaluate.subject import Gan, Reader, Subject, open_subject, reader_of
from train.evaluate.vae import measure_vae
from train.hardware import hardware
from train.run_folder import Run
from train.settings import EvaluateSettings, changed_flags

LEAST_SAMPLES = 100
MOST_TRUNCATION = 1.5  # as far as the demo's slider goes


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
    if settings.threads is not None and settings.threads < 1:
        raise UserError(f"--threads must be positive, not {settings.threads}.")


def pictures_of(subject: Subject, source: str) -> tuple[DataInfo, Pictures, Pictures]:
    """The pictures that the subject was trained on. Raises UserError when they are not there, or are others."""
    data = subject.data
    try:
        info, train, test = load(source, data.size, quiet=True, fit=data.fit, background=data.background)
    except UserError as problem:
        raise UserError(f"{problem} Name the place of the pictures of {subject.folder} with --data.") from problem
    for name in ("channels", "classes", "train_images", "test_images"):
        was, now = getattr(data, name), getattr(info, name)
        if was != now:
            what = name.replace("_", " ")
            raise UserError(f"{source} is not what {subject.folder} was trained on: {what} {now}, not {was}.")
    return info, train, test


def some(pictures: Pictures, count: int) -> Pictures:
    """`count` of the pictures at random, the same ones each time: folders are often sorted by class."""
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))[:count]
    return Pictures(pictures.images[order], pictures.labels[order])


def operations(gan: Gan | None, info: DataInfo) -> tuple[str, ...]:
    """What the critic's pictures went through; of a bundle's, what is the default for so many pictures."""
    share = gan.augment if gan else 0.0
    augmented = augment.starts_augmented(info.train_images) if share is None else share > 0
    return augment.policy(info) if augmented else ()


def reader_from(folder: Path) -> Reader:
    """The classifier of another run. Raises UserError when there is none."""
    run = Run.open(folder)
    run.record("classifier")
    return reader_of(run)


def command_line(settings: EvaluateSettings, source: str) -> str:
    """The command that repeats the report; the pictures by name rather than by a local path."""
    words = ["python", "-m", "train", "evaluate", str(settings.subject), "--data", source]
    return shlex.join(words + changed_flags(settings, without=("subject", "data", "out", "threads")))


def evaluate(settings: EvaluateSettings, *further: Callable[[Bench], None],
             ) -> tuple[Report, dict[str, tuple[np.ndarray, int]]]:  # fmt: skip
    """Measures and prints everything: (report, sheets as file name -> (pictures uint8, columns)). Raises UserError.

    `further`: sections of the caller's own, after the others."""
    check(settings)
    began = time.monotonic()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    subject = open_subject(settings.subject)
    reader = reader_from(settings.reader) if settings.reader else None
    eye = choose(subject, reader, settings.features, settings.features_input)
    info, train, test = pictures_of(subject, settings.data or subject.source)
    count = min(settings.samples, len(train), len(test))
    report = Report({
        "subject": f"{subject.kind} {subject.folder}",
        "data": f"{info.source}, {info.train_images} training and {info.test_images} held-out pictures, "
                f"{info.channels} x {info.size} x {info.size}",
        "samples": f"{count}, and as many training pictures (the reference) and held-out pictures (the floor)",
        "features": f"{eye.name}, sha256 {eye.sha256[:16]}, {'z-scored on the reference' if eye.scaled else 'as is'}",
        "command": command_line(settings, info.source),
    })  # fmt: skip
    report.begin()
    if count < 1000:
        report.note(f"{count} pictures a side are few: the figures mean little without the floor beside them.")
    for stage in subject.unfinished:
        report.note(f"The {stage} has not finished its training.")
    reference, held_out = some(train, count), some(test, count)
    bench = Bench(report, Judge(eye, reference.images.numpy(), held_out.images.numpy()), reference, held_out,
                  some(train, MOST_TRAINING).images.numpy(), len(info.classes), settings.seed,
                  operations(subject.gan, info), settings.copies)  # fmt: skip
    if settings.copies and len(train) > MOST_TRAINING:
        report.note(f"Copies are looked for among {MOST_TRAINING} of the training pictures.")
    measure_classifier(bench)
    if subject.gan:
        measure_gan(bench, subject.gan)
        measure_truncation(bench, subject.gan, settings.truncation)
        measure_inversion(bench, subject.gan, subject.vae)
        if reader and info.source == "stacked_mnist":
            measure_modes(bench, subject.gan, reader, test.images.numpy())
    if subject.vae:
        measure_vae(bench, subject.vae, settings.bound_samples, min(settings.bound_pictures, count))
        measure_repair(bench, subject.vae)
        if info.source == "shapes":
            measure_factors(bench, subject.vae, info.size)
    for section in further:
        section(bench)
    report.facts |= {"seconds": round(time.monotonic() - began, 1), "hardware": hardware()}
    return report, bench.sheets


def main(settings: EvaluateSettings) -> int:
    """Prints the report; stores it in the run's folder `evaluation`, or in --out. Raises UserError, OSError."""
    report, sheets = evaluate(settings)
    folder = settings.out
    if folder is None and (settings.subject / "run.json").is_file():
        folder = settings.subject / "evaluation"
    print(f"{report.facts['seconds']} s on {report.facts['hardware']}")
    if folder is None:
        print("Add --out FOLDER to keep the report and its sheets.", file=sys.stderr)
        return 0
    report.store(folder, list(sheets))
    for name, (images, columns) in sheets.items():
        write_file(folder / name, png(sheet(images.transpose(0, 2, 3, 1), columns)))
    print(f"Stored in {folder}: report.json, report.md, {len(sheets)} sheets.")
    return 0

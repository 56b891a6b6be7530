"""Quality of an exported bundle, run through onnxruntime: everything that `python -m train evaluate` measures, and a
plain DCGAN (benchmarks/dcgan.py) in the same report.

    python -m benchmarks.quality artifacts/mnist --data ylecun/mnist [--control runs/control] [--write]

`--write` stores the figures in bundle.json and the model card, and the pictures nearest to training pictures, which
only the data can show, as a sheet in the folder `report` beside the bundle.
"""

import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from benchmarks.dcgan import LATENT_DIM, load_generator
from bundle.atomic_files import write_file
from bundle.command_line import exit_code
from bundle.errors import UserError
from bundle.images import png, sheet
from bundle.quality_section import store_quality
from bundle.read import read
from bundle.schema import Bundle, Figure, Quality
from export.graphs import public_command
from train import run_folder
from train.evaluate.context import Bench
from train.evaluate.evaluation import evaluate
from train.evaluate.report import Report
from train.evaluate.subject import INDEX, to_bytes
from train.run_folder import Run
from train.settings import EvaluateSettings

CLOSEST = "gan_closest_features.png"
SAME = 0.005  # by which floors may differ: of graphs whose weights are rounded once more
TAKEN_OVER = "The control was measured once before, in the same features: the floors agree."


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    data: str | None = None
    """The pictures it was trained on, as for python -m train; default: the data set of the Hub, or the folder here,
    of the name that the bundle gives."""
    samples: int = 10_000
    """Samples, and pictures of the reference and of the floor; fewer where fewer are held out."""
    control: Path | None = None
    """Run folder of benchmarks.dcgan; or a bundle of these pictures with the same classifier, such as the one that this
    one came out of: then the figures of its control are taken over."""
    write: bool = False
    """Store the figures in the bundle."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""


def check_control(folder: Path, info: Bundle) -> None:
    """Raises UserError when there is no trained or measured control, or one of other pictures: before minutes of
    measuring."""
    if is_bundle(folder):
        other = read(folder).info
        data, image = other.dataset, other.image
    else:
        data = image = Run.open(folder).data
    about = info.dataset
    for what, theirs, own in (
        ("channels", image.channels, info.image.channels),
        ("pixels a side", image.size, info.image.size),
        ("classes", ", ".join(data.classes) or "none", ", ".join(about.classes) or "none"),
        ("training pictures", data.train_images, about.train_images),
        ("held-out pictures", data.test_images, about.test_images),
    ):
        if theirs != own:
            raise UserError(f"{folder} is a control of other pictures: {what} {theirs}, not {own}.")
    if not is_bundle(folder):
        load_generator(folder)
    elif not figures_of_control(folder):
        raise UserError(f"{folder} has no figures of a control: name the run folder of one.")


def is_bundle(folder: Path) -> bool:
    return (folder / INDEX).is_file()


def figures_of_control(folder: Path) -> list[Figure]:
    """What a bundle holds of its control."""
    stored = read(folder).info.quality
    return [figure for figure in stored.figures if figure.name.startswith("control.")] if stored else []


def take_control(bench: Bench, folder: Path) -> None:
    """The figures of another bundle's control. Raises UserError when its floors show that other eyes saw it."""
    floors = {"control.frechet": bench.judge.floor.frechet} | {
        f"control.{name}": value for name, value in vars(bench.judge.floor_manifold).items()
    }
    for figure in figures_of_control(folder):
        now = floors.get(figure.name, figure.floor)
        if figure.floor is None or abs(figure.floor - now) > SAME * abs(now):
            raise UserError(f"{folder} was measured in other features: the floor of {figure.name} is {figure.floor} "
                            f"there and {now:.5g} here.")  # fmt: skip
        bench.report.add(figure.name, figure.label, figure.value, figure.better, figure.floor, figure.floor_is,
                         figure.unit, figure.error)  # fmt: skip
    for note in (*read(folder).info.quality.notes, TAKEN_OVER):
        if note.startswith("The control ") and note not in bench.report.notes:
            bench.report.note(note)


@torch.no_grad()
def measure_control(bench: Bench, folder: Path) -> None:
    """The DCGAN of the same minutes and parameters, through PyTorch."""
    generator = load_generator(folder)
    record = run_folder.read_json(folder / "dcgan" / "record.json")
    bench.report.note(f"The control is a plain DCGAN: {record['images']:,} pictures in {record['seconds'] / 60:.0f} "
                      f"minutes on {record['hardware']}, {public_command(record['command'])}")  # fmt: skip
    z = torch.randn(bench.count, LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(bench.seed))
    seen = bench.judge.see(to_bytes(torch.cat([generator(part) * 0.5 + 0.5 for part in z.split(250)]).numpy()))
    bench.add_distances("control", "", "DCGAN samples", seen.features)
    bench.add_manifold("control", "DCGAN samples", seen.features)
    bench.add_classes("control", "DCGAN samples", seen.labels)


def quality(report: Report, command: str, samples: int) -> Quality:
    """A report as the bundle keeps it: five digits a figure. Raises UserError when one is not a finite number."""
    if odd := [figure.name for figure in report.figures if not math.isfinite(figure.value)]:
        raise UserError(f"{', '.join(odd)} came out as no finite number: nothing was stored.")

    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.5g}")

    figures = tuple(
        Figure(name=f.name, label=f.label, value=float(f"{f.value:.5g}"), floor=short(f.floor), floor_is=f.floor_is,
               unit=f.unit, better=f.better, error=short(f.error))
        for f in report.figures
    )  # fmt: skip
    return Quality(command=command, samples=samples, features=str(report.facts["features"]),
                   notes=tuple(report.notes), figures=figures)  # fmt: skip


def command_line(settings: Settings, source: str) -> str:
    """The command that repeats the report, with no folder of this computer."""
    words = ["python", "-m", "benchmarks.quality", f"artifacts/{settings.bundle.resolve().name}", "--data", source]
    if settings.control:
        words += ["--control", f"{'artifacts' if is_bundle(settings.control) else 'runs'}/{settings.control.name}"]
    words += ["--samples", str(settings.samples)] if settings.samples != Settings.samples else []
    return shlex.join(words)


def measure(settings: Settings) -> None:
    """Measures, prints, stores. Raises UserError."""
    info, control = read(settings.bundle).info, settings.control
    if control:
        check_control(control, info)
    measured = take_control if control and is_bundle(control) else measure_control
    further = [lambda bench: measured(bench, control)] if control else []
    wanted = EvaluateSettings(settings.bundle, settings.data, settings.samples, threads=settings.threads)
    report, sheets = evaluate(wanted, *further)
    if not settings.write:
        return
    command = command_line(settings, info.dataset.source)
    count = min(settings.samples, info.dataset.train_images, info.dataset.test_images)
    store_quality(settings.bundle, quality(report, command, count))
    if CLOSEST in sheets:
        images, columns = sheets[CLOSEST]
        path = settings.bundle.resolve().parent / "report" / f"{info.name}_closest.png"
        write_file(path, png(sheet(images.transpose(0, 2, 3, 1), columns)))
    print(f"Stored in {settings.bundle / 'bundle.json'} and its model card.")


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: measure(settings), "Stopped; nothing was stored.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

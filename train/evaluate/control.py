"""The section of the control: a plain DCGAN of the same pictures, measured as the GAN is, so that a figure says more.

A control is the run folder of `python -m benchmarks.dcgan`, or a bundle of these pictures whose figures of a control
are taken over, which is honest only where they were measured in the same features: the floors must agree.
"""

from pathlib import Path

import torch
from torch import nn

from bundle.errors import UserError
from bundle.figures import CONTROL_MINUTES, control_minutes, is_control
from bundle.images import as_bytes
from bundle.public_command import public_command
from bundle.read import INDEX, read_index
from bundle.schema import Figure, Quality
from bundle.sizes import size_word
from train import run_folder
from train.checkpoints import load_tensors, restore_modules
from train.data.dataset import DataInfo
from train.evaluate.context import EvaluationContext
from train.evaluate.handles import GanHandle
from train.models import dcgan
from train.run_folder import Run

FOLDER = "dcgan"  # of the control in its run folder
SAME = 0.005  # share by which floors may differ: graphs whose weights were rounded once more
TAKEN_OVER = "The control was measured once before, in the same features: the floors agree."
FACTS = ("channels", "size", "classes", "training pictures", "held-out pictures")  # that `facts` gives, in words


def is_bundle(folder: Path) -> bool:
    """Whether a control is a bundle, and not a run."""
    return (folder / INDEX).is_file()


def check_control(folder: Path, data: DataInfo) -> None:
    """Raises UserError when there is no trained or measured control, or one of other pictures than `data`. Called
    before minutes of measuring."""
    for what, theirs, own in zip(FACTS, facts_of(folder), facts(data), strict=True):
        if theirs != own:
            raise UserError(f"{folder} is a control of other pictures: {what} {theirs}, not {own}.")
    if is_bundle(folder):
        figures_of_control(stored_quality(folder), folder)
    else:
        load_generator(folder)


def facts(data: DataInfo) -> tuple[object, ...]:
    """What must agree between a control and what it is compared with."""
    return data.channels, size_word(*data.sides), ", ".join(data.classes) or "none", data.train_images, data.test_images


def facts_of(folder: Path) -> tuple[object, ...]:
    """The `facts` of the control in a folder. Raises UserError when it is neither run nor bundle."""
    if not is_bundle(folder):
        return facts(Run.open(folder).data)
    return facts(DataInfo.of_bundle(read_index(folder)))


def add_control(context: EvaluationContext, folder: Path, gan: GanHandle | None) -> None:
    """Measures the control of a run folder, or takes over the figures of a bundle; `gan`: what it is compared with.
    Raises UserError."""
    if is_bundle(folder):
        take_over(context, folder, gan)
    else:
        measure_control(context, folder, gan)


def add_minutes(context: EvaluationContext, minutes: float, gan: GanHandle | None) -> None:
    """How long the control was trained, beside the GAN: a comparison is fair where both are the same."""
    context.report.add(CONTROL_MINUTES, "Training time of the DCGAN", minutes, "floor", gan.minutes if gan else None,
                       "training time of the GAN", "min")  # fmt: skip


@torch.no_grad()
def measure_control(context: EvaluationContext, folder: Path, gan: GanHandle | None) -> None:
    """Samples of the DCGAN in a run folder."""
    generator = load_generator(folder)
    record = run_folder.read_json(folder / FOLDER / "record.json")
    add_minutes(context, record["seconds"] / 60, gan)
    context.report.note(
        f"The control is a plain DCGAN: {record['images']:,} pictures in {record['seconds'] / 60:.0f} minutes on "
        f"{record['hardware']}, {public_command(record['command'])}"
    )
    z = torch.randn(context.count, dcgan.LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(context.seed))
    images = torch.cat([generator(part) * 0.5 + 0.5 for part in z.split(250)])
    seen = context.evaluator.extract(as_bytes(images.numpy()))
    context.add_distances("control", "", "DCGAN samples", seen.features)
    context.add_precision_recall("control", "DCGAN samples", seen.features)
    context.add_histogram("control", "DCGAN samples", seen.labels)


def load_generator(folder: Path) -> nn.Module:
    """The trained control's generator, z [N, 64, 1, 1] -> [N, C, H, W] in [-1, 1], for inference. Raises UserError
    when there is none."""
    data = Run.open(folder).data
    tensors, _ = load_tensors(folder / FOLDER / "state.safetensors")
    networks = dcgan.build(data.channels, data.sides)
    restore_modules("averages", networks, tensors)
    return networks.generator.eval().requires_grad_(False)


# ------------------------------------------------------------------------------- figures of another bundle


def take_over(context: EvaluationContext, folder: Path, gan: GanHandle | None) -> None:
    """The control's figures of another bundle. Raises UserError when its floors show that they were measured in other
    features."""
    quality = stored_quality(folder)
    floor = context.evaluator.floor
    floors = {"control.frechet": floor.distances.frechet} | {
        f"control.{name}": value for name, value in vars(floor.precision_recall).items()
    }
    if minutes := control_minutes(quality):
        add_minutes(context, minutes, gan)
    for figure in figures_of_control(quality, folder):
        if figure.name == CONTROL_MINUTES:
            continue
        now = floors.get(figure.name, figure.floor)
        assert figure.floor is not None and now is not None  # as figures_of_control asks for
        if abs(figure.floor - now) > SAME * abs(now):
            raise UserError(
                f"{folder} was measured in other features: the floor of {figure.name} is {figure.floor} there and "
                f"{now:.5g} here."
            )
        kept = figure if figure.count else figure.model_copy(update={"count": quality.samples})
        context.report.add(**kept.model_dump())
    for note in (*quality.notes, TAKEN_OVER):
        if note.startswith("The control ") and note not in context.report.notes:
            context.report.note(note)


def stored_quality(folder: Path) -> Quality:
    """The figures that a bundle holds. Raises UserError when it holds none of a control."""
    quality = read_index(folder).quality
    if quality is None:
        raise UserError(f"{folder} has no figures of a control: name the run folder of one.")
    return quality


def figures_of_control(quality: Quality, folder: Path) -> list[Figure]:
    """Those of the control. Raises UserError when there are none, and for one without the floor that shows in which
    features it was measured."""
    found = [figure for figure in quality.figures if is_control(figure)]
    if not found:
        raise UserError(f"{folder} has no figures of a control: name the run folder of one.")
    for figure in found:
        if figure.floor is None and figure.name != CONTROL_MINUTES:
            raise UserError(
                f"{folder} has no floor of {figure.name}, which shows in which features it was measured: name the run "
                "folder of the control."
            )
    return found

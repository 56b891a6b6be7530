"""`python -m export blend A B FOLDER`: the bundle of a generator whose stages come from two bundles or runs.

What is mixed, and how: export/weight_mixing.py. The bundle has a GAN alone: the critic, the inverter and what else fits
one of the two generators do not fit their blend, figures are not those of the blend either, and the mean styles are
measured anew.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from bundle.errors import UserError
from bundle.public_command import public_command
from bundle.quality_section import cell
from bundle.read import INDEX, read
from bundle.schema import STYLE_GRAPHS, BundleIndex
from bundle.write import previous_index
from export import assemble, graphs, model_card, parity, run_contents, unpack
from export.graphs import Origin
from export.markdown import table
from export.precision import Precision
from export.run_contents import Latents
from export.weight_mixing import RELATED, StageFit, fit, misfit, mixed, of_stage, reasons, shares_of_stages
from train.data.dataset import DataInfo
from train.run_folder import Run, StageRecord
from train.settings import GanSettings
from train.stages import build_networks, gan
from train.stored_settings import to_dict


@dataclass(frozen=True)
class Parent:
    """One of the two generators: where it is, what it learned from, and how. `examples`: held-out pictures, as
    examples.npz has them. `sha256`: of its bundle, "" for a run."""

    name: str
    data: DataInfo
    settings: GanSettings
    generator: nn.Module
    images: int
    seconds: float
    hardware: str
    command: str
    examples: dict[str, np.ndarray]
    sha256: str = ""

    @property
    def stages(self) -> int:
        """How many stages its synthesis has."""
        return gan.style_shape(self.settings, self.data)[0]


@dataclass(frozen=True)
class Asked:
    """What shall come from the second generator: `stages` (None: all that fit), how much of them (None: all of it), and
    how much of the mapping."""

    stages: Sequence[int] | None = None
    share: float | None = None
    mapping: float = 0.0


def write(first: Path, second: Path, target: Path, name: str, asked: Asked, title: str | None = None,
          data: str | None = None, precision: Precision = "fp32") -> BundleIndex:  # fmt: skip
    """Writes the bundle of a blend into `target`, prints what it is made of, and returns its index. `data`: where the
    pictures of the first one are, where that is a run.

    Raises UserError, and leaves the target as it was, where one of the two has no such generator, they do not fit, or
    the target holds something else.
    """
    target = target.resolve()
    previous = previous_index(target)
    a, b = opened(first, data), opened(second, data, examples=False)
    fits = fit(a.generator.state_dict(), b.generator.state_dict(), (a.stages, b.stages))
    shares = shares_of_stages(fits, asked.stages, asked.share, (a.name, b.name), asked.mapping)
    check_mapping(a, b, asked.mapping)
    print(summary(fits, shares, (a, b)))
    generator = blended_generator(a, b, shares, asked.mapping)
    origin = origin_of(a, b, name, title, public_command(command(first, second, target, asked)))
    nets = {"generator": generator}
    specs = graphs.graph_specs("gan", nets, origin.data)
    mapping = generator.get_submodule("mapping")
    means = gan.mean_styles(mapping, a.settings.prior, a.settings.latent_dim, len(a.data.classes))
    latents = Latents({"w_mean": means.numpy()}, None)
    held_out = a.examples["images"]
    found = assemble.graph_files(
        specs, origin, parity.trial_inputs(specs, held_out, latents.arrays, origin.prior), precision
    )
    inputs = assemble.demo_inputs(found.runner(), origin, specs, latents, held_out, narrow=precision != "fp32")
    files = assemble.base_files(inputs, origin, a.examples)
    info = assemble.index(origin, specs, found, files, None)
    card = model_card.card(info, found.errors, blend=section(a, b, fits, shares, asked.mapping))
    assemble.save(target, info, found, files, card, previous)
    return info


# ---------------------------------------------------------------------------------------- the two generators


def opened(folder: Path, data: str | None = None, examples: bool = True) -> Parent:
    """The generator of a bundle or a run. `examples`: whether its held-out pictures are wanted. Raises UserError."""
    if not folder.is_dir():
        raise UserError(f"{folder} does not exist: name a bundle or a run folder.")
    return of_bundle(folder) if (folder / INDEX).is_file() else of_run(folder, data, examples)


def of_bundle(folder: Path) -> Parent:
    """The generator of a bundle, its weights out of its graphs. Raises UserError."""
    bundle, what = read(folder), f"{folder} cannot be blended"
    info = bundle.info
    if lacking := [half for half in STYLE_GRAPHS if half not in info.graphs]:
        raise UserError(f"{what}: it has no {' and no '.join(lacking)}, so there is no generator with stages in it.")
    settings, networks = unpack.checked_networks(bundle, "gan", ("generator", *STYLE_GRAPHS), what, folder)
    assert isinstance(settings, GanSettings)
    generator = networks.get_submodule("generator").eval().requires_grad_(False)
    trained = info.training["gan"]
    held_out = {"images": bundle.examples, "labels": bundle.example_labels}
    return Parent(info.name, unpack.data_of(bundle), settings, generator, trained.images, trained.seconds,
                  trained.hardware, trained.command, held_out, bundle.sha256)  # fmt: skip


def of_run(folder: Path, data: str | None, examples: bool) -> Parent:
    """The averaged generator of a run. Raises UserError."""
    run = Run.open(folder)
    record = graphs.exportable_record(run, "gan", unfinished=False)
    settings = run.settings("gan")
    assert isinstance(settings, GanSettings)
    generator = graphs.networks(run, "gan")["generator"]
    held_out = assemble.examples(run_contents.pictures_of(run, ("gan",), data)[1]) if examples else {}
    name = run.folder.resolve().name
    return Parent(name, run.data, settings, generator, record.images, record.seconds, record.hardware,
                  public_command(record.command), held_out)  # fmt: skip


def check_mapping(a: Parent, b: Parent, share: float) -> None:
    """Raises UserError for a share outside [0, 1], and, where some of the mapping is asked for, unless both have the
    same classes, noise of the same distribution, and mappings of the same shapes."""
    if not 0 <= share <= 1:
        raise UserError(f"--mapping-share {share:g}: it must be from 0 to 1.")
    if not share:
        return
    if a.data.classes != b.data.classes:
        raise UserError(f"--mapping-share: {a.name} and {b.name} have other classes: leave it out to keep the first's.")
    if a.settings.prior != b.settings.prior:
        raise UserError(
            f"--mapping-share: {a.name} draws its noise from another distribution than {b.name} ({a.settings.prior}, "
            f"{b.settings.prior}): leave it out to keep the first's mapping."
        )
    halves = [of_stage(one.generator.state_dict(), None, one.stages) for one in (a, b)]
    if problem := misfit(*halves):
        raise UserError(f"--mapping-share: the mappings of {a.name} and {b.name} do not fit: {problem}.")


def blended_generator(a: Parent, b: Parent, shares: Sequence[float], mapping: float) -> nn.Module:
    """The generator of the blend, in eval mode."""
    networks = build_networks("gan", a.settings, a.data, unpack.UnpackedSettings({}))
    generator = networks.get_submodule("generator")
    generator.load_state_dict(mixed(a.generator.state_dict(), b.generator.state_dict(), shares, mapping))
    return generator.eval().requires_grad_(False)


# ---------------------------------------------------------------------------------------------- in words


def summary(fits: Sequence[StageFit], shares: Sequence[float], parents: tuple[Parent, Parent]) -> str:
    """What the blend is made of, as the command prints it."""
    lines = []
    for one, share in zip(fits, shares, strict=True):
        alike = "" if one.cosine is None else f"  cosine {one.cosine:5.2f}"
        lines.append(f"  stage {one.stage}  {one.parameters:>9,} parameters{alike}  {whose(share, parents)}")
    if odd := reasons(fits):
        lines.append(odd)
    apart = [one.stage for one, share in zip(fits, shares, strict=True) if share and (one.cosine or 0) < RELATED]
    if apart:
        which = ", ".join(map(str, apart))
        lines.append(
            f"The weights of stage {which} have little in common (cosine below {RELATED}): unless one was trained "
            "from the other (--start-from), expect strange pictures rather than a blend."
        )
    return "\n".join(lines)


def whose(share: float, parents: tuple[Parent, Parent]) -> str:
    """From which of the two a stage comes, e.g. "cats", or "70 % cats, 30 % dogs"."""
    a, b = (parent.name for parent in parents)
    if share in (0, 1):
        return b if share else a
    return f"{100 * (1 - share):.0f} % {a}, {100 * share:.0f} % {b}"


def command(first: Path, second: Path, target: Path, asked: Asked) -> str:
    """The command that makes this blend, with the last parts of the folders."""
    words = ["python", "-m", "export", "blend", *(folder.resolve().name for folder in (first, second, target))]
    if asked.stages is not None:
        words += ["--stages", ",".join(map(str, asked.stages))]
    if asked.share is not None:
        words += ["--share", f"{asked.share:g}"]
    return shlex.join(words + (["--mapping-share", f"{asked.mapping:g}"] if asked.mapping else []))


def origin_of(a: Parent, b: Parent, name: str, title: str | None, made_by: str) -> Origin:
    """What the bundle says of its pictures and its training: both parents' sources and licences."""
    data = replace(
        a.data,
        title=title or both(a.data.title, b.data.title, " and "),
        source=both(a.data.source, b.data.source, " and "),
        licence=both(a.data.licence or "not stated", b.data.licence or "not stated", "; "),
        train_images=a.data.train_images + (0 if a.data.source == b.data.source else b.data.train_images),
        attributes=(),
    )
    record = StageRecord(made_by, a.seconds + b.seconds, a.images + b.images, True, both(a.hardware, b.hardware, "; "),
                         to_dict(a.settings))  # fmt: skip
    return Origin(name, data, {"gan": record})


def both(one: str, other: str, between: str) -> str:
    """Two texts as one; the same text once."""
    return one if one == other else f"{one}{between}{other}"


def section(a: Parent, b: Parent, fits: Sequence[StageFit], shares: Sequence[float], mapping: float) -> str:
    """The section of the model card that names both parents and what came from each."""
    rows = [
        (cell(one.name), cell(one.data.title), cell(one.data.licence), f"{one.images:,}", one.sha256[:16] or "a run")
        for one in (a, b)
    ]
    stages = [
        (str(one.stage), cell(whose(share, (a, b))), "" if one.cosine is None else f"{one.cosine:.2f}")
        for one, share in zip(fits, shares, strict=True)
    ]
    commands = "\n".join(f"{one.command}  # {one.name}" for one in (a, b))
    return f"""## Blend

Nothing was trained for this generator: its weights are those of two others, mixed stage by stage (Pinkney & Adler
2020, arXiv 2010.05334). The mean styles were measured anew; figures of its parents are not its own, so it has none.

{table(("parent", "pictures", "licence", "pictures seen", "sha256"), "lllrl", rows)}

{table(("stage", "weights", "cosine of the two"), "llr", [("mapping", cell(whose(mapping, (a, b))), ""), *stages])}

Stage 1 is the coarsest. The licences of both sets of pictures bear on what it draws. The parents were trained by

```
{commands}
```"""

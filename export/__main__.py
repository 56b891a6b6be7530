"""Command line of export: `python -m export {bundle,graph,check,report}`, the targets `space`, `triton`, `web`."""

import os
import re
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from bundle.atomic_files import write_file
from bundle.command_line import exit_code
from bundle.errors import UserError
from bundle.read import read_index
from bundle.schema import GRAPHS
from bundle.version import VERSION
from export import (
    assemble,
    class_directions,
    graphs,
    int8,
    parity,
    precision,
    report,
    runtime_comparison,
    shrink,
    training_codes,
    unpack,
)
from export.precision import Form
from export.runtimes import RuntimeName
from export.targets import space, triton, web
from train.run_folder import Run

DESCRIPTION = "Turn trained networks into ONNX graphs, checked against PyTorch."
GraphName = Literal[
    "generator", "mapping", "synthesis", "critic", "inverter", "encoder", "repair", "decoder", "classifier"
]


@dataclass(frozen=True)
class BundleSettings:
    """Write everything that a runtime needs into one folder. An older bundle there is replaced on success only."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, e.g. runs/mnist."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the bundle, e.g. artifacts/mnist; made when missing."""
    name: str | None = None
    """Name of the bundle in addresses: small letters, digits, - and _. Default: the target's."""
    title: str | None = None
    """What people call the pictures, e.g. "MNIST digits"."""
    licence: str | None = None
    """Licence of the pictures, e.g. "CC BY 4.0"; pass it for your own pictures."""
    data: str | None = None
    """Where the run's pictures are: some held-out ones go into the bundle. Default: where it was trained."""
    form: Form = "fp32"
    """fp32; fp16-stored: weights half as large behind a Cast, float32 arithmetic; fp16: that arithmetic too, for a GPU
    (both refused where a picture would change by more than one grey level); int8: a quarter of the bytes and integer
    arithmetic, for those graphs whose pictures it leaves within 40 dB; the others stay fp32."""
    unfinished: bool = False
    """Export stages that were stopped early, too."""


@dataclass(frozen=True)
class GraphSettings:
    """Write one graph alone, checked on random inputs."""

    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder, e.g. runs/mnist."""
    graph: Annotated[GraphName, tyro.conf.Positional]
    """Which graph."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """File to write, e.g. generator.onnx."""
    form: Form = "fp32"
    """fp32, fp16-stored, fp16 or int8, as for a bundle; int8 is refused where it does not suit the graph."""
    data: str | None = None
    """Where the run's pictures are: int8 takes the ranges of graphs with pictures as input from held-out ones. Default:
    where it was trained."""
    unfinished: bool = False
    """Export a stage that was stopped early, too."""


@dataclass(frozen=True)
class ReportSettings:
    """Write REPORT.md and its sheets from the figures that the bundles in a folder carry."""

    root: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")] = Path("artifacts")
    """Folder of the bundles."""


@dataclass(frozen=True)
class ShrinkSettings:
    """Store the weights of a bundle as float16, half the bytes, from its files alone: for bundles whose run is gone.
    Arithmetic stays float32, and no picture may change by more than one grey level."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""


@dataclass(frozen=True)
class TrainingSettings:
    """Add codes and thumbnails of some training pictures to a bundle: the demo shows them as dots of the latent map,
    and as the training pictures nearest to a generated one. `export bundle` does it by itself."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""
    data: str
    """Where its pictures are: a data set of the Hugging Face Hub, a folder, a zip, parquet files."""
    codes_only: bool = False
    """Leave the thumbnails out, for data that may not be shown."""


@dataclass(frozen=True)
class DirectionsSettings:
    """Add directions of classes, by linear support vector machines, to a bundle: sliders in the demo's Explore. `export
    bundle` does it by itself."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""


@dataclass(frozen=True)
class UnpackSettings:
    """Make a run folder of a bundle again, from its files alone: train the GAN of a bundle that somebody shared further
    (`python -m train gan RUN --resume --minutes N`), or measure and export what it holds anew."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/emoji."""
    run: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """Run folder to make, e.g. runs/emoji."""


@dataclass(frozen=True)
class TritonSettings:
    """Write a model repository for NVIDIA Triton: each graph of a bundle as a model BUNDLE_GRAPH that runs the requests
    of several people together. Models of other bundles in the same folder stay."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Bundle, e.g. artifacts/mnist."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the repository, e.g. build/triton; made when missing."""
    device: triton.Device = "auto"
    """Where Triton runs the graphs; auto: on its GPU where it has one."""
    python_backend: bool = False
    """For a Triton without onnxruntime backend: run the same files by onnxruntime in Triton's python backend."""
    threads: int = 1
    """CPU threads in one run; 0: as many as there are cores."""
    instances: int = 1
    """Copies of each graph (on a GPU machine: on each GPU) that work at the same time."""


@dataclass(frozen=True)
class SpaceSettings:
    """Make a folder that is a complete Hugging Face Space, check it, print what is in it; push it only when told to."""

    bundles: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLES")]
    """Folders of the bundles that it serves, e.g. artifacts/mnist."""
    out: Path = Path("build/space")
    """Folder of the Space. An earlier Space there is replaced; any other folder is left alone."""
    title: str | None = None
    """What the Space is called. Default: Twofold, and the pictures of a single bundle."""
    push: Annotated[str | None, tyro.conf.arg(metavar="USER/NAME")] = None
    """Upload it to this Space of the Hugging Face Hub, made when missing. Log in before, with `hf auth login`."""
    private: bool = False
    """Make the Space a private one."""
    dry_run: bool = False
    """With --push: print what would go, and where, and send nothing."""


@dataclass(frozen=True)
class WebSettings:
    """Write one static folder that samples and interpolates in the browser, for any web host, without a server."""

    bundles: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLES")]
    """Folders of the bundles that it shows, e.g. artifacts/mnist."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """Folder of the page, e.g. build/web. An earlier page there is replaced; any other folder is left alone."""


@dataclass(frozen=True)
class CheckSettings:
    """Run every graph of a bundle in every runtime that is installed, at batches of 1, 2, 5 and 33, and print how far
    each is from ONNX's reference evaluator and how fast. A runtime that is missing is named, with what brings it."""

    bundle: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="BUNDLE")]
    """Folder of the bundle, e.g. artifacts/mnist."""
    runtimes: tuple[RuntimeName, ...] = runtime_comparison.ALL
    """Runtimes to try."""
    write: bool = False
    """Store the table in the bundle's index and model card."""


Command = (
    Annotated[BundleSettings, tyro.conf.subcommand("bundle")]
    | Annotated[GraphSettings, tyro.conf.subcommand("graph")]
    | Annotated[CheckSettings, tyro.conf.subcommand("check")]
    | Annotated[ReportSettings, tyro.conf.subcommand("report")]
    | Annotated[ShrinkSettings, tyro.conf.subcommand("shrink")]
    | Annotated[TrainingSettings, tyro.conf.subcommand("training")]
    | Annotated[DirectionsSettings, tyro.conf.subcommand("directions")]
    | Annotated[UnpackSettings, tyro.conf.subcommand("unpack")]
    | Annotated[TritonSettings, tyro.conf.subcommand("triton")]
    | Annotated[SpaceSettings, tyro.conf.subcommand("space")]
    | Annotated[WebSettings, tyro.conf.subcommand("web")]
)


def bundle_name(given: str | None, target: Path) -> str:
    """The bundle's name: as given, or made from the target's. Raises UserError when it is none."""
    name = given if given is not None else re.sub(r"[^a-z0-9_-]+", "-", target.resolve().name.lower()).strip("-_")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise UserError(f"'{name}' is no name for a bundle: give small letters, digits, - and _ with --name.")
    return name


def export_bundle(settings: BundleSettings) -> None:
    run = Run.open(settings.run)
    given = {key: getattr(settings, key) for key in ("title", "licence") if getattr(settings, key)}
    run = replace(run, data=replace(run.data, **given))
    name = bundle_name(settings.name, settings.target)
    assemble.write(run, settings.target, name, settings.data, settings.unfinished, settings.form)


def export_graph(settings: GraphSettings) -> None:
    run, stage = Run.open(settings.run), graphs.stage_of(settings.graph)
    if settings.target.is_dir():
        raise UserError(f"{settings.target} is a folder: name a file, e.g. {settings.target / settings.graph}.onnx.")
    facts = graphs.Facts(
        bundle_name(None, settings.run), run.data, {stage: graphs.trained(run, stage, settings.unfinished)}
    )
    cut = graphs.pieces(stage, graphs.networks(run, stage), run.data)
    piece = next(piece for piece in cut if piece.name == settings.graph)
    data = assemble.checked_graph(piece, facts)
    print(parity.table([parity.parity(piece, data)]))
    if settings.form != "fp32":
        data, cost = precision.convert(piece, data, settings.form, graph_inputs(settings, run, facts, cut))
        print(precision.table([cost], settings.form))
    write_file(settings.target, data)
    print(f"{settings.target}: {graphs.signature(piece)}, {len(data) / 1e6:.2f} MB")


def export_triton(settings: TritonSettings) -> None:
    backend: triton.Backend = "python" if settings.python_backend else "onnxruntime"
    serving = triton.Serving(settings.device, backend, settings.threads, settings.instances)
    for name in triton.write(settings.bundle, settings.target, serving):
        print(f"  {name}")
    print(f"tritonserver --model-repository={settings.target}")


def unpack_bundle(settings: UnpackSettings) -> None:
    stages = unpack.unpack(settings.bundle, settings.run)
    print(f"{settings.run} is a run folder with the {', '.join(stages)} of {settings.bundle}.")
    for name, inverse in (("gan", "inverter"), ("vae", "repair")):
        if name in stages and stages[name].whole:
            minutes = max(round(stages[name].record.seconds / 60), 1)
            words = [str(settings.run), "--data", Run.open(settings.run).data.source]
            told = f"The {name.upper()} trained for {minutes} minutes. For as many more"
            print(f"{told}, with --data naming the place of its pictures:")
            print(shlex.join(["python", "-m", "train", name, *words, "--resume", "--minutes", str(2 * minutes)]))
            if inverse in stages:
                folder, again = settings.run / inverse, ["python", "-m", "train", "inverse", *words, "--target", name]
                told = f"Its {inverse} knows the {name.upper()} of now: before you export the one to come"
                print(f"{told}, remove {folder}, then")
                print(shlex.join(again))


def graph_inputs(settings: GraphSettings, run: Run, facts: graphs.Facts, cut: list[graphs.Piece]) -> int8.Inputs:
    """What a form is tried on; pictures only where int8 needs them."""
    pictures = None
    if settings.form == "int8" and "image" in GRAPHS[settings.graph].inputs:
        pictures = assemble.pictures_of(run, tuple(facts.records), settings.data)[1].images.numpy()
    return int8.Inputs(cut, pictures, run.latents(), facts.prior)


def run(settings: object) -> None:
    """Does what was asked for. Raises UserError, and the demo's."""
    match settings:
        case BundleSettings():
            export_bundle(settings)
        case GraphSettings():
            export_graph(settings)
        case CheckSettings():
            print(runtime_comparison.check_bundle(settings.bundle, settings.runtimes, settings.write))
        case ReportSettings():
            print(report.write(settings.root))
        case ShrinkSettings():
            before = sum(graph.bytes for graph in read_index(settings.bundle).graphs.values())
            after = sum(graph.bytes for graph in shrink.shrink(settings.bundle).graphs.values())
            print(f"{settings.bundle}: graphs of {before / 1e6:.1f} MB now take {after / 1e6:.1f} MB")
        case TrainingSettings():
            info = training_codes.add(settings.bundle, settings.data, settings.codes_only)
            print(f"{settings.bundle}: {training_codes.FILE}, {info.files['training'].bytes / 1e6:.2f} MB")
        case DirectionsSettings():
            class_directions.write(settings.bundle)
            for name, right in class_directions.accuracies(settings.bundle).items():
                print(f"{name}: right on {right.mean():.1%} of held-out latents, worst class {right.min():.1%}")
        case UnpackSettings():
            unpack_bundle(settings)
        case TritonSettings():
            export_triton(settings)
        case SpaceSettings():
            destination = space.Destination(settings.push, settings.private, settings.dry_run)
            space.write(settings.bundles, settings.out, settings.title, destination)
        case WebSettings():
            web.write(settings.bundles, settings.out)


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 done, 2 a mistake of the user or a failed check, 130 stopped by Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    if argv == ["--version"]:
        print(f"twofold {VERSION}")
        return 0
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    uploads = argv[:1] == ["space"]
    if not uploads:  # an upload shows its progress
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    settings = tyro.cli(Command, prog="python -m export", description=DESCRIPTION, args=argv)
    stopped = f"Stopped; nothing was {'uploaded' if uploads else 'written'}."
    return exit_code(lambda: run(settings), stopped)


if __name__ == "__main__":
    sys.exit(main())

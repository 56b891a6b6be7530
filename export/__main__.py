"""Command line of export: `python -m export {bundle,graph,check,report,…}`."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import tyro

from bundle.atomic_files import write_file
from bundle.bundle_names import check_name, check_title, name_from
from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.printable import print_anything
from bundle.read import read_index
from bundle.schema import GRAPHS
from bundle.shell_line import shell_line
from bundle.trial_inputs import TrialInputs
from bundle.version import VERSION
from export import (
    assemble,
    attribute_directions,
    attribute_section,
    blend,
    class_directions,
    graphs,
    parity,
    precision,
    report,
    run_contents,
    runtime_comparison,
    shrink,
    training_codes,
    unpack,
    weight_mixing,
)
from export.settings import (
    AttributeDirectionsSettings,
    BlendSettings,
    BundleSettings,
    CheckSettings,
    ClassDirectionsSettings,
    Command,
    GraphSettings,
    ReportSettings,
    ShrinkSettings,
    SpaceSettings,
    TrainingCodesSettings,
    TritonSettings,
    UnpackSettings,
    WebSettings,
    without_aliases,
)
from export.targets import hub, space, triton, web
from train.run_folder import Run

DESCRIPTION = "Turn trained networks into ONNX graphs, checked against PyTorch."


def bundle_name(given: str | None, target: Path) -> str:
    """The name of the bundle: as given, or made from that of its folder. Raises UserError when it is not possible."""
    name = given if given is not None else name_from(target.resolve().name)
    check_name(name)
    return name


def export_bundle(settings: BundleSettings) -> None:
    """Writes a bundle. Raises UserError."""
    run = Run.open(settings.run)
    given = {key: getattr(settings, key) for key in ("title", "licence") if getattr(settings, key)}
    run = replace(run, data=replace(run.data, **given))
    if settings.title:
        check_title(settings.title)
    name = bundle_name(settings.name, settings.target)
    assemble.write(run, settings.target, name, settings.data, settings.unfinished, settings.precision)


def export_graph(settings: GraphSettings) -> None:
    """Writes one graph. Raises UserError."""
    run, stage = Run.open(settings.run), graphs.stage_of(settings.graph)
    if settings.target.is_dir():
        raise UserError(f"{settings.target} is a folder: name a file, e.g. {settings.target / settings.graph}.onnx.")
    records = {stage: graphs.exportable_record(run, stage, settings.unfinished)}
    origin = graphs.Origin(name_from(settings.run.resolve().name), run.data, records)
    specs = graphs.graph_specs(stage, graphs.networks(run, stage), run.data)
    spec = next(spec for spec in specs if spec.name == settings.graph)
    data = assemble.checked_graph(spec, origin)
    print(parity.table([parity.check_parity(spec, data)]))
    if settings.precision != "fp32":
        inputs = graph_inputs(settings, run, origin, specs)
        ((data, conversion),) = precision.convert([spec], [data], settings.precision, inputs)
        print(precision.table([conversion], settings.precision))
    write_file(settings.target, data)
    print(f"{settings.target}: {graphs.signature(spec)}, {len(data) / 1e6:.2f} MB")


def export_triton(settings: TritonSettings) -> None:
    """Writes a model repository and prints how to serve it. Raises UserError."""
    backend: triton.Backend = "python" if settings.python_backend else "onnxruntime"
    serving = triton.Serving(settings.device, backend, settings.threads, settings.instances)
    for name in triton.write(settings.bundle, settings.target, serving):
        print(f"  {name}")
    print(shell_line(["tritonserver", f"--model-repository={settings.target}"]))


def unpack_bundle(settings: UnpackSettings) -> None:
    """Makes a run folder and prints how to go on with it. Raises UserError."""
    stages = unpack.unpack(settings.bundle, settings.run)
    print(f"{settings.run} is a run folder with the {', '.join(stages)} of {settings.bundle}.")
    for name, inverse in (("gan", "inverter"), ("vae", "repair")):
        if name in stages and stages[name].trainable:
            seconds = stages[name].record.seconds
            minutes = max(round(seconds / 60), 1)
            long = "less than a minute" if seconds < 60 else "1 minute" if minutes == 1 else f"{minutes} minutes"
            words = [str(settings.run), "--data", Run.open(settings.run).data.source]
            print(f"The {name.upper()} trained for {long}. To train it further (replace what follows --data by where "
                  "its pictures are on this computer):")  # fmt: skip
            print(shell_line(["python", "-m", "train", name, *words, "--resume", "--minutes", str(2 * minutes)]))
            if inverse in stages:
                print(f"The {inverse} fits the {name.upper()} as it is now. Once that has been trained further, remove "
                      f"{settings.run / inverse} and train the {inverse} anew before you export:")  # fmt: skip
                print(shell_line(["python", "-m", "train", "inverse", *words, "--target", name]))


def blend_bundles(settings: BlendSettings) -> None:
    """Writes the bundle of a blend. Raises UserError."""
    stages = None if settings.stages is None else weight_mixing.stage_numbers(settings.stages)
    asked = blend.Asked(stages, settings.share, settings.mapping_share)
    if settings.title:
        check_title(settings.title)
    name = bundle_name(settings.name, settings.target)
    blend.write(settings.first, settings.second, settings.target, name, asked, settings.title, settings.data,
                settings.precision)  # fmt: skip


def graph_inputs(
    settings: GraphSettings, run: Run, origin: graphs.Origin, specs: list[graphs.GraphSpec]
) -> TrialInputs:
    """What a converted graph is tried on; pictures are read only where int8 needs them."""
    pictures = None
    if settings.precision == "int8" and "image" in GRAPHS[settings.graph].inputs:
        _, held_out = run_contents.pictures_of(run, tuple(origin.records), settings.data)
        pictures = assemble.to_pictures(held_out)
    return parity.trial_inputs(specs, pictures, run.latents(), origin.prior)


def run(settings: object) -> None:
    """Runs one command. Raises UserError."""
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
        case TrainingCodesSettings():
            info = training_codes.add(settings.bundle, settings.data, settings.codes_only, settings.cache)
            print(f"{settings.bundle}: {training_codes.FILE}, {info.files['training'].bytes / 1e6:.2f} MB")
        case ClassDirectionsSettings():
            for name, right in class_directions.add(settings.bundle).items():
                print(f"{name}: right on {right.mean():.1%} of held-out latents, worst class {right.min():.1%}")
        case AttributeDirectionsSettings():
            print(attribute_section.attribute_table(attribute_directions.add(settings.bundle)))
        case UnpackSettings():
            unpack_bundle(settings)
        case BlendSettings():
            blend_bundles(settings)
        case TritonSettings():
            export_triton(settings)
        case SpaceSettings():
            destination = hub.Destination(settings.push, settings.private, settings.dry_run)
            space.write(settings.bundles, settings.out, settings.title, destination)
        case WebSettings():
            if len(settings.folders) < 2:
                raise UserError("Name bundles and, last, the folder of the page: python -m export web BUNDLE FOLDER.")
            destination = hub.Destination(settings.push, settings.private, settings.dry_run)
            web.write(settings.bundles, settings.out, settings.title, destination, settings.favourites)


def main(argv: list[str] | None = None) -> int:
    """Exit code: 0 done, 2 a mistake of the user or a failed check, 130 stopped by Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    print_anything()
    if argv == ["--version"]:
        print(f"twofold {VERSION}")
        return 0
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    uploads = argv[:1] in (["space"], ["web"])
    if not uploads:  # an upload shows its progress
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    words = without_aliases(argv)
    settings: object = tyro.cli(Command, prog="python -m export", description=DESCRIPTION, args=words)
    stopped = f"nothing was {'uploaded' if uploads else 'written'}"
    if isinstance(settings, ReportSettings):
        stopped = f"sheets may be new, {report.REPORT} is as it was"
    return exit_code(lambda: run(settings), f"Stopped; {stopped}.")


if __name__ == "__main__":
    sys.exit(main())

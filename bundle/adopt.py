"""`python -m bundle adopt FILE`: a bundle around a generator that was exported elsewhere.

The file itself is not changed. Its shapes and a trial run tell what it takes and gives. Its name, the source of its
pictures and their licence are given by flags, or asked for.
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import numpy as np

from bundle.array_files import SHEET_COLUMNS
from bundle.command_line import exit_code
from bundle.errors import BundleError, UserError
from bundle.external_weights import ONE_FILE, inlined
from bundle.generator_inputs import NOTHING_GIVEN, Given, find_inputs, parsed_inputs
from bundle.generator_pictures import try_generator
from bundle.images import sheet
from bundle.limited_files import read_limited
from bundle.marks.formats import png
from bundle.marks.mark import of_sheet
from bundle.onnx_outline import FLOAT, outline, problem
from bundle.printable import print_anything
from bundle.schema import (
    BUNDLE_NAME,
    MAX_FILE_BYTES,
    SCHEMA_VERSION,
    Adapter,
    Bundle,
    File,
    Layout,
    PixelValues,
    Prior,
)
from bundle.write import file_entry, write_bundle

REPOSITORY = Path(__file__).resolve().parents[1]
MAX_BATCH, LEAST_BATCH = 64, 8
BATCH_PIXELS = MAX_BATCH * 256 * 256  # of the pictures of one request
CODE = re.compile("latent_sample|code", re.IGNORECASE)  # inputs of decoders are called so
GENERATOR, SHEET = "generator.onnx", "sheet.png"


@dataclass(frozen=True)
class About:
    """What the file does not say. `name`: in addresses; `title`: for people; `source` and `licence`: of the pictures it
    learned from; `prior`: what its z is drawn from."""

    name: str
    title: str
    source: str = "unknown"
    licence: str = "unknown"
    prior: Prior = "normal"


@dataclass(frozen=True)
class Found:
    """What shapes and a trial run tell of a generator. `pictures`: uint8 [N, H, W, C], of seeds 0, 1, …; `classes`:
    their names; `notes`: what was guessed or clipped, a sentence each."""

    adapter: Adapter
    opset: int
    precision: str
    parameters: int
    latent_dim: int
    classes: tuple[str, ...]
    pictures: np.ndarray
    notes: tuple[str, ...]


def inspect_generator(data: bytes, prior: Prior = "normal", given: Given = NOTHING_GIVEN) -> Found:
    """How the generator in an ONNX file is used, found from its shapes and a trial run.

    Raises BundleError when the file is no generator of pictures or one that is not served here, UserError when a flag
    does not fit or is needed.
    """
    file = outline(data)
    if fault := problem(file):
        raise BundleError(f"This file {fault}.")
    inputs = find_inputs(file, given)
    decodes = CODE.search(inputs.z) or math.prod(inputs.z_shape[1:]) > 1  # a grid of codes, not a vector
    asked = Adapter(
        z=inputs.z,
        image=next(iter(file.outputs)),  # until the trial run finds the picture
        z_shape=inputs.z_shape,
        values="0..1",
        batch=inputs.batch,
        z_type=inputs.z_type,
        kind="decoder" if decodes else "generator",
        classes=inputs.classes,
        fixed=inputs.fixed,
    )
    trial = try_generator(data, asked, list(file.outputs), prior, given)
    if given.classes and not trial.classes:
        raise UserError("--classes: this file has no input for a class.")
    names = given.classes or tuple(map(str, range(trial.classes)))
    precision = "fp32" if file.weight_types <= {FLOAT} else "as it came"
    notes = (*inputs.notes, *trial.notes)
    return Found(
        trial.adapter, file.opset, precision, file.parameters, math.prod(inputs.z_shape), names, trial.pictures, notes
    )


def adopt(
    file: Path, target: Path, about: About, given: Given = NOTHING_GIVEN, alone: bool = False
) -> tuple[Bundle, Found]:
    """Writes the bundle of a generator's file into the folder `target`; returns its index and what was found.

    Weights in a second file beside it are read in, unless the file came `alone`. Raises UserError with a sentence, and
    leaves nothing behind, when the file is no generator or the folder exists.
    """
    if not file.is_file():
        raise UserError(f"There is no file '{file}'.")
    if target.exists():
        raise UserError(f"'{target}' already exists: choose another --name or --out.")
    data = read_limited(file, MAX_FILE_BYTES)
    if external := outline(data).external:
        if alone:
            raise UserError(
                f"The weights lie in a second file, '{external[0][:100]}'. Make one file of both: {ONE_FILE}, or "
                "onnx.save(onnx.load('model.onnx'), 'one.onnx') where both lie."
            )
        data = inlined(data, file.parent)
    found = inspect_generator(data, about.prior, given)
    sheet_mark = of_sheet(about.name, "gan", len(found.pictures), SHEET_COLUMNS)
    shown = png(sheet(found.pictures, SHEET_COLUMNS), sheet_mark, level=9)
    info = _index(about, found, file_entry(GENERATOR, data), file_entry(SHEET, shown))
    write_bundle(target, info, {GENERATOR: data, SHEET: shown}, card=None, previous=None)
    return info, found


def _index(about: About, found: Found, generator: File, sample_sheet: File) -> Bundle:
    _, height, width, channels = found.pictures.shape
    inputs: list[dict[str, object]] = [{"name": "z", "shape": ["batch", found.latent_dim]}]
    if found.classes:
        inputs.append({"name": "classes", "shape": ["batch", len(found.classes)]})
    graph = generator.model_dump() | {
        "opset": found.opset,
        "precision": found.precision,
        "parameters": found.parameters,
        "inputs": inputs,
        "outputs": [{"name": "image", "shape": ["batch", channels, height, width]}],
        "adapter": found.adapter.model_dump(),
    }
    dataset = {
        "source": about.source,
        "licence": about.licence,
        "classes": found.classes,
        "train_images": 0,
        "test_images": 0,
    }
    return Bundle.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "name": about.name,
            "title": about.title,
            "created": datetime.now(UTC).replace(microsecond=0),
            "dataset": dataset,
            "image": {"channels": channels, "height": height, "width": width},
            "max_batch": max(LEAST_BATCH, min(MAX_BATCH, BATCH_PIXELS // (height * width))),
            "graphs": {"generator": graph},
            "files": {"sheet": sample_sheet},
            "gan": {"latent_dim": found.latent_dim, "prior": about.prior},
            "vae": None,
            "quality": None,
            "training": {},
        }
    )


# ------------------------------------------------------------------------------------- command line


def main(arguments: Sequence[str] | None = None, ask: Callable[[str], str] | None = None) -> int:
    """Exit code: 0 done, 2 after one sentence on what is wrong, 130 stopped."""
    print_anything()
    options = _parser().parse_args(arguments)
    if ask is None and sys.stdin.isatty():
        ask = input

    def work() -> None:
        name = options.name or _asked(ask, "Name in addresses", _plain(options.file.stem))
        if not re.fullmatch(BUNDLE_NAME, name):
            raise UserError(f"'{name}' cannot be a bundle's name: use lower-case letters, digits, - and _ with --name.")
        about = About(
            name=name,
            title=options.title or _asked(ask, "Title", name),
            source=options.source or _asked(ask, "Pictures it learned from", "unknown"),
            licence=options.licence or _asked(ask, "Their licence", "unknown"),
            prior=options.prior,
        )
        target = options.out or REPOSITORY / "artifacts" / name
        given = Given(
            parsed_inputs(options.input),
            options.output,
            options.layout,
            options.values,
            tuple(word.strip() for word in (options.classes or "").split(",") if word.strip()),
        )
        info, found = adopt(options.file, target, about, given)
        shape = " x ".join(map(str, info.image.shape))
        kind = "a decoder, z of" if found.adapter.kind == "decoder" else "z of"
        classes = f", {len(found.classes)} classes" if found.classes else ""
        values = found.adapter.values
        print(f"{target}: {kind} {found.latent_dim} numbers{classes} -> pictures {shape}, values {values}.")
        for note in found.notes:
            print(note)
        print(f"See it: python demo/app.py --bundles {target}")

    return exit_code(work, "\nStopped; nothing was written.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bundle", description="Work with bundles of ONNX graphs.")
    commands = parser.add_subparsers(required=True, metavar="adopt|verify|sign")
    commands.add_parser("verify", help="say whether pictures are marked as generated, and draw them again")
    commands.add_parser("sign", help="write Content Credentials (C2PA) into marked pictures")
    command = commands.add_parser(
        "adopt",
        help="make a bundle of a generator that was exported elsewhere",
        description="Make a bundle of a generator that was exported elsewhere, so that the demo can serve it. The file "
        "is not changed. Its shapes and a trial run tell what it takes and gives; what is not given by the options "
        "below is asked for.",
    )
    command.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="the .onnx file: z in, pictures out; weights in a second file are read in from beside it",
    )
    command.add_argument(
        "--name", help="name in addresses: lower-case letters, digits, - and _ (default: the file's name)"
    )
    command.add_argument("--title", help="title on the page (default: the name)")
    command.add_argument("--source", help="the data set it learned from (default: unknown)")
    command.add_argument("--licence", help="the licence of that data set (default: unknown)")
    command.add_argument(
        "--prior",
        choices=get_args(Prior),
        default="normal",
        help="what z is drawn from: N(0, 1), U(-1, 1), or N(0, 1) cut off at -2 and 2 (default: %(default)s)",
    )
    command.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the value that an input other than z and the class always has, such as truncation=0.7: a number, numbers "
        "with commas, true, false, or normal for noise that is drawn once; once for each input",
    )
    command.add_argument("--output", metavar="NAME", help="the output that is the picture (default: found)")
    command.add_argument(
        "--layout",
        choices=get_args(Layout),
        help="the order of the picture's dimensions: NHWC where the channels come last, NHW where there are none "
        "(default: found)",
    )
    command.add_argument("--values", choices=get_args(PixelValues), help="its black and white (default: found)")
    command.add_argument(
        "--classes",
        metavar="A,B,…",
        help="names of the classes, in their order (default: 0, 1, … as it has them)",
    )
    command.add_argument("--out", type=Path, help="folder of the new bundle (default: artifacts/NAME)")
    return parser


def _asked(ask: Callable[[str], str] | None, question: str, default: str) -> str:
    """What a person answers; the default where nobody can be asked."""
    if ask is None:
        return default
    try:
        return ask(f"{question} [{default}]: ").strip() or default
    except EOFError:  # Ctrl-D stops as Ctrl-C does
        raise KeyboardInterrupt from None


def _plain(text: str) -> str:
    """A name for a bundle, made of any text."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text.lower())
    return kept.strip("-_")[:64] or "generator"

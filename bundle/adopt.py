"""Adopting: a bundle around a generator that was exported elsewhere.

The file itself is not changed. Its shapes and a trial run tell what it takes and gives. The command: adopt_command.py.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bundle.array_files import SHEET_COLUMNS
from bundle.bundle_names import check_line, check_name, check_title
from bundle.errors import BundleError, UserError
from bundle.external_weights import ONE_FILE, inlined
from bundle.generator_inputs import NOTHING_GIVEN, Given, check_tensor_name, find_inputs
from bundle.generator_pictures import try_generator
from bundle.images import sheet
from bundle.limited_files import read_limited
from bundle.marks import of_sheet
from bundle.marks.formats import png
from bundle.onnx_outline import FLOAT, outline, problem
from bundle.schema import (
    MAX_FILE_BYTES,
    SCHEMA_VERSION,
    Adapter,
    BundleIndex,
    File,
    Prior,
)
from bundle.write import file_entry, write_bundle

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
class GeneratorFacts:
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


def inspect_generator(data: bytes, prior: Prior = "normal", given: Given = NOTHING_GIVEN) -> GeneratorFacts:
    """How the generator in an ONNX file is used, found from its shapes and a trial run.

    Raises BundleError when the file is no generator of pictures or one that is not served here, UserError when a flag
    does not fit or is needed.
    """
    file = outline(data)
    if fault := problem(file):
        raise BundleError(f"This file {fault}.")
    inputs = find_inputs(file, given)
    for name in file.outputs:
        check_tensor_name(name)
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
    if given.classes and not trial.class_count:
        raise UserError("--classes: this file has no input for a class.")
    names = given.classes or tuple(map(str, range(trial.class_count)))
    precision = "fp32" if file.weight_types <= {FLOAT} else "as it came"
    notes = (*inputs.notes, *trial.notes)
    return GeneratorFacts(
        trial.adapter, file.opset, precision, file.parameters, math.prod(inputs.z_shape), names, trial.pictures, notes
    )


def check_file(file: Path) -> None:
    """Raises UserError when a generator's file is not there."""
    if not file.is_file():
        raise UserError(f"There is no file '{file}'.")


def check_target(target: Path) -> None:
    """Raises UserError when the folder of a new bundle is taken."""
    if target.exists():
        raise UserError(f"'{target}' already exists: choose another --name or --out.")


def adopt(
    file: Path, target: Path, about: About, given: Given = NOTHING_GIVEN, alone: bool = False
) -> tuple[BundleIndex, GeneratorFacts]:
    """Writes the bundle of a generator's file into the folder `target`; returns its index and what was found.

    Weights in a second file beside it are read in, unless the file came `alone`. Raises UserError with a sentence, and
    leaves nothing behind, when the file is no generator or the folder exists.
    """
    check_name(about.name)
    check_title(about.title)
    check_line("source", about.source)
    check_line("licence", about.licence)
    check_file(file)
    check_target(target)
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


def _index(about: About, found: GeneratorFacts, generator: File, sample_sheet: File) -> BundleIndex:
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
    return BundleIndex.model_validate(
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

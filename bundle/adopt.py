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

from bundle.adapter import adapt
from bundle.array_files import MAX_TILES, SHEET_COLUMNS
from bundle.command_line import exit_code
from bundle.errors import BundleError, UserError
from bundle.feeds import Feed
from bundle.images import png, sheet, to_uint8
from bundle.latents import from_normal, seed_latents
from bundle.onnx_outline import FLOAT, outline, problem
from bundle.printable import print_anything
from bundle.schema import BUNDLE_NAME, MAX_FILE_BYTES, MAX_SIDE, SCHEMA_VERSION, Adapter, Bundle, File, Prior
from bundle.sessions import choose_provider, first_line, open_session
from bundle.write import file_entry, write_bundle

REPOSITORY = Path(__file__).resolve().parents[1]
MAX_BATCH = 64
SLACK = 0.02  # by which values may exceed their range
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
    """What shapes and a trial run tell of a generator. `pictures`: uint8 [64, H, W, C], of seeds 0 to 63."""

    adapter: Adapter
    opset: int
    parameters: int
    latent_dim: int
    pictures: np.ndarray


def inspect_generator(data: bytes, prior: Prior = "normal") -> Found:
    """How the generator in an ONNX file is used, found from its shapes and a trial run.

    Raises BundleError when the file is no generator z -> image, or one that is not served here.
    """
    file = outline(data)
    if fault := problem(file):
        raise BundleError(f"This file {fault}.")
    if len(file.inputs) != 1:
        raise BundleError(f"A generator has one input, z; this file has {len(file.inputs)} ({', '.join(file.inputs)}).")
    ((z, (kind, shape)),) = file.inputs.items()
    sizes = tuple(size for size in shape[1:] if isinstance(size, int) and size > 0)
    if kind != FLOAT or len(shape) < 2 or len(sizes) < len(shape) - 1:
        raise BundleError(f"z must be float32 [batch, numbers, …] of known size; '{z}' is {list(shape)}.")
    images = [name for name, (kind, shape) in file.outputs.items() if kind == FLOAT and len(shape) in (0, 4)]
    if not images:
        raise BundleError("None of its outputs is a picture, float32 [batch, channels, height, width].")
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
    adapter = Adapter(z=z, image=images[0], z_shape=sizes, values="0..1", batch=batch)
    pictures, values = _trial(data, adapter, prior)
    opset = file.opsets.get("", file.opsets.get("ai.onnx", 0))
    chosen = adapter.model_copy(update={"values": values})
    return Found(chosen, opset, file.parameters, math.prod(sizes), pictures)


def adopt(file: Path, target: Path, about: About) -> Bundle:
    """Writes the bundle of a generator's file into the folder `target` and returns its index.

    Raises UserError with a sentence, and leaves nothing behind, when the file is no generator or the folder exists.
    """
    if not file.is_file():
        raise UserError(f"There is no file '{file}'.")
    if file.stat().st_size > MAX_FILE_BYTES:
        raise UserError(f"'{file}' is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    if target.exists():
        raise UserError(f"'{target}' already exists: choose another --name or --out.")
    data = file.read_bytes()
    found = inspect_generator(data, about.prior)
    shown = png(sheet(found.pictures, SHEET_COLUMNS), level=9)
    info = _index(about, found, file_entry(GENERATOR, data), file_entry(SHEET, shown))
    write_bundle(target, info, {GENERATOR: data, SHEET: shown}, card=None, previous=None)
    return info


def _trial(data: bytes, adapter: Adapter, prior: Prior) -> tuple[np.ndarray, str]:
    """The pictures of seeds 0 to 63, and the range of the generator's values: "0..1" or "-1..1"."""
    try:
        session = open_session(data, choose_provider("cpu"))
        noise = seed_latents(range(MAX_TILES), math.prod(adapter.z_shape))

        def run(feed: Feed) -> list[np.ndarray]:
            raw.append(session.run([adapter.image], dict(feed))[0])
            return [raw[-1]]

        raw: list[np.ndarray] = []
        adapt(run, adapter.model_copy(update={"batch": adapter.batch or 16}))({"z": from_normal(noise, prior)})
    except Exception as error:  # onnxruntime's errors share no base class
        raise BundleError(f"This file does not run ({first_line(error)}).") from error
    values = np.concatenate(raw)[:MAX_TILES]
    if values.ndim != 4 or values.shape[1] not in (1, 3) or max(values.shape[2:]) > MAX_SIDE:
        raise BundleError(
            f"Pictures must have 1 or 3 channels first and at most {MAX_SIDE} pixels a side; "
            f"'{adapter.image}' is {values.shape[1:]}."
        )
    if not np.isfinite(values).all():
        raise BundleError("This generator gives values that are not finite numbers.")
    low, high = float(values.min()), float(values.max())
    if low < -1 - SLACK or high > 1 + SLACK or high - low < SLACK:
        raise BundleError(f"Pictures must lie in [0, 1] or [-1, 1]; these run from {low:.3g} to {high:.3g}.")
    if low >= -SLACK:
        return to_uint8(values), "0..1"
    return to_uint8(values * np.float32(0.5) + np.float32(0.5)), "-1..1"


def _index(about: About, found: Found, generator: File, sample_sheet: File) -> Bundle:
    _, height, width, channels = found.pictures.shape
    graph = generator.model_dump() | {
        "opset": found.opset,
        "precision": "as it came",
        "parameters": found.parameters,
        "inputs": [{"name": "z", "shape": ["batch", found.latent_dim]}],
        "outputs": [{"name": "image", "shape": ["batch", channels, height, width]}],
        "adapter": found.adapter.model_dump(),
    }
    dataset = {"source": about.source, "licence": about.licence, "classes": [], "train_images": 0, "test_images": 0}
    return Bundle.model_validate(
        {
            "schema_version": SCHEMA_VERSION,
            "name": about.name,
            "title": about.title,
            "created": datetime.now(UTC).replace(microsecond=0),
            "dataset": dataset,
            "image": {"channels": channels, "height": height, "width": width},
            "max_batch": MAX_BATCH,
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
        info = adopt(options.file, target, about)
        shape = " x ".join(map(str, info.image.shape))
        adapter = info.graphs["generator"].adapter
        values = adapter.values if adapter else "0..1"
        print(f"{target}: z of {info.require_gan().latent_dim} numbers -> pictures {shape}, values {values}.")
        print(f"See it: python demo/app.py --bundles {target}")

    return exit_code(work, "\nStopped; nothing was written.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bundle", description="Work with bundles of ONNX graphs.")
    command = parser.add_subparsers(required=True, metavar="adopt").add_parser(
        "adopt",
        help="make a bundle of a generator that was exported elsewhere",
        description="Make a bundle of a generator that was exported elsewhere, so that the demo can serve it. The file "
        "is not changed. Its shapes and a trial run tell what it takes and gives; what is not given by the options "
        "below is asked for.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the .onnx file: z in, pictures out")
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

"""`python -m bundle adopt FILE`: the name, the source of the pictures and their licence by flags, or asked for."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from bundle.adopt import About, adopt, check_file, check_target
from bundle.bundle_names import check_name, name_from
from bundle.exit_codes import exit_code
from bundle.generator_inputs import Given, parsed_inputs
from bundle.read import ARTIFACTS
from bundle.schema import Layout, PixelValues, Prior
from bundle.shell_line import shell_line

HELP = "make a bundle of a generator that was exported elsewhere"
DESCRIPTION = """Make a bundle of a generator that was exported elsewhere, so that the demo can serve it. The file is
not changed. Its shapes and a trial run tell what it takes and gives. Name, title, source and licence are asked for
at a terminal unless they are given."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
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
    command.add_argument(
        "--values",
        choices=get_args(PixelValues),
        help="the numbers that are black and white in its pictures (default: found)",
    )
    command.add_argument(
        "--classes",
        metavar="A,B,…",
        help="names of the classes, in their order (default: 0, 1, … as it has them)",
    )
    command.add_argument("--out", type=Path, help="folder of the new bundle (default: artifacts/NAME)")


def asker() -> Callable[[str], str] | None:
    """What asks the person at the terminal; None where nobody is."""
    return input if sys.stdin.isatty() else None


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 done, 2 after one sentence on what is wrong, 130 stopped."""
    ask = asker()

    def work() -> None:
        check_file(options.file)  # before anything is asked
        name = options.name or _asked(ask, "Name in addresses", name_from(options.file.stem) or "generator")
        check_name(name)
        target = options.out or ARTIFACTS / name
        check_target(target)
        about = About(
            name=name,
            title=options.title or _asked(ask, "Title", name),
            source=options.source or _asked(ask, "Pictures it learned from", "unknown"),
            licence=options.licence or _asked(ask, "Their licence", "unknown"),
            prior=options.prior,
        )
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
        print(f"See it: {shell_line(['python', 'demo/app.py', '--bundles', str(target)])}")

    return exit_code(work, "\nStopped; nothing was written.")


def _asked(ask: Callable[[str], str] | None, question: str, default: str) -> str:
    """What a person answers; the default where nobody can be asked."""
    if ask is None:
        return default
    try:
        return ask(f"{question} [{default}]: ").strip() or default
    except EOFError:  # Ctrl-D stops as Ctrl-C does
        raise KeyboardInterrupt from None

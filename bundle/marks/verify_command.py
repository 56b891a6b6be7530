"""`python -m bundle verify FILE …`: are these pictures marked, by which bundle, and does it draw them again?"""

import argparse
import functools
from contextlib import suppress
from pathlib import Path

from bundle.errors import BundleError, UserError
from bundle.exit_codes import exit_code
from bundle.limited_files import read_limited
from bundle.marks import xmp
from bundle.marks.verify import MARKED_FILE, finding, named
from bundle.model import BundleModel
from bundle.printable import printable
from bundle.read import ARTIFACTS, INDEX, read, read_index
from bundle.runner import BundleRunner

HELP = "say whether pictures are marked as generated, and draw them again"
DESCRIPTION = """Say whether pictures are marked as generated, by which bundle, and whether that draws the same pictures
again. Ends with 0 if all are drawn again, else with 1."""
NOT_SAME = 1  # the exit code where a file is not marked, or no bundle draws the same picture


def bundle_at_hand(root: Path, name: str | None) -> BundleModel | None:
    """The bundle of this name in a folder of bundles, or that folder itself; None where there is none."""
    if name is None or not root.is_dir():
        return None
    for folder in (root, *sorted(root.iterdir())):
        with suppress(BundleError, OSError):  # one that is damaged or cannot be read is not at hand
            if (folder / INDEX).is_file() and read_index(folder).name == name:
                return BundleModel(BundleRunner(read(folder)))
    return None


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds what the command takes."""
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a PNG, WebP, GIF or MP4")
    command.add_argument(
        "--bundles", type=Path, default=ARTIFACTS, metavar="FOLDER", help="where the bundles are (default: artifacts)"
    )


def run(options: argparse.Namespace) -> int:
    """The exit code: 0 all are drawn again, NOT_SAME, 2 after a sentence on what is wrong, 130 stopped."""

    @functools.cache  # many files name the same one
    def at_hand(name: str | None) -> BundleModel | None:
        return bundle_at_hand(options.bundles, name)

    def work() -> int:
        if not options.bundles.is_dir() and options.bundles != ARTIFACTS:  # where nobody has put any, none is at hand
            raise UserError(f"There is no folder '{options.bundles}'.")
        same = True
        for path in options.files:
            data = read_limited(path, MARKED_FILE.bytes)
            reading = xmp.read(data)
            found = finding(data, reading, at_hand(named(reading)))
            same &= found.again == "same"
            print(printable(f"{path}: {' '.join(found.sentences)}"))
        return 0 if same else NOT_SAME

    return exit_code(work, "Stopped.")

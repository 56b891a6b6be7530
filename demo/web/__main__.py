"""Command line: `python -m demo.web` puts onnxruntime-web into demo/web/node_modules."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bundle import on_device
from bundle.exit_codes import exit_code
from demo.web import npm

WEB = Path(__file__).resolve().parent
ABOUT = """\
Get onnxruntime-web, so that pages draw on the visitor's device.

The demo then has the switch "On my device" (in Play): the visitor's browser computes every picture itself, and needs
no network to do so. `python -m export space` puts the files into a Space, `python -m export web` into a static page."""
MORE = """\
It runs `npm ci` with the npm on the PATH, or with the one that this brings:

    pip install -r demo/requirements-web.txt

npm loads exactly what demo/web/package-lock.json lists, about 40 MB, and refuses a file whose checksum is not the one
in that list. Nothing else is changed: what was there before stays until the new files are complete."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 after printing what is wrong, 130 stopped by Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.web",
        description=ABOUT,
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--again", action="store_true", help="load it again, even if the right version is there")
    again: bool = parser.parse_args(arguments).again
    return exit_code(lambda: install(WEB, again), "Stopped; nothing was changed.")


def install(web: Path, again: bool = False) -> None:
    """Puts onnxruntime-web where the demo finds it, and says what to do next. Raises UserError when that fails."""
    lock = npm.read_lock(web)
    there = on_device.installed(web)
    if there and there.version == lock.version and len(there.builds) == len(on_device.BUILDS) and not again:
        print(f"{on_device.RUNTIME} {lock.version} is there already; --again loads it once more.")
    else:
        npm.install(web, lock, npm.find())
        print(f"{on_device.RUNTIME} {lock.version} is in {web / npm.MODULES}; every checksum was right.")
    print('Next: start `python demo/app.py` (again), and switch "On my device" on in Play.')
    print("For others: python -m export space BUNDLES, or python -m export web BUNDLES FOLDER.")


if __name__ == "__main__":
    sys.exit(main())

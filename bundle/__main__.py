"""Command line of the bundle format: `python -m bundle adopt FILE`, `… verify FILE`, `… sign FILE`."""

import argparse
import sys
from collections.abc import Sequence

from bundle import adopt_command
from bundle.marks import sign_command, verify_command
from bundle.printable import print_anything

COMMANDS = {"adopt": adopt_command, "verify": verify_command, "sign": sign_command}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code."""
    print_anything()
    parser = argparse.ArgumentParser(prog="python -m bundle", description="Work with bundles of ONNX graphs.")
    commands = parser.add_subparsers(required=True, metavar="|".join(COMMANDS))
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.DESCRIPTION)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())

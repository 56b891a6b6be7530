"""Command line of the bundle format: `python -m bundle adopt FILE`, `… verify FILE`, `… sign FILE`."""

import sys

from bundle import adopt
from bundle.marks import sign_command, verify_command

COMMANDS = {"verify": verify_command.main, "sign": sign_command.main}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1] if sys.argv[1:] else "")
    sys.exit(command(sys.argv[2:]) if command else adopt.main())

"""Command line of the bundle format: `python -m bundle adopt FILE`, `python -m bundle verify FILE`."""

import sys

from bundle import adopt
from bundle.marks import verify_command

if __name__ == "__main__":
    verifies = sys.argv[1:2] == ["verify"]
    sys.exit(verify_command.main(sys.argv[2:]) if verifies else adopt.main())

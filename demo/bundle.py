"""`python -m demo.bundle adopt FILE`: the old name of `python -m bundle adopt FILE`."""

import sys

from bundle.__main__ import main

if __name__ == "__main__":
    sys.exit(main())

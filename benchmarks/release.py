"""The older name of `python -m export.release`, which trains, exports and measures the released bundles."""

import sys

from export.release import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

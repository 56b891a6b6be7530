"""How every command ends: an exit code, and a sentence instead of a traceback."""

import sys
from collections.abc import Callable

from bundle.errors import UserError
from bundle.printable import print_anything


def exit_code(work: Callable[[], int | None], stopped: str) -> int:
    """Runs the work of a command and returns its exit code.

    0, or what `work` returns: done. 2: a UserError or an OSError, printed as one line. 130: Ctrl-C; `stopped` is
    printed. What the terminal cannot show is escaped.
    """
    print_anything()
    try:
        return work() or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'writing'}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130

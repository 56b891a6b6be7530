"""How every command ends: an exit code, and a sentence instead of a traceback."""

import sys
from collections.abc import Callable

from bundle.errors import UserError


def exit_code(work: Callable[[], int | None], stopped: str) -> int:
    """Run the work of a command and return its exit code.

    0, or what `work` returns: done. 2: a UserError or a refusal of the disk, printed as a sentence. 130: Ctrl-C, after
    printing `stopped`.
    """
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

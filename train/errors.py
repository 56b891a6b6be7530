"""The one exception whose message is meant for the person at the keyboard, and how a command ends."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake that the user can mend; commands print its sentence and exit with code 2."""


def exit_code(work: Callable[[], int | None], stopped: str, *mistakes: type[Exception]) -> int:
    """Does the work of a command. 0 or what it returns: done; 2: UserError, one of the other `mistakes`, or a refusal
    of the disk, each as a sentence; 130: Ctrl-C, answered by the sentence `stopped`."""
    try:
        return work() or 0
    except (UserError, *mistakes) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"error: {problem.filename or 'writing'}: {problem.strerror or problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return 130

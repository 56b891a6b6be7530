"""How every command ends: an exit code, and a sentence instead of a traceback."""

import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType

from bundle.errors import UserError
from bundle.printable import print_anything, printable

INTERRUPTED = 130  # the exit code of a command that Ctrl-C ended


def exit_code(work: Callable[[], int | None], stopped: str) -> int:
    """Runs the work of a command and returns its exit code.

    0, or what `work` returns: done. 2: a UserError or an OSError, printed as one line. 130: Ctrl-C, a terminal that was
    closed (SIGHUP) or SIGTERM; `stopped` is printed. What the terminal cannot show is escaped.
    """
    print_anything()
    try:
        with ends_as_ctrl_c():
            return work() or 0
    except UserError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:
        print(printable(f"error: {error.filename or 'writing'}: {error.strerror or error}"), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(stopped, file=sys.stderr)
        return INTERRUPTED


def end_signals() -> list[signal.Signals]:
    """The signals besides Ctrl-C that ask a command to end: SIGTERM, and SIGHUP where it is not ignored (nohup)."""
    found = [signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        found.append(hangup)
    return found


@contextmanager
def handled(signals: list[signal.Signals], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """While inside, `handler` takes these signals. Does nothing in a thread, where Python allows no handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextmanager
def ends_as_ctrl_c() -> Iterator[None]:
    """While inside, SIGTERM and SIGHUP raise KeyboardInterrupt."""

    def end(number: int, frame: FrameType | None) -> None:
        let_go_of_terminal(number)
        raise KeyboardInterrupt

    with handled(end_signals(), end):
        yield


def let_go_of_terminal(number: int) -> None:
    """After SIGHUP the terminal is gone: what is printed from now on goes nowhere, instead of failing."""
    if number != getattr(signal, "SIGHUP", None):
        return
    for descriptor in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def quiet_ctrl_c(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
    """As sys.excepthook, but Ctrl-C while a command is still being imported prints a word and no traceback."""
    if issubclass(kind, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, value, traceback)


if sys.excepthook is sys.__excepthook__:
    sys.excepthook = quiet_ctrl_c

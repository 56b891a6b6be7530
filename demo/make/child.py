"""A long process that never outlives whoever started it.

`python -m demo.make.child NICE COMMAND …` runs the command and waits until it ends, or until its own standard input is
closed: the system does that when the server goes, however it goes. Then it asks the command to stop, as Ctrl-C does, so
that nothing learned is lost. Where it is itself killed, Linux asks the command to stop. Windows cannot ask: there the
command ends at once, and what it learned since its last checkpoint is lost.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from demo.make.failures import Work, sentence

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds that a command has to store what it learned, before it is killed
TRAINING_PRIORITY = 10  # "nice", so that the page stays quick; what somebody waits for …
WAITED_FOR = 5  # … comes before training, and after the page
LAST_LINES = 20
PR_SET_PDEATHSIG = 1  # of prctl(2)


class Child:
    """A command that works for a project in the background; its output goes into a file there."""

    def __init__(self, command: Sequence[str], folder: Path, work: Work, nice: int = TRAINING_PRIORITY):
        """folder: of the project. nice: how far behind the page its priority is. Raises OSError where it cannot be
        started."""
        self.work, self.log = work, folder / f"{work}.log"
        self._output = self.log.open("wb")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo.make.child", str(nice), *command],
                cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=self._output, stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"}, start_new_session=True,
            )  # fmt: skip
        finally:
            self._output.close()

    def stop(self) -> None:
        """Asks the command to store what it has learned and to end. Returns at once."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    def wait(self) -> int:
        """The exit code, once the command has ended."""
        code = self._process.wait()
        self.stop()
        return code

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, at the latest so many seconds from now."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_lines(self) -> list[str]:
        """What it printed last."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line for line in text.replace("\r", "\n").splitlines() if line.strip()][-LAST_LINES:]

    def last_words(self) -> str:
        """The sentence with which it failed, once it has ended: demo/make/failures.py."""
        return sentence(self.work, self.last_lines(), self.wait(), self.log.parent)


def main(nice: int, command: Sequence[str]) -> int:
    """Runs the command until it ends or standard input is closed; returns its exit code, 128 and the signal's number
    where a signal ended it."""
    with suppress(OSError, AttributeError):
        os.nice(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal that is shared; the closed input says it all
    running = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=_hears_ctrl_c if os.name == "posix" else None
    )
    threading.Thread(target=_stop_when_alone, args=(running,), daemon=True).start()
    code = running.wait()
    return code if code >= 0 else 128 - code


def _hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)  # sent when the process above ends


def _stop_when_alone(running: subprocess.Popen) -> None:
    while os.read(0, 4096):  # not sys.stdin: Python aborts where a thread holds its lock at the end
        pass
    running.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
    try:
        running.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        running.kill()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))

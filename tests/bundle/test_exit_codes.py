"""How every command ends."""

import os
import signal
import subprocess
import sys

import pytest

from bundle.errors import UserError
from bundle.exit_codes import INTERRUPTED, exit_code


def test_exit_codes(capsys):
    def raises(problem: BaseException):
        raise problem

    assert exit_code(lambda: None, "") == 0 and exit_code(lambda: 3, "") == 3
    assert exit_code(lambda: raises(UserError("Too small.")), "") == 2
    assert exit_code(lambda: raises(OSError(28, "No space left on device", "state")), "") == 2
    assert exit_code(lambda: raises(KeyboardInterrupt()), "Stopped.") == INTERRUPTED
    assert capsys.readouterr().err == "error: Too small.\nerror: state: No space left on device\nStopped.\n"


@pytest.fixture
def heard():
    """Ctrl-C reaches this process, also where it was started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_every_request_to_end_is_as_ctrl_c(name, capsys, heard):
    before = signal.getsignal(getattr(signal, name))
    assert exit_code(lambda: os.kill(os.getpid(), getattr(signal, name)), "Stopped.") == INTERRUPTED
    assert capsys.readouterr().err == "Stopped.\n"
    assert signal.getsignal(getattr(signal, name)) is before


def test_nohup_is_obeyed():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert exit_code(lambda: os.kill(os.getpid(), signal.SIGHUP), "Stopped.") == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_ctrl_c_during_the_imports_prints_no_traceback():
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # in the background too
    code = f"{heard}; import bundle.exit_codes, os, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode in (-signal.SIGINT, INTERRUPTED)
    assert done.stderr == "Stopped.\n"

"""Processes of the demo, started as a user starts them."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.released import REPOSITORY

PATIENCE = 120  # seconds until a process must have printed its address
DEMO_PYTHON = os.environ.get("TWOFOLD_DEMO_PYTHON")  # of an environment that holds demo/requirements.txt and no more
GREETING = "Twofold is at "


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(
    *flags: str | Path,
    python: Sequence[str | Path] = (sys.executable,),
    folder: Path = REPOSITORY,
    environment: Mapping[str, str] | None = None,
    errors: IO[bytes] | None = None,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python demo/app.py FLAGS` in `folder`, ended at the end of the block: the process and the first line it prints,
    "" where it ended without one. What it writes to stderr goes to `errors`, or where that of the tests goes."""
    command = [*map(str, python), "demo/app.py", *map(str, flags)]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:
        patience = threading.Timer(PATIENCE, process.kill)
        patience.start()
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            patience.cancel()
            yield process, line
        finally:
            patience.cancel()
            process.terminate()


@contextmanager
def demo(*flags: str | Path, **settings) -> Iterator[str]:
    """The address of a running demo on a free port; flags and settings as for `started`."""
    with started(*flags, "--port", str(free_port()), **settings) as (_, line):
        assert line.startswith(GREETING), "the demo did not start"
        yield line.removeprefix(GREETING).strip()

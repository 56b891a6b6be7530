"""Shows a run in a browser while it is trained: by a process of the demo, since training knows nothing of pages."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from bundle.errors import UserError
from train.help_texts import reflowed
from train.progress_bar import say

REPOSITORY = Path(__file__).resolve().parents[1]
NEEDED = ("demo", "starlette", "uvicorn")
MISSING = (
    "Watching in a browser needs what the page needs: pip install -r demo/requirements.txt. The pictures are in the "
    "folders samples and snapshots of each stage, too."
)
PATIENCE = 5.0  # seconds that the page has to end


@reflowed
@dataclass(frozen=True)
class WatchSettings:
    """Print an address where a run can be watched in a browser while it learns, and afterwards; read only."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder, e.g. runs/mnist."""
    port: int | None = None
    """Port of the page. Default: 7860, or the next free one."""


def watch(settings: WatchSettings) -> int:
    """Serves the page until Ctrl-C; returns its exit code. Raises UserError where what it needs is not installed."""
    check_installed()
    port = [] if settings.port is None else ["--port", str(settings.port)]
    with subprocess.Popen([*command(settings.run), *port], cwd=REPOSITORY) as page:
        try:
            return page.wait()
        except KeyboardInterrupt:
            page.terminate()  # of Ctrl-C it has heard, but not of SIGTERM and SIGHUP
            wait_or_kill(page)
            return 0


@contextmanager
def watched(run: Path) -> Iterator[None]:
    """While inside, the run can be watched in a browser. What keeps the page from being served is said, and stops no
    training; it ends with this process, however that ends."""
    try:
        check_installed()
        page = subprocess.Popen([*command(run), "--until-closed"], cwd=REPOSITORY, stdin=subprocess.PIPE)
    except (UserError, OSError) as problem:
        say(f"note: {problem}")
        yield
        return
    try:
        yield
    finally:
        if page.stdin:
            with suppress(OSError):
                page.stdin.close()
        wait_or_kill(page)


def wait_or_kill(page: "subprocess.Popen[bytes]") -> None:
    """Waits until a page that was asked to end has ended; after PATIENCE seconds it is killed."""
    try:
        page.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        page.kill()
        page.wait()


def command(run: Path) -> list[str]:
    """The words that start the page."""
    return [sys.executable, "-m", "demo.watch", str(run.absolute())]


def check_installed() -> None:
    """Raises UserError where what the page needs is not installed."""
    if not all(importlib.util.find_spec(name) for name in NEEDED):
        raise UserError(MISSING)

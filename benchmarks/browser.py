"""What the measurements of the page share: a server on bundles of its own, and a headless Chromium."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",  # a GPU imitated in software redraws the whole window for each picture: 60 ms each
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
)


@contextmanager
def served(bundles: Path, provider: str) -> Iterator[str]:
    """The address of the page over a bundle or a folder of bundles, once it is printed. SystemExit when it is not."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--bundles", str(bundles.resolve()), "--port", str(port), "--provider", provider]
    command = [sys.executable, "demo/app.py", *options]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as server:
        try:
            line = server.stdout.readline()
            if "Twofold is at" not in line:
                sys.exit("error: the server did not start.")
            yield line.split()[-1]
        finally:
            server.terminate()


@contextmanager
def chromium(executable: str | None = None) -> Iterator[Browser]:
    """A headless Chromium: the one named, or the one installed. SystemExit with a sentence when there is none."""
    names = [executable] if executable else ["chromium", "chromium-browser"]
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        sys.exit("error: no chromium is installed (apt install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()

"""`python -m train watch` and `--open`: the page is a process of the demo, and no training depends on it."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from bundle.exit_codes import exit_code
from tests.support.pictures import draw_folder
from train.command_line import parse
from train.resume import store_settings
from train.run_folder import read_json
from train.watch import WatchSettings, command, watch, watched

REPOSITORY = Path(__file__).resolve().parents[2]


def test_watch_is_a_command_with_a_run_and_a_port(tmp_path: Path):
    settings, _ = parse(["watch", str(tmp_path), "--port", "7999"])
    assert settings == WatchSettings(tmp_path, 7999)
    assert command(Path("runs/mine"))[2:] == ["demo.watch", str(Path.cwd() / "runs" / "mine")]


def test_open_is_of_one_command_and_not_stored(tmp_path: Path):
    settings, given = parse(["gan", str(tmp_path), "--open"])
    assert settings.open and "open" in given
    store_settings("gan", settings)
    assert read_json(tmp_path / "gan" / "config.json").get("open", False) is False


def test_a_training_goes_on_where_the_page_cannot_be_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    printed, inside = io.StringIO(), False
    with redirect_stdout(printed), watched(tmp_path):
        inside = True
    assert inside and "pip install -r demo/requirements.txt" in printed.getvalue()


def test_a_watch_that_is_told_to_end_ends_its_page(monkeypatch: pytest.MonkeyPatch):
    started: list[subprocess.Popen] = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments: Any, **options: Any):
            super().__init__(*arguments, **options)
            started.append(self)
            threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    # A page that hears of nothing that is sent to its parent alone.
    monkeypatch.setattr("train.watch.command", lambda run: [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr("train.watch.subprocess.Popen", Noted)
    began = time.monotonic()
    assert exit_code(lambda: watch(WatchSettings(Path("runs/mine"))), "") == 0
    assert time.monotonic() - began < 30 and started[0].poll() is not None


@pytest.mark.slow
def test_a_training_that_is_watched_prints_its_address_and_ends_with_its_page(tmp_path: Path):
    words = ["classifier", tmp_path / "run", "--data", draw_folder(tmp_path / "pictures", 120), "--open"]
    words += ["--images", "200000", "--batch", "16", "--threads", "1", "--size", "16"]
    with subprocess.Popen(
        [sys.executable, "-m", "train", *map(str, words)],
        cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as training:  # fmt: skip
        assert training.stdout
        found = next(filter(None, (re.search(r"Watch it at (\S+)", line) for line in training.stdout)))
        seen = ""
        while '"training"' not in seen:
            try:
                with urllib.request.urlopen(f"{found[1]}/run", timeout=5) as answer:
                    seen = answer.read().decode()
            except OSError:
                continue
        training.terminate()
        training.wait(60)
    with pytest.raises(OSError):
        urllib.request.urlopen(f"{found[1]}/run", timeout=5)

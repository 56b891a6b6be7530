"""The soak uses a real server in every way, and counts what it has."""

from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from benchmarks import soak as soaking
from benchmarks.browser import Server, served
from benchmarks.soak import Interactions, Settings, drag_rates, soak
from benchmarks.visitor import Visitor

pytestmark = pytest.mark.serving


def test_every_kind_of_interaction_once(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    settings = Settings(tiny_bundle, warm_up=1, interactions=16, visitors=2, seconds=0.5)
    with served(tiny_bundle, "cpu") as server:
        visitor = Visitor(server.address)
        report = soak(visitor, tmp_path, None, settings)
        visitor.get("healthz")
        with pytest.raises(SystemExit, match="sample of other was refused: There is no bundle 'other'"):
            Interactions(visitor, 1, {"other": ["gan"]})(3)
    # Four pictures are uploaded: for /reconstruct, /invert and, with its mask, /repair.
    assert report["after"]["upload_files"] - report["before"]["upload_files"] >= 4
    assert report["after"]["sessions"] > 1 and report["after"]["memory_mb"] > 50
    assert len(report["pictures_per_second"]) == 2 and min(report["pictures_per_second"]) > 0


def test_a_visitor_who_is_not_let_in_ends_it(monkeypatch: pytest.MonkeyPatch):
    answers = iter([httpx.Response(200, json={"bundles": {"tiny": {}}}), httpx.Response(503)])
    asked = httpx.Request("GET", "http://nowhere/healthz")

    def get(visitor: Visitor, path: str) -> httpx.Response:
        answer = next(answers)
        answer.request = asked
        return answer

    monkeypatch.setattr(Visitor, "get", get)
    with pytest.raises(SystemExit, match="http://nowhere did not let 2 visitors in"):
        drag_rates("http://nowhere", visitors=2, seconds=0.1)


@pytest.mark.parametrize("flags", [["--visitors", "0"], ["--seconds", "0"]])
def test_visitors_who_do_not_drag_are_refused_before_the_soak(tmp_path: Path, capsys, flags: list[str]):
    assert soaking.main([str(tmp_path), *flags]) == 2
    assert "--visitors must be at least 1, and --seconds positive" in capsys.readouterr().err


def test_without_playwright_chromium_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    calm = {"before": {"memory_mb": 1.0}, "after": {"memory_mb": 1.0}, "pictures_per_second": [99.0]}
    monkeypatch.setattr(soaking, "installed", lambda names: "/usr/bin/chromium")
    monkeypatch.setattr(soaking.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(soaking, "served", lambda *_: nullcontext(Server("http://nowhere", 0)))
    monkeypatch.setattr(soaking, "soak", lambda visitor, uploads, browser, settings: calm | {"browser": browser})
    monkeypatch.setattr(soaking, "show", lambda report: print(report["browser"]))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    assert soaking.watch(Settings(tmp_path)) == 0
    assert "None" in capsys.readouterr().out


def test_stopping_it_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def stopped(settings: Settings) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(soaking, "watch", stopped)
    assert soaking.main([str(tmp_path)]) == 130

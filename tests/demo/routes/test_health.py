"""/healthz: what is served, what is not, and why."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.read import Unavailable
from bundle.sessions import choose_provider
from demo.routes import health, live
from demo.serving.served_bundle import open_bundles
from tests.support import tiny


def test_a_fault_that_is_found_later_is_told(broken_bundle: Path):
    tiny.replace_graph(broken_bundle, "decoder", float("nan"))
    bundles, _ = open_bundles(broken_bundle, choose_provider("cpu"), check=False)
    with TestClient(Starlette(routes=[*live.routes(bundles), *health.routes(bundles, [])])) as client:
        assert client.get("/healthz").json()["bundles"]["tiny"]["checked"] is False
        answer = client.get("/live/tiny?m=gan")
        assert answer.status_code == 400 and "'decoder'" in answer.text and "not finite" in answer.text
        report = client.get("/healthz")
    assert report.status_code == 503 and report.json()["unavailable"] == [{"name": "tiny", "reason": answer.text}]


def test_health(tiny_bundle: Path):
    bundles, _ = open_bundles(tiny_bundle, choose_provider("cpu"))
    with TestClient(Starlette(routes=health.routes(bundles, [Unavailable("lost", "File 'x' is missing.")]))) as client:
        report = client.get("/healthz").json()
    assert report["status"] == "degraded" and set(report["bundles"]) == {"tiny"}
    assert report["unavailable"] == [{"name": "lost", "reason": "File 'x' is missing."}]
    provider = report["bundles"]["tiny"]["provider"]
    assert provider == {"requested": "cpu", "active": "CPUExecutionProvider", "reason": "CPU: asked for."}
    assert {"python", "numpy", "gradio"} <= set(report["versions"])


def test_health_of_nothing():
    with TestClient(Starlette(routes=health.routes({}, []))) as client:
        answer = client.get("/healthz")
    assert answer.status_code == 503 and answer.json()["status"] == "unavailable"

"""/metrics: counters that Prometheus can read."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.sessions import choose_provider
from demo.routes import live, prometheus
from demo.serving.fair_slots import FairSlots
from demo.serving.served_bundle import open_bundles


def test_metrics(tiny_bundle: Path):
    bundles, _ = open_bundles(tiny_bundle, choose_provider("cpu"))
    client = TestClient(Starlette(routes=[*live.routes(bundles), *prometheus.routes(bundles)]))

    def figures() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    before, refused = figures(), FairSlots.refused
    assert before["twofold_turned_away_total"] == refused
    for _ in range(3):
        assert client.get("/live/tiny?m=vae&x=5").status_code == 200
    after, decoder = figures(), '{bundle="tiny",graph="decoder"}'
    for name in ("requests", "rows", "runs"):
        assert after[f"twofold_{name}_total{decoder}"] - before[f"twofold_{name}_total{decoder}"] == 3
    assert after[f"twofold_seconds_total{decoder}"] > before[f"twofold_seconds_total{decoder}"]
    assert after[f"twofold_waiting{decoder}"] == 0
    assert after['twofold_loaded{bundle="tiny"}'] == 1 and after["process_resident_memory_bytes"] > 1e7

"""GET /metrics: counters of this process in the text format of Prometheus."""

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.serving.fair_slots import FairSlots
from demo.serving.served_bundle import ServedBundle

COUNTERS = {
    "requests": "Requests answered, by bundle and graph",
    "runs": "Runs of onnxruntime; several requests may share one",
    "rows": "Pictures drawn or looked at",
    "refused": "Requests refused because too many were waiting for a run of the graph",
    "seconds": "Time that runs took, in seconds",
}
TURNED_AWAY = "Requests refused because too many were waiting for their turn, before they reached a bundle"


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The route above for these bundles."""

    async def metrics(request: Request) -> Response:
        sessions = getattr(request.app, "state_holder", None)  # Gradio's, if it serves these routes
        report = text(bundles, None if sessions is None else len(sessions.session_data))
        return Response(report, media_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"})

    return [Route("/metrics", metrics, methods=["GET"])]


class _Engines(Collector):
    """The counters of all engines."""

    def __init__(self, bundles: Mapping[str, ServedBundle]):
        self._bundles = bundles

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The counters as they are now."""
        bundles = dict(self._bundles)  # visitors' models come and go in other threads
        for name, about in COUNTERS.items():
            family = CounterMetricFamily(f"twofold_{name}", about, labels=("bundle", "graph"))
            for bundle, served in bundles.items():
                for graph, tally in served.engine.tally.items():
                    family.add_metric((bundle, graph), getattr(tally, name))
            yield family
        waiting = GaugeMetricFamily("twofold_waiting", "Requests waiting for a run", labels=("bundle", "graph"))
        for bundle, served in bundles.items():
            for graph, count in served.engine.waiting.items():
                waiting.add_metric((bundle, graph), count)
        yield waiting
        yield CounterMetricFamily("twofold_turned_away", TURNED_AWAY, value=FairSlots.refused)
        loaded = GaugeMetricFamily("twofold_loaded", "Whether a bundle's sessions are in memory", labels=("bundle",))
        for bundle, served in bundles.items():
            loaded.add_metric((bundle,), int(served.engine.loaded))
        yield loaded


def text(bundles: Mapping[str, ServedBundle], sessions: int | None = None) -> bytes:
    """The counters as they are now. `sessions`: how many Gradio keeps, if it serves the page."""
    registry = CollectorRegistry()
    if sessions is not None:
        Gauge("twofold_sessions", "Sessions of visitors that are kept", registry=registry).set(sessions)
    registry.register(_Engines(bundles))
    ProcessCollector(registry=registry)  # memory, processor time, open files
    return generate_latest(registry)

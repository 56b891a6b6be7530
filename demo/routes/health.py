"""GET /healthz: whether the server works, as JSON; status 503 when it serves no bundle.

A bundle whose files were deleted or changed since the start goes on drawing with what it has in memory. The status is
"degraded" then, and `files` of the bundle says which file it is; `page` names one that browsers need to draw by
themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.read import Unavailable
from demo.routes import device
from demo.routes.bundle_report import versions
from demo.serving.file_watch import FileWatch
from demo.serving.served_bundle import ServedBundle


def routes(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable]) -> list[Route]:
    """The route above for these bundles."""
    watch = FileWatch()

    def healthz(request: Request) -> Response:  # in a thread: it may open a session to see which processor runs it
        report = health(bundles, unavailable, watch)
        status = 200 if report["bundles"] else 503
        return JSONResponse(report, status_code=status, headers={"Cache-Control": "no-store"})

    return [Route("/healthz", healthz, methods=["GET"])]


def health(bundles: Mapping[str, ServedBundle], unavailable: Sequence[Unavailable], watch: FileWatch) -> dict[str, Any]:
    """The bundles that are served and those that are not, their processors, and the versions of libraries."""
    bundles = dict(bundles)  # visitors' models come and go in other threads
    failed = {name: served.engine.fault for name, served in bundles.items() if served.engine.fault}
    working = {name: _state(served, watch) for name, served in bundles.items() if name not in failed}
    missing = [*unavailable, *(Unavailable(name, str(fault)) for name, fault in failed.items())]
    page = device.fault()
    well = not missing and not page and not any(state["files"] for state in working.values())
    return {
        "status": "ok" if working and well else "degraded" if working else "unavailable",
        "bundles": working,
        "unavailable": [{"name": one.name, "reason": one.reason} for one in missing],
        "page": page,
        "versions": versions(),
    }


def _state(served: ServedBundle, watch: FileWatch) -> dict[str, Any]:
    engine = served.engine
    return {
        "title": served.info.title,
        "models": list(served.models),
        "provider": {"requested": engine.provider.requested, "active": engine.active, "reason": engine.reason},
        "checked": engine.checked,
        "loaded": engine.loaded,
        "last_ms": round(engine.last_ms, 3),
        "files": watch.fault(served),
    }

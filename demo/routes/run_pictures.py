"""A run folder as addresses, read only: for the tab Make, and for `python -m demo.watch`.

GET {base}                               what run_view says
GET {base}/curves/{stage}                its curves
GET {base}/{kind}/{stage}/{images}.png?v=   kind: samples (a sheet), snapshots (a row), held-out (of a VAE)

Later runs use the addresses of pictures again: browsers keep only one with the version that run_view says.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from demo.make.run_view import STAGES, curves, picture, run_view, version_of
from demo.routes.model_requests import NO_STORE, refusal, refusal_of
from demo.routes.threads import in_thread

KEPT = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
ASKED_AGAIN = KEPT | {"Cache-Control": "no-cache"}
KINDS = ("samples", "snapshots", "held-out")
OLD_KINDS = {"moments": "snapshots"}  # of addresses of older versions


def run_routes(base: str, folder_of: Callable[[Request], Path]) -> list[Route]:
    """The routes above. `folder_of`: the run folder that a request means; raises UserError."""

    def in_run_folder(work: Callable[[Request, Path], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await in_thread(lambda: work(request, folder_of(request)))
            except Exception as error:
                return refusal_of(error)

        return answer

    def view(request: Request, run: Path) -> Response:
        return JSONResponse(run_view(run), headers=NO_STORE)

    def curve(request: Request, run: Path) -> Response:
        stage = request.path_params["stage"]
        if stage not in STAGES:
            return refusal(404, "There is no such stage.")
        return JSONResponse(curves(run / stage), headers=NO_STORE)

    def file(request: Request, run: Path) -> Response:
        kind, stage, images = (request.path_params[name] for name in ("kind", "stage", "images"))
        kind = OLD_KINDS.get(kind, kind)
        path = picture(run, stage, kind, images) if kind in KINDS else None
        if path is None:
            return refusal(404, "There is no such sheet.")
        current = request.query_params.get("v") == str(version_of(path))
        return FileResponse(path, media_type="image/png", headers=KEPT if current else ASKED_AGAIN)

    return [
        Route(base, in_run_folder(view), methods=["GET"]),
        Route(f"{base}/curves/{{stage}}", in_run_folder(curve), methods=["GET"]),
        Route(f"{base}/{{kind}}/{{stage}}/{{images:int}}.png", in_run_folder(file), methods=["GET"]),
    ]

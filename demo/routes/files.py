"""The routes that hand out a bundle's files.

GET /bundles/{bundle}/{file}             a file that bundle.json lists, or bundle.json itself
GET /bundles/{bundle}/examples/{n}.png   the n-th held-out test picture
GET /web/twofold.js                      an ES module that draws a bundle's pictures with onnxruntime-web
"""

import re
from collections.abc import Mapping
from functools import cache

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from bundle import images, packed_files
from bundle.read import INDEX
from bundle.verified_files import verified_bytes
from demo import static_files
from demo.routes.page_files import no_file
from demo.serving.served_bundle import ServedBundle

MODULES = ("random.js", "latents.js", "device.js", "open.js")  # none before what it imports
HEADERS = {"Cache-Control": "private, max-age=600", "X-Content-Type-Options": "nosniff"}


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The routes above for these bundles."""

    def file(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        name = request.path_params["file"]
        # Only names that the index lists: no path is ever built from the address.
        if served is None or name not in listed(served):
            return no_file()
        media = {"png": "image/png", "json": "application/json"}.get(name.rpartition(".")[2])
        kind = media or "application/octet-stream"
        path = served.engine.bundle.folder / name
        if path.is_file() or not path.with_name(packed_files.GRAPHS).is_file():
            return FileResponse(path, media_type=kind, headers=HEADERS)
        entry = next(entry for entry in served.info.graphs.values() if entry.file == name)
        return Response(verified_bytes(path.parent, entry), media_type=kind, headers=HEADERS)

    def example(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        number = request.path_params["number"]
        # Length first: int() refuses a very long text with an error of its own.
        known = number.isascii() and number.isdigit() and len(number) <= 9
        if served is None or not known or int(number) >= len(served.engine.bundle.examples):
            return PlainTextResponse("There is no such test picture here.", status_code=404)
        picture = images.png(served.engine.bundle.examples[int(number)])
        return Response(picture, media_type="image/png", headers=HEADERS)

    async def module(request: Request) -> Response:
        return Response(web_module(), media_type="text/javascript", headers=HEADERS)

    return [
        Route("/web/twofold.js", module, methods=["GET"]),
        Route("/bundles/{bundle}/examples/{number}.png", example, methods=["GET"]),
        Route("/bundles/{bundle}/{file}", file, methods=["GET"]),
    ]


def listed(served: ServedBundle) -> set[str]:
    """The file names that may be downloaded."""
    info = served.info
    return {INDEX} | {entry.file for entry in (*info.graphs.values(), *info.files.values())}


@cache
def web_module() -> str:
    """The browser's modules as one, which can be imported from anywhere: without imports of its own."""
    parts = "".join(static_files.text(name) for name in MODULES)
    return re.sub(r"^import .*\n", "", parts, flags=re.MULTILINE)

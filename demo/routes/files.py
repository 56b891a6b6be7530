"""The routes that hand out a bundle's files.

GET /bundles/{bundle}/{file}             a file that bundle.json lists, or bundle.json itself
GET /bundles/{bundle}/examples/{n}.png   the n-th held-out picture
GET /web/twofold.js                      an ES module that draws a bundle's pictures with onnxruntime-web

A file that was deleted or replaced since the server began is answered with status 404, as one that never was there:
nothing is handed out that the index does not vouch for. /healthz says so.
"""

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bundle import images
from bundle.errors import BundleError
from bundle.verified_files import verified_bytes
from demo.routes import device
from demo.routes.page_files import no_file
from demo.serving.served_bundle import ServedBundle

MODULES = ("random.js", "latents.js", "paths.js", "bend.js", "device.js", device.OPEN)  # none before what it imports
HEADERS = {"Cache-Control": "private, max-age=600", "X-Content-Type-Options": "nosniff"}


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The routes above for these bundles."""

    def file(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        name = request.path_params["file"]
        # Only names that the index lists: no path is ever built from the address.
        entry = served.engine.bundle.files.get(name) if served else None
        if served is None or entry is None:
            return no_file()
        try:
            data = verified_bytes(served.engine.bundle.folder, entry)
        except BundleError:
            return no_file()
        media = {"png": "image/png", "json": "application/json"}.get(name.rpartition(".")[2])
        headers = HEADERS | {"ETag": f'"{entry.sha256[:32]}"', "Accept-Ranges": "bytes"}
        return part(request, data, media or "application/octet-stream", headers)

    def example(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        number = request.path_params["number"]
        # Length first: int() refuses a very long text with an error of its own.
        known = number.isascii() and number.isdigit() and len(number) <= 9
        if served is None or not known or int(number) >= len(served.engine.bundle.examples):
            return PlainTextResponse("There is no such held-out picture here.", status_code=404)
        picture = images.png(served.engine.bundle.examples[int(number)])
        return Response(picture, media_type="image/png", headers=HEADERS)

    def module(request: Request) -> Response:
        found = web_module()
        return no_file() if found is None else Response(found, media_type="text/javascript", headers=HEADERS)

    return [
        Route("/web/twofold.js", module, methods=["GET"]),
        Route("/bundles/{bundle}/examples/{number}.png", example, methods=["GET"]),
        Route("/bundles/{bundle}/{file}", file, methods=["GET"]),
    ]


def part(request: Request, data: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """The data, or the one range of it that a download which broke off asks for. Of several ranges, all of it."""
    asked = re.fullmatch(r"bytes=([0-9]{0,15})-([0-9]{0,15})", request.headers.get("range", ""))
    if not asked or not any(asked.groups()) or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        return Response(data, media_type=media_type, headers=dict(headers))
    first, last = asked.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(len(data), int(last) + 1) if first and last else len(data)
    if start >= end:
        return Response(status_code=416, headers=dict(headers) | {"Content-Range": f"bytes */{len(data)}"})
    told = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
    return Response(data[start:end], status_code=206, media_type=media_type, headers=dict(headers) | told)


def web_module() -> str | None:
    """The browser's modules as one, which can be imported from anywhere: without imports of its own. None while one of
    them is missing or was changed."""
    parts = [data.decode() for name in MODULES if (data := device.content(name)) is not None]
    return re.sub(r"^import .*\n", "", "".join(parts), flags=re.MULTILINE) if len(parts) == len(MODULES) else None

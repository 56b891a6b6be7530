"""The unqueued routes of the tab Rebuild.

    POST /rebuild/{bundle}               multipart/form-data: `request`, JSON (see demo/tabs/rebuild/answers.py);
                                         `picture`, the bytes of a picture file, unless the request names a held-out
                                         picture -> JSON
    POST /rebuild/{bundle}/eight-bits    the bytes of a picture file -> it as a PNG of 8 bits, by the range of values of
                                         the bundle's pictures, to be cropped in a browser

A wrong request is answered with status 400 and a sentence, an unknown bundle with 404, a body of
unstated length with 411 and one that is too large with 413, too many waiting requests and time-outs with 503.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import UserError
from bundle.picture_files import UPLOAD
from bundle.pictures import eight_bit_png, framing_of
from demo.routes.model_requests import ModelRequests, refusal
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild.answers import rebuilt

MAX_REQUEST_BYTES = 1_000_000  # of the JSON; most of it is the mask
MAX_BODY_BYTES = UPLOAD.bytes + MAX_REQUEST_BYTES + 10_000

log = logging.getLogger(__name__)


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The route above for these bundles. `requests`: see demo.routes.live.routes."""
    requests = requests or ModelRequests()

    async def rebuild(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        if served is None:
            return refusal(404, "There is no bundle of this name here.")
        if (refused := _wrong_length(request, MAX_BODY_BYTES)) is not None:
            return refused
        try:
            asked, picture = await _received(request)
        except (HTTPException, MultiPartException, ValueError, RecursionError):
            return refusal(400, "The request cannot be read.")
        return await requests.answer(request, lambda: _answer(served, asked, picture))

    async def eight_bits(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        if served is None:
            return refusal(404, "There is no bundle of this name here.")
        if (refused := _wrong_length(request, UPLOAD.bytes)) is not None:
            return refused
        picture, framing = await request.body(), framing_of(served.info)
        return await requests.answer(request, lambda: _png(eight_bit_png(picture, framing)))

    return [
        Route("/rebuild/{bundle}", rebuild, methods=["POST"]),
        Route("/rebuild/{bundle}/eight-bits", eight_bits, methods=["POST"]),
    ]


def _wrong_length(request: Request, most: int) -> Response | None:
    """The refusal of a body whose length is unstated or more than `most` bytes; None for any other."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return refusal(411, "The request must state its length (Content-Length).")
    if len(length) > 9 or int(length) > most:  # digits first: int() of a very long text is slow
        return refusal(413, f"The file is too large: at most {UPLOAD.bytes // 1_000_000} MB are accepted.")
    return None


def _png(data: bytes) -> Response:
    return Response(
        data, media_type="image/png", headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    )


async def _received(request: Request) -> tuple[dict[str, Any], bytes | None]:
    """The request and the picture's bytes, None without a picture. Raises ValueError for anything else."""
    async with request.form(max_files=1, max_fields=1, max_part_size=MAX_REQUEST_BYTES) as form:
        text, file = form.get("request"), form.get("picture")
        asked = json.loads(text) if isinstance(text, str) else None
        if not isinstance(asked, dict):
            raise ValueError("no JSON object")
        return asked, await file.read() if isinstance(file, UploadFile) else None


def _answer(served: ServedBundle, asked: dict[str, Any], picture: bytes | None) -> Response:
    try:
        answer = rebuilt(served, asked, picture)
    except UserError:
        raise
    except Exception:
        log.exception("A picture could not be rebuilt")
        return refusal(500, "The picture could not be rebuilt; the server's log says why.")
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})

"""The route of the drop zone in About: is a picture marked, by which bundle, does that draw it again?

POST /verify    the bytes of a PNG, WebP, GIF or MP4 -> JSON: mark, place, again, difference, sentences, as
                bundle/marks/verify.py finds them

What is refused, and how: demo/routes/model_requests.py; a body of unstated length with 411, a large one with 413.
"""

from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import UserError
from bundle.marks import xmp
from bundle.marks.verify import FORMATS, finding, named
from bundle.picture_files import Limits, too_large
from demo.routes.bundle_routes import wrong_length
from demo.routes.marked_pictures import drawn_here
from demo.routes.model_requests import NO_STORE, ModelRequests, refusal_of
from demo.serving.served_bundle import ServedBundle

DROPPED = Limits(16_000_000, 32_000_000, 0, 0, FORMATS)
TOO_LARGE = too_large(DROPPED.bytes)


def routes(bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None) -> list[Route]:
    """The route above for these bundles. `requests`: those in progress, if other routes share their limits."""
    door = requests or ModelRequests()

    async def endpoint(request: Request) -> Response:
        if (refused := wrong_length(request, DROPPED.bytes, TOO_LARGE)) is not None:
            return refused
        try:
            data = await door.body(request, DROPPED.bytes)
        except UserError as error:
            return refusal_of(error)
        return await door.answer(request, lambda: _verified(data, bundles))

    return [Route("/verify", endpoint, methods=["POST"])]


def _verified(data: bytes, bundles: Mapping[str, ServedBundle]) -> Response:
    reading = xmp.read(data)
    found = finding(data, reading, bundles.get(named(reading) or ""), DROPPED, drawn_here)
    told = asdict(found) | {"mark": found.mark.model_dump(mode="json") if found.mark else None}
    return JSONResponse(told, headers=NO_STORE)

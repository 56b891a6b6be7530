"""What routes share whose address names a bundle: finding it, reading parameters or a form, the door to its models."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import UserError
from bundle.picture_files import UPLOAD
from demo.arguments import TOO_LARGE
from demo.routes import query_parameters
from demo.routes.bodies import again, stated_length
from demo.routes.model_requests import NO_STORE, ModelRequests, Reports, refusal, refusal_of
from demo.serving.served_bundle import ServedBundle

MAX_REQUEST_BYTES = 1_000_000  # of a form's JSON; most of it is a mask
MAX_BODY_BYTES = UPLOAD.bytes + MAX_REQUEST_BYTES + 10_000


@dataclass(frozen=True)
class Form:
    """What a form asks of a bundle, unchecked. `picture`: the bytes of a picture file; None without one."""

    served: ServedBundle
    asked: dict[str, Any]
    picture: bytes | None


class BundleRoutes:
    """Makes routes about these bundles; the word {bundle} in a path is the name of one.

    An unknown bundle is answered with status 404, a form of unstated length with 411, one that is too large with 413.
    The rest is as in demo/routes/model_requests.py.
    """

    def __init__(self, bundles: Mapping[str, ServedBundle], requests: ModelRequests | None = None):
        self._bundles = bundles
        self._requests = requests or ModelRequests()

    def get(self, path: str, work: Callable[[ServedBundle, QueryParams], Response]) -> Route:
        """A route whose answer is `work` on the bundle and the parameters of the address, under their current names."""
        word = next(part for part in reversed(path.split("/")) if not part.startswith("{"))

        async def endpoint(request: Request) -> Response:
            served = self._bundles.get(request.path_params["bundle"])
            if served is None:
                return no_bundle()
            query = query_parameters.under_current_names(request.query_params, word)
            return await self._requests.answer(request, lambda: work(served, query))

        return Route(path, endpoint, methods=["GET"])

    def post(self, path: str, work: Callable[[Form], dict[str, Any]]) -> Route:
        """A route whose answer is the JSON that `work` makes of a form."""

        async def endpoint(request: Request) -> Response:
            form = await self._form(request)
            if isinstance(form, Response):
                return form
            return await self._requests.answer(request, lambda: JSONResponse(work(form), headers=NO_STORE))

        return Route(path, endpoint, methods=["POST"])

    def stream(self, path: str, prepare: Callable[[Form], Reports], film: bool = False) -> Route:
        """A route that answers a form with reports, each a line of JSON: see ModelRequests.stream."""

        async def endpoint(request: Request) -> Response:
            form = await self._form(request)
            if isinstance(form, Response):
                return form
            return await self._requests.stream(request, lambda: prepare(form), film)

        return Route(path, endpoint, methods=["POST"])

    def picture(self, path: str, work: Callable[[ServedBundle, bytes], Response]) -> Route:
        """A route whose answer is `work` on the bundle and the body, which is a picture file."""

        async def endpoint(request: Request) -> Response:
            served = self._bundles.get(request.path_params["bundle"])
            if served is None:
                return no_bundle()
            if (refused := wrong_length(request, UPLOAD.bytes)) is not None:
                return refused
            try:
                data = await self._requests.body(request, UPLOAD.bytes)
            except UserError as error:
                return refusal_of(error)
            return await self._requests.answer(request, lambda: work(served, data))

        return Route(path, endpoint, methods=["POST"])

    async def _form(self, request: Request) -> Form | Response:
        """The form of a request, or why it is refused."""
        served = self._bundles.get(request.path_params["bundle"])
        if served is None:
            return no_bundle()
        if (refused := wrong_length(request, MAX_BODY_BYTES)) is not None:
            return refused
        try:
            data = await self._requests.body(request, MAX_BODY_BYTES)
            return await _received(again(request, data), served)
        except UserError as error:
            return refusal_of(error)
        except (HTTPException, MultiPartException, ValueError, RecursionError):
            return refusal(400, "The request cannot be read.")


async def _received(request: Request, served: ServedBundle) -> Form:
    """The parts of multipart/form-data: `request`, a JSON object, and perhaps a file `picture`. Raises ValueError for
    anything else."""
    async with request.form(max_files=1, max_fields=1, max_part_size=MAX_REQUEST_BYTES) as form:
        text, file = form.get("request"), form.get("picture")
        asked = json.loads(text) if isinstance(text, str) else None
        if not isinstance(asked, dict):
            raise ValueError("no JSON object")
        return Form(served, asked, await file.read() if isinstance(file, UploadFile) else None)


def wrong_length(request: Request, most: int, sentence: str = TOO_LARGE) -> Response | None:
    """The refusal of a body whose length is unstated, or more than `most` bytes with this sentence; None for any
    other."""
    length = stated_length(request)
    if length is None:
        return refusal(411, "The request must state its length (Content-Length).")
    return refusal(413, sentence) if length > most else None


def no_bundle() -> Response:
    """What is answered when the address names no bundle that is served."""
    return refusal(404, "There is no bundle of this name here.")

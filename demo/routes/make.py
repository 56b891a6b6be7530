"""--make: from own pictures to one's own generator. The work itself: demo/make/.

    GET    /make                                 the projects, what may be brought, whether training is installed
    POST   /make?title=                          a new project -> {"name"}
    GET    /make/{project}                       how far it is (Maker.status)
    DELETE /make/{project}                       ends its training and removes all of it
    PUT    /make/{project}/files?id=&name=&at=&of=   a piece of a picture or zip, at byte `at` of `of` -> once it is
                                                 whole, what became of it; `id` tells files of one page apart
    POST   /make/{project}/choice                JSON: size, fit, background, left_out, use_classes, title, licence
    GET    /make/{project}/pictures              the survey, or {"done", "of"} until it is made
    GET    /make/{project}/pictures/{page}.png   PER_PAGE of the pictures as the models see them, in rows of COLUMNS
    POST   /make/{project}/train?minutes=        puts it in the queue; after a pause, goes on
    POST   /make/{project}/pause                 stores what was learned, and waits
    POST   /make/{project}/play                  makes a bundle of what was learned so far -> its facts
    GET    /make/{project}/samples/{stage}/{images}.png
    GET    /make/{project}/bundle.zip            the bundle, to keep

What changes something needs the header `x-twofold`, which pages of other sites cannot send.
"""

import importlib.util
import io
import re
import threading
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bundle import images
from bundle.errors import InputError, UserError
from demo.facts import bundle_facts
from demo.make.incoming import Incoming
from demo.make.limits import FEW_FOR_A_GAN, LEAST_PICTURES
from demo.make.maker import Maker
from demo.make.projects import BUSY, SIZES
from demo.make.survey import Survey
from demo.make.surveys import Surveys
from demo.routes.model_requests import FRESH, refusal, refusal_of
from demo.routes.uploads import OWN_HEADER

COLUMNS, PER_PAGE = 10, 100
MAX_PIECE = 8_000_000  # bytes
MAX_CHOICE = 10_000_000
CHOICES = ("size", "fit", "background", "left_out", "use_classes", "title", "licence")
INSTALL = "pip install -r requirements.txt"
NEEDED = ("torch", "accelerate", "tyro", "onnx")

Endpoint = Callable[[Request], Awaitable[Response]]


class MakeRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker, self.projects = maker, maker.projects
        self.surveys = Surveys(maker.projects)
        self._incoming: dict[str, Incoming] = {}
        self._making = threading.Lock()

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/make", told(self._all), methods=["GET"]),
            Route("/make", told(changing(self._create)), methods=["POST"]),
            Route("/make/{project}", told(self._status), methods=["GET"]),
            Route("/make/{project}", told(changing(self._delete)), methods=["DELETE"]),
            Route("/make/{project}/files", told(changing(self._take_piece)), methods=["PUT"]),
            Route("/make/{project}/choice", told(changing(self._choose)), methods=["POST"]),
            Route("/make/{project}/pictures", told(self._pictures), methods=["GET"]),
            Route("/make/{project}/pictures/{page:int}.png", told(self._page), methods=["GET"]),
            Route("/make/{project}/train", told(changing(self._train)), methods=["POST"]),
            Route("/make/{project}/pause", told(changing(self._pause)), methods=["POST"]),
            Route("/make/{project}/play", told(changing(self._play)), methods=["POST"]),
            Route("/make/{project}/samples/{stage}/{images:int}.png", told(self._sheet), methods=["GET"]),
            Route("/make/{project}/bundle.zip", told(self._zip), methods=["GET"]),
        ]

    # --- projects ------------------------------------------------------------------------------------

    async def _all(self, request: Request) -> Response:
        limits = self.maker.limits
        return answered(
            {
                "projects": [self.maker.status(name) for name in self.projects.names()],
                "installed": all(importlib.util.find_spec(name) for name in NEEDED),
                "install": INSTALL,
                "limits": vars(limits) | {"least": LEAST_PICTURES, "few": FEW_FOR_A_GAN},
                "sizes": SIZES,
                "columns": COLUMNS,
                "per_page": PER_PAGE,
            }
        )

    async def _create(self, request: Request) -> Response:
        if len(self.projects.names()) >= self.maker.limits.projects:
            raise InputError(f"There are {self.maker.limits.projects} projects already: delete one first.")
        return answered({"name": self.projects.create(request.query_params.get("title", ""))})

    async def _status(self, request: Request) -> Response:
        return answered(await in_thread(self.maker.status, name_of(request)))

    async def _delete(self, request: Request) -> Response:
        await in_thread(self.maker.delete, name_of(request))
        self.surveys.forget(name_of(request))
        self._incoming.pop(name_of(request), None)
        return answered({})

    # --- pictures ------------------------------------------------------------------------------------

    async def _take_piece(self, request: Request) -> Response:
        name, folder = name_of(request), self.projects.folder(name_of(request))
        if self.projects.get(name).state in BUSY:
            raise InputError("Pause the training first.")
        query = request.query_params
        at, of = whole(query.get("at"), "at"), whole(query.get("of"), "of")
        if not 0 < of <= self.maker.limits.upload_bytes:
            most = self.maker.limits.upload_bytes // 1_000_000
            raise InputError(f"The file is too large: at most {most} MB are accepted.")
        arriving = folder / f".{re.sub('[^0-9a-z]', '', query.get('id', ''))[:32] or 'file'}.part"
        size = await append(arriving, request, at, of)
        if size < of:
            return answered({"received": size})
        try:
            incoming = await in_thread(self._incoming_of, name)
            arrivals = await in_thread(incoming.take, arriving, query.get("name", "")[:1000])
        finally:
            arriving.unlink(missing_ok=True)
        return answered({"received": size, "stored": arrivals.stored, "refused": dict(arrivals.refused)})

    def _incoming_of(self, name: str) -> Incoming:
        """What takes files into a project; one for all of them, as it counts. Raises InputError."""
        with self._making:
            if name not in self._incoming:
                self._incoming[name] = Incoming(self.projects.folder(name) / "pictures", self.maker.limits)
            return self._incoming[name]

    async def _choose(self, request: Request) -> Response:
        if self.projects.get(name_of(request)).state in BUSY:
            raise InputError("Pause the training first.")
        asked = await body_json(request)
        changes = {key: asked[key] for key in CHOICES if key in asked}
        if "size" in changes and changes["size"] not in SIZES:
            raise InputError(f"The size must be one of {', '.join(map(str, SIZES))}.")
        self.projects.change(name_of(request), **changes)
        return answered(await in_thread(self.maker.status, name_of(request)))

    async def _pictures(self, request: Request) -> Response:
        name = name_of(request)
        work = await in_thread(self.surveys.of, name)
        if work.error:
            raise UserError(work.error)
        if work.result is None:
            return answered({"done": work.done, "of": work.of})
        found, project = work.result, self.projects.get(name)
        chosen = {key: getattr(project, key) for key in CHOICES}
        return answered(
            {"files": found.files, "groups": found.groups, "marks": found.marks, "version": abs(hash(work.key))}
            | chosen
        )

    async def _page(self, request: Request) -> Response:
        work = await in_thread(self.surveys.of, name_of(request))
        first = request.path_params["page"] * PER_PAGE
        if work.result is None or not 0 <= first < len(work.result.files):
            return refusal(404, "There is no such page of pictures.")
        png = await in_thread(page_of, work.result, first)
        return Response(png, media_type="image/png", headers=FRESH)

    # --- training ------------------------------------------------------------------------------------

    async def _train(self, request: Request) -> Response:
        try:
            minutes = float(request.query_params.get("minutes", ""))
        except ValueError as problem:
            raise InputError("The minutes must be a number.") from problem
        await in_thread(self.maker.train, name_of(request), minutes)
        return answered(await in_thread(self.maker.status, name_of(request)))

    async def _pause(self, request: Request) -> Response:
        await in_thread(self.maker.pause, name_of(request))
        return answered(await in_thread(self.maker.status, name_of(request)))

    async def _play(self, request: Request) -> Response:
        await in_thread(self.maker.play, name_of(request))
        return answered(bundle_facts(self.maker.bundles[name_of(request)]))

    async def _sheet(self, request: Request) -> Response:
        stage, seen = request.path_params["stage"], request.path_params["images"]
        folder = self.projects.folder(name_of(request)) / "run"
        path = folder / stage / "samples" / f"{seen:09d}.png"
        if not re.fullmatch("[a-z]{1,20}", stage) or not path.is_file():
            return refusal(404, "There is no such sheet.")
        return FileResponse(path, headers={"Cache-Control": "private, max-age=86400"})

    async def _zip(self, request: Request) -> Response:
        name = name_of(request)
        folder = self.projects.folder(name) / "bundle"
        if not folder.is_dir():
            raise UserError("Nothing has been learned yet: let it train first.")
        data = await in_thread(zipped, folder, name)
        headers = FRESH | {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return Response(data, media_type="application/zip", headers=headers)


# ------------------------------------------------------------------------------------------- requests


def told(endpoint: Endpoint) -> Endpoint:
    """The endpoint, whose errors are answered by a sentence."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return refusal_of(error)

    return answer


def changing(endpoint: Endpoint) -> Endpoint:
    """The endpoint, for this page only: it changes something."""

    async def answer(request: Request) -> Response:
        if OWN_HEADER not in request.headers:
            return refusal(403, "Pictures are accepted from this page only.")
        return await endpoint(request)

    return answer


def name_of(request: Request) -> str:
    """The project in the address."""
    return request.path_params["project"]


def answered(value: dict[str, Any]) -> Response:
    """JSON that is never kept."""
    return JSONResponse(value, headers=FRESH)


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` returns or raises; others are served meanwhile."""
    return await anyio.to_thread.run_sync(work, *arguments)


def whole(text: str | None, name: str) -> int:
    """A whole number, 0 or more, in an address. Raises InputError."""
    if text is None or not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise InputError(f"The parameter '{name}' must be a whole number.")
    return int(text)


async def append(file: Path, request: Request, at: int, of: int) -> int:
    """Appends the body to a file that must hold `at` bytes; returns how many it holds then, at most `of`. What was
    received twice, since an answer was lost, is passed over. Raises InputError for a piece that does not fit."""
    size = file.stat().st_size if file.exists() else 0
    if at == 0 and size:
        file.unlink()
        size = 0
    if at != size:
        return size  # the page goes on from there
    with file.open("ab") as out:
        async for piece in request.stream():
            size += len(piece)
            if size > of or size - at > MAX_PIECE:
                raise InputError("The file is larger than it says.")
            out.write(piece)
    return size


async def body_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises InputError."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_CHOICE:
        raise InputError("The request is too large.")
    try:
        found = await request.json()
    except ValueError as problem:
        raise InputError("The request cannot be read.") from problem
    if not isinstance(found, dict):
        raise InputError("The request cannot be read.")
    return found


# --------------------------------------------------------------------------------------------- pictures


def page_of(found: Survey, first: int) -> bytes:
    """PER_PAGE pictures as one PNG, white where there are no more."""
    shown = found.pictures[first : first + PER_PAGE]
    blank = np.full((PER_PAGE - len(shown), *shown.shape[1:]), 255, np.uint8)
    return images.png(images.sheet(np.concatenate([shown, blank]), COLUMNS), level=1)


def zipped(folder: Path, name: str) -> bytes:
    """A bundle as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                archive.write(path, f"{name}/{path.name}")
    return buffer.getvalue()

"""--make: projects and their pictures. The work itself: demo/make/.

    GET    /make                                 the projects, what may be brought, whether training is installed
    POST   /make?title=                          a new project -> {"name"}
    GET    /make/{project}                       how far it is (Maker.status)
    DELETE /make/{project}                       ends its training and removes all of it
    PUT    /make/{project}/files?id=&name=&at=&of=   a piece of a picture or zip, at byte `at` of `of` -> once it is
                                                 whole, what became of it; `id` tells files of one page apart
    POST   /make/{project}/choice                JSON: size, fit, background, left_out, use_classes, title, licence
    GET    /make/{project}/pictures              the survey, or {"done", "of"} until it is made
    GET    /make/{project}/pictures/{page}.png   PER_PAGE of the pictures as the models see them, in rows of COLUMNS

What changes something needs the header `x-twofold`, which pages of other sites cannot send.
"""

import re
import threading
from contextlib import suppress
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bundle import images
from bundle.errors import InputError, UserError
from demo.make.incoming import Incoming
from demo.make.installed import installation
from demo.make.limits import FEW_FOR_A_GAN, LEAST_PICTURES
from demo.make.maker import Maker
from demo.make.project_status import training_facts
from demo.make.projects import BUSY, SIZES
from demo.make.survey import Survey
from demo.make.surveys import Surveys
from demo.routes.make_requests import answered, append, body_json, changing, in_thread, name_of, told, whole
from demo.routes.model_requests import FRESH, refusal

COLUMNS, PER_PAGE = 10, 100
CHOICES = ("size", "fit", "background", "left_out", "use_classes", "title", "licence")


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
        ]

    # --- projects ------------------------------------------------------------------------------------

    async def _all(self, request: Request) -> Response:
        limits = self.maker.limits
        return answered(
            {
                "projects": await in_thread(self._statuses),
                **installation(),
                **training_facts(self.maker.machine, self.maker.own_machine),
                "limits": vars(limits) | {"least": LEAST_PICTURES, "few": FEW_FOR_A_GAN},
                "sizes": SIZES,
                "columns": COLUMNS,
                "per_page": PER_PAGE,
            }
        )

    def _statuses(self) -> list[dict[str, Any]]:
        found = []
        for name in self.projects.names():
            with suppress(UserError):  # deleted just now
                found.append(self.maker.status(name))
        return found

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
        if self.maker.state_of(name) in BUSY:
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
        if self.maker.state_of(name_of(request)) in BUSY:
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


# --------------------------------------------------------------------------------------------- pictures


def page_of(found: Survey, first: int) -> bytes:
    """PER_PAGE pictures as one PNG, white where there are no more."""
    shown = found.pictures[first : first + PER_PAGE]
    blank = np.full((PER_PAGE - len(shown), *shown.shape[1:]), 255, np.uint8)
    return images.png(images.sheet(np.concatenate([shown, blank]), COLUMNS), level=1)

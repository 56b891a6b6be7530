"""--make: projects. The work itself: demo/make/.

    GET    /make                                 the projects, what may be brought, whether training is installed
    POST   /make?title=                          a new project -> {"name"}
    GET    /make/{project}                       how far it is (Maker.status)
    DELETE /make/{project}                       ends its training and removes all of it

Its pictures: demo/routes/make_pictures.py. What changes something needs the header `x-twofold`, which pages of other
sites cannot send.
"""

import threading
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bundle.errors import InputError, UserError
from demo.make.installed import installation
from demo.make.keeping import MAX_LICENCE
from demo.make.limits import LEAST_PICTURES
from demo.make.maker import Maker
from demo.make.names import MAX_CLASS_NAME
from demo.make.projects import MAX_DESCRIPTION, MAX_TITLE
from demo.routes.make_pictures import PictureRoutes
from demo.routes.make_requests import (
    at_own_machine,
    fresh_json,
    name_of,
    own_page_only,
    status_answer,
    with_refusals,
)
from demo.routes.threads import WAITING, in_thread


class ProjectRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker, self.projects = maker, maker.projects
        self.pictures = PictureRoutes(maker)
        self._creating = threading.Lock()  # held from the count to the project that makes it one more

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/make", with_refusals(self._all), methods=["GET"]),
            Route("/make", with_refusals(own_page_only(self._create)), methods=["POST"]),
            Route("/make/{project}", with_refusals(self._status), methods=["GET"]),
            Route("/make/{project}", with_refusals(own_page_only(self._delete)), methods=["DELETE"]),
            *self.pictures.routes(),
        ]

    # --- projects ------------------------------------------------------------------------------------

    async def _all(self, request: Request) -> Response:
        limits = self.maker.limits
        return fresh_json(
            {
                "projects": await in_thread(self._statuses, at_own_machine(request, limits)),
                **installation(),
                "machine": await in_thread(self.maker.machine.facts),
                "limits": {
                    "upload_bytes": limits.upload_bytes,
                    "minutes": limits.minutes,
                    "least": LEAST_PICTURES,
                    "title": MAX_TITLE,
                    "licence": MAX_LICENCE,
                    "description": MAX_DESCRIPTION,
                    "class_name": MAX_CLASS_NAME,
                },
                **self.pictures.facts(request),
            }
        )

    def _statuses(self, own_machine: bool) -> list[dict[str, Any]]:
        found = []
        for name in self.projects.names():
            with suppress(UserError):  # deleted just now
                found.append(self.maker.status(name, own_machine))
        return found

    async def _create(self, request: Request) -> Response:
        return fresh_json({"name": await in_thread(self._new, request.query_params.get("title", ""))})

    def _new(self, title: str) -> str:
        """The name of a new project. Raises UserError, as where there are too many already."""
        with self._creating:
            if len(self.projects.names()) >= self.maker.limits.projects:
                raise InputError(f"There are {self.maker.limits.projects} projects already: delete one first.")
            return self.projects.create(title)

    async def _status(self, request: Request) -> Response:
        return await status_answer(self.maker, request)

    async def _delete(self, request: Request) -> Response:
        await in_thread(self.pictures.leave, name_of(request), limiter=WAITING)
        await in_thread(self.maker.delete, name_of(request), limiter=WAITING)
        self.pictures.forget(name_of(request))
        return fresh_json({})

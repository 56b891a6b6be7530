"""--make: keeping what a project has learned.

GET  /make/{project}/keep          sizes, figures, what was staged, the commands that publish it
POST /make/{project}/describe      JSON: title, licence, description for the model card
POST /make/{project}/measure       starts measuring the bundle (the job of Maker.status)
POST /make/{project}/shelve        serves a copy from now on, whenever the server starts
POST /make/{project}/stage/{kind}  stages a space, or a page, in the folder of the project
GET  /make/{project}/bundle.zip    the bundle, to keep
"""

import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bundle.errors import InputError, UserError
from demo.make import keeping
from demo.make.maker import Maker
from demo.routes.make_requests import (
    at_own_machine,
    body_json,
    fresh_json,
    name_of,
    own_page_only,
    status_answer,
    with_refusals,
)
from demo.routes.model_requests import NO_STORE
from demo.routes.threads import WAITING, in_thread


class KeepRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker = maker

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/make/{project}/keep", with_refusals(self._kept), methods=["GET"]),
            Route("/make/{project}/describe", with_refusals(own_page_only(self._describe)), methods=["POST"]),
            Route("/make/{project}/measure", with_refusals(own_page_only(self._measure)), methods=["POST"]),
            Route("/make/{project}/shelve", with_refusals(own_page_only(self._shelve)), methods=["POST"]),
            Route("/make/{project}/stage/{kind}", with_refusals(own_page_only(self._stage)), methods=["POST"]),
            Route("/make/{project}/bundle.zip", with_refusals(self._zip), methods=["GET"]),
        ]

    async def _kept(self, request: Request) -> Response:
        return fresh_json(await in_thread(keeping.kept, self.maker, name_of(request), self._is_own(request)))

    async def _describe(self, request: Request) -> Response:
        asked = await body_json(request)
        await in_thread(keeping.describe, self.maker, name_of(request), asked, limiter=WAITING)
        return await self._status(request)

    async def _measure(self, request: Request) -> Response:
        await in_thread(keeping.measure, self.maker, name_of(request), limiter=WAITING)
        return await self._status(request)

    async def _shelve(self, request: Request) -> Response:
        self._check_own(request)
        await in_thread(keeping.shelve, self.maker, name_of(request), limiter=WAITING)
        return await self._status(request)

    async def _stage(self, request: Request) -> Response:
        self._check_own(request)
        kind = request.path_params["kind"]
        if kind not in keeping.STAGED:
            raise InputError("Only a space or a page can be staged.")
        await in_thread(keeping.stage, self.maker, name_of(request), kind, limiter=WAITING)
        return await self._status(request)

    async def _zip(self, request: Request) -> Response:
        name = name_of(request)
        file, title = await in_thread(self._zipped, name, limiter=WAITING)
        gone = BackgroundTask(remove, file)
        return FileResponse(
            file, media_type="application/zip", filename=f"{title}.zip", headers=NO_STORE, background=gone
        )

    async def _status(self, request: Request) -> Response:
        return await status_answer(self.maker, request)

    def _zipped(self, name: str) -> tuple[Path, str]:
        """The bundle as a zip, and what it is called."""
        title = keeping.download_name(self.maker.projects.get(name).title)
        folder = self.maker.made.folder(name)
        if not folder.is_dir():
            raise UserError("Nothing has been learned yet: let it train first.")
        with self.maker.made.files_locked(name):
            return zipped(folder, title), title

    def _is_own(self, request: Request) -> bool:
        return at_own_machine(request, self.maker.limits)

    def _check_own(self, request: Request) -> None:
        """Raises InputError for visitors from elsewhere: folders of this machine are of no use to them."""
        if not self._is_own(request):
            raise InputError("This is possible only on the machine that runs the page: download the generator instead.")


def zipped(folder: Path, name: str) -> Path:
    """A bundle as a zip in a temporary file. Raises UserError where the disk refuses."""
    place = ""
    try:
        descriptor, place = tempfile.mkstemp(suffix=".zip", dir=os.environ.get("GRADIO_TEMP_DIR"))
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(folder.iterdir()):
                if path.is_file() and not path.name.startswith("."):
                    archive.write(path, f"{name}/{path.name}")
    except OSError as problem:
        if place:
            remove(Path(place))
        raise UserError(f"The zip cannot be written: {problem.strerror or problem}.") from problem
    return Path(place)


def remove(file: Path) -> None:
    """Removes a file that may be gone."""
    with suppress(OSError):
        file.unlink()

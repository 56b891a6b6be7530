"""--make: from own pictures to one's own generator. The work itself: demo/make/.

    GET    /make                                 the projects, what may be brought, whether training is installed
    POST   /make?title=                          a new project -> {"name"}
    GET    /make/{project}                       how far it is (Maker.status)
    DELETE /make/{project}                       ends its training and removes all of it
    POST   /make/{project}/train?minutes=        puts it in the queue; after a pause, goes on
    POST   /make/{project}/pause                 stores what was learned, and waits
    POST   /make/{project}/play                  makes a bundle of what was learned so far -> its facts
    GET    /make/{project}/samples/{stage}/{images}.png
    GET    /make/{project}/bundle.zip            the bundle, to keep

What is brought, seen and chosen has routes of its own: demo/routes/make_pictures.py.
What changes something needs the header `x-twofold`, which pages of other sites cannot send.
"""

import importlib.util
import io
import re
import zipfile
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bundle.errors import InputError, UserError
from demo.facts import bundle_facts
from demo.make.limits import FEW_FOR_A_GAN, LEAST_PICTURES
from demo.make.maker import Maker
from demo.routes.make_pictures import PictureRoutes
from demo.routes.make_requests import answered, changing, in_thread, name_of, told
from demo.routes.model_requests import FRESH, refusal

INSTALL = "pip install -r requirements.txt"
NEEDED = ("torch", "accelerate", "tyro", "onnx")


class MakeRoutes:
    """The routes above, for one `maker`."""

    def __init__(self, maker: Maker):
        self.maker, self.projects = maker, maker.projects
        self.pictures = PictureRoutes(maker)

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/make", told(self._all), methods=["GET"]),
            Route("/make", told(changing(self._create)), methods=["POST"]),
            Route("/make/{project}", told(self._status), methods=["GET"]),
            Route("/make/{project}", told(changing(self._delete)), methods=["DELETE"]),
            *self.pictures.routes(),
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
                **self.pictures.facts(request),
            }
        )

    async def _create(self, request: Request) -> Response:
        if len(self.projects.names()) >= self.maker.limits.projects:
            raise InputError(f"There are {self.maker.limits.projects} projects already: delete one first.")
        return answered({"name": self.projects.create(request.query_params.get("title", ""))})

    async def _status(self, request: Request) -> Response:
        return answered(await in_thread(self.maker.status, name_of(request)))

    async def _delete(self, request: Request) -> Response:
        await in_thread(self.pictures.leave, name_of(request))
        await in_thread(self.maker.delete, name_of(request))
        self.pictures.forget(name_of(request))
        return answered({})

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


# --------------------------------------------------------------------------------------------- bundles


def zipped(folder: Path, name: str) -> bytes:
    """A bundle as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                archive.write(path, f"{name}/{path.name}")
    return buffer.getvalue()

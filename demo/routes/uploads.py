"""--allow-models: models that visitors bring, which everybody on the page may use.

    GET  /uploads          facts of the models that are here now
    POST /uploads?title=   the bytes of an .onnx file -> facts of its bundle; status 400 with what is wrong

Each model is adopted and run in a process with limits (demo/serving/sandbox.py), one after the other and in turn by
visitor. Files arrive side by side, so a slow line holds up nobody else. MAX_MODELS are kept, until the server ends or
newer ones take their place.
"""

import secrets
import shutil
import tempfile
from collections.abc import MutableMapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import Busy, InputError, UserError
from bundle.one_line import one_line
from bundle.picture_files import too_large
from bundle.read import read
from bundle.sessions import Provider
from demo.facts import bundle_facts
from demo.routes.bodies import parts_of
from demo.routes.model_requests import refusal, refusal_of, visitor_of
from demo.serving.batching import Caller
from demo.serving.engine import Engine, EngineCache
from demo.serving.fair_slots import FairSlots
from demo.serving.sandbox import Sandbox, adopt_there
from demo.serving.served_bundle import ServedBundle

MAX_BYTES = 100_000_000
MAX_MODELS = 4
MAX_TITLE = 60
RECEIVING = 8  # files that may arrive at a time
MAX_WAITING = 16
TURN = 60.0  # seconds that a file may wait for its turn
LEAST_SPEED = 50_000  # bytes a second, in which a model arrives: it may be large
CHECKING = "Another model is being checked; try again in a minute."
OWN_HEADER = "x-twofold"  # pages of other sites cannot send it: browsers ask the server first (CORS)


class Uploads:
    """The visitors' models: each becomes one more served bundle, under a name of its own."""

    def __init__(self, bundles: MutableMapping[str, ServedBundle]):
        self._bundles = bundles
        self._mine: dict[str, tuple[ServedBundle, Sandbox]] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="twofold-uploads-"))
        self._cache = EngineCache()
        self._receiving = FairSlots(RECEIVING, MAX_WAITING)
        self._checking = FairSlots(1, MAX_WAITING)

    def routes(self) -> list[Route]:
        """For demo.page.launch_settings."""
        return [
            Route("/uploads", self._list, methods=["GET"]),
            Route("/uploads", self._take, methods=["POST"]),
        ]

    def close(self) -> None:
        """End every model and delete its files."""
        for name in list(self._mine):
            self._drop(name)
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, file: Path, title: str) -> ServedBundle:
        """Adopt a file and serve it. Raises UserError. Whatever it raises, nothing is left behind."""
        name = f"upload-{secrets.token_hex(3)}"
        folder = self._folder / name
        with ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            adopt_there(file, folder, name, title)
            bundle = read(folder)
            sandbox = Sandbox(bundle)
            undo.callback(sandbox.close)
            where = Provider("cpu", "CPUExecutionProvider", "CPU: a visitor's model, in a process with limits.")
            served = ServedBundle(Engine(bundle, where, self._cache, sandbox.open))
            served.engine.ensure_checked()
            undo.pop_all()
        while len(self._mine) >= MAX_MODELS:
            self._drop(next(iter(self._mine)))
        self._mine[name] = served, sandbox
        self._bundles[name] = served
        return served

    def _drop(self, name: str) -> None:
        served, sandbox = self._mine.pop(name)
        self._bundles.pop(name, None)
        served.engine.close()
        sandbox.close()
        shutil.rmtree(self._folder / name, ignore_errors=True)

    async def _list(self, request: Request) -> Response:
        return JSONResponse([bundle_facts(served) for served, _ in list(self._mine.values())])

    async def _take(self, request: Request) -> Response:
        if OWN_HEADER not in request.headers:
            return refusal(403, "Models are accepted from this page only.")
        title = one_line(request.query_params.get("title", ""))[:MAX_TITLE] or "A visitor's model"
        file, visitor = self._folder / f"{secrets.token_hex(8)}.onnx", visitor_of(request)
        try:
            async with self._receiving.slot(Caller.of_now(visitor, TURN)):
                await receive(request, file)
            async with AsyncExitStack() as turn:
                try:
                    await turn.enter_async_context(self._checking.slot(Caller.of_now(visitor, TURN)))
                except Busy as error:
                    raise Busy(CHECKING) from error
                served = await anyio.to_thread.run_sync(self.add, file, title)
            return JSONResponse(bundle_facts(served))
        except UserError as error:
            return refusal_of(error)
        finally:
            file.unlink(missing_ok=True)


async def receive(request: Request, file: Path) -> None:
    """Write the body of a request to a file. Raises InputError when it is too large or comes too slowly, UserError when
    the disk refuses."""
    size = 0
    try:
        with file.open("wb") as out:
            async for part in parts_of(request, LEAST_SPEED):
                size += len(part)
                if size > MAX_BYTES:
                    raise InputError(too_large(MAX_BYTES))
                out.write(part)
    except OSError as error:
        raise UserError(f"The file cannot be stored: {error.strerror or error}.") from error

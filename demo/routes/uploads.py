"""--allow-upload: models that visitors bring, which everybody on the page may use.

    GET  /uploads          facts of the models that are here now
    POST /uploads?title=   the bytes of an .onnx file -> facts of its bundle; status 400 with what is wrong

Each model is adopted and run in a process with limits (demo/serving/sandbox.py). MAX_MODELS are kept, until the server
ends or newer ones take their place.
"""

import secrets
import shutil
import tempfile
from collections.abc import MutableMapping
from contextlib import ExitStack
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bundle.errors import UserError
from bundle.read import read
from bundle.sessions import Provider
from demo.facts import bundle_facts
from demo.routes.model_requests import refusal
from demo.serving.engine import Engine, EngineCache
from demo.serving.sandbox import Sandbox, adopt_there
from demo.serving.served_bundle import ServedBundle

MAX_BYTES = 100_000_000
MAX_MODELS = 4
MAX_TITLE = 60
OWN_HEADER = "x-twofold"  # pages of other sites cannot send it: browsers ask the server first (CORS)


class Uploads:
    """The visitors' models: each becomes one more served bundle, under a name of its own."""

    def __init__(self, bundles: MutableMapping[str, ServedBundle]):
        self._bundles = bundles
        self._mine: dict[str, tuple[ServedBundle, Sandbox]] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="twofold-uploads-"))
        self._cache = EngineCache()
        self._busy = anyio.CapacityLimiter(1)

    def routes(self) -> list[Route]:
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
            served.engine.ready()
            undo.pop_all()
        while len(self._mine) >= MAX_MODELS:
            self._drop(next(iter(self._mine)))
        self._mine[name] = served, sandbox
        self._bundles[name] = served
        return served

    def _drop(self, name: str) -> None:
        _, sandbox = self._mine.pop(name)
        self._bundles.pop(name, None)
        sandbox.close()
        shutil.rmtree(self._folder / name, ignore_errors=True)

    async def _list(self, request: Request) -> Response:
        return JSONResponse([bundle_facts(served) for served, _ in list(self._mine.values())])

    async def _take(self, request: Request) -> Response:
        if OWN_HEADER not in request.headers:
            return refusal(403, "Models are accepted from this page only.")
        title = request.query_params.get("title", "").strip()[:MAX_TITLE] or "A visitor's model"
        if self._busy.available_tokens < 1:
            return refusal(503, "Another model is being checked; try again in a minute.")
        async with self._busy:
            return await self._received(request, title)

    async def _received(self, request: Request, title: str) -> Response:
        file = self._folder / f"{secrets.token_hex(8)}.onnx"
        try:
            size = 0
            with file.open("wb") as out:
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_BYTES:
                        return refusal(400, f"The file is too large: at most {MAX_BYTES // 1_000_000} MB are accepted.")
                    out.write(part)
            served = await anyio.to_thread.run_sync(self.add, file, title)
            return JSONResponse(bundle_facts(served))
        except UserError as error:
            return refusal(400, str(error))
        finally:
            file.unlink(missing_ok=True)

"""The routes that let the visitor's browser draw by itself: scripts, onnxruntime-web, and a bundle's latent numbers.

GET /device/{release}/{name}                     scripts, onnxruntime-web's module and its WebAssembly
GET /device/{release}/bundles/{bundle}.bin?v=    the numbers that draw from latents, float32 one after the other

`release` changes with any of the files, so answers may be kept for ever. What a browser needs: bundle/on_device.py.

Every file is the one that was there when the server began, or it is answered with status 404, and /healthz says so.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bundle import on_device
from bundle.on_device import BUILDS, HOW_TO_GET_IT, RUNTIME, SCRIPTS
from bundle.read import OpenBundle
from demo import static_files
from demo.routes.page_files import FOR_EVER, no_file, packed
from demo.serving.file_watch import KnownFile
from demo.serving.served_bundle import ServedBundle

WEB = Path(__file__).resolve().parents[1] / "web"  # where `python -m demo.web` puts onnxruntime-web
OPEN = "open.js"  # for other pages: demo/routes/files.py
MEDIA = {"js": "text/javascript", "wasm": "application/wasm"}


@functools.cache
def _known() -> dict[str, KnownFile]:
    """The files as they are when this is first called, which is when the server starts, by name."""
    runtime = on_device.installed(WEB)
    known = {}
    for name in (*SCRIPTS, OPEN):
        known[name] = KnownFile.begin(static_files.find(name), functools.partial(_script, name))
    for build_name in runtime.builds if runtime else ():
        assert runtime
        build = BUILDS[build_name]
        wasm = on_device.build_facts(runtime, build_name)["wasm"]["sha256"]
        script_place, wasm_place = map(runtime.path, build.files)
        known[build.script] = KnownFile.begin(script_place, functools.partial(runtime.script, build))
        known[build.wasm] = KnownFile.begin(wasm_place, functools.partial(runtime.wasm, build), wasm)
    return known


def _script(name: str) -> bytes:
    return static_files.find(name).read_bytes()


def content(name: str) -> bytes | None:
    """The bytes of a file, by name; None while it is missing or was changed."""
    return _known()[name].content()


def fault() -> str:
    """What is wrong with the first file that is missing or was changed, as a sentence; empty where all are well."""
    gone = next((name for name, file in _known().items() if not file.well()), None)
    return f"File '{gone}' of the page is missing or was changed." if gone else ""


@functools.cache
def release() -> str:
    """Eight hexadecimal digits that change with any of the files but the numbers."""
    return static_files.fingerprint(*(f"{name} {file.sha256}" for name, file in _known().items()))


def page_facts() -> dict[str, Any]:
    """Where the page finds the way to draw on its device, or the command that its owner lacks."""
    runtime = on_device.installed(WEB)
    if runtime is None:
        return {"install": HOW_TO_GET_IT}
    home = f"device/{release()}/"
    builds = {name: on_device.build_facts(runtime, name, home) for name in runtime.builds}
    return {
        "install": "",
        "module": f"{home}local.js",
        "builds": builds,
        "runtime": f"{RUNTIME} {runtime.version}",
    }


def bundle_facts(bundle: OpenBundle, address: str) -> dict[str, Any] | None:
    """Of one bundle whose files are served at `address`; None where it can only be drawn by the server."""
    if not on_device.drawable(bundle.info):
        return None
    query = f"?v={bundle.version}"
    numbers_at = f"device/{release()}/bundles/{bundle.info.name}.bin{query}"
    return on_device.drawing_facts(bundle, f"{address}/{{file}}{query}", numbers_at)


def routes(bundles: Mapping[str, ServedBundle]) -> list[Route]:
    """The routes above for these bundles."""
    known = _known().keys() - {OPEN}

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        found = content(name) if name in known else None
        if found is None or request.path_params["release"] != release():
            return no_file()
        return packed(request, found, MEDIA[name.rpartition(".")[2]])

    def latents(request: Request) -> Response:
        served = bundles.get(request.path_params["bundle"])
        if served is None or not on_device.drawable(served.info):
            return no_file()
        current = request.query_params.get("v") == served.engine.bundle.version
        headers = FOR_EVER if current else {"Cache-Control": "no-store"}
        return Response(
            on_device.latent_bytes(served.engine.bundle), media_type="application/octet-stream", headers=headers
        )

    return [
        Route("/device/{release}/bundles/{bundle}.bin", latents, methods=["GET"]),
        Route("/device/{release}/{name}", file, methods=["GET"]),
    ]

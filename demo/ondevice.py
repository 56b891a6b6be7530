"""Drawing in the visitor's browser: which files onnxruntime-web needs for that, what it must know, and their routes.

GET /device/{release}/{name}                     scripts, onnxruntime-web's module and its WebAssembly
GET /device/{release}/bundles/{bundle}.bin?v=    the numbers that draw from latents, float32 one after the other

`release` changes with any of the files, so answers may be kept for ever. A visitor loads the WebAssembly build, and one
with WebGPU (17 or 27 MB on top of 14; compressed 4 or 7 on top of 4) only where the browser offers a graphics card.
One thread: more would need response headers that other parts of the page would feel.
"""

import functools
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.bundle import OpenBundle
from demo.schema import Bundle
from demo.studio import Studio

STATIC = Path(__file__).resolve().parent / "static"
MODULES = Path(__file__).resolve().parent / "web" / "node_modules"
RUNTIME = "onnxruntime-web"
HOW_TO_GET_IT = "npm ci --prefix demo/web"


@dataclass(frozen=True)
class Build:
    """One build of onnxruntime-web: its module in `dist`, the name under which that is served, and its WebAssembly."""

    module: str
    script: str  # some hosts do not know that .mjs is a script
    wasm: str
    gpu: bool


# Both with WebGPU do the same; the smaller and faster one needs WebAssembly that can wait (JSPI), as gpu.js finds out.
BUILDS = {
    "wasm": Build("ort.wasm.bundle.min.mjs", "ort.js", "ort-wasm-simd-threaded.wasm", gpu=False),
    "jspi": Build("ort.jspi.bundle.min.mjs", "ort-jspi.js", "ort-wasm-simd-threaded.jspi.wasm", gpu=True),
    "asyncify": Build("ort.webgpu.bundle.min.mjs", "ort-asyncify.js", "ort-wasm-simd-threaded.asyncify.wasm", gpu=True),
}
SCRIPTS = ("random.js", "latents.js", "device.js", "worker.js", "gpu.js", "local.js")
MEDIA = {"js": "text/javascript", "wasm": "application/wasm"}
GRAPHS = {"gan": ("mapping", "synthesis"), "vae": ("decoder",)}
ARRAYS = {
    "gan": ("w_mean",),
    "vae": (
        "mixture_weights", "mixture_means", "mixture_cholesky", "mixture_classes", "code_mean", "code_std",
    ),
}  # fmt: skip
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


# --- what a browser must know about a bundle -----------------------------------------------------------


def models(info: Bundle) -> list[str]:
    return [name for name in ("gan", "vae") if getattr(info, name) is not None]


def graph_names(info: Bundle) -> list[str]:
    """The graphs that draw from latents."""
    return [graph for model in models(info) for graph in GRAPHS[model]]


def array_names(info: Bundle) -> list[str]:
    return [array for model in models(info) for array in ARRAYS[model]]


def drawable(info: Bundle) -> bool:
    """Whether the bundle has what this project's own arithmetic needs; generators made elsewhere are single graphs."""
    return all(name in info.graphs for name in graph_names(info))


def numbers(bundle: OpenBundle) -> bytes:
    """The arrays that draw from latents, one after the other: float32, little-endian, row by row."""
    return b"".join(np.ascontiguousarray(bundle.latents[name], "<f4").tobytes() for name in array_names(bundle.info))


def drawing_facts(bundle: OpenBundle, graphs: str, latents: str) -> dict[str, Any]:
    """What static/worker.js reads; `graphs`: address with {file} in it, `latents`: address of the numbers."""
    info = bundle.info
    return {
        "gan": info.gan.model_dump(mode="json") if info.gan else None,
        "vae": info.vae.model_dump(mode="json") if info.vae else None,
        "graphs": {
            name: {
                "url": graphs.format(file=info.graphs[name].file),
                "bytes": info.graphs[name].bytes,
                "sha256": info.graphs[name].sha256,
                "inputs": {tensor.name: list(tensor.shape[1:]) for tensor in info.graphs[name].inputs},
            }
            for name in graph_names(info)
        },
        "latents": {
            "url": latents,
            **checksum(numbers(bundle)),
            "lengths": {name: bundle.latents[name].size for name in array_names(info)},
        },
    }


def checksum(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# --- onnxruntime-web -----------------------------------------------------------------------------------


def dist() -> Path | None:
    """The folder of onnxruntime-web's files; None when npm has not put it there."""
    folder = MODULES / RUNTIME / "dist"
    names = [name for build in BUILDS.values() for name in (build.module, build.wasm)]
    return folder if all((folder / name).is_file() for name in names) else None


def runtime_version(folder: Path) -> str:
    return json.loads((folder.parent / "package.json").read_text(encoding="utf-8"))["version"]


def runtime_script(folder: Path, build: Build) -> bytes:
    """A build's module, without the line that points to a map that is not served."""
    lines = (folder / build.module).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//# sourceMappingURL=")).encode()


def build_facts(folder: Path, name: str, home: str = "") -> dict[str, Any]:
    """What static/worker.js must know to run a build whose files are served under `home`."""
    build = BUILDS[name]
    return {
        "script": home + build.script,
        "wasm": {"url": home + build.wasm, **_wasm_checksum(folder / build.wasm)},
        "gpu": build.gpu,
    }


# --- on the page of the server -------------------------------------------------------------------------


@functools.cache
def release() -> str:
    """Eight hexadecimal digits that change with any of the files but the numbers."""
    folder = dist()
    own = b"".join((STATIC / name).read_bytes() for name in SCRIPTS)
    return hashlib.sha256(own + (runtime_version(folder).encode() if folder else b"")).hexdigest()[:8]


def page_facts() -> dict[str, Any]:
    """Where the page finds the way to draw on its device, or the sentence why it cannot."""
    folder = dist()
    if folder is None:
        return {"gap": f"The server lacks {RUNTIME}: {HOW_TO_GET_IT}"}
    home = f"device/{release()}/"
    builds = {name: build_facts(folder, name, home) for name in BUILDS}
    return {"gap": "", "module": f"{home}local.js", "builds": builds, "runtime": f"{RUNTIME} {runtime_version(folder)}"}


def bundle_facts(bundle: OpenBundle, address: str) -> dict[str, Any] | None:
    """Of one bundle whose files are served at `address`; None where it can only be drawn by the server."""
    if not drawable(bundle.info):
        return None
    query = f"?v={bundle.version}"
    numbers_at = f"device/{release()}/bundles/{bundle.info.name}.bin{query}"
    return drawing_facts(bundle, f"{address}/{{file}}{query}", numbers_at)


@functools.cache
def _wasm_checksum(file: Path) -> dict[str, Any]:
    return checksum(file.read_bytes())


@functools.cache
def _file(name: str) -> tuple[bytes, bytes] | None:
    """A file of the runtime or a script, plain and compressed: 14 MB of WebAssembly travel as 4."""
    folder = dist()
    if name in SCRIPTS:
        data = (STATIC / name).read_bytes()
    elif folder is None:
        return None
    else:
        build = next(build for build in BUILDS.values() if name in (build.script, build.wasm))
        data = runtime_script(folder, build) if name == build.script else (folder / name).read_bytes()
    return data, gzip.compress(data, 6, mtime=0)


def routes(studios: Mapping[str, Studio]) -> list[Route]:
    """The routes above for these studios."""
    known = {*SCRIPTS, *(name for build in BUILDS.values() for name in (build.script, build.wasm))}

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        found = _file(name) if name in known else None
        if found is None or request.path_params["release"] != release():
            return PlainTextResponse("There is no such file here.", status_code=404)
        plain, small = found
        packed = "gzip" in request.headers.get("accept-encoding", "")
        headers = FOR_EVER | {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
        return Response(small if packed else plain, media_type=MEDIA[name.rpartition(".")[2]], headers=headers)

    def latents(request: Request) -> Response:
        studio = studios.get(request.path_params["bundle"])
        if studio is None or not drawable(studio.info):
            return PlainTextResponse("There is no such file here.", status_code=404)
        current = request.query_params.get("v") == studio.engine.bundle.version
        headers = FOR_EVER if current else {"Cache-Control": "no-store"}
        return Response(numbers(studio.engine.bundle), media_type="application/octet-stream", headers=headers)

    return [
        Route("/device/{release}/bundles/{bundle}.bin", latents, methods=["GET"]),
        Route("/device/{release}/{name}", file, methods=["GET"]),
    ]

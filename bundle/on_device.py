"""Drawing in the visitor's browser: the files of onnxruntime-web, and what the page's worker must know of a bundle.

The page of a server (demo/routes/device.py) and the static page (export/targets/web.py) both need it.

Every visitor loads the WebAssembly build (14 MB, 4 compressed). A build with the native WebGPU runtime (17 or 27 MB, 4
or 7 compressed) is loaded only where the browser offers a graphics card. The older builds for JSEP and WebGL are left
alone: onnxruntime has deprecated them. One thread: more would need cross-origin isolation, response
headers that restrict what else the page may load.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bundle import own_directions
from bundle.array_files import ATTRIBUTE_ARRAYS
from bundle.errors import BundleError
from bundle.packed_files import unpacked
from bundle.read import OpenBundle
from bundle.schema import BundleIndex, Model

RUNTIME = "onnxruntime-web"
ARCHIVE = f"{RUNTIME}.tar.xz"  # in demo/web of a Space
HOW_TO_GET_IT = "python -m demo.web"
# The modules of demo/static/device that draw; each is served beside the others.
SCRIPTS = ("random.js", "latents.js", "paths.js", "bend.js", "device.js", "worker.js", "gpu.js", "local.js")


@dataclass(frozen=True)
class Build:
    """One build of onnxruntime-web: its module in `dist`, the name under which that is served, and its WebAssembly."""

    module: str
    script: str  # some hosts do not know that .mjs is a script
    wasm: str
    gpu: bool

    @property
    def files(self) -> tuple[str, str]:
        """The module and the WebAssembly, relative to the package."""
        return f"dist/{self.module}", f"dist/{self.wasm}"


# Both WebGPU builds do the same. The smaller and faster one needs JSPI (WebAssembly that can await promises); gpu.js
# finds out whether the browser has it.
BUILDS = {
    "wasm": Build("ort.wasm.bundle.min.mjs", "ort.js", "ort-wasm-simd-threaded.wasm", gpu=False),
    "jspi": Build("ort.jspi.bundle.min.mjs", "ort-jspi.js", "ort-wasm-simd-threaded.jspi.wasm", gpu=True),
    "asyncify": Build("ort.webgpu.bundle.min.mjs", "ort-asyncify.js", "ort-wasm-simd-threaded.asyncify.wasm", gpu=True),
}
DRAWING_GRAPHS: dict[Model, tuple[str, ...]] = {"gan": ("mapping", "synthesis"), "vae": ("decoder",)}
DRAWING_ARRAYS: dict[Model, tuple[str, ...]] = {
    "gan": ("w_mean",),
    "vae": (
        "mixture_weights", "mixture_means", "mixture_cholesky", "mixture_classes", "code_mean", "code_std",
    ),
}  # fmt: skip


# --- what a browser must know about a bundle -----------------------------------------------------------


def graph_names(info: BundleIndex) -> list[str]:
    """The graphs that draw from latents."""
    return [graph for model in info.models for graph in _drawing(info, model, DRAWING_GRAPHS, ("generator",))]


def array_names(info: BundleIndex) -> list[str]:
    """The arrays of latents.npz that drawing from latents needs."""
    arrays = [array for model in info.models for array in _drawing(info, model, DRAWING_ARRAYS, ())]
    movable = [model for model in info.models if any(getattr(attribute, model) for attribute in info.attributes)]
    return arrays + [ATTRIBUTE_ARRAYS[model] for model in movable]


def drawable(info: BundleIndex) -> bool:
    """Whether a browser can draw with the bundle's own files: not where a generator from elsewhere needs an adapter."""
    return all(name in info.graphs and not info.graphs[name].adapter for name in graph_names(info))


def _drawing(
    info: BundleIndex, model: Model, needed: Mapping[Model, tuple[str, ...]], without_styles: tuple[str, ...]
) -> tuple[str, ...]:
    """What a model needs to draw; `without_styles`: what a GAN without styles needs, a generator in a single graph."""
    return without_styles if model == "gan" and not info.has_styles else needed[model]


def latent_bytes(bundle: OpenBundle) -> bytes:
    """The arrays of `array_names`, one after the other: float32, little-endian, row by row."""
    return b"".join(np.ascontiguousarray(bundle.latents[name], "<f4").tobytes() for name in array_names(bundle.info))


def page_facts(bundle: OpenBundle) -> dict[str, Any]:
    """What the widgets read of a bundle, whether a server or a static page shows it."""
    info = bundle.info
    return {
        "name": info.name,
        "version": bundle.version,
        "sha256": bundle.sha256,
        "title": info.title,
        "created": f"{info.created:%Y-%m-%d}",
        "width": info.image.width,
        "height": info.image.height,
        "channels": info.image.channels,
        "classes": list(info.dataset.classes),
        "models": list(info.models),
        "stages": (info.gan.stages or 0) if info.gan else 0,
        "attributes": [attribute.model_dump(mode="json") for attribute in info.attributes],
        "spaces": own_directions.space_facts(bundle),
        "dataset": info.dataset.model_dump(mode="json"),
    }


def drawing_facts(bundle: OpenBundle, graphs: str, latents: str) -> dict[str, Any]:
    """What static/device/worker.js reads; `graphs`: address with {file} in it, `latents`: address of the numbers."""
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
            **checksum(latent_bytes(bundle)),
            "lengths": {name: bundle.latents[name].size for name in array_names(info)},
        },
    }


def checksum(data: bytes) -> dict[str, Any]:
    """What the worker verifies before it uses a file."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# --- onnxruntime-web -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Runtime:
    """onnxruntime-web as it lies on this machine: a folder of npm's, or an archive with the same files (a Space)."""

    place: Path

    def read(self, name: str) -> bytes:
        """One of its files; `name` is relative to the package. Raises OSError or BundleError."""
        return (self.place / name).read_bytes() if self.place.is_dir() else unpacked(self.place)[name]

    def path(self, name: str) -> Path:
        """What lies on the disk: this file, or the archive that holds it."""
        return self.place / name if self.place.is_dir() else self.place

    def has(self, name: str) -> bool:
        """Whether it has this file."""
        return (self.place / name).is_file() if self.place.is_dir() else name in unpacked(self.place)

    @property
    def version(self) -> str:
        """The version of onnxruntime-web."""
        return json.loads(self.read("package.json"))["version"]

    @property
    def builds(self) -> list[str]:
        """The names of the builds that are there: always the first, which every browser runs."""
        return [name for name, build in BUILDS.items() if all(self.has(file) for file in build.files)]

    def script(self, build: Build) -> bytes:
        """A build's module, without its reference to a source map, which is not served."""
        lines = self.read(build.files[0]).decode().splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith("//# sourceMappingURL=")).encode()

    def wasm(self, build: Build) -> bytes:
        """A build's WebAssembly."""
        return self.read(build.files[1])


def installed(web: Path) -> Runtime | None:
    """onnxruntime-web in demo/web or a copy of it; None where it is missing or lacks the build for every browser."""
    for place in (web / "node_modules" / RUNTIME, web / ARCHIVE):
        runtime = Runtime(place)
        try:
            if place.exists() and "wasm" in runtime.builds and runtime.has("package.json"):
                return runtime
        except (OSError, BundleError):
            continue
    return None


def build_facts(runtime: Runtime, name: str, home: str = "") -> dict[str, Any]:
    """What static/device/worker.js must know to run a build whose files are served under `home`."""
    build = BUILDS[name]
    return {
        "script": home + build.script,
        "wasm": {"url": home + build.wasm, **_wasm_checksum(runtime, build)},
        "gpu": build.gpu,
    }


@functools.cache
def _wasm_checksum(runtime: Runtime, build: Build) -> dict[str, Any]:
    return checksum(runtime.wasm(build))

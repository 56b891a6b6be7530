"""Bundles -> one static folder that samples and interpolates in the browser, with no server behind it.

The page consists of the demo's own widgets (demo/static) over pictures that a worker computes with onnxruntime-web;
`page/` beside this module holds what Gradio does in the demo. The latents come from the seeds as in demo/latents.py, so
the page draws what the demo draws. Only the WebAssembly build is shipped: WebGPU's is twice as large (27 MB against
14 MB), and small generators take a few milliseconds without it. One thread: more would need response headers that a
plain static host does not send.
"""

import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from demo.bundle import OpenBundle, graph_bytes
from export.targets.folder import Source, conventional, files_in, fill, read_bundles, replaced
from train.errors import UserError

REPOSITORY = Path(__file__).resolve().parents[2]
STATIC = REPOSITORY / "demo" / "static"
PAGE = Path(__file__).resolve().parent / "page"
MODULES = REPOSITORY / "demo" / "web" / "node_modules"
RUNTIME = "onnxruntime-web"
HOW_TO_GET_IT = "npm ci --prefix demo/web"
FACTS = "facts.json"

# The runtime's module is named .js: some hosts do not know that .mjs is a script.
SCRIPT, WASM = ("ort.wasm.bundle.min.mjs", "ort.js"), "ort-wasm-simd-threaded.wasm"
GRAPHS = {"gan": ("mapping", "synthesis"), "vae": ("decoder",)}
ARRAYS = {
    "gan": ("w_mean",),
    "vae": (
        "mixture_weights", "mixture_means", "mixture_cholesky", "mixture_classes", "code_mean", "code_std",
    ),
}  # fmt: skip
SHARED = ("style.css", "core.js", "live.js", "random.js", "latents.js", "device.js", "worker.js", "local.js")
MORPH = ("morph.css", "keys.js", "keylist.js")
OWN = ("page.css", "page.js", "strip.js", "theme.js", "LICENSES.txt")
WIDGETS = (
    *(STATIC / name for name in ("bar.js", "play.js", "favourites.js", "morph.js")),
    *(PAGE / name for name in ("samples.js", "about-page.js")),
)
REASON = "The models run in this browser, as WebAssembly on one thread; nothing is sent anywhere."


def write(bundles: Sequence[Path], target: Path) -> None:
    """Writes the page over these bundles into the folder `target`, in place of an earlier one.

    Raises UserError when onnxruntime-web is not installed, two bundles have one name, or the target holds something
    else; the demo's BundleError when a bundle cannot be opened. The target is then as it was.
    """
    opened = [conventional(bundle) for bundle in read_bundles(bundles)]
    sources = [*page_files(opened), *runtime_files()]
    for bundle in opened:
        sources += bundle_files(bundle)
    with replaced(target, ours, "page") as building:
        fill(building, sources)
    size = sum((target / path).stat().st_size for path in files_in(target) if ".git" not in path.parts)
    print(f"{target}: {len(sources)} files, {size / 1e6:.1f} MB. Any static host serves it; here, for instance:")
    print(f"python -m http.server --directory {target}")


def ours(folder: Path) -> bool:
    """Whether a folder holds an earlier page."""
    try:
        return json.loads((folder / FACTS).read_bytes()).get("format") == "twofold-web"
    except (OSError, ValueError, AttributeError):
        return False


# ---------------------------------------------------------------------------------------- what goes in


def page_files(bundles: Sequence[OpenBundle]) -> list[Source]:
    """The page itself, and facts.json with what it has to know about the bundles."""
    title = bundles[0].info.title if len(bundles) == 1 else "Twofold"
    about = "Pictures from seeds by a GAN and a VAE, computed in this browser."
    words = {"title": html.escape(title), "about": html.escape(about)}
    index = Template((PAGE / "index.html").read_text(encoding="utf-8")).substitute(words)
    facts = {
        "format": "twofold-web",
        "runtime": f"{RUNTIME} {runtime_version()}",
        "bundles": [bundle_facts(bundle) for bundle in bundles],
        "unavailable": [],
        "wasm": {"url": WASM, **checksum((dist() / WASM).read_bytes())},
    }
    sources = [
        Source("index.html", index.encode()),
        Source(FACTS, json.dumps(facts, ensure_ascii=False).encode()),
        Source("LICENSE", REPOSITORY / "LICENSE"),
    ]
    sources += [Source(name, STATIC / name) for name in (*SHARED, *MORPH)] + [Source(name, PAGE / name) for name in OWN]
    return sources + [Source(script.name, as_module(script)) for script in WIDGETS]


def as_module(script: Path) -> bytes:
    """A widget's script, which Gradio runs with four variables at hand, as a module with a function of these four."""
    body = script.read_text(encoding="utf-8")
    return f"export default (element, props, trigger, watch) => {{\n{body}}};\n".encode()


def bundle_files(bundle: OpenBundle) -> list[Source]:
    """The graphs that draw from latents, the numbers that these need, and the sample sheet."""
    home = f"bundles/{bundle.info.name}"
    sheet = bundle.info.files["sheet"].file
    graphs = [Source(f"{home}/{name}.onnx", graph_bytes(bundle, name)) for name in graph_names(bundle)]
    return [
        *graphs,
        Source(f"{home}/latents.bin", numbers(bundle)),
        Source(f"{home}/sheet.png", bundle.folder / sheet),
    ]


def bundle_facts(bundle: OpenBundle) -> dict[str, Any]:
    """Facts of one bundle, as the widgets and worker.js read them; addresses are relative to the page."""
    info, home = bundle.info, f"bundles/{bundle.info.name}"
    return {
        "name": info.name,
        "version": bundle.version,
        "title": info.title,
        "created": f"{info.created:%Y-%m-%d}",
        "size": info.image.size,
        "channels": info.image.channels,
        "classes": list(info.dataset.classes),
        "models": models(bundle),
        "gan": info.gan.model_dump(mode="json") if info.gan else None,
        "vae": info.vae.model_dump(mode="json") if info.vae else None,
        "sheet": {"url": f"{home}/sheet.png", "count": bundle.tiles},
        "processor": "This device",
        "reason": REASON,
        "dataset": info.dataset.model_dump(mode="json"),
        "graphs": {
            name: {
                "url": f"{home}/{name}.onnx",
                "bytes": info.graphs[name].bytes,
                "sha256": info.graphs[name].sha256,
                "inputs": {tensor.name: list(tensor.shape[1:]) for tensor in info.graphs[name].inputs},
            }
            for name in graph_names(bundle)
        },
        "latents": {
            "url": f"{home}/latents.bin",
            **checksum(numbers(bundle)),
            "lengths": {name: bundle.latents[name].size for name in array_names(bundle)},
        },
    }


def models(bundle: OpenBundle) -> list[str]:
    return [name for name in ("gan", "vae") if getattr(bundle.info, name) is not None]


def graph_names(bundle: OpenBundle) -> list[str]:
    return [graph for model in models(bundle) for graph in GRAPHS[model]]


def array_names(bundle: OpenBundle) -> list[str]:
    return [array for model in models(bundle) for array in ARRAYS[model]]


def numbers(bundle: OpenBundle) -> bytes:
    """The arrays that draw from latents, one after the other: float32, little-endian, row by row."""
    return b"".join(np.ascontiguousarray(bundle.latents[name], "<f4").tobytes() for name in array_names(bundle))


def checksum(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# ---------------------------------------------------------------------------------------- onnxruntime-web


def dist() -> Path:
    """The folder of onnxruntime-web's files. Raises UserError when npm has not put it there."""
    folder = MODULES / RUNTIME / "dist"
    if not all((folder / name).is_file() for name in (SCRIPT[0], WASM)):
        raise UserError(f"{RUNTIME} is not installed: run `{HOW_TO_GET_IT}` (Node.js has npm), then try again.")
    return folder


def runtime_version() -> str:
    return json.loads((dist().parent / "package.json").read_text(encoding="utf-8"))["version"]


def runtime_files() -> list[Source]:
    """onnxruntime-web's module and its WebAssembly, two files."""
    lines = (dist() / SCRIPT[0]).read_text(encoding="utf-8").splitlines(keepends=True)
    script = "".join(line for line in lines if not line.startswith("//# sourceMappingURL="))  # a map that stays here
    return [Source(SCRIPT[1], script.encode()), Source(WASM, dist() / WASM)]

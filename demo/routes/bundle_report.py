"""Everything that is known about a bundle, as JSON: data, licence, figures with their floors, training, files."""

import importlib.metadata
import platform
from typing import Any

from bundle.read import INDEX
from demo.serving.served_bundle import ServedBundle

REPORTED = ("onnxruntime", "onnxruntime-gpu", "numpy", "pillow", "gradio", "pydantic", "starlette")


def bundle_report(served: ServedBundle) -> dict[str, Any]:
    """The answer of the endpoint /report; addresses of files are relative to the server."""
    info, engine = served.info, served.engine
    image = info.image.model_dump(mode="json")
    if info.image.height == info.image.width:
        image["size"] = info.image.height  # programs that know square pictures only read this
    address = f"bundles/{info.name}"
    files = [*info.graphs.values(), *info.files.values()]
    entries = {"gan": info.gan, "vae": info.vae}
    return {
        "bundle": info.name,
        "title": info.title,
        "created": info.created.isoformat(),
        "version": engine.bundle.version,
        "data": info.dataset.model_dump(mode="json"),
        "image": image,
        "models": {name: entry.model_dump(mode="json") for name, entry in entries.items() if entry is not None},
        "quality": info.quality.model_dump(mode="json") if info.quality else None,
        "attributes": [attribute.model_dump(mode="json") for attribute in info.attributes],
        "training": {name: stage.model_dump(mode="json") for name, stage in info.training.items()},
        "provider": {"active": engine.active, "reason": engine.reason},
        "files": [
            {"file": entry.file, "url": f"{address}/{entry.file}", "bytes": entry.bytes, "sha256": entry.sha256}
            for entry in files
        ],
        "index": f"{address}/{INDEX}",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that answers depend on."""
    installed = {"python": platform.python_version()}
    for name in REPORTED:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of the two onnxruntime wheels, only one is installed
    return installed

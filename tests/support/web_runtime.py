"""An imitation of onnxruntime-web in a few bytes, for tests that only move its files about."""

import json
from pathlib import Path

from bundle import on_device

VERSION = "9.8.7"


def build(web: Path, builds: tuple[str, ...] = tuple(on_device.BUILDS)) -> Path:
    """Puts it where npm would put it below `web`; returns the folder of the package."""
    package = web / "node_modules" / on_device.RUNTIME
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": VERSION}))
    for name in builds:
        script, wasm = on_device.BUILDS[name].files
        (package / script).write_text(f"export {{ {name} }};\n//# sourceMappingURL={name}.map\n")
        (package / wasm).write_bytes(f"wasm of {name}".encode())
    return package

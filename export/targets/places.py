"""Where the targets take their files from: this repository, the static page's own scripts, onnxruntime-web."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = Path(__file__).resolve().parent / "page"
RUNTIME_HOME = REPOSITORY / "demo" / "web"  # where `python -m demo.web` puts onnxruntime-web
# Ever fewer browsers need the third build, which has 27 MB: static hosts allow 25 MB a file.
SHIPPED_BUILDS = ("wasm", "jspi")

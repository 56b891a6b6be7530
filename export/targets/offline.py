"""The static page as an app: a browser can install it, and keeps all of it after one visit."""

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from bundle.marks import formats, trained
from bundle.read import OpenBundle
from export.targets.folder import Source

WORKER = "service-worker.js"
MANIFEST = "manifest.webmanifest"
ICON_SIDES = (192, 512)  # pixels; what browsers ask for before they offer to install
SCRIPT = Path(__file__).resolve().parent / "page" / WORKER
NOT_KEPT = {"README.md"}  # which the Hub reads, and no visitor


def app_files(sources: Sequence[Source], bundles: Sequence[OpenBundle], title: str) -> list[Source]:
    """What makes the page with these files an app: its manifest, its icons, and the worker that keeps every file."""
    icons = [Source(icon_name(side), icon(bundles[0], side)) for side in ICON_SIDES]
    kept = [*sources, *icons, Source(MANIFEST, manifest(title))]
    return [*kept[len(sources) :], Source(WORKER, service_worker(kept))]


def manifest(title: str) -> bytes:
    """The web app manifest (W3C, Web Application Manifest)."""
    found = {
        "name": title,
        "short_name": title[:12].strip(),
        "start_url": "./",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#1f57c8",
        "icons": [
            {"src": icon_name(side), "sizes": f"{side}x{side}", "type": "image/png", "purpose": "any"}
            for side in ICON_SIDES
        ],
    }
    return json.dumps(found, ensure_ascii=False).encode()


def icon_name(side: int) -> str:
    """The file of the icon of so many pixels a side."""
    return f"icon-{side}.png"


def icon(bundle: OpenBundle, side: int) -> bytes:
    """The middle square of the first picture of the sample sheet, `side` pixels a side, as PNG with its mark."""
    width, height = bundle.info.image.width, bundle.info.image.height
    least = min(width, height)
    left, top = (width - least) // 2, (height - least) // 2
    buffer = io.BytesIO()
    with Image.open(bundle.folder / bundle.info.files["sheet"].file) as sheet:
        square = sheet.convert("RGB").crop((left, top, left + least, top + least))
        large = square.resize((side, side), Image.Resampling.BICUBIC)
        large.save(buffer, "PNG", pnginfo=formats.png_info(trained(bundle)))
    return buffer.getvalue()


def service_worker(sources: Sequence[Source]) -> bytes:
    """The worker that keeps these files; it changes with every byte of them, by which browsers see a new version."""
    sums = {source.place: checksum(source) for source in sources if source.place not in NOT_KEPT}
    files = json.dumps(sums, indent=0, sort_keys=True)
    version = hashlib.sha256(files.encode()).hexdigest()[:16]
    return f"const VERSION = {json.dumps(version)};\nconst FILES = {files};\n".encode() + SCRIPT.read_bytes()


def checksum(source: Source) -> str:
    """SHA-256 of a file, in hexadecimal."""
    content = source.content if isinstance(source.content, bytes) else source.content.read_bytes()
    return hashlib.sha256(content).hexdigest()

"""The static page as an app: a browser can install it, and keeps all of it after one visit."""

import hashlib
import io
import json
from collections.abc import Sequence

from PIL import Image

from bundle import images
from bundle.marks import formats, trained
from bundle.read import OpenBundle
from export.targets.folder import TargetFile
from export.targets.places import PAGE

WORKER = "service-worker.js"
MANIFEST = "manifest.webmanifest"
ICON_SIDES = (192, 512)  # pixels; what browsers ask for before they offer to install
NOT_KEPT = {"README.md"}  # which the Hub reads, and no visitor


def app_files(target_files: Sequence[TargetFile], bundle: OpenBundle, title: str) -> list[TargetFile]:
    """What makes the page with these files an app: its manifest, its icons, by `bundle`, and the worker that keeps
    every file."""
    own = [TargetFile(icon_name(side), icon(bundle, side)) for side in ICON_SIDES]
    own.append(TargetFile(MANIFEST, manifest(title)))
    return [*own, TargetFile(WORKER, service_worker([*target_files, *own]))]


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
    """The middle square of the picture of seed 0, `side` pixels a side, as PNG with its mark."""
    picture = bundle.golden[0]
    height, width, _ = picture.shape
    least = min(width, height)
    left, top = (width - least) // 2, (height - least) // 2
    square = images.to_pillow(picture[top : top + least, left : left + least])
    large = square.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    large.save(buffer, "PNG", pnginfo=formats.png_info(trained(bundle)))
    return buffer.getvalue()


def service_worker(target_files: Sequence[TargetFile]) -> bytes:
    """The worker that keeps these files; it changes with every byte of them, by which browsers see a new version."""
    sums = {file.place: checksum(file) for file in target_files if file.place not in NOT_KEPT}
    files = json.dumps(sums, indent=0, sort_keys=True)
    version = hashlib.sha256(files.encode()).hexdigest()[:16]
    return f"const VERSION = {json.dumps(version)};\nconst FILES = {files};\n".encode() + (PAGE / WORKER).read_bytes()


def checksum(file: TargetFile) -> str:
    """SHA-256 of a file, in hexadecimal."""
    content = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
    return hashlib.sha256(content).hexdigest()

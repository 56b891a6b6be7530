"""Whether what training needs is installed beside the page. Nothing of it is imported here: that is the training's."""

import importlib.metadata
import importlib.util
import re
from pathlib import Path
from typing import Any

INSTALL = "pip install -r requirements.txt"
NEEDED = ("torch", "accelerate", "tyro", "onnx")
PINS = Path(__file__).resolve().parents[2] / "train" / "requirements.txt"


def installation() -> dict[str, Any]:
    """As the page is told: whether everything is there, the line that brings it, and a note on another PyTorch."""
    there = all(importlib.util.find_spec(name) for name in NEEDED)
    return {"installed": there, "install": INSTALL, "note": other_torch() if there else ""}


def other_torch(pins: Path = PINS) -> str:
    """A sentence where the PyTorch that is installed is not the one that training is made for; "" where it is."""
    try:
        found = importlib.metadata.version("torch")
        wanted = re.search(r"^torch==([\w.]+)", pins.read_text(encoding="utf-8"), re.MULTILINE)
    except (importlib.metadata.PackageNotFoundError, OSError):
        return ""
    if wanted is None or release(found) == release(wanted[1]):
        return ""
    return f"PyTorch {found} is installed, training is made for {wanted[1]}: if it fails, {INSTALL} helps."


def release(version: str) -> list[str]:
    """The first two numbers of a version: "2.13.0+cpu" -> ["2", "13"]."""
    return version.partition("+")[0].split(".")[:2]

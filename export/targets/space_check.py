"""Checks whether a folder is fit to be published as a Space; each problem is one sentence."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from bundle.errors import BundleError
from bundle.read import INDEX, read
from bundle.write import CARD
from export.model_card import HUB_IDENTIFIERS
from export.targets.folder import files_in

APP, TAG = "demo/app.py", "twofold"
MAX_BYTES = 50_000_000
MAX_PAGE_BYTES = 100_000_000  # of a static page: onnxruntime-web, unpacked, takes a third
MAX_DESCRIPTION = 60  # characters that the Hub takes
NEEDED = (
    "title", "emoji", "colorFrom", "colorTo", "sdk", "app_file", "license", "short_description", "tags",
)  # fmt: skip
NEEDED_BY_GRADIO = ("sdk_version", "python_version")  # besides
HUB_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
CHECKPOINTS = {".pt", ".pth", ".safetensors", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib"}
# Each pattern begins with plain letters, which makes the search fast in large files.
SECRETS = {
    "an access token of the Hugging Face Hub": rb"hf_[A-Za-z0-9]{30,}",
    "an AWS access key": rb"A[KS]IA[0-9A-Z]{16}",
    "an AWS secret key": rb"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY)\W{1,8}[A-Za-z0-9/+]{40}",
    "a GitHub token": rb"gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,}",
    "a private key": rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}


def page_problems(folder: Path, places: Sequence[str]) -> list[str]:
    """The reasons not to publish the folder as a static page, a sentence each; `places`: paths of the files that it
    should hold."""
    return [
        *_front_matter(folder),
        *_size(folder, "bundles", MAX_PAGE_BYTES),
        *_secrets(folder),
        *_unexpected(folder, places),
    ]


def problems(folder: Path, places: Sequence[str]) -> list[str]:
    """The reasons not to publish the folder, a sentence each; `places`: paths of the files that it should hold."""
    return [
        *_front_matter(folder),
        *_size(folder, "artifacts", MAX_BYTES),
        *_bundles(folder),
        *_secrets(folder),
        *_kinds(folder),
        *_unexpected(folder, places),
    ]


def read_front_matter(path: Path) -> dict[str, Any] | None:
    """The settings at the top of a Space's README.md; None when they are missing or cannot be parsed."""
    try:
        return front_matter_of(path.read_bytes())
    except OSError:
        return None


def front_matter_of(card: bytes) -> dict[str, Any] | None:
    """The settings at the top of a README.md with this content; None when they are missing or cannot be parsed."""
    try:
        head, block, _ = card.decode("utf-8").replace("\r\n", "\n").split("---\n", 2)
        facts = yaml.safe_load(block)
    except (ValueError, RecursionError, yaml.YAMLError):
        return None
    return facts if head == "" and isinstance(facts, dict) else None


def _front_matter(folder: Path) -> Iterator[str]:
    facts = read_front_matter(folder / CARD)
    if facts is None:
        yield f"{CARD} does not begin with settings that can be parsed."
        return
    needed = NEEDED if facts.get("sdk") == "static" else (*NEEDED, *NEEDED_BY_GRADIO)
    missing = [name for name in needed if not facts.get(name)]
    if missing:
        yield f"The settings in {CARD} lack {', '.join(missing)}."
        return
    if len(str(facts["short_description"])) > MAX_DESCRIPTION:
        yield f"The short description has more than {MAX_DESCRIPTION} characters."
    if not {facts["colorFrom"], facts["colorTo"]} <= HUB_COLOURS:
        yield f"The Hub knows the colours {', '.join(sorted(HUB_COLOURS))} only."
    if facts["license"] not in HUB_IDENTIFIERS | {"other"}:
        yield f"The Hub does not know the licence '{facts['license']}'."
    if not (folder / str(facts["app_file"])).is_file():
        yield f"The app file {facts['app_file']} is missing."
    requirements = folder / "requirements.txt"
    pin = f"{facts['sdk']}=={facts.get('sdk_version')}"
    if requirements.is_file() and pin not in requirements.read_text(encoding="utf-8").split():
        yield f"requirements.txt does not hold {pin}, which the settings in {CARD} name."


def _size(folder: Path, home: str, limit: int) -> Iterator[str]:
    total = sum((folder / path).lstat().st_size for path in files_in(folder))
    if total >= limit:
        yield (
            f"It has {total / 1e6:.1f} MB, and {limit / 1e6:.0f} MB is the limit: "
            f"leave {_largest(folder / home)}, or store its weights as float16 first, with `python -m export shrink`."
        )


def _largest(home: Path) -> str:
    """What to leave out: the largest of the bundles in a folder, and how much that is."""
    sizes = {
        folder.name: sum((folder / path).lstat().st_size for path in files_in(folder)) for folder in home.glob("*/")
    }
    name = max(sizes, key=lambda name: sizes[name], default="")
    return f"{name} out ({sizes[name] / 1e6:.1f} MB)" if name else "a bundle out"


def _bundles(folder: Path) -> Iterator[str]:
    root = folder / "artifacts"
    homes = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    if not homes:
        yield f"There is no bundle in artifacts/, no folder with a {INDEX}."
    for home in homes:
        try:
            read(home)
        except BundleError as problem:
            yield str(problem)


def _secrets(folder: Path) -> Iterator[str]:
    for path in files_in(folder):
        if path.name == ".env" or path.name.startswith(".env."):
            yield f"{path} is a file for secrets."
        if (folder / path).is_symlink():
            continue
        data = (folder / path).read_bytes()
        yield from (f"{path} holds what looks like {name}." for name, like in SECRETS.items() if re.search(like, data))


def _kinds(folder: Path) -> Iterator[str]:
    for path in files_in(folder):
        if (folder / path).is_symlink():
            yield f"{path} is a link."
        if path.suffix.lower() in CHECKPOINTS:
            yield f"{path} is a checkpoint."


def _unexpected(folder: Path, places: Sequence[str]) -> Iterator[str]:
    found = {path.as_posix() for path in files_in(folder)}
    yield from (f"{place} does not belong there." for place in sorted(found - set(places)))
    yield from (f"{place} is missing." for place in sorted(set(places) - found))

"""Draws a public set of avatars: heads by four illustrators on white, made of parts that DiceBear chooses by a seed.

    pip install -r examples/requirements-avatars.txt
    python -m examples.avatars data/avatars
    python -m train gan runs/avatars --data data/avatars --size 64

OUT/train/STYLE/NUMBER.png and OUT/test/STYLE/NUMBER.png hold the pictures, a class for each style; OUT/metadata.csv
says what each one shows (examples/avatar_attributes.py: glasses, smile, colours, …); OUT/LICENCE.md names artists and
licences; OUT/croissant.json describes all of it for machines. A picture follows from style, split and number alone: the
same command with the same packages draws the same set again. Stopped, it goes on where it was. Six thousand pictures
take a minute or two on one core.
"""

import csv
import io
import json
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import tyro

from bundle.errors import UserError
from bundle.exit_codes import exit_code
from examples import croissant
from examples.avatar_attributes import COLUMNS, attributes
from train.progress_bar import with_bar

STYLES = ("personas", "toon-head", "micah", "open-peeps")
PACKAGES = ("dicebear-core", "dicebear-styles", "resvg-py")
MODULES = ("dicebear", "dicebear_styles", "resvg_py")
# Parts that are not drawn: cut off at the edge, fantastic (one eye, three), or too rare to be learned.
LEFT_OUT = {
    "personas": {"mouth": "pacifier"},
    "open-peeps": {
        "head": "bear bun bun2 longAfro longCurly",
        "expression": "cyclops monster",
        "facialHair": "moustache8",
        "accessories": "eyepatch",
        "mask": "medicalMask respirator",
    },
}


@dataclass(frozen=True)
class Settings:
    """What to draw, and where."""

    out: Annotated[Path, tyro.conf.Positional]
    """Folder of the set, e.g. data/avatars: new, empty, or one that this command began."""
    styles: tuple[str, ...] = STYLES
    """One class each. Other styles of DiceBear work too (see dicebear.com/styles; mind their licences), without
    attributes."""
    train: int = 6000
    """Training pictures of each style."""
    test: int = 500
    """Held-out pictures of each style; none of them is drawn for training."""
    size: int = 128
    """Side in pixels; training may ask for less."""
    jobs: int = 1
    """Processes that draw."""


@dataclass(frozen=True)
class Portrait:
    """One picture to be drawn, and what it shows."""

    style: str
    split: str
    number: int
    options: dict

    @property
    def name(self) -> str:
        """Its file, relative to the folder of the set."""
        return f"{self.split}/{self.style}/{self.number:05}.png"


# -------------------------------------------------------------------------------------- what a picture shows


@lru_cache
def definition(style: str) -> dict:
    """A style's JSON, as the package has it. Raises UserError for no style."""
    found = files("dicebear_styles") / f"{style}.json"
    if not found.is_file():
        every = sorted(path.name[:-5] for path in files("dicebear_styles").iterdir() if path.name.endswith(".json"))
        raise UserError(f"{style} is no style of DiceBear; these are: {', '.join(every)}.")
    return json.loads(found.read_text(encoding="utf-8"))


@lru_cache
def dicebear_style(style: str) -> tuple[Any, dict[str, list[str]]]:
    """The style for DiceBear, and the options that leave parts out."""
    from dicebear import Style

    left_out = {part: names.split() for part, names in LEFT_OUT.get(style, {}).items()}
    parts = definition(style)["components"]
    kept = {f"{part}Variant": [n for n in parts[part]["variants"] if n not in out] for part, out in left_out.items()}
    return Style(definition(style)), kept


def avatar(style: str, split: str, number: int) -> Any:
    """The avatar of this number, as DiceBear has it: its SVG and the choices behind it."""
    from dicebear import Avatar

    of_style, kept = dicebear_style(style)
    return Avatar(of_style, {"seed": f"twofold/{style}/{split}/{number}", **kept})


def portraits(style: str, train: int, test: int) -> Iterator[Portrait]:
    """Test first, then training: the first numbers whose picture did not come before, so that none is in both.

    Raises UserError when a style has too few different pictures.
    """
    seen: set[str] = set()
    for split, count in (("test", test), ("train", train)):
        number, wanted = 0, len(seen) + count
        while len(seen) < wanted:
            if number > 20 * count:
                raise UserError(f"{style} has hardly more than {len(seen)} different pictures; ask for fewer.")
            options = avatar(style, split, number).to_json()["options"]
            if (choices := json.dumps(options)) not in seen:  # the SVG names its parts after the seed: never the same
                seen.add(choices)
                yield Portrait(style, split, number, options)
            number += 1


# ------------------------------------------------------------------------------------------------- the folder


def write(path: Path, content: bytes) -> None:
    """Writes a file as a whole or not at all. Unlike bundle.atomic_files it does not wait for the disk: for tens of
    thousands of pictures that would take longer than drawing them, and one that is lost is drawn again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def draw(task: tuple[Path, str, str, int, int]) -> None:
    """One picture, as a PNG."""
    import resvg_py

    path, style, split, number, size = task
    svg = avatar(style, split, number).to_string()
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="#ffffff", skip_system_fonts=True)
    write(path, bytes(png))


def licence(settings: Settings) -> str:
    """LICENCE.md, as the package of the styles tells it."""
    lines = ["# Whose pictures these are", ""]
    for style in settings.styles:
        meta = definition(style).get("meta", {})
        creator, terms = meta.get("creator", {}), meta.get("license", {})
        lines += [f"## {style}", "", f"- Artist: {creator.get('name', 'not named')} ({creator.get('url', '-')})"]
        lines += [f"- Licence: {terms.get('name', 'not named')} ({terms.get('url', '-')})"]
        lines += [f"- As dicebear-styles states it: {text}"] if (text := terms.get("text")) else []
        if left_out := LEFT_OUT.get(style):
            lines += ["- Left out: " + "; ".join(f"{part} {names}" for part, names in left_out.items())]
        lines += [""]
    made = ", ".join(f"{name} {number}" for name, number in versions().items())
    lines += [f"Drawn by examples/avatars.py of Twofold at {settings.size} px on white, with {made}.", ""]
    return "\n".join(lines)


def set_description(settings: Settings) -> croissant.SetDescription:
    """The set for croissant.json."""
    known = [definition(style).get("meta", {}) for style in settings.styles]
    artists = [meta.get("creator", {}) for meta in known]
    creators = {artist.get("name", "not named"): artist.get("url", "") for artist in artists}
    licences = {address for meta in known if (address := meta.get("license", {}).get("url"))}
    return croissant.SetDescription(
        name="avatars",
        description=f"Heads on white at {settings.size} px, put together by a seed of parts that illustrators drew: "
        f"{', '.join(settings.styles)}. Drawn by examples/avatars.py of Twofold with DiceBear.",
        address="https://www.dicebear.com",
        creators=creators,
        licences=sorted(licences),
        label="style",
        columns=COLUMNS,
    )


def versions() -> dict[str, str]:
    """The version of each package that the pictures depend on."""
    return {name: version(name) for name in PACKAGES}


def check(settings: Settings) -> None:
    """Raises UserError for missing packages, impossible settings, and a folder of something else."""
    if any(find_spec(module) is None for module in (*MODULES, "mlcroissant")):
        raise UserError("The avatars need more packages: pip install -r examples/requirements-avatars.txt")
    for name, least, most in (("train", 1, 10**5), ("test", 0, 10**5), ("size", 16, 1024), ("jobs", 1, 1024)):
        if not least <= getattr(settings, name) <= most:
            raise UserError(f"--{name} must be {least} to {most}, not {getattr(settings, name)}.")
    if not settings.styles or len(set(settings.styles)) < len(settings.styles):
        raise UserError("--styles wants one style or more, each once.")
    if settings.out.exists() and not settings.out.is_dir():
        raise UserError(f"{settings.out} is a file; name a folder.")
    record, now = settings.out / "drawn.json", {"size": settings.size} | versions()
    if record.exists():
        try:
            before = json.loads(record.read_text(encoding="utf-8"))
        except ValueError as problem:
            raise UserError(f"{record} is damaged: delete it and the pictures, or choose another folder.") from problem
        if before != now:
            raise UserError(f"{settings.out} was begun with {before}, and this is {now}; choose another folder.")
    elif settings.out.is_dir() and any(settings.out.iterdir()):
        raise UserError(f"{settings.out} holds other files; choose a new folder.")


def end_quietly() -> None:
    """In a process of the pool: signals from the terminal are for the first process, whose SIGTERM ends this one."""
    for from_terminal in (signal.SIGINT, getattr(signal, "SIGHUP", None)):  # Windows has no SIGHUP
        if from_terminal is not None:
            signal.signal(from_terminal, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def make(settings: Settings) -> None:
    """Draws what is missing of the set. Raises UserError as `check`, and for pictures that do not belong to it."""
    check(settings)
    found = (p for style in settings.styles for p in portraits(style, settings.train, settings.test))
    count = len(settings.styles) * (settings.train + settings.test)
    plan = {settings.out / p.name: p for p in with_bar(found, "choosing", count, "pictures")}
    there = set(settings.out.glob("*/*/*.png"))
    if strange := sorted(there - set(plan)):
        raise UserError(
            f"{settings.out} holds {len(strange)} pictures that these settings do not draw, {strange[0]} the first; "
            "delete them, ask for as many as before, or choose another folder."
        )
    write(settings.out / "drawn.json", json.dumps({"size": settings.size} | versions()).encode())
    write(settings.out / "LICENCE.md", licence(settings).encode())
    tasks = [(path, p.style, p.split, p.number, settings.size) for path, p in plan.items() if path not in there]
    with multiprocessing.Pool(settings.jobs, end_quietly) if settings.jobs > 1 else nullcontext() as pool:
        drawn = pool.imap_unordered(draw, tasks, 16) if pool else map(draw, tasks)
        for _ in with_bar(drawn, "drawing", len(tasks), "pictures"):
            pass
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, ("file_name", "style", *COLUMNS), restval="", lineterminator="\n")
    writer.writeheader()
    for p in plan.values():
        writer.writerow({"file_name": p.name, "style": p.style} | attributes(p.style, p.options))
    write(settings.out / croissant.TABLE, table.getvalue().encode())
    write(settings.out / croissant.FILE, croissant.described(settings.out, set_description(settings)))
    print(f"{len(plan)} pictures of {len(settings.styles)} styles in {settings.out}.")


def main() -> int:
    """Draws the set that the command line asks for; returns the exit code."""
    settings = tyro.cli(Settings, prog="python -m examples.avatars", description=__doc__)
    return exit_code(lambda: make(settings), "Stopped; the same command goes on from here.")


if __name__ == "__main__":
    sys.exit(main())

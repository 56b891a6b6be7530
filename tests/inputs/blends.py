"""Generators that somebody wants to blend, and what is said of those that do not fit: nothing is written of them."""

import functools
import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from bundle.adopt import About, adopt
from export.__main__ import main
from tests.inputs.cases import case
from tests.support import foreign
from tests.support.pictures import draw_folder
from tests.support.trained import FEW, train

ROOM = "Blends"
SIZES = ("--latent-dim", "8", "--w-dim", "8")


@functools.cache
def _runs() -> dict[str, Path]:
    """GANs that hardly learned: two of the same form, of other sizes, with skips, and of pictures in colour."""
    root = Path(tempfile.mkdtemp())
    pictures = {mode: draw_folder(root / f"pictures-{mode}", 60, mode=mode) for mode in ("L", "RGB")}
    narrow = ("--width", "16")
    kinds = {"grey": narrow, "wide": ("--width", "64"), "skips": (*narrow, "--body", "skip"), "colour": narrow}
    for name, more in kinds.items():
        train("gan", root / name, "--data", pictures["RGB" if name == "colour" else "L"], *FEW, *SIZES, *more)
    return {name: root / name for name in kinds}


def _said(place: Path, second: str | Path, *words: str) -> str:
    """What the command says of the grey GAN and another one; nothing may be written."""
    text = io.StringIO()
    other = _runs()[second] if isinstance(second, str) else second
    with redirect_stdout(text), redirect_stderr(text):
        assert main(["blend", str(_runs()["grey"]), str(other), str(place / "mixed"), *words]) == 2
    assert not (place / "mixed").exists()
    return text.getvalue()


# What is asked for -> the other generator and the words of the command, one call after the other.
ASKED: dict[str, tuple[tuple[str, ...], ...]] = {
    "neither stages nor a share": (("grey",),),
    "stages that there are not": (("grey", "--stages", "9"), ("grey", "--stages", "fine")),
    "a share beyond 1": (("grey", "--share", "1.5"),),
    "generators of other widths": (("wide", "--share", "0.5"),),
    "generators of another body": (("skips", "--stages", "1-3"),),
    "grey and colour, with the last stage": (("colour", "--stages", "2-3"),),
}
for brought, calls in ASKED.items():
    case(ROOM, brought)(lambda place, calls=calls: "".join(_said(place, *words) for words in calls))


@case(ROOM, "a generator from elsewhere, or no bundle at all")
def _foreign(place: Path) -> str:
    (place / "g.onnx").write_bytes(foreign.exported())
    adopt(place / "g.onnx", place / "foreign", About("foreign", "Foreign"))
    return _said(place, place / "foreign", "--share", "0.5") + _said(place, place / "gone", "--share", "0.5")

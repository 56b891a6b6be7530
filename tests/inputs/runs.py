"""Run folders, their pictures, and numbers that a training is given."""

import io
import json
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from tests.inputs.cases import case
from tests.inputs.tables import PARITY, drawn, parquet
from tests.support import tiny
from tests.support.pictures import draw_folder
from train.__main__ import main
from train.run_lock import locked

ROOM = "Runs"
FEW = ("--images", "32", "--batch", "16", "--threads", "1", "--precision", "fp32")


def printed(*words: str | Path) -> str:
    """What `python -m train` prints with these words."""
    text = io.StringIO()
    with redirect_stdout(text), redirect_stderr(text):
        main([str(word) for word in words])
    return text.getvalue()


def begun(place: Path) -> tuple[Path, Path]:
    """(a run whose classifier is trained, its 120 pictures)."""
    pictures = draw_folder(place / "pictures", 120)
    assert main(["classifier", str(place / "run"), "--data", str(pictures), *FEW]) == 0
    return place / "run", pictures


def resumed(run: Path, *words: str | Path) -> str:
    """What going on for another step prints."""
    return printed("classifier", run, "--resume", "--images", "48", *words)


@case(ROOM, "`--resume`, or another stage, without `--data`")
def without_data(place: Path) -> str:
    run, _ = begun(place)
    return resumed(run)


@case(ROOM, "a run from before readings were recorded, whose folders are read otherwise today")
def read_otherwise(place: Path) -> str:
    run, pictures = begun(place)
    rows = [
        f"{path.relative_to(pictures).as_posix()},{i % 2}" for i, path in enumerate(sorted(pictures.rglob("*.png")))
    ]
    (pictures / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    facts = json.loads((run / "run.json").read_text())
    del facts["data"]["reading"]
    (run / "run.json").write_text(json.dumps(facts))
    (run / "pictures.safetensors").unlink()
    text = resumed(run)
    assert json.loads((run / "run.json").read_text())["data"]["reading"]["classes_from"] == "folder"
    assert json.loads((run / "classifier" / "config.json").read_text())["classes_from"] == "folder"
    assert "read otherwise" not in resumed(run, "--images", "64")  # it is recorded now
    return text


@case(ROOM, "the same of a table with several columns of pictures")
def read_from_another_column(place: Path) -> str:
    table = parquet(place / "table", mask=drawn(), image=drawn(mode="RGB"), label=PARITY)
    run = place / "run"
    assert main(["classifier", str(run), "--data", str(table), "--image-column", "mask", *FEW]) == 0
    for name in ("run.json", "classifier/config.json"):
        facts = json.loads((run / name).read_text())
        facts["data"].pop("reading") if name == "run.json" else facts.pop("image_column")
        (run / name).write_text(json.dumps(facts))
    return resumed(run)


@case(ROOM, "a run whose pictures have moved")
def moved(place: Path) -> str:
    run, pictures = begun(place)
    to = shutil.move(pictures, place / "moved")
    return resumed(run) + resumed(run, "--data", to)


@case(ROOM, "other pictures, as many")
def others(place: Path) -> str:
    run, pictures = begun(place)
    for path in sorted(pictures.glob("*/*.png"))[:10]:
        path.write_bytes((pictures / "square" / "0001.png").read_bytes())
    return resumed(run)


@case(ROOM, "pictures added to those of a run")
def added(place: Path) -> str:
    run, pictures = begun(place)
    draw_folder(pictures, 150)
    return resumed(run) + resumed(run, "--more-data")


@case(ROOM, "a run folder that another training uses")
def in_use(place: Path) -> str:
    with locked(place / "run"):
        return printed("gan", place / "run", "--data", draw_folder(place / "pictures", 100))


@case(ROOM, "a run folder whose training was killed")
def killed(place: Path) -> str:
    run, _ = begun(place)
    facts = {"host": socket.gethostname(), "process": os.getpid() + 2**22, "since": "yesterday"}
    (run / ".training").write_text(json.dumps(facts))
    return resumed(run)


@case(ROOM, "a file for a run folder")
def a_file(place: Path) -> str:
    (place / "notes.txt").write_text("x")
    return printed("gan", place / "notes.txt")


@case(ROOM, "a bundle for a run folder")
def a_bundle(place: Path) -> str:
    return printed("gan", tiny.build(place / "bundle"))


@case(ROOM, "settings that a resumed stage may not change")
def changed(place: Path) -> str:
    run, _ = begun(place)
    return resumed(run, "--lr", "0.5")


@case(ROOM, "a checkpoint that does not belong to its settings")
def damaged(place: Path) -> str:
    run, _ = begun(place)
    config = run / "classifier" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"body": "lenet"}))
    return resumed(run)


def numbers(*words: str) -> Callable[[Path], str]:
    """A case of a number on the command line."""
    return lambda place: printed("gan", place / "run", *words)


case(ROOM, "`--seed` of 20 digits")(numbers("--seed", "12345678901234567890"))
case(ROOM, "`--threads 5000`")(numbers("--threads", "5000"))
case(ROOM, "`--minutes 0`")(numbers("--minutes", "0"))
case(ROOM, "`--start-from` that is not there")(numbers("--start-from", "nowhere"))


@case(ROOM, "`--start-from` with pictures of another size or mode")
def other_size(place: Path) -> str:
    gan = ("--width", "16", "--latent-dim", "8", "--w-dim", "8")
    pictures = draw_folder(place / "pictures", 100)
    assert main(["gan", str(place / "first"), "--data", str(pictures), *FEW, *gan]) == 0
    return printed("gan", place / "run", "--data", pictures, "--start-from", place / "first", "--size", "32")

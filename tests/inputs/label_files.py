"""Files of labels that do not fit the pictures beside them."""

from functools import partial
from pathlib import Path

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder

folders = partial(case, "Folders and zips")


@folders("a table of several splits, copied beside the pictures of one")
def two_splits(home: Path) -> str:
    names = sorted(path.name for path in draw_folder(home, 60, classes=False).glob("*.png"))
    rows = [f"train/{name},{'cat' if i % 2 else 'bird'}" for i, name in enumerate(names)]
    rows += [f"test/{name},dog" for name in names[:20]]
    (home / "metadata.csv").write_text("\n".join(["file_name,label", *rows]))
    printed = said(home)
    assert "2 classes: bird (20), cat (20)" in printed
    return printed


@folders("a file of labels that gives a picture several")
def several_labels(home: Path) -> str:
    names = sorted(path.name for path in draw_folder(home, 60, classes=False).glob("*.png"))
    rows = [f"{name},{'cat' if i % 2 else 'dog'}" for i, name in enumerate(names)]
    (home / "metadata.csv").write_text("\n".join(["file_name,label", *rows, f"{names[3]},dog", f"{names[4]},dog"]))
    printed = said(home)
    assert "2 classes: cat (29), dog (30)" in printed
    return printed


@folders("a file of labels that names test pictures only")
def labels_of_the_test(home: Path) -> str:
    for name in ("cat", "dog"):
        draw_folder(home / "train" / name, 60, classes=False)
    names = sorted(path.name for path in draw_folder(home / "test", 20, classes=False).glob("*.png"))
    rows = [f"{name},{'cat' if i % 2 else 'dog'}" for i, name in enumerate(names)]
    (home / "test" / "labels.csv").write_text("\n".join(["file_name,label", *rows]))
    printed = said(home)
    assert "2 classes: cat (60), dog (60)" in printed
    return printed

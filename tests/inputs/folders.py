"""Folders and zips: which pictures, which splits, which classes."""

import json
import shutil
import zipfile
from functools import partial
from pathlib import Path, PureWindowsPath

from tests.inputs.cases import case, said
from tests.support.pictures import draw_folder
from train import augment
from train.data.load import load
from train.data.reading import Reading

folders = partial(case, "Folders and zips")


def plain(folder: Path, count: int) -> Path:
    """`count` pictures without classes, in a folder of their own."""
    return draw_folder(folder, count, classes=False)


def zipped(folder: Path, to: Path) -> Path:
    """A zip of every file in a folder."""
    with zipfile.ZipFile(to, "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder).as_posix())
    return to


@folders("a folder with sub-folders of pictures")
def classes(home: Path) -> str:
    return said(draw_folder(home))


@folders("a folder of pictures without sub-folders")
def flat(home: Path) -> str:
    return said(draw_folder(home, classes=False))


@folders("pictures beside the sub-folders")
def loose(home: Path) -> str:
    draw_folder(home)
    (home / "disc" / "0000.png").rename(home / "loose.png")
    return said(home)


@folders("a single sub-folder")
def one_class(home: Path) -> str:
    draw_folder(home / "cats", classes=False)
    return said(home)


@folders("`train/` and `test/`")
def splits(home: Path) -> str:
    draw_folder(home / "train")
    for name in ("bar", "disc", "square"):
        (home / "test" / name).mkdir(parents=True)
        for path in sorted((home / "train" / name).iterdir())[:4]:
            path.rename(home / "test" / name / path.name)
    return said(home)


@folders("`train/`, `test/` and others (`unlabeled`, `ground_truth`, a loose picture)")
def beside_splits(home: Path) -> str:
    for name, count in (("train", 100), ("test", 10), ("unlabeled", 20), ("ground_truth", 10)):
        plain(home / name, count)
    shutil.copy(home / "test" / "0000.png", home / "loose.png")
    printed = said(home)
    assert "100 training and 10 held-out pictures" in printed and "no classes" in printed
    return printed


@folders("`train/` and `dev/`; `training_set/` and `test_set/`; `train2017/` and `val2017/`")
def names_of_splits(home: Path) -> str:
    for name, (train, test) in enumerate([("training_set", "test_set"), ("train2017", "val2017"), ("train", "dev")]):
        plain(home / str(name) / train, 100)
        plain(home / str(name) / test, 10)
        printed = said(home / str(name))
        assert "100 training and 10 held-out pictures" in printed
    return printed


@folders("`trainA/`, `trainB/`, `testA/`, `testB/`")
def two_domains(home: Path) -> str:
    for name, count in (("trainA", 50), ("trainB", 50), ("testA", 5), ("testB", 5)):
        plain(home / name, count)
    return said(home)


@folders("`train/` and `unlabeled/`")
def train_and_unlabelled(home: Path) -> str:
    plain(home / "unlabeled", 20)
    draw_folder(home / "train")
    printed = said(home)
    assert "135 training and 15 held-out pictures" in printed and "3 classes" in printed
    return printed


@folders("`cat/train`, `cat/test`, `dog/train`, `dog/test`")
def splits_in_classes(home: Path) -> str:
    for name in ("cat", "dog"):
        plain(home / name / "train", 50)
        plain(home / name / "test", 10)
    return said(home)


@folders("`test/` without class folders beside `train/` with them")
def flat_test(home: Path) -> str:
    draw_folder(home / "train")
    plain(home / "test", 10)
    return said(home)


@folders("folders in `test/` that `train/` lacks")
def strange_test(home: Path) -> str:
    draw_folder(home / "train")
    for name in ("disc", "Square", "beam"):
        plain(home / "test" / name, 4)
    printed = said(home)
    assert "150 training and 8 held-out pictures" in printed
    return printed


@folders("`images/` beside `masks/`")
def masks(home: Path) -> str:
    plain(home / "images", 120)
    plain(home / "masks", 120)
    printed = said(home)
    assert "108 training and 12 held-out pictures" in printed and "no classes" in printed
    return printed


@folders("links to folders")
def linked(home: Path) -> str:
    draw_folder(home / "elsewhere")
    (home / "set").mkdir()
    for name in ("bar", "disc", "square"):
        (home / "set" / name).symlink_to(home / "elsewhere" / name)
    return said(home / "set")


@folders("a link to a folder around it")
def loop(home: Path) -> str:
    draw_folder(home / "set", classes=True)
    (home / "set" / "disc" / "again").symlink_to(home / "set")
    (home / "set" / "self").symlink_to("self")
    return said(home / "set")


@folders("folders of systems: `@eaDir`, `#recycle`, `$RECYCLE.BIN`, `lost+found`, `__MACOSX`, `.thumbnails`")
def systems(home: Path) -> str:
    draw_folder(home)
    for name in ("@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found", "__MACOSX", ".thumbnails", "disc/@eaDir/a.png"):
        plain(home / name, 2)
    return said(home)


@folders("a class called `recycled`, as Windows XP's waste baskets are")
def recycled(home: Path) -> str:
    for name in ("organic", "recycled"):
        plain(home / name, 60)
    for name in ("RECYCLER/S-1-5-21-7-1003", "organic/RECYCLED"):
        for path in plain(home / name, 2).iterdir():
            path.rename(path.with_stem(f"Dc{int(path.stem)}"))
    return said(home)


def run_folder(folder: Path) -> Path:
    """What a training leaves: the facts, and a stage with a sheet of samples."""
    samples = folder / "gan" / "samples"
    plain(samples, 3)
    (folder / "gan" / "config.json").write_text("{}")
    (folder / "run.json").write_text(json.dumps({"schema_version": 1, "data": {}}))
    return folder


@folders("a run or a bundle in the folder")
def run_within(home: Path) -> str:
    run_folder(draw_folder(home) / "runs" / "mine")
    printed = said(home)
    assert "135 training and 15 held-out pictures" in printed and "3 classes" in printed
    return printed


@folders("a folder of pictures that is itself the run")
def run_around(home: Path) -> str:
    return said(run_folder(draw_folder(home)))


@folders("a run as `--data`")
def run_as_data(home: Path) -> str:
    return said(run_folder(home))


@folders("a bundle as `--data`")
def bundle_as_data(home: Path) -> str:
    plain(home, 3)
    (home / "bundle.json").write_text(json.dumps({"schema_version": 2, "graphs": {}}))
    return said(home)


def shards(home: Path) -> list[str]:
    """120 pictures as StyleGAN's dataset_tool.py leaves them; their paths."""
    plain(home / "drawn", 120)
    names = [f"{number // 1000:05d}/img{number:08d}.png" for number in [*range(60), *range(1000, 1060)]]
    for old, name in zip(sorted((home / "drawn").iterdir()), names, strict=True):
        (home / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        old.rename(home / "set" / name)
    return names


@folders("`00000/img00000000.png` with `dataset.json` (StyleGAN)")
def stylegan(home: Path) -> str:
    labels = [[name, 7 * (i % 2)] for i, name in enumerate(shards(home))]
    (home / "set" / "dataset.json").write_text(json.dumps({"labels": labels}))
    in_zip = said(zipped(home / "set", home / "set.zip"))
    assert "classes by dataset.json" in in_zip and "2 classes: 0 (60), 7 (60)" in in_zip
    return said(home / "set")


@folders("the same without labels")
def stylegan_without_labels(home: Path) -> str:
    shards(home)
    (home / "set" / "dataset.json").write_text(json.dumps({"labels": None}))
    return said(home / "set")


@folders("numbered folders alone, or folders of checksums")
def numbered(home: Path) -> str:
    shards(home)
    plain(home / "drawn", 120)
    for number, old in enumerate(sorted((home / "drawn").iterdir())):
        top = f"{number % 3:02x}"
        (home / "sums" / top).mkdir(parents=True, exist_ok=True)
        old.rename(home / "sums" / top / f"{top}{number:030x}.png")
    assert "the 3 sub-folders (00 to 02) only number the pictures" in said(home / "sums")
    draw_folder(home / "years")
    for old, new in (("bar", "00001"), ("disc", "00002"), ("square", "00003")):  # numbers of classes, as of road signs
        (home / "years" / old).rename(home / "years" / new)
    assert "3 classes" in said(home / "years")
    return said(home / "set")


@folders("`metadata.csv` or `metadata.jsonl` with `file_name` and `label`")
def metadata(home: Path) -> str:
    names = sorted(path.name for path in plain(home, 120).iterdir())
    pairs = [(name, "dog" if i % 2 else "cat") for i, name in enumerate(names)]
    lines = [json.dumps({"file_name": name, "label": label, "text": "a pet"}) for name, label in pairs]
    (home / "metadata.jsonl").write_text("\n".join(lines))
    assert "classes by metadata.jsonl, column label" in said(home)
    (home / "metadata.jsonl").unlink()
    (home / "metadata.csv").write_text("file_name;label\n" + "\n".join(";".join(pair) for pair in pairs))
    return said(home)


@folders("`metadata.csv` written on Windows, which names `cats\\001.png`")
def windows(home: Path) -> str:
    names = [path.relative_to(home) for path in sorted(draw_folder(home, 120).rglob("*.png"))]
    lines = [str(PureWindowsPath(name)) + (",odd" if i % 2 else ",even") for i, name in enumerate(names)]
    (home / "metadata.csv").write_text("file_name,label\n" + "\n".join(lines))
    return said(home)


@folders("`metadata.csv` as Excel saves it: in Windows-1252, with decimal commas")
def excel(home: Path) -> str:
    names = sorted(path.name for path in plain(home, 120).iterdir())
    lines = [f"{name};{('Möhre', 'Mähre')[i % 2]};{i},5" for i, name in enumerate(names)]
    (home / "metadata.csv").write_bytes("\n".join(["file_name;label;größe", *lines]).encode("utf-16"))
    assert "not UTF-8" not in said(home)
    (home / "metadata.csv").write_bytes("\n".join(["file_name;label;größe", *lines]).encode("cp1252"))
    return said(home, reading=Reading(attributes="all"))


@folders("a folder that is called as a set made here, `./shapes`")
def own_shapes(home: Path) -> str:
    for name in ("mine", "yours"):
        plain(home / "shapes" / name, 60)
    info = load(str(home / "shapes"), quiet=True).info
    assert (info.source, info.title, info.licence) == ("./shapes", "shapes", "not stated")
    assert augment.policy(info) == augment.POLICY_BY_CHANNELS[info.channels]
    return said(home / "shapes")


@folders("a file of labels and sub-folders, `--classes-from folder`")
def folders_first(home: Path) -> str:
    names = [path.relative_to(home).as_posix() for path in sorted(draw_folder(home).rglob("*.png"))]
    labels = "\n".join(f"{name},{'odd' if i % 2 else 'even'}" for i, name in enumerate(names))
    (home / "metadata.csv").write_text("file_name,Label\n" + labels)
    assert "classes by metadata.csv, column Label; --classes-from folder goes by the sub-folders" in said(home)
    return said(home, reading=Reading(classes_from="folder"))


@folders("`train test unlabeled` and `--classes-from outermost`")
def outermost_first(home: Path) -> str:
    for name in ("train", "test", "unlabeled"):
        plain(home / name, 50)
    assert "splits by the folders test/, train/" in said(home)
    return said(home, reading=Reading(classes_from="outermost"))


@folders("numbered folders and `--classes-from folder`")
def numbers_first(home: Path) -> str:
    shards(home)
    return said(home / "set", reading=Reading(classes_from="folder"))


@folders("`--label-column` that the file lacks")
def no_such_column(home: Path) -> str:
    plain(home, 120)
    (home / "metadata.csv").write_text("file_name,label\n0000.png,cat\n")
    return said(home, reading=Reading(label_column="kind"))


@folders("`--classes-from file` without such a file")
def no_label_file(home: Path) -> str:
    return said(draw_folder(home), reading=Reading(classes_from="file"))


@folders("a file of labels that cannot be read")
def torn_labels(home: Path) -> str:
    plain(home, 120)
    (home / "state.json").write_text("{}")  # of somebody else, not of the `datasets` library
    (home / "labels.csv").write_bytes("größe,zahl\n1,2\n".encode("latin-1"))
    assert "labels.csv has no column file_name" in said(home)
    (home / "metadata.jsonl").write_text('{"file_name": "0000.png", "lab')
    return said(home)


@folders("sub-folders and `--no-classes`")
def no_classes(home: Path) -> str:
    return said(draw_folder(home), reading=Reading(classes=False))


@folders("an empty folder")
def empty(home: Path) -> str:
    return said(home)


@folders("a path that is not there")
def missing(home: Path) -> str:
    return said(home / "nowhere")

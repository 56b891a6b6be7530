"""The chosen pictures as a data set: what training reads of it is what the page shows, whatever classes are called."""

import errno
import io
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageCms

from bundle.atomic_files import OLDER
from bundle.deep_pixels import NO_DATA, numbers
from bundle.errors import InputError, UserError
from bundle.picture_files import TRAINING
from bundle.pictures import decode
from bundle.shell_line import shell_line
from demo.make import data_set, more_pictures
from demo.make.crops import cut
from demo.make.data_set import SET, chosen_pictures, counts, lay_out, reading_arguments, terminal_command
from demo.make.more_pictures import new_pictures
from demo.make.projects import Project
from demo.make.survey import framing_of as survey_framing
from demo.make.survey import survey
from demo.make.tables import LEAST_EACH, LEAST_KNOWN
from tests.bundle.test_picture_files import png_of_16_bits
from train.command_line import parse
from train.data.attributes import LEAST_EACH as TRAINING_EACH
from train.data.attributes import LEAST_KNOWN as TRAINING_KNOWN
from train.data.deep_colour import opened_whole
from train.data.load import load
from train.data.reading import reading_of
from train.settings import AllSettings

PROJECT = Project(title="t", created="2026-01-01T00:00:00+00:00", size=32)


def picture(seed: int, size: tuple[int, int] = (40, 40)) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).resize(size, Image.Resampling.NEAREST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project of 150 pictures in the groups train and test, and loose ones, with a table."""
    rows = []
    for i in range(150):
        group = ("train", "test", "pictures")[i % 3]
        path = tmp_path / "pictures" / group / f"{i // 3 + 1:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(path)
        rows.append({"file": f"{group}/{path.name}", "name": f"set/{i}.png"})
    (tmp_path / "tables").mkdir()
    lines = [
        "file_name,kind,weight,glasses",
        *(f"{i}.png,{'ab'[i % 2]},{i / 7:.3f},{'no' if i % 3 else 'yes'}" for i in range(150)),
    ]
    (tmp_path / "tables" / "000001.csv").write_text("\n".join(lines))
    rows.append({"file": "tables/000001.csv", "name": "set/metadata.csv"})
    (tmp_path / "names.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"torn')
    return tmp_path


def read_by_training(project: Project, folder: Path):
    """What `python -m train all` reads by the command that the page shows."""
    command = terminal_command(project, folder, "t").split()
    assert command[:4] == ["python", "-m", "train", "all"]
    settings, _ = parse(command[3:])
    assert isinstance(settings, AllSettings)
    return load(settings.data, settings.size, True, settings.fit, settings.background, reading=reading_of(settings))


def test_training_reads_what_was_chosen_whatever_classes_are_called(folder: Path):
    everything = {f"pictures/{i:06d}.png": "masks" for i in range(1, 51)}
    project = PROJECT.model_copy(update={"class_of": everything, "left_out": ("train/000001.png",)})
    assert lay_out(folder, project) == 149
    info, train, test = read_by_training(project, folder)
    assert info.classes == ("masks", "test", "train") and len(train) + len(test) == 149


def test_training_sees_the_parts_and_proportions_that_the_page_shows(folder: Path):
    part = {"train/000001.png": (0.25, 0.0, 1.0, 0.75)}
    project = PROJECT.model_copy(update={"crops": part, "proportions": "4:3", "use_classes": False})
    lay_out(folder, project)
    info, train, test = read_by_training(project, folder)
    assert (info.height, info.width, info.classes) == (24, 32, ())
    trained = {bytes(image.permute(1, 2, 0).numpy().tobytes()) for part in (train, test) for image in part.images}
    shown = {bytes(image.tobytes()) for image in survey(folder / "pictures", project).pictures}
    assert trained == shown


WHOLE = (0.0, 0.0, 1.0, 1.0)
RAMP = np.arange(1600).reshape(40, 40)


def tiff(values: np.ndarray, **tags: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", tiffinfo={NO_DATA: tags["no_data"]} if tags else {})
    return file.getvalue()


def seen(data: bytes) -> np.ndarray:
    """A picture as the page shows it."""
    return decode(data, survey_framing(PROJECT), TRAINING)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_a_part_of_a_picture_of_16_bits_is_scaled_with_its_set(folder: Path, ending: str):
    """The darker ones reach a quarter of the brightest; each of them is in the set whole, and as its middle."""
    shutil.rmtree(folder / "pictures")
    random, crops = np.random.default_rng(0), {}
    (folder / "pictures" / "rays").mkdir(parents=True)
    for i in range(60):
        values = np.kron(random.integers(0, 1024, (5, 5)), np.ones((8, 8))).astype(np.uint16)
        values[16:24, 16:24] = 4095 if i % 3 == 0 else 1023
        Image.fromarray(values).save(folder / "pictures" / "rays" / f"{i:06d}{ending}")
        if i % 3 == 2:
            crops[f"rays/{i:06d}{ending}"] = (0.1, 0.1, 0.9, 0.9)
    lay_out(folder, PROJECT.model_copy(update={"crops": crops}))
    info, train, test = read_by_training(PROJECT.model_copy(update={"crops": crops}), folder)
    assert info.value_range == (0, 4095) and info.channels == 1
    brightest = sorted(int(image.max()) for part in (train, test) for image in part.images)
    assert 60 < brightest[0] <= brightest[39] < 80  # 255 * 1023 / 4095, and what resampling adds
    assert brightest[40:] == [255] * 20


@pytest.mark.parametrize(
    ("data", "mode"),
    [
        (tiff(RAMP.astype(np.float32) / 7), "F"),
        (tiff((RAMP * 100_000).astype(np.int32)), "I"),
        (tiff(RAMP.astype(np.uint16), no_data="0"), "I;16"),
        (png_of_16_bits(RAMP.astype(np.uint16), (7,)), "I;16"),
    ],
)
def test_a_part_keeps_the_numbers_of_its_picture(tmp_path: Path, data: bytes, mode: str):
    (tmp_path / "a").write_bytes(data)
    whole, part = Image.open(tmp_path / "a"), Image.open(io.BytesIO(cut(tmp_path / "a", (0.5, 0.25, 1.0, 1.0))[0]))
    assert (part.mode, part.size) == (mode, (20, 30))
    assert np.array_equal(numbers(part), numbers(whole)[10:, 20:], equal_nan=True)
    assert part.info.get("transparency") == whole.info.get("transparency")
    assert np.array_equal(seen(cut(tmp_path / "a", WHOLE)[0]), seen(data))


def test_a_part_of_colours_of_16_bits_keeps_them(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 4096, (40, 40, 4)).astype(np.uint16)
    for name, channels in (("rgb", 3), ("rgba", 4)):
        (tmp_path / name).write_bytes(png_of_16_bits(values[..., :channels]))
        part = opened_whole(cut(tmp_path / name, (0.5, 0.25, 1.0, 1.0))[0])
        assert isinstance(part, np.ndarray) and np.array_equal(part, values[10:, 20:, :channels])


@pytest.mark.parametrize("mode", ["LAB", "CMYK", "1", "P", "LA"])
def test_a_part_of_a_picture_in_any_colours_can_be_written(tmp_path: Path, mode: str):
    grey = Image.new("RGB", (40, 40), "#808080")
    profiles = [ImageCms.createProfile(name) for name in ("sRGB", "LAB")]
    lab = ImageCms.profileToProfile(grey, *profiles, outputMode="LAB")
    (lab if mode == "LAB" else grey.convert(mode)).save(tmp_path / "a.tif")
    data, ending = cut(tmp_path / "a.tif", (0.0, 0.0, 0.5, 1.0))
    assert ending == ".png" and Image.open(io.BytesIO(data)).size == (20, 40)
    assert np.array_equal(seen(cut(tmp_path / "a.tif", WHOLE)[0]), seen((tmp_path / "a.tif").read_bytes()))


def test_the_attributes_that_were_chosen_are_read(folder: Path):
    project = PROJECT.model_copy(update={"attributes": ("weight", "glasses"), "use_classes": False})
    lay_out(folder, project)
    info, train, _ = read_by_training(project, folder)
    assert [(one.name, one.kind) for one in info.attributes] == [("weight", "number"), ("glasses", "binary")]
    assert train.attributes is not None and bool(train.attributes.isfinite().all())


def test_pictures_without_a_class_are_learned_only_without_classes(folder: Path):
    assert set(chosen_pictures(folder, PROJECT).values()) == {"train", "test"}
    assert len(chosen_pictures(folder, PROJECT.model_copy(update={"use_classes": False}))) == 150
    one = PROJECT.model_copy(update={"class_of": {f"test/{i:06d}.png": "" for i in range(1, 51)}})
    assert set(chosen_pictures(folder, one).values()) == {""} and len(chosen_pictures(folder, one)) == 150


def test_too_few_and_the_same_again_are_refused(folder: Path):
    with pytest.raises(InputError, match="Too few pictures: 3;"):
        lay_out(folder, PROJECT.model_copy(update={"left_out": tuple(data_set.all_files(folder)[3:])}))
    for path in (folder / "pictures").glob("*/*"):
        picture(1).save(path)
    with pytest.raises(InputError, match="All of these pictures are the same"):
        lay_out(folder, PROJECT)


def bring(folder: Path, group: str, count: int) -> None:
    """So many pictures more in the project of `folder`, each another one."""
    place = folder / "pictures" / group
    place.mkdir(parents=True, exist_ok=True)
    there = len(list(place.iterdir()))
    for i in range(there, there + count):
        (place / f"{i:06d}.png").write_bytes(f"{group}{i}".encode())


@pytest.mark.parametrize("classes", [True, False])
def test_pictures_of_any_folder_join_what_was_begun_without_classes(tmp_path: Path, classes: bool):
    project = PROJECT.model_copy(update={"use_classes": classes, "state": "paused"})
    bring(tmp_path, "cats", 25)
    lay_out(tmp_path, project)
    for group, count in (("cats", 5), ("kittens", 10), ("pictures", 2)):
        bring(tmp_path, group, count)
        joining, outside = new_pictures(tmp_path, project)
        assert list(joining.values()) == [""] * count and outside == ()
        more_pictures.add(tmp_path, project)
    assert len(list((tmp_path / SET / "pictures").iterdir())) == 42 and new_pictures(tmp_path, project) == ({}, ())


def test_pictures_of_no_class_that_was_learned_are_counted(tmp_path: Path):
    project = PROJECT.model_copy(update={"state": "paused"})
    for group in ("cats", "dogs"):
        bring(tmp_path, group, 20)
    lay_out(tmp_path, project)
    for group, count in (("cats", 1), ("kittens", 3), ("pictures", 2)):
        bring(tmp_path, group, count)
    joining, outside = new_pictures(tmp_path, project)
    assert joining == {"cats/000020.png": "cats"} and len(outside) == 5
    left_out = project.model_copy(update={"left_out": ("kittens/000000.png", "cats/000020.png")})
    assert new_pictures(tmp_path, left_out) == ({}, outside[1:])


def test_a_full_disk_leaves_the_older_data_set(folder: Path, monkeypatch: pytest.MonkeyPatch):
    lay_out(folder, PROJECT)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    monkeypatch.setattr(data_set.shutil, "copyfile", full)
    with pytest.raises(UserError, match=r"The data set cannot be written: No space left on device\."):
        lay_out(folder, PROJECT)
    assert len(list((folder / "set").glob("*/*"))) == 100 and not list(folder.glob(".set*"))


def test_a_data_set_that_cannot_take_its_place_leaves_the_older_one(folder: Path, monkeypatch: pytest.MonkeyPatch):
    lay_out(folder, PROJECT)
    before, rename = sorted(path.name for path in folder.iterdir()), Path.rename

    def refuses(path: Path, target: Path) -> Path:
        if target.name == SET and path.name != OLDER:
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuses)
    with pytest.raises(UserError, match="Permission denied"):
        lay_out(folder, PROJECT)
    assert len(list((folder / SET).glob("*/*"))) == 100 and sorted(path.name for path in folder.iterdir()) == before


def test_a_data_set_is_counted_once_until_it_changes(folder: Path):
    project = PROJECT.model_copy(update={"state": "paused"})
    pictures = lay_out(folder, project)
    group = next(path for path in (folder / SET).iterdir() if path.is_dir())
    os.utime(group, (0, 0))
    before, read = counts(folder, project), data_set._counted.cache_info().misses
    assert counts(folder, project) == before and before[0] == pictures and data_set._counted.cache_info().misses == read
    (group / "more.png").write_bytes(b"x")
    assert counts(folder, project) == (pictures + 1, before[1])


def test_a_command_with_a_space_in_its_folder_can_be_pasted(folder: Path):
    place = folder / "my pictures"
    assert f"--data '{place / 'set'}'" in terminal_command(PROJECT, place, "t")
    assert "--no-classes" in reading_arguments(PROJECT.model_copy(update={"use_classes": False}), folder)


def test_on_windows_a_command_is_quoted_as_its_terminal_reads_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bundle.shell_line.os", SimpleNamespace(name="nt"))
    command = terminal_command(PROJECT, folder / "my pictures", "t")
    assert f'--data "{folder / "my pictures" / "set"}"' in command and "'" not in command
    assert shell_line([r"C:\Users\me\p"]) == r"C:\Users\me\p"
    assert shell_line([r"C:\R&D\p", "a b"]) == r'"C:\R&D\p" "a b"'


def test_what_the_page_calls_an_attribute_training_does_too():
    assert LEAST_KNOWN > TRAINING_KNOWN / 0.9 and LEAST_EACH > TRAINING_EACH / 0.9

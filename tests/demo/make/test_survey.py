"""What is suggested to be left out: near duplicates, blurred pictures, outliers; each picture as the models see it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bundle.pictures import decode
from demo.make import survey as surveying
from demo.make.projects import Project
from demo.make.survey import framing_of, near_duplicates, outliers, principal_components, survey

PROJECT = Project(title="t", created="2026-01-01T00:00:00+00:00", size=32)


def picture(seed: int) -> Image.Image:
    """Checks of random colours, sharp."""
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 255, (8, 8, 3), np.uint8)).resize((48, 48), Image.Resampling.NEAREST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    group = tmp_path / "things"
    group.mkdir()
    for i in range(30):
        picture(i).save(group / f"{i:06d}.png")
    return tmp_path


def flags_of(folder: Path) -> dict[str, tuple[str, ...]]:
    return survey(folder, PROJECT).flags


def test_pictures_are_seen_as_training_sees_them(folder: Path):
    found = survey(folder, PROJECT)
    assert found.pictures.shape == (30, 32, 32, 3) and len(found.files) == 30 and found.flags == {}
    assert (found.pictures[3] == decode(folder / found.files[3], framing_of(PROJECT))).all()


def test_a_copy_is_a_look_alike_and_another_colour_is_not(folder: Path):
    original = picture(4)
    original.save(folder / "things" / "000100.jpg", quality=92)
    Image.fromarray(np.asarray(original) // 3).save(folder / "things" / "000101.png")
    assert flags_of(folder) == {"things/000100.jpg": ("near_duplicate",)}


def test_a_darker_smaller_copy_is_a_look_alike_and_another_hat_is_not(folder: Path):
    smooth = picture(4).filter(ImageFilter.GaussianBlur(2))
    smooth.save(folder / "things" / "000004.png")
    pixels = np.asarray(smooth)
    Image.fromarray((pixels * 0.95).astype(np.uint8)).resize((40, 40)).save(
        folder / "things" / "000100.jpg", quality=80
    )
    pixels = pixels.copy()
    pixels[:8, 12:36] = 255 - pixels[:8, 12:36]
    Image.fromarray(pixels).save(folder / "things" / "000101.png")
    found = flags_of(folder)
    assert [file for file, flags in found.items() if "near_duplicate" in flags] == ["things/000100.jpg"]


def test_a_blurred_picture_is_marked(folder: Path):
    picture(77).filter(ImageFilter.GaussianBlur(6)).save(folder / "things" / "000100.png")
    assert "blurred" in flags_of(folder)["things/000100.png"]


def test_what_is_far_from_all_others_is_odd(tmp_path: Path):
    random = np.random.default_rng(0)
    (tmp_path / "a").mkdir()
    base = random.integers(60, 200, (12, 12, 3))
    for i in range(40):
        near = np.clip(base + random.normal(0, 20, base.shape), 0, 255).astype(np.uint8)
        Image.fromarray(near).resize((32, 32), Image.Resampling.NEAREST).save(tmp_path / "a" / f"{i:03d}.png")
    Image.fromarray((255 - base).astype(np.uint8)).resize((32, 32)).save(tmp_path / "a" / "999.png")
    found = flags_of(tmp_path)
    assert [file for file, flags in found.items() if "outlier" in flags] == ["a/999.png"]


def test_many_equal_pictures_make_no_other_one_odd(folder: Path):
    for i in range(60):
        picture(100).save(folder / "things" / f"{1000 + i:06d}.png")
    found = flags_of(folder)
    assert len(found) == 59 and set(found.values()) == {("near_duplicate",)}


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("others", [10, 15])
def test_few_others_beside_many_equal_pictures_are_not_odd(others: int, seed: int, noise: int):
    random = np.random.default_rng(seed)
    seen = [np.asarray(picture(1000 * seed + i), np.float64) for i in range(others)]
    seen += [np.asarray(picture(1000 * seed + 999)) + random.normal(0, noise, (48, 48, 3)) for _ in range(60)]
    pictures = np.stack([np.clip(one, 0, 255).astype(np.uint8) for one in seen])
    alike = near_duplicates(pictures)
    assert len(alike) == 59 and outliers(pictures, alike) == []
    if not noise:
        assert outliers(pictures, []) == []  # directions along which most are equal do not count


def test_few_pictures_have_the_same_main_directions_as_many():
    random = np.random.default_rng(3)
    rows = random.normal(size=(60, 90)) * np.linspace(5, 0.1, 90)
    wide = principal_components(rows)
    tall = np.linalg.eigh(rows.T @ rows)[1][:, -wide.shape[1] :]
    assert np.abs(np.abs((wide * tall).sum(axis=0)) - 1).max() < 1e-6


def test_a_torn_file_is_unreadable_and_the_others_are_shown(folder: Path):
    (folder / "things" / "000100.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    found = survey(folder, PROJECT)
    assert found.flags == {"things/000100.png": ("unreadable",)} and len(found.files) == 31


def test_pictures_need_not_be_square(folder: Path):
    tall = PROJECT.model_copy(update={"proportions": "3:4"})
    assert survey(folder, tall).pictures.shape == (30, 32, 24, 3)


def test_the_part_that_was_chosen_is_seen_and_only_it_is_decoded_anew(folder: Path, monkeypatch: pytest.MonkeyPatch):
    before = survey(folder, PROJECT)
    cropped = PROJECT.model_copy(update={"crops": {"things/000002.png": (0.0, 0.0, 0.5, 0.5)}})
    decoded: list[object] = []
    read = surveying.decode
    monkeypatch.setattr(surveying, "decode", lambda *of: decoded.append(of[0]) or read(*of))
    after = survey(folder, cropped, earlier=before)
    corner = (
        Image.open(folder / "things" / "000002.png").crop((0, 0, 24, 24)).resize((32, 32), Image.Resampling.LANCZOS)
    )
    assert len(decoded) == 1 and np.abs(after.pictures[2].astype(int) - np.asarray(corner)).max() <= 1
    others = [i for i in range(30) if i != 2]
    assert (after.pictures[others] == before.pictures[others]).all()
    assert len(survey(folder, cropped, earlier=after).files) == 30 and len(decoded) == 1


def test_an_empty_project_has_an_empty_survey(tmp_path: Path):
    found = survey(tmp_path, PROJECT)
    assert found.files == () and found.flags == {} and len(found.pictures) == 0

"""Snapshots of a training in a bundle: read back, and each wrong sheet a sentence that leaves other bundles alone."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.errors import BundleError
from bundle.read import discover, read
from bundle.snapshots import MAX_BYTES, page_facts, read_snapshots
from tests.support import tiny

SHEET = "gan-snapshots.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = tiny.build(tmp_path / "bundles" / "tiny")
    tiny.add_snapshots(built)
    return built


def test_what_a_training_drew_is_read_back(folder):
    info = read(folder).info
    gan, vae = (read_snapshots(folder, info, model) for model in ("gan", "vae"))
    assert gan.pictures.shape == (3, 16, 32, 32, 1) and gan.held_out.shape == (0, 32, 32, 1)
    assert vae.pictures.shape == (3, 4, 32, 32, 1) and vae.held_out.shape == (4, 32, 32, 1)
    with Image.open(folder / "vae-snapshots.png") as sheet:
        pixels = np.asarray(sheet)
    assert np.array_equal(vae.held_out[1, ..., 0], pixels[:32, 32:64])
    assert np.array_equal(vae.pictures[2, 3, ..., 0], pixels[96:, 96:])
    facts = page_facts(info, "here/{file}")
    assert facts["gan"]["url"] == f"here/{SHEET}" and facts["vae"]["held_out"] == 1
    assert facts["gan"]["taken"][-1] == {"images": 400, "seconds": 40.0, "alarms": ["collapse"]}


def png(height: int, width: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "is missing"),
        (b"cut", "is not a WebP or PNG picture"),
        (png(96, 512)[:60], "is not a WebP or PNG picture"),
        (png(95, 512), "is no sheet of 16 x 3 pictures"),
        (png(96, 500), "is no sheet of 16 x 3 pictures"),
        (png(96 * 2, 512 * 2), "of at most 32 x 32"),
        (bytes(MAX_BYTES + 1), "is too large for snapshots"),
    ],
)
def test_a_wrong_sheet_is_a_sentence_and_other_bundles_are_served(folder, data, sentence):
    if data is None:
        (folder / SHEET).unlink()
    else:
        index = tiny.load_index(folder)
        index["files"]["gan_snapshots"] = tiny.write(folder / SHEET, data)
        tiny.save_index(folder, index)
    tiny.build(folder.parent / "other", name="other")
    with pytest.raises(BundleError, match=sentence):
        read(folder)
    found, unavailable = discover(folder.parent)
    assert [bundle.info.name for bundle in found] == ["other"] and sentence in unavailable[0].reason


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda index: index["files"].pop("vae_snapshots"), "come together or not at all"),
        (lambda index: index["training"]["vae"].pop("snapshots"), "come together or not at all"),
        (lambda index: index["training"]["gan"]["snapshots"]["taken"].pop(), "is no sheet of 16 x 2"),
        (lambda index: index["training"]["gan"]["snapshots"]["taken"].reverse(), "must become more"),
        (lambda index: index["training"]["gan"]["snapshots"]["taken"][0].update(alarms=["<b>"]), "alarms"),
    ],
)
def test_an_index_that_does_not_fit_its_sheet_is_refused(folder, change, sentence):
    index = tiny.load_index(folder)
    change(index)
    tiny.save_index(folder, index)
    with pytest.raises(BundleError, match=sentence):
        read(folder)

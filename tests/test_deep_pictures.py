"""A set of 12 bits in 16-bit files: one range for all, from the scan to the run, the bundle and every upload."""

import io
import struct
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle import pictures
from bundle.images import to_uint8
from bundle.pictures import Framing
from bundle.read import read
from bundle.sessions import choose_provider
from demo import arguments
from demo.routes import rebuild
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import training_codes
from export.unpack import data_of as unpacked
from tests.bundle.test_picture_files import png_of_16_bits
from tests.bundle.test_pictures import saved
from tests.support.tiny import build, load_index, save_index
from train.data import deep_colour, scan
from train.data.deep_colour import opened_whole
from train.data.load import load, load_again
from train.evaluate.evaluation import subject_pictures
from train.evaluate.subject import open_subject
from train.run_folder import bind_data, data_of


def x_rays(folder: Path, count: int = 110) -> list[Path]:
    """16-bit PNGs of 12 bits: from dark ones to one that reaches 3 900; two hot pixels."""
    rng, paths = np.random.default_rng(0), []
    folder.mkdir()
    for i in range(count):
        values = rng.integers(0, 400 + 3500 * i // count, (32, 32)).astype(np.uint16)
        if i in (3, 50):
            values[5, 5] = 65535
        paths.append(folder / f"{i:03}.png")
        Image.fromarray(values).save(paths[-1])
    return paths


def rows(pictures: np.ndarray) -> set[bytes]:
    return {one.tobytes() for one in pictures}


def test_one_range_from_the_scan_to_every_upload(tmp_path: Path, capsys: pytest.CaptureFixture):
    paths = x_rays(tmp_path / "rays")
    info, train, test = load(str(tmp_path / "rays"))
    report = capsys.readouterr().out
    assert "numbers of I;16 pictures: 0 to 65535 -> black 0, white 4095, the same for all" in report
    assert "these files could hold 65535, and 99.9 % of their numbers are at most 3" in report
    assert info.value_range == (0, 4095) and int(train.images.max()) == 255
    brightest = max(float(images.float().mean()) for images in (train.images, test.images))
    assert 40 < brightest < 100  # read as 16 bits, all are under 8

    bind_data(tmp_path, info)
    assert data_of(tmp_path) == info
    again = load_again(str(tmp_path / "rays"), data_of(tmp_path))
    assert np.array_equal(again[1].images, train.images)

    bundle = build(tmp_path / "tiny", classes=0, channels=1)
    index = load_index(bundle)
    index["dataset"] |= {"value_range": info.value_range, "border": info.border, "background": info.background}
    index["dataset"] |= {"train_images": info.train_images, "test_images": info.test_images}
    save_index(bundle, index)
    measured = subject_pictures(open_subject(bundle), str(tmp_path / "rays"))
    assert np.array_equal(measured[1].images, train.images) and measured[0].value_range == (0, 4095)
    assert unpacked(read(bundle)).value_range == (0, 4095) and unpacked(read(bundle)).border == info.border
    training_codes.add(bundle, str(tmp_path / "rays"))

    served = ServedBundle(Engine(read(bundle), choose_provider("cpu")))
    seen = rows(train.images.numpy()) | rows(test.images.numpy())
    uploaded = np.concatenate([to_uint8(arguments.picture_file(path, served)) for path in paths])
    assert rows(uploaded.transpose(0, 3, 1, 2)) == seen
    with TestClient(Starlette(routes=rebuild.routes({"tiny": served}))) as client:
        answer = client.post("/rebuild/tiny/eight-bits", content=paths[70].read_bytes())
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), uploaded[70][..., 0])
        assert client.post("/rebuild/other/eight-bits", content=b"x").status_code == 404
        refused = client.post("/rebuild/tiny/eight-bits", content=b"no picture")
        assert refused.status_code == 400 and "not a picture that can be read" in refused.text


def test_colours_of_16_bits_are_read_whole_and_an_upload_by_its_upper_8_bits_in_the_same_range(tmp_path: Path):
    """The pictures of a set in colour keep more than the 16 levels that the upper 8 of their 12 bits have, upright and
    with their alpha; a run from before reads them as it did."""
    rng, folder = np.random.default_rng(0), tmp_path / "set"
    folder.mkdir()
    colours = rng.integers(0, 4000, (110, 16, 16, 3)).astype(np.uint16)
    for i, values in enumerate(colours):
        (folder / f"{i:03}.png").write_bytes(png_of_16_bits(values))
    info, train, test = load(str(folder), quiet=True)
    assert (info.channels, info.value_range) == (3, (0, 4095))
    wanted = {np.rint(values / 4095 * 255).astype(np.uint8).transpose(2, 0, 1).tobytes() for values in colours}
    assert rows(train.pixels) | rows(test.pixels) == wanted

    framing = Framing("RGB", 16, 16, "crop", "#ffffff", (0, 4095))
    upload = pictures.decode(png_of_16_bits(colours[0]), framing)
    assert np.abs(upload - colours[0] / 4095 * 255).max() < 17  # 256 of 4095 a step
    older = load_again(str(folder), replace(info, value_range=None))
    assert older[0].value_range is None and int(older[1].images[:].max()) < 17


def tiff_of_deep_colours(values: np.ndarray, turn: int = 1) -> bytes:
    """A TIFF of uint16 or float32 [H, W, 3], with an orientation."""
    height, width, _ = values.shape
    bits, kind = values.dtype.itemsize * 8, 3 if values.dtype.kind == "f" else 1
    pixels = values.astype(values.dtype.newbyteorder("<")).tobytes()
    extra = struct.pack("<6H", *[bits] * 3, *[kind] * 3)  # what does not fit into a tag
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8 + len(pixels)), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 8), (274, 3, 1, turn), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(pixels))]
    tags += [(339, 3, 3, 8 + len(pixels) + 6)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    start = struct.pack("<2sHI", b"II", 42, 8 + len(pixels) + len(extra))
    return start + pixels + extra + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_deep_colours_are_turned_and_laid_on_the_background(tmp_path: Path):
    values = np.random.default_rng(0).integers(0, 65535, (6, 4, 4)).astype(np.uint16)
    values[0, 0, 3], values[1:, :, 3] = 0, 65535
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    png = png_of_16_bits(values)
    plain = np.asarray(pictures.from_array(opened_whole(png), (0, 65535)))
    assert np.abs(plain - values / 257).max() <= 0.5 and plain[0, 0, 3] == 0
    at = png.index(b"IDAT") - 4
    data = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = b"eXIf" + data
    turned = png[:at] + struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[at:]
    assert np.array_equal(np.asarray(pictures.from_array(opened_whole(turned), (0, 65535))), np.rot90(plain, -1))
    with pytest.raises(OSError, match="truncated"):
        opened_whole(png[: len(png) // 2])


def test_the_first_pass_decodes_only_the_pictures_that_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Of the others the header is enough, and what comes out is the same."""
    rng = np.random.default_rng(0)
    for i in range(60):
        values = rng.integers(0, 4000, (16, 16, 4)).astype(np.uint16)
        (tmp_path / f"{i}.png").write_bytes(png_of_16_bits(values if i % 2 else values[..., :3]))
        (tmp_path / f"{i}.tif").write_bytes(tiff_of_deep_colours(values[..., :3]))
    whole = load(str(tmp_path), quiet=True)
    found: list[bytes] = []
    decode = deep_colour.decoded
    monkeypatch.setattr(deep_colour, "decoded", lambda data: (found.append(data), decode(data))[1])
    monkeypatch.setattr(scan, "SAMPLED", 10)
    again = load(str(tmp_path), quiet=True)
    assert len(found) == 10 + 120
    assert again[0] == whole[0] and np.array_equal(again[1].images, whole[1].images)


@pytest.mark.parametrize("data", [png_of_16_bits(np.ones((6, 4, 3), np.uint16)), png_of_16_bits(np.ones((6, 4, 4))),
                                  tiff_of_deep_colours(np.ones((6, 4, 3), np.uint16)),
                                  tiff_of_deep_colours(np.ones((6, 4, 3), np.float32)),
                                  saved(Image.new("RGB", (4, 6)), "PNG")])  # fmt: skip
def test_a_header_says_what_decoding_gives(data: bytes):
    found = opened_whole(data)
    facts = pictures.array_facts(found) if isinstance(found, np.ndarray) else (found.mode, found.size)
    assert scan.header_of(data, deep_colour=True) == facts
    with pytest.raises(OSError), warnings.catch_warnings(action="ignore"):
        scan.header_of(data[:20], deep_colour=True)


def test_a_set_whose_deep_pictures_were_not_seen_is_read_alike_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing says what is black in them, and what white: they are read by their upper 8 bits, now and later."""
    rng = np.random.default_rng(0)
    for i in range(60):
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(tmp_path / f"{i:02}.png")
    values = rng.integers(0, 9000, (16, 16, 3)).astype(np.uint16)
    (tmp_path / "01.png").write_bytes(png_of_16_bits(values))
    monkeypatch.setattr(scan, "SAMPLED", 30)
    info, train, test = load(str(tmp_path), quiet=True)
    assert info.value_range is None and (values >> 8).astype(np.uint8).transpose(2, 0, 1).tobytes() in (
        rows(train.pixels) | rows(test.pixels)
    )
    assert np.array_equal(load_again(str(tmp_path), info)[1].pixels, train.pixels)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_tiff_of_deep_colours_is_turned_once(turn: int, kind: type):
    """As Pillow turns the same picture in 8 bits."""
    values = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
    small = Image.fromarray(values)
    small.getexif()[ExifTags.Base.Orientation] = turn
    deep = values.astype(np.uint16) * 257 if kind == np.uint16 else values.astype(np.float32) / 255
    found = opened_whole(tiff_of_deep_colours(deep, turn))
    assert isinstance(found, np.ndarray) and found.dtype == kind
    wanted = np.asarray(ImageOps.exif_transpose(small))
    assert np.array_equal(np.asarray(pictures.from_array(found, (0, 65535 if kind == np.uint16 else 1))), wanted)


def test_black_and_white_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture):
    from train.command_line import parse
    from train.data.pixel_format import format_of
    from train.settings import Settings

    x_rays(tmp_path / "rays")
    settings, given = parse(["gan", str(tmp_path / "run"), "--black", "-100", "--white", "65535"])
    assert isinstance(settings, Settings)
    info, train, _ = load(str(tmp_path / "rays"), pixels=format_of(settings, None, given))
    assert info.value_range == (-100, 65535) and int(train.images.max()) == 255
    assert "far under white: the pictures are dark; try --white 3" in capsys.readouterr().out


def test_a_white_is_advised_only_where_it_can_be_given(tmp_path: Path, capsys: pytest.CaptureFixture):
    """Stars and spots: nearly every number is black."""
    for i in range(30):
        values = np.zeros((64, 64), np.uint16)
        values[i, i] = 60000
        Image.fromarray(values).save(tmp_path / f"{i:03}.png")
    load(str(tmp_path))
    report = capsys.readouterr().out
    assert "far under white: the pictures are dark" in report and "try --white" not in report

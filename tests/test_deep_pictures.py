"""A set of 12 bits in 16-bit files: one range for all, from the scan to the run, the bundle and every upload."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from bundle.images import to_uint8
from bundle.read import read
from bundle.sessions import choose_provider
from demo import arguments
from demo.routes import rebuild
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import training_codes
from export.unpack import data_of as unpacked
from tests.support.tiny import build, load_index, save_index
from train.data.load import load, load_again
from train.evaluate.evaluation import pictures_of
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
    measured = pictures_of(open_subject(bundle), str(tmp_path / "rays"))
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

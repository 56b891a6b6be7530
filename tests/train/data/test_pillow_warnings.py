"""No warning without a name: what Pillow and its libraries say of a file is kept."""

import io
import logging
import os
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import draw_folder
from train.data.load import load
from train.data.pillow_warnings import pillow_warnings


def test_warnings_are_kept_and_taken_once():
    with pillow_warnings() as kept:
        warnings.warn("one\nand more", stacklevel=1)
        logging.getLogger("PIL.TiffImagePlugin").warning("two %d", 2)
        assert kept.take() == ["one", "two 2"] and kept.take() == []
        with kept.decoding(Image.new("L", (1, 1))):  # no TIFF
            pass
    assert not logging.getLogger("PIL").handlers


def test_what_libtiff_prints_gets_the_name_of_the_file(tmp_path, capfd: pytest.CaptureFixture):
    folder = draw_folder(tmp_path, 110, classes=False)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8))
    file = io.BytesIO()
    noise.save(file, "TIFF", compression="tiff_lzw")
    data = bytearray(file.getvalue())
    data[1000:1400] = b"\xff" * 400
    (folder / "torn.tif").write_bytes(bytes(data))
    load(str(folder))
    printed = capfd.readouterr()
    assert "tempfile.tif" not in printed.err and "torn.tif (decoder error -2; Using" in printed.out
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"

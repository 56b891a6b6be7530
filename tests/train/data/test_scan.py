"""Reading a source: sizes, modes, transparency, bad files, and the report on them."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.bundle.test_pictures import half_clear
from tests.support.pictures import draw_folder, draw_shape
from train.data.load import load
from train.data.scan import default_size


def test_the_scan_reports_counts_sizes_modes_and_classes(shapes, capsys):
    load(str(shapes))
    report = capsys.readouterr().out
    for fact in ("135 training and 15 held-out", "16x16 (150)", "L (150)", "bar (50), disc (50), square (50)"):
        assert fact in report


def test_mixed_sizes_modes_and_bad_files(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    rng = np.random.default_rng(0)
    draw_shape(0, rng, 40, "RGB").save(folder / "rgb.png")
    draw_shape(0, rng, 40, "RGB").convert("CMYK").save(folder / "cmyk.jpg")
    draw_shape(0, rng, 20, "RGB").convert("RGBA").save(folder / "rgba.png")
    draw_shape(0, rng, 20, "RGB").quantize(8).save(folder / "palette.png")
    Image.fromarray((np.arange(256).reshape(16, 16) * 257).astype(np.uint16)).save(folder / "deep.png")
    (folder / "text.png").write_text("not a picture")
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(whole, "JPEG")
    (folder / "torn.jpg").write_bytes(whole.getvalue()[:700])
    info, train, test = load(str(folder), size=16)
    report = capsys.readouterr().out
    assert info.channels == 3
    assert len(train) + len(test) == 125
    assert "skipped 2 unreadable" in report
    for fact in ("sizes 16x16 (121), ", "20x20 (2)", " -> 16x16", "L (120)", "-> RGB", "CMYK (1)", "I;16 (1)"):
        assert fact in report
    assert "text.png (not an image)" in report
    assert "torn.jpg" in report
    assert info.classes == ()


@pytest.mark.parametrize(("longer", "size"), [(28, 32), (32, 32), (64, 64), (9, 16), (500, 128)])
def test_default_size(longer, size):
    sizes = Counter({(longer, longer): 10, (3, 3): 1})
    assert default_size(sizes) == size
    assert default_size(sizes, largest=64) == min(size, 64)


def test_the_report_says_what_became_of_the_alpha(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    for i in range(3):
        half_clear("LA").save(folder / f"clear{i}.png")
    info, train, test = load(str(folder), size=32, background="white")
    assert "3 pictures with transparent parts, laid on #ffffff" in capsys.readouterr().out
    assert (info.channels, info.background, info.fit) == (1, "#ffffff", "crop")
    assert sum(int(p[0, 0, -1] == 255 and p[0, 0, 0] == 120) for p in [*train.images, *test.images]) == 3


def test_more_than_five_bad_files(tmp_path, capsys):
    folder = draw_folder(tmp_path, 120, classes=False)
    for i in range(7):
        (folder / f"bad{i}.png").write_bytes(b"")
    load(str(folder))
    report = capsys.readouterr().out
    assert "skipped 7 unreadable" in report and "bad4.png" in report and "bad5.png" not in report


def test_odd_names_of_classes_do_not_break_the_report(tmp_path, capsys):
    for name in ("a\nnl", "b" * 100):
        draw_folder(tmp_path / name, 30, classes=False)
    load(str(tmp_path))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "2 classes" in line)
    assert line.endswith(f"a\\nnl (30), {'b' * 59}… (30)")

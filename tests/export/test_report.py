"""REPORT.md: every bundle, its stored figures, its own pictures; never half of it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundle.images import to_uint8
from bundle.quality_section import store_quality
from bundle.read import read, read_index
from bundle.schema import Figure, Quality
from bundle.sessions import choose_provider
from bundle.write import write_index
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle
from export import report, report_sheets
from export.__main__ import main
from tests.support.tiny import build
from tests.support.trained import Exported


def figure(name: str, value: float, floor: float | None = None, floor_is: str = "held-out pictures") -> Figure:
    return Figure(name=name, label=f"label of {name}", value=value, floor=floor, unit="", better="lower",
                  floor_is=floor_is)  # fmt: skip


QUALITY = Quality(
    command="python -m train evaluate artifacts/shapes",
    samples=20,
    features="classifier of shapes",
    notes=("2 pictures a side are few.",),
    figures=(
        figure("gan.frechet", 1.25, 0.5),
        figure("vae.frechet_prior", 2.5, 2.0, "its reconstructions"),
        figure("control.frechet", 3.75, 0.5),
        figure("gan.recall", 0.625, 0.875),
        figure("vae.psnr", 26.5, 27.0, "training pictures"),
    ),
)


@pytest.fixture
def released(exported: Exported, tmp_path: Path) -> Path:
    """A folder with two bundles, one measured and one of random numbers without classes."""
    root = tmp_path / "artifacts"
    shutil.copytree(exported.folder, root / "shapes")
    store_quality(root / "shapes", QUALITY)
    build(root / "tiny", classes=0, channels=3)
    info = read_index(root / "tiny")
    write_index(root / "tiny", info.model_copy(update={"quality": None}))
    return root


def test_the_page_holds_the_figures_of_every_bundle(released: Path, capsys):
    assert main(["report", str(released)]) == 0
    assert str(released / "REPORT.md") in capsys.readouterr().out
    page = (released / "REPORT.md").read_text()
    assert "| Fréchet distance of samples | 1.25 | 2.5 (its reconstructions: 2) | 3.75 | 0.5 | lower |" in page
    assert "| Recall, k = 3 | 0.625 | | | 0.875 | higher |" in page
    assert "| label of vae.psnr | 26.5 | 27 (training pictures) | lower |" in page
    assert "label of gan.frechet" not in page  # shown once
    assert "1.25 (3.75, 0.5)" in page and QUALITY.command in page
    assert "2 pictures a side are few." in page and "none" not in page.split("\n## ")[0]
    assert page.count("\n## ") == 2
    assert str(released) not in page


def test_what_truncation_trades_is_a_table_of_its_own():
    assert report.truncation_table({figure.name: figure for figure in QUALITY.figures}) == []
    at = (("0.6", 3.5), ("0.85", 2.25))
    further = [figure(f"gan.{name}_at_{psi}", value) for psi, value in at for name in ("frechet", "recall")]
    figures = [*QUALITY.figures, *further]
    assert report.truncation_table({figure.name: figure for figure in figures}) == [
        "| GAN at truncation | Fréchet distance | Recall |\n|---|---:|---:|\n| 1 | 1.25 | 0.625 |\n"
        "| 0.85 | 2.25 | 2.25 |\n| 0.6 | 3.5 | 3.5 |\n| DCGAN control | 3.75 | |"
    ]
    assert [figure.name for figure in report.remaining(figures)] == ["vae.psnr"]


def test_every_picture_of_the_page_is_there(released: Path):
    page = report.write(released).read_text()
    shown = re.findall(r'src="([^"]+)"', page)
    assert len(shown) == len(set(shown)) == 10
    assert {name for name in shown if name.startswith("report/")} == {
        f"report/{path.name}" for path in (released / "report").iterdir()
    }
    assert {"shapes/sheet.png", "tiny/sheet.png"} < set(shown)
    for name in shown:
        Image.open(released / name).verify()


def test_the_closest_pairs_are_shown_where_they_were_measured(released: Path):
    (released / "report").mkdir()
    Image.new("L", (16, 16)).save(released / "report" / "shapes_closest.png")
    Image.new("L", (16, 16)).save(released / "report" / "tiny_closest.png")  # of a bundle that is not measured
    page = report.write(released).read_text()
    assert "report/shapes_closest.png" in page and "tiny_closest.png" not in page


def test_only_the_closest_pairs_are_said_to_be_picked_out(released: Path):
    """The last sheet of a bundle may be another one, and order.txt may say which bundle comes first."""
    head = report.write(released).read_text().partition("| bundle |")[0]
    assert "but for the closest pairs" in head and "last sheet" not in head and "order.txt" in head


def test_what_was_not_measured_is_not_invented(released: Path):
    page = report.write(released).read_text()
    (row,) = [line for line in page.splitlines() if "#tiny" in line]
    head = next(line for line in page.splitlines() if "minutes: GAN, control" in line).split("|")
    cells = dict(zip([cell.strip() for cell in head], [cell.strip() for cell in row.split("|")], strict=True))
    minutes = cells.pop("minutes: GAN, control")
    assert minutes == "0" and "Not measured yet." in page  # it has no control
    assert list(cells.values())[3:6] == [""] * 3
    info = read(released / "shapes").info
    alone = [figure for figure in info.quality.figures if not figure.name.startswith("control")]
    info = info.model_copy(update={"quality": info.quality.model_copy(update={"figures": tuple(alone)})})
    assert "1.25 (none, 0.5)" in report.overview([info])


def test_the_sheets_are_what_the_graphs_draw(exported: Exported):
    served = ServedBundle(Engine(read(exported.folder), choose_provider("cpu")))
    sheets = {sheet.name: sheet.pixels for sheet in report_sheets.sheets(served)}
    assert set(sheets) == {"vae_samples", "rebuilt", "repaired", "paths"}  # the sample sheet shows the GAN
    tiles = sheets["vae_samples"].reshape(4, 16, 16, 16).transpose(0, 2, 1, 3).reshape(64, 16, 16, 1)
    assert np.array_equal(tiles, to_uint8(served.sample(range(64), model="vae")))
    damaged, repaired = (sheets["repaired"][:16, x : x + 16] for x in (0, 16))
    assert (damaged[5:11, 5:11] == 128).all()
    assert np.array_equal(damaged[:5], repaired[:5])
    first, last = sheets["paths"][:16, :16], sheets["paths"][:16, -16:]
    assert np.array_equal(np.stack([first, last]).reshape(2, 16, 16, 1), to_uint8(served.sample([0, 1])))


def test_stopped_it_does_not_say_that_no_sheet_was_drawn(tmp_path: Path, capsys, monkeypatch):
    def stop(root: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(report, "write", stop)
    assert main(["report", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "Stopped; sheets may be new, REPORT.md is as it was.\n"


def test_a_damaged_bundle_stops_it(released: Path, capsys):
    with (released / "shapes" / "critic.onnx").open("ab") as file:
        file.write(b"x")
    assert main(["report", str(released)]) == 2
    assert "shapes" in capsys.readouterr().err
    assert not (released / "REPORT.md").exists()


def test_a_bundle_is_not_a_folder_of_bundles(released: Path, capsys):
    assert main(["report", str(released / "shapes")]) == 2
    assert "is a bundle itself" in capsys.readouterr().err


def test_no_bundle_at_all(tmp_path: Path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no bundle" in capsys.readouterr().err

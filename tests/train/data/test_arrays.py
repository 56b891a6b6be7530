"""Pictures in columns of numbers: of the type that the column declares, with alpha, and not finite everywhere."""

from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest

from train.data.load import load, load_again
from train.data.open_source import open_source

COUNT, SIDE = 40, 16


def table(path: Path, pictures: np.ndarray, feature: object) -> str:
    columns = datasets.Features({"image": feature})
    datasets.Dataset.from_dict({"image": list(pictures)}, features=columns).to_parquet(path)
    return str(path)


def dark_bytes() -> np.ndarray:
    """Pictures uint8 [N, H, W], the brightest pixel of all 110."""
    rng = np.random.default_rng(0)
    most = np.linspace(10, 110, COUNT).round().astype(np.uint8)
    found = (rng.random((COUNT, SIDE, SIDE)) * most[:, None, None]).astype(np.uint8)
    found[:, 0, 0] = most
    return found


def array(shape: tuple[int, ...], kind: str) -> object:
    return (datasets.Array2D if len(shape) == 2 else datasets.Array3D)(shape, kind)


@pytest.mark.parametrize("feature", [
    array((SIDE, SIDE), "uint8"), datasets.List(datasets.List(datasets.Value("uint8"))),
])  # fmt: skip
def test_bytes_stay_as_they_are(tmp_path: Path, feature: object):
    """As in files of the same pixels: nothing is stretched."""
    pictures = dark_bytes()
    place = table(tmp_path / "dark.parquet", pictures, feature)
    read = [row.read() for row in open_source(place).train.rows()]
    assert all(isinstance(one, np.ndarray) and one.dtype == np.uint8 for one in read)
    info, train, test = load(place, quiet=True)
    assert info.value_range is None
    found = sorted(split.images[i].max().item() for split in (train, test) for i in range(len(split)))
    assert found == sorted(pictures.max(axis=(1, 2)).tolist())


def test_a_run_that_knows_a_range_for_bytes_keeps_it(tmp_path: Path):
    """Versions before read them as if they were deeper."""
    pictures = dark_bytes()
    place = table(tmp_path / "dark.parquet", pictures, array((SIDE, SIDE), "uint8"))
    known = replace(load(place, quiet=True).info, value_range=(0.0, 101.0))
    info, train, _ = load_again(place, known)
    assert info.value_range == (0.0, 101.0) and int(train.images[:].max()) == 255


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int64", "float32"])
@pytest.mark.parametrize("channels", [2, 4])
def test_opaque_alpha_is_opaque(tmp_path: Path, kind: str, channels: int, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (COUNT, SIDE, SIDE, channels)).astype(kind)
    pictures[..., -1] = 65535 if kind == "uint16" else 255
    place = table(tmp_path / "alpha.parquet", pictures, array((SIDE, SIDE, channels), kind))
    load(place)
    assert "transparent" not in capsys.readouterr().out


def test_an_infinite_number_leaves_colours_in_colour(tmp_path: Path):
    pictures = np.random.default_rng(2).random((COUNT, SIDE, SIDE, 3)).astype(np.float32)
    pictures[:, 3, 3, 1] = np.inf
    info, _, _ = load(table(tmp_path / "inf.parquet", pictures, array((SIDE, SIDE, 3), "float32")), quiet=True)
    assert info.channels == 3

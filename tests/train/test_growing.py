"""A GAN with skips starts from one for smaller pictures, and begins by drawing those, enlarged."""

from pathlib import Path

import pytest
import torch

from tests.support.pictures import draw_folder
from train.__main__ import main
from train.models.skip import doubled
from train.run_folder import Run
from train.stages import load_gan
from train.start_from import is_enlarged

FEW = ["--images", "16", "--batch", "16", "--threads", "1", "--precision", "fp32", "--width", "8", "--w-dim", "4"]


def begin(run: Path, data: Path, *words: str) -> int:
    return main(["gan", str(run), "--data", str(data), *FEW, *words])


def test_a_larger_size_begins_as_good_as_the_smaller_one(tmp_path, capsys):
    data, small, large = draw_folder(tmp_path / "set", 120), tmp_path / "small", tmp_path / "large"
    assert begin(small, data, "--size", "16", "--body", "skip") == 0
    assert begin(large, data, "--size", "32", "--start-from", str(small), "--lr", "0") == 0
    assert "gan: begins with the weights of small (16 pictures of 16 px)" in capsys.readouterr().out
    z, classes = torch.randn(3, 64), torch.eye(3)
    old, new = (load_gan(Run.open(run)).generator.signal(z, classes) for run in (small, large))
    torch.testing.assert_close(new, doubled(old))
    assert main(["gan", str(large), "--resume", "--images", "32"]) == 0
    assert begin(tmp_path / "smaller", data, "--size", "16", "--start-from", str(large)) == 2
    assert "draw pictures of 32 px in grey, and these have 16 px in grey" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("small", "large", "grows"),
    [
        ((32, 32), (64, 64), True),
        ((16, 16), (64, 64), True),
        ((32, 48), (64, 96), True),
        ((64, 64), (64, 64), False),
        ((64, 64), (32, 32), False),
        ((32, 32), (64, 96), False),
        ((28, 28), (64, 64), False),
    ],
)
def test_which_sizes_grow(small: tuple[int, int], large: tuple[int, int], grows: bool):
    assert is_enlarged(small, large) == grows

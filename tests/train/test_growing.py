"""A GAN with skips starts from one for smaller pictures, and begins by drawing those, enlarged."""

from pathlib import Path

import pytest
import torch

from tests.support.pictures import draw_folder
from train.__main__ import main
from train.checkpoints import load_tensors, restore_modules
from train.models.skip import doubled, halved
from train.run_folder import Run
from train.stages import gan
from train.start_from import is_enlarged

FEW = ["--images", "16", "--batch", "16", "--threads", "1", "--precision", "fp32", "--width", "8", "--w-dim", "4"]


def begin(run: Path, data: Path, *words: str) -> int:
    return main(["gan", str(run), "--data", str(data), *FEW, *words])


def learned(run: Path) -> gan.GanNetworks:
    """The networks themselves, not their averages over the last steps."""
    opened = Run.open(run)
    networks = gan.build(opened.settings("gan"), opened.data)
    restore_modules("networks", networks, load_tensors(run / "gan" / "state.safetensors")[0])
    return networks.requires_grad_(False)


def test_a_larger_size_begins_as_good_as_the_smaller_one(tmp_path, capsys):
    data, small, large = draw_folder(tmp_path / "set", 120), tmp_path / "small", tmp_path / "large"
    assert begin(small, data, "--size", "16", "--body", "skip") == 0
    assert begin(large, data, "--size", "32", "--start-from", str(small), "--lr", "0") == 0
    assert "gan: begins with the weights of small (16 pictures of 16 px)" in capsys.readouterr().out
    z, classes = torch.randn(3, 64), torch.eye(3)
    old, new = (learned(run).generator.signal(z, classes) for run in (small, large))
    torch.testing.assert_close(new, doubled(old))
    assert main(["gan", str(large), "--resume", "--images", "32"]) == 0
    assert begin(tmp_path / "smaller", data, "--size", "16", "--start-from", str(large)) == 2
    assert "draw pictures of 32 px in grey, and these have 16 px in grey" in capsys.readouterr().err


def test_a_run_without_skips_grows_into_one_that_has_them(trained_run, tmp_path, capsys):
    data, large = draw_folder(tmp_path / "set", 120), tmp_path / "large"
    words = [*FEW[:-4], "--size", "32", "--start-from", str(trained_run), "--lr", "0"]
    assert main(["gan", str(large), "--data", str(data), *words]) == 2
    assert "Only a GAN with --body skip starts from one of half the size" in capsys.readouterr().err
    assert main(["gan", str(large), "--data", str(data), *words, "--body", "skip"]) == 0
    old, new = learned(trained_run), learned(large)
    z, classes = torch.randn(3, old.generator.mapping.latent_dim), torch.eye(3)
    torch.testing.assert_close(new.generator.signal(z, classes), doubled(old.generator.signal(z, classes)))
    picture = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(new.critic.score(picture, classes), old.critic.score(halved(picture), classes))


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

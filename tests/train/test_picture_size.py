"""Sizes as --size says them: squares, and width x height; which can be drawn, and what is said of the others."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bundle.errors import UserError
from tests.support.pictures import draw_folder
from tests.support.trained import train
from train.data.dataset import DataInfo, Pictures
from train.picture_size import can_be_drawn, check_size, nearest_sizes
from train.presets import PRESETS
from train.run_folder import Run
from train.settings import ClassifierSettings, GanSettings, InverseSettings, Settings, VaeSettings
from train.stages import classifier, gan, inverse, vae
from train.stages.stage import Stage
from train.stored_settings import from_dict, to_dict

HERE = {"run": Path("run")}
KINDS: dict[str, type[Settings]] = {"classifier": ClassifierSettings, "gan": GanSettings, "vae": VaeSettings}


def test_a_size_has_one_form_and_squares_are_stored_as_ever():
    for given, stored in (("96x64", "96x64"), ("96X64", "96x64"), ("64x64", 64), ("64", 64), (64, 64), (None, None)):
        settings = GanSettings(**HERE, size=given)
        assert settings.size == stored and to_dict(settings)["size"] == stored
        assert from_dict(GanSettings, to_dict(settings)) == settings
    with pytest.raises(UserError, match=r"'96 by 64' is no size"):
        GanSettings(**HERE, size="96 by 64")


def test_which_sizes_can_be_drawn():
    assert all(map(can_be_drawn, [(64, 96), (40, 24), (28, 28), (256, 256), (16, 50)]))
    assert not any(map(can_be_drawn, [(25, 25), (54, 54), (64, 54), (8, 16), (512, 512), (16, 256), (0, 0)]))


def test_a_refused_size_names_the_nearest_that_can_be_had():
    with pytest.raises(UserError, match=r"--size 97x64 cannot be drawn: .* Near it: 96x64, 100x64"):
        check_size("97x64")
    with pytest.raises(UserError, match=r"--size 54 cannot be drawn: .* Near it: 56, 52"):
        check_size(54)
    assert all(map(can_be_drawn, nearest_sizes((300, 7))))


def test_a_run_of_an_older_version_knows_its_square():
    info = DataInfo("x", "x", "none", 3, 64, 64, ("a", "b"), 100, 10)
    old = {name: value for name, value in asdict(info).items() if name not in ("height", "width")} | {"size": 64}
    assert DataInfo.from_json(old) == info == DataInfo.from_json(info.as_json())
    assert info.size == 64 and DataInfo("x", "x", "none", 3, 64, 96, (), 100, 10).size == "96x64"


def stage_of(command: str, settings: Settings, data: DataInfo) -> Stage:
    if isinstance(settings, ClassifierSettings):
        return classifier.ClassifierStage(classifier.build(settings, data), settings)
    if isinstance(settings, GanSettings):
        return gan.GanStage(gan.build(settings, data), settings, data)
    assert isinstance(settings, VaeSettings)
    return vae.VaeStage(vae.build(settings, data), settings, data)


@pytest.mark.slow
@pytest.mark.parametrize("sides", [(64, 96), (40, 24)])
@pytest.mark.parametrize(("command", "preset"), [(c, p) for c in KINDS for p in PRESETS[c]])
def test_every_preset_takes_a_step_of_pictures_that_are_not_square(command: str, preset: str, sides: tuple[int, int]):
    """Narrower than the preset, so that it is a matter of moments; a mask encoder of its VAE takes one too."""
    torch.manual_seed(0)
    narrow = {"width": 16} if command != "classifier" else {}
    settings = KINDS[command](**HERE, **PRESETS[command][preset] | narrow | {"precision": "fp32"})
    data = DataInfo("x", "x", "none", 3, *sides, ("a", "b"), 20_000, 100)
    pictures = Pictures(torch.randint(0, 256, (24, 3, *sides), dtype=torch.uint8), torch.arange(24) % 2)
    stages = [stage_of(command, settings, data)]
    if isinstance(settings, VaeSettings):
        own = InverseSettings(**HERE, width=16, hidden=16)
        nets = inverse.build_repair(own, data, settings)
        coder = stages[0].networks
        kind = inverse.PrincipalRepairStage if settings.body == "principal" else inverse.RepairStage
        stages.append(kind(nets, own, coder if settings.body == "principal" else coder.decoder, 0.1))
    if isinstance(settings, GanSettings):
        own = InverseSettings(**HERE, width=16, hidden=16)
        nets = inverse.build_inverter(own, data, gan.style_shape(settings, data))
        stages.append(inverse.InverterStage(nets, own, stages[0].networks.generator, data, settings.prior))
    for stage in stages:
        stage.begin(pictures, pictures)
        shown = stage.step(pictures.images[:8].float() / 255, pictures.labels[:8], 0.5)
        assert all(value.isfinite() for value in shown.values())
        stage.networks.eval()
        with torch.no_grad():
            sheet = stage.preview(stage.networks, pictures.images.float() / 255)
        assert command == "classifier" or sheet.shape[1:] == (3, *sides)


@pytest.mark.slow
@pytest.mark.usefixtures("short_leak")
def test_train_all_of_pictures_that_are_not_square(tmp_path: Path):
    """From the folder to the figures; a resumed run goes on with the size that it has."""
    pictures, run = draw_folder(tmp_path / "pictures", 120), tmp_path / "run"
    few = ("--threads", "1", "--minutes", "0.05")
    train("all", run, "--data", pictures, "--size", "40x24", "--images", "64", "--batch", "32", *few)
    assert Run.open(run).data.sides == (24, 40)
    train("gan", run, "--data", pictures, "--images", "96", "--threads", "1", "--resume")
    for stage, size in {"gan": (8 * 40, 8 * 24), "vae": (8 * 40, 3 * 24)}.items():
        with Image.open(sorted((run / stage / "samples").iterdir())[-1]) as sheet:
            assert sheet.size == size
    train(
        "evaluate", run, "--data", pictures, "--samples", "100", "--bound-samples", "4", "--threads", "1", "--no-copies"
    )
    with Image.open(run / "evaluation" / "vae_repairs.png") as sheet:
        rows = np.asarray(sheet.convert("L")).reshape(-1, 24, sheet.width)
    assert sheet.width == 8 * 40 and (rows[1, 10, 16:20] == 128).all()  # the first damage: a grey box in the middle

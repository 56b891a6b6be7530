"""`export blend`: from two tiny runs of which one began with the other, to a bundle that draws with stages of both."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.errors import UserError
from bundle.model import BundleModel
from bundle.read import read
from bundle.runner import BundleRunner
from export import blend
from export.__main__ import main
from tests.support.trained import FEW, Exported, export, train
from train.run_folder import Run
from train.stages import load_networks

pytestmark = pytest.mark.slow  # its fixtures train and export


@pytest.fixture(scope="module")
def child(trained_run: Path, shape_pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose GAN began with that of `trained_run`, and saw no more than four steps."""
    run = tmp_path_factory.mktemp("child") / "child"
    train("gan", run, "--data", shape_pictures, *FEW, "--start-from", trained_run)
    return run


@pytest.fixture(scope="module")
def blended(exported: Exported, child: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The bundle of a blend, its last two stages from the child, and what the command printed."""
    folder = tmp_path_factory.mktemp("blended") / "mixed"
    return folder, export("blend", exported.folder, child, folder, "--stages", "2-3", "--title", "Half and half")


def model_of(folder: Path) -> BundleModel:
    return BundleModel(BundleRunner(read(folder)))


def test_it_is_a_bundle_that_draws_with_stages_of_both(
    blended: tuple[Path, str], exported: Exported, child: Path, trained_run: Path
):
    folder, printed = blended
    cosines = [float(found) for found in re.findall(r"cosine +(-?[0-9.]+)", printed)]
    assert len(cosines) == 3 and min(cosines) > 0.6 and "little in common" not in printed
    model, parent = model_of(folder), model_of(exported.folder)
    assert model.models == ("gan",) and set(model.info.graphs) == {"generator", "mapping", "synthesis"}
    assert model.info.dataset.classes == parent.info.dataset.classes
    w = parent.styles([1, 2, 3])
    assert np.array_equal(model.styles([1, 2, 3]), w)  # the mapping is the first one's
    ours, theirs = (load_networks(Run.open(run), "gan")["generator"] for run in (trained_run, child))
    for part in ("up.0", "refine.1", "up.1", "refine.2", "to_image"):
        ours.synthesis.get_submodule(part).load_state_dict(theirs.synthesis.get_submodule(part).state_dict())
    wanted = ours.synthesis(torch.from_numpy(w)).detach().numpy()
    assert np.abs(model.synthesise(w) - wanted).max() < 1e-5
    assert np.abs(model.synthesise(w) - parent.synthesise(w)).max() > 1e-4


def test_it_names_both_parents_and_claims_no_figures(blended: tuple[Path, str], exported: Exported):
    info = read(blended[0]).info
    assert info.title == "Half and half" and info.quality is None and not info.attributes
    assert info.training["gan"].command.startswith("python -m export blend shapes child mixed --stages 2,3")
    card = (blended[0] / "README.md").read_text(encoding="utf-8")
    assert "from scratch" not in card
    assert "## Blend" in card and "arXiv 2010.05334" in card and card.index("## Blend") < card.index("## Use")
    assert read(exported.folder).sha256[:16] in card and "| child |" in card and "--start-from" in card
    assert read(blended[0]).latents["w_mean"].shape == read(exported.folder).latents["w_mean"].shape


def test_a_blend_can_be_blended_again_and_all_of_one_is_that_one(
    blended: tuple[Path, str], exported: Exported, tmp_path: Path
):
    export("blend", blended[0], exported.folder, tmp_path / "back", "--share", "1")
    again, first = model_of(tmp_path / "back"), model_of(exported.folder)
    assert np.abs(again.sample([1, 2, 3]) - first.sample([1, 2, 3])).max() < 1e-5


def test_the_mapping_alone_can_be_blended(exported: Exported, child: Path, tmp_path: Path):
    export("blend", exported.folder, child, tmp_path / "mapped", "--mapping-share", "1")
    model, first = model_of(tmp_path / "mapped"), model_of(exported.folder)
    w = first.styles([1, 2, 3])
    assert np.abs(model.synthesise(w) - first.synthesise(w)).max() < 1e-5
    assert np.abs(model.styles([1, 2, 3]) - w).max() > 1e-6


def test_a_mapping_of_other_noise_is_refused(exported: Exported, child: Path):
    first, second = blend.opened(exported.folder), blend.opened(child, examples=False)
    second = replace(second, settings=replace(second.settings, prior="uniform"))
    with pytest.raises(UserError, match="another distribution"):
        blend.check_mapping(first, second, 0.5)
    blend.check_mapping(first, second, 0)


@pytest.mark.parametrize(
    "words, sentence",
    [
        ((), "Say what to take from"),
        (("--stages", "4"), "there is no stage 4"),
        (("--share", "2"), "at most 1"),
        (("--stages", "1", "--mapping-share", "-1"), "it must be from 0 to 1"),
    ],
)
def test_what_cannot_be_mixed_is_refused(exported: Exported, child: Path, tmp_path: Path, capsys, words, sentence: str):
    target = tmp_path / "mixed"
    assert main(["blend", str(exported.folder), str(child), str(target), *words]) == 2
    assert sentence in capsys.readouterr().err and not target.exists()


def test_what_both_parents_share_is_said_once(exported: Exported):
    parent = blend.opened(exported.folder)
    data = blend.origin_of(parent, parent, "mixed", None, "python -m export blend a b mixed").data
    assert (data.title, data.source, data.licence) == (parent.data.title, parent.data.source, parent.data.licence)


def test_other_things_than_generators_are_refused(exported: Exported, tmp_path: Path, tiny_bundle: Path, capsys):
    (tmp_path / "empty").mkdir()
    for folder, sentence in (
        (tmp_path / "gone", "does not exist"),
        (tmp_path / "empty", "is not a run folder"),
        (tiny_bundle, "its settings are not in the index"),
    ):
        target = str(tmp_path / "mixed")
        assert main(["blend", str(exported.folder), str(folder), target, "--share", "0.5"]) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "mixed").exists()

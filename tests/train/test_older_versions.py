"""What older versions left goes on: their run folders resume, their flags and the commands that bundles quote parse."""

import json
import shlex
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bundle.errors import UserError
from train.__main__ import main
from train.checkpoints import load_tensors, module_tensors, restore_modules, save_tensors
from train.command_line import parse
from train.models.principal import PrincipalRepairer
from train.run_folder import Run, read_json, write_json
from train.settings import STAGES as STAGE_SETTINGS
from train.settings import ClassifierSettings, GanSettings, Settings, VaeSettings
from train.stored_settings import (
    LOCAL_SETTINGS,
    RENAMED,
    RENAMED_PROGRESS,
    RENAMED_WEIGHTS,
    current_flags,
    current_weight,
    from_dict,
    from_public_dict,
    to_dict,
    to_public_dict,
)

FIXTURES = Path(__file__).parent / "fixtures"
ARTIFACTS = Path(__file__).parents[2] / "artifacts"
STAGES = ("classifier", "gan", "vae")


def old_run(folder: Path) -> Path:
    """The run folder that a version with other names left half-way (see fixtures/make_old_run.py)."""
    with zipfile.ZipFile(FIXTURES / "old_run.zip") as archive:
        archive.extractall(folder)
    return folder


def go_on(run: Path, stage: str) -> dict[str, Tensor]:
    """The stage trained to its end; its tensors."""
    assert main([stage, str(run), "--data", str(FIXTURES / "pictures.zip"), "--images", "128", "--resume"]) == 0
    return load_tensors(run / stage / "state.safetensors")[0]


@pytest.mark.parametrize("stage", STAGES)
def test_an_old_run_goes_on_as_the_old_version_would_have(stage: str, tmp_path: Path):
    """Held against the numbers that the old version itself came to from there.

    On the machine that made them they are the same to the last bit. Another processor rounds sums in another order, so
    they are compared to 1e-4 here: a step of Adam moves weights by 1e-3, so a setting that was lost on the way (the
    multiplier of the mapping's learning rate, say) would be seen. Not compared is the bias of the critic's score: it
    cancels out of the loss, so its gradient is nothing but rounding, which Adam blows up to whole steps. Bit for bit is
    what one machine owes: see the next test, and tests/train/test_resume.py.
    """
    expected = json.loads((FIXTURES / "old_run_continued.json").read_text())[stage]
    found = go_on(old_run(tmp_path / "run"), stage)
    for key, (length, *first) in expected.items():
        key = key.replace("/deviation.", "/minibatch_stddev.")
        if key.endswith("critic.head.bias"):
            continue
        value = found[key].double()
        assert value.flatten()[:4].tolist() == pytest.approx(first, abs=1e-4), key
        assert float(value.norm()) == pytest.approx(length, abs=1e-4, rel=1e-4), key


def test_old_names_and_new_ones_resume_to_the_same_bits(tmp_path: Path):
    old, new = old_run(tmp_path / "old"), old_run(tmp_path / "new")
    config = read_json(old / "gan" / "config.json")
    assert {"matching", "penalty_every", "mapping_pace", "minibatch_deviation"} <= set(config)
    renamed = to_dict(Run.open(new).settings("gan"))
    assert set(RENAMED.values()) & set(renamed) and not set(RENAMED) & set(renamed)
    write_json(new / "gan" / "config.json", renamed)
    state = new / "gan" / "state.safetensors"
    tensors, facts = load_tensors(state)
    assert set(RENAMED_PROGRESS) <= set(facts)
    save_tensors(state, tensors, {RENAMED_PROGRESS.get(name, name): value for name, value in facts.items()})
    first, second = go_on(old, "gan"), go_on(new, "gan")
    for run in (old, new):
        assert not set(RENAMED_PROGRESS) & set(load_tensors(run / "gan" / "state.safetensors")[1])
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_weights_of_a_principal_vae_are_found_under_their_old_names():
    old_names = {new: old for old, new in RENAMED_WEIGHTS.items()}
    posterior = PrincipalRepairer(1, (16, 24), 3, hidden=4)
    nets, fresh = (nn.ModuleDict({"repair": one}) for one in (posterior, PrincipalRepairer(1, (16, 24), 3, hidden=4)))
    for tensor in nets.state_dict().values():
        tensor.normal_()
    stored = module_tensors("averages", nets)
    renamed = {
        f"averages/{old_names.get(key.removeprefix('averages/'), key.removeprefix('averages/'))}": value
        for key, value in stored.items()
    }
    assert {"averages/repair.posterior.spread", "averages/repair.posterior.whole"} <= set(renamed)
    restore_modules("averages", fresh, renamed)
    assert all(torch.equal(value, stored[f"averages/{key}"]) for key, value in fresh.state_dict().items())
    assert current_weight("encoder.linear.whole.weight") == "encoder.linear.code.weight"
    assert current_weight("generator.mapping.body.0.weight") == "generator.mapping.body.0.weight"


def test_values_that_were_renamed_go_on_working():
    for words in (["--loss", "wgan"], ["--loss=wgan"], ["--loss", "linear"]):
        settings, _ = parse(["gan", "runs/x", *words])
        assert isinstance(settings, GanSettings) and settings.loss == "linear"
    stored = to_dict(GanSettings(run=Path("runs/x"), loss="linear")) | {"loss": "wgan"}
    assert from_dict(GanSettings, stored).loss == "linear"
    del stored["gap_pictures"]
    assert from_dict(GanSettings, stored).gap_pictures == "held-out"


def test_the_settings_of_an_old_run_keep_their_values(tmp_path: Path):
    found = Run.open(old_run(tmp_path / "run")).settings("gan")
    assert (found.mismatch_weight, found.lazy_reg_interval, found.mapping_lr_multiplier) == (0.05, 2, 0.2)
    assert found.minibatch_stddev


def test_settings_from_before_a_choice_take_what_was_done_then():
    old = to_dict(GanSettings(run=Path("runs/x"), lr=0.5))
    for name in ("body", "prior", "mismatch_weight", "lazy_reg_interval", "augment"):
        del old[name]
    found = from_dict(GanSettings, old)
    assert (found.body, found.prior, found.mismatch_weight, found.lazy_reg_interval, found.augment) == (
        "conv", "normal", 0.0, 1, 0.0,
    )  # fmt: skip
    assert found.lr == 0.5
    old = to_dict(VaeSettings(run=Path("runs/x")))
    for name in ("body", "likelihood", "binarize"):
        del old[name]
    found = from_dict(VaeSettings, old)
    assert (found.body, found.likelihood, found.binarize) == ("conv", "calibrated", False)
    old = to_dict(ClassifierSettings(run=Path("runs/x")))
    del old["body"]
    assert from_dict(ClassifierSettings, old).body == "conv"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("gan r --matching 0.1 --penalty-every 2", "gan r --mismatch-weight 0.1 --lazy-reg-interval 2"),
        ("gan r --lr-end 0.1", "gan r --lr-end-factor 0.1"),
        ("gan r --minibatch-deviation", "gan r --minibatch-stddev"),
        ("gan r --no-minibatch-deviation", "gan r --no-minibatch-stddev"),
        ("gan r --mapping_pace=0.3", "gan r --mapping-lr-multiplier=0.3"),
        ("gan r --lr 0.1 --data matching", "gan r --lr 0.1 --data matching"),
    ],
)
def test_old_flags_mean_the_new_ones(old: str, new: str):
    assert current_flags(old.split()) == new.split()
    assert parse(old.split()) == parse(new.split())


def quoted() -> list[str]:
    """Every training command in the indexes of the released bundles."""
    commands = []
    for path in sorted(ARTIFACTS.glob("*/bundle.json")):
        for stage in json.loads(path.read_text(encoding="utf-8"))["training"].values():
            commands += [part for part in stage["command"].split(" && ") if part.startswith("python -m train ")]
    return commands


def test_every_training_command_that_a_released_bundle_quotes_is_understood():
    commands = quoted()
    assert len(commands) > 30
    for command in commands:
        words = shlex.split(command)[3:]
        settings, given = parse(words)
        assert isinstance(settings, Settings)
        for word in words:
            if word.startswith("--"):
                name = current_flags([word])[0].removeprefix("--").removeprefix("no-").replace("-", "_")
                assert name in given and hasattr(settings, name)


def test_public_settings_leave_the_machine_behind_and_come_back():
    local = {"data": "secret/place", "threads": 2, "track": "wandb", "open": True, "start_from": Path("runs/w")}
    settings = GanSettings(run=Path("runs/x"), gamma=(1.0, 0.1), **local)
    public = json.loads(json.dumps(to_public_dict(settings)))
    assert not LOCAL_SETTINGS & set(public) and public["gamma"] == [1.0, 0.1]
    found = from_public_dict(GanSettings, public, Path("runs/y"), "mnist")
    assert found == GanSettings(run=Path("runs/y"), data="mnist", gamma=(1.0, 0.1))
    old = {("matching" if name == "mismatch_weight" else name): value for name, value in public.items()}
    assert from_public_dict(GanSettings, old, Path("runs/y"), "mnist") == found
    for wrong in ({"resume": True}, {"colour": 1}, {"width": "wide"}, {"loss": "none"}):
        with pytest.raises(UserError, match="|".join(wrong)):
            from_public_dict(GanSettings, public | wrong, Path("runs/y"), "mnist")


def test_settings_of_released_bundles_become_a_runs_also_where_they_tell_whether_it_was_watched():
    """As those of some older bundles do."""
    for path in sorted(ARTIFACTS.glob("*/bundle.json")):
        for stage, training in json.loads(path.read_text(encoding="utf-8"))["training"].items():
            public = training["settings"]
            found = from_public_dict(STAGE_SETTINGS[stage], public | {"open": True}, Path("runs/y"), "mnist")
            assert not found.open and to_public_dict(found).items() >= {"preset": public["preset"]}.items()

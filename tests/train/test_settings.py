"""Presets and stored settings."""

import typing
from dataclasses import fields
from pathlib import Path

import pytest
import tyro

from bundle.errors import UserError
from train.presets import PRESETS
from train.settings import (
    STAGES,
    AttributesSettings,
    ClassifierSettings,
    EvaluateSettings,
    GanSettings,
    InverseSettings,
    Settings,
    VaeSettings,
    changed_flags,
)
from train.stored_settings import from_dict, to_dict

KINDS: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "attributes": AttributesSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverse": InverseSettings,
}


def test_every_command_has_both_general_presets():
    assert set(PRESETS) == set(KINDS)
    for presets in PRESETS.values():
        assert {"cpu", "gpu"} <= set(presets) and presets["cpu"] == {}


@pytest.mark.parametrize(("command", "name"), [(c, n) for c, presets in PRESETS.items() for n in presets])
def test_a_preset_sets_existing_settings_to_values_of_their_type(command: str, name: str):
    hints = typing.get_type_hints(KINDS[command])
    defaults = {f.name: f.default for f in fields(KINDS[command])}
    for key, value in PRESETS[command][name].items():
        assert key in defaults, key
        if typing.get_origin(hints[key]) is typing.Literal:
            assert value in typing.get_args(hints[key])
        else:
            assert type(value) is hints[key]
        assert value != defaults[key], f"{key} repeats the default"


def test_the_presets_of_the_articles():
    assert PRESETS["gan"]["mlp"]["body"] == "mlp" and PRESETS["gan"]["mlp"]["latent_dim"] == 100
    assert PRESETS["vae"]["plane"]["latent_dim"] == 2 and PRESETS["vae"]["plane"]["body"] == "mlp"
    assert PRESETS["classifier"]["lenet"]["body"] == "lenet"


@pytest.mark.parametrize("stage", STAGES)
def test_settings_survive_their_file(stage: str):
    settings = STAGES[stage](run=Path("runs/x"), minutes=3.5, seed=9)
    assert from_dict(STAGES[stage], to_dict(settings)) == settings


def test_unknown_settings_are_refused():
    newer = to_dict(GanSettings(run=Path("runs/x"))) | {"attention": True, "depth": 3}
    with pytest.raises(UserError, match=r"another version .* Unknown settings: attention, depth\."):
        from_dict(GanSettings, newer)
    del newer["attention"], newer["depth"], newer["run"]
    with pytest.raises(UserError, match="damaged"):
        from_dict(GanSettings, newer)


@pytest.mark.parametrize(
    "settings",
    [
        EvaluateSettings(Path("run")),
        EvaluateSettings(Path("run"), data="ylecun/mnist", samples=500, copies=False, classifier=Path("runs/mnist")),
        GanSettings(Path("run"), gamma=(2.0, 0.2), resume=True, size=64, lr=0.002),
        ClassifierSettings(Path("run"), mirror=True, jitter=0.25),
    ],
)
def test_the_words_of_changed_settings_make_them_again(settings):
    place = "subject" if isinstance(settings, EvaluateSettings) else "run"
    words = changed_flags(settings, without=(place,))
    assert tyro.cli(type(settings), args=["run", *words]) == settings

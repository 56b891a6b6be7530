"""What an index may say of framing and settings, and what it says when a part is missing."""

import json
from pathlib import Path

import pytest

from bundle.errors import BundleError
from bundle.read import read
from bundle.schema import Bundle
from tests.support.tiny import load_index, save_index


def test_settings_keep_their_types(tiny_bundle: Path):
    settings = {"gamma": [1, 0.1], "images": None, "batch": 32, "mirror": False, "lr": 1.0, "body": "conv"}
    index = load_index(tiny_bundle)
    index["training"]["gan"]["settings"] = settings
    info = Bundle.model_validate(index)
    again = info.model_dump(mode="json")["training"]["gan"]["settings"]
    assert json.dumps(again) == json.dumps(settings)


@pytest.mark.parametrize(
    "settings", [{"gamma": [[1]]}, {"gamma": {"a": 1}}, {"--flag": 1}, {"body": "x" * 501}, {"lr": float("nan")}, 3]
)
def test_settings_hold_plain_values_only(broken_bundle: Path, settings: object):
    index = load_index(broken_bundle)
    index["training"]["gan"]["settings"] = settings
    save_index(broken_bundle, index)
    with pytest.raises(BundleError, match="is wrong at training"):
        read(broken_bundle)


@pytest.mark.parametrize(("field", "value"), [("fit", "stretch"), ("background", "red"), ("background", "#FFF")])
def test_framing_is_of_known_words(broken_bundle: Path, field: str, value: str):
    index = load_index(broken_bundle)
    index["dataset"][field] = value
    save_index(broken_bundle, index)
    with pytest.raises(BundleError, match=f"is wrong at dataset.{field}"):
        read(broken_bundle)


def test_a_missing_part_is_named(tiny_bundle: Path):
    info = Bundle.model_validate(load_index(tiny_bundle))
    assert info.models == ("gan", "vae")
    assert (info.require_gan(), info.require_vae()) == (info.gan, info.vae)
    assert info.gan and info.require_styles() == (info.gan.stages, info.gan.w_dim)
    lacking = info.model_copy(update={"gan": None, "vae": None})
    assert lacking.models == ()
    for require, words in (
        (lacking.require_gan, "Bundle 'tiny' has no GAN."),
        (lacking.require_vae, "Bundle 'tiny' has no VAE."),
        (lacking.require_styles, "has no GAN"),
    ):
        with pytest.raises(BundleError, match=words):
            require()
    plain = info.model_copy(update={"gan": info.gan.model_copy(update={"w_dim": None, "stages": None})})
    with pytest.raises(BundleError, match="has no styles"):
        plain.require_styles()

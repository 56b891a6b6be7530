"""What an index may say of framing and settings, and what it says when a part is missing."""

import json
from pathlib import Path

import pytest

from bundle.array_files import direction_shapes
from bundle.errors import BundleError
from bundle.read import read
from bundle.schema import MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTES, BundleIndex
from bundle.schema.graphs import GAN_GRAPHS
from tests.support.tiny import load_index, save_index


def test_settings_hold_the_names_of_all_attributes(broken_bundle: Path):
    names = ",".join(f"{number:02d}".ljust(MAX_ATTRIBUTE_NAME, "x") for number in range(MAX_ATTRIBUTES))
    index = load_index(broken_bundle)
    index["training"]["gan"]["settings"] = {"attributes": names}
    save_index(broken_bundle, index)
    assert read(broken_bundle).info.training["gan"].settings["attributes"] == names


def test_settings_keep_their_types(tiny_bundle: Path):
    settings = {"gamma": [1, 0.1], "images": None, "batch": 32, "mirror": False, "lr": 1.0, "body": "conv"}
    index = load_index(tiny_bundle)
    index["training"]["gan"]["settings"] = settings
    info = BundleIndex.model_validate(index)
    again = info.model_dump(mode="json")["training"]["gan"]["settings"]
    assert json.dumps(again) == json.dumps(settings)


@pytest.mark.parametrize(
    "settings", [{"gamma": [[1]]}, {"gamma": {"a": 1}}, {"--flag": 1}, {"body": "x" * 4001}, {"lr": float("nan")}, 3]
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
    info = BundleIndex.model_validate(load_index(tiny_bundle))
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


GLASSES = {"name": "glasses", "kind": "binary", "low": 0.0, "high": 1.0, "accuracy": 0.97, "gan": None, "vae": None}
AGE = {"name": "skin: red", "kind": "number", "low": -0.5, "high": 2.0, "accuracy": 0.8, "gan": None, "vae": None}


def with_attributes(index: dict, attributes: list[dict]) -> dict:
    """The index of a bundle that names these attributes and has a graph of so many."""
    graph = index["graphs"]["classifier"] | {"outputs": [{"name": "attributes", "shape": ["batch", len(attributes)]}]}
    return index | {"attributes": attributes, "graphs": index["graphs"] | {"attributes": graph}}


def test_attributes_are_optional_and_keep_their_effects(tiny_bundle: Path):
    index = load_index(tiny_bundle)
    assert BundleIndex.model_validate(index).attributes == ()
    effect = {"moved": 0.8, "others": 0.1, "kept": None}
    info = BundleIndex.model_validate(with_attributes(index, [GLASSES | {"gan": effect}, AGE]))
    assert [attribute.name for attribute in info.attributes] == ["glasses", "skin: red"]
    assert BundleIndex.model_validate(info.model_dump(mode="json")) == info
    assert direction_shapes(info)["attribute_w"] == (2, index["gan"]["w_dim"])
    assert direction_shapes(info)["attribute_code"] == (2, index["vae"]["latent_dim"])


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ([GLASSES, GLASSES], "two attributes have the same name"),
        ([GLASSES | {"high": 2.0}], "must run from 0 to 1"),
        ([AGE | {"high": -0.5}], "must be below its high end"),
        ([AGE | {"name": "a\nb"}], "printable characters"),
        ([AGE | {"name": ""}], "at least 1 character"),
        ([AGE | {"name": str(i)} for i in range(33)], "at most 32 items"),
    ],
)
def test_attributes_that_nobody_could_show_are_refused(tiny_bundle: Path, attributes: list[dict], words: str):
    with pytest.raises(ValueError, match=words):
        BundleIndex.model_validate(with_attributes(load_index(tiny_bundle), attributes))


def test_a_direction_needs_the_latents_that_it_is_in(tiny_bundle: Path):
    effect, index = {"moved": 0.8, "others": 0.1, "kept": None}, load_index(tiny_bundle)
    lost = ("mapping", "synthesis", "inverter")
    graphs = {name: graph for name, graph in index["graphs"].items() if name not in lost}
    plain = index | {"graphs": graphs, "gan": index["gan"] | {"w_dim": None, "stages": None}}
    assert not BundleIndex.model_validate(with_attributes(plain, [GLASSES])).has_styles
    with pytest.raises(ValueError, match="only in styles"):
        BundleIndex.model_validate(with_attributes(plain, [GLASSES | {"gan": effect}]))
    styled = {name: graph for name, graph in index["graphs"].items() if name in (*GAN_GRAPHS, "classifier")}
    with pytest.raises(ValueError, match="codes of the 'vae'"):
        BundleIndex.model_validate(
            with_attributes(index | {"graphs": styled, "vae": None}, [GLASSES | {"vae": effect}])
        )


def test_attributes_and_their_graph_need_each_other(tiny_bundle: Path):
    index = with_attributes(load_index(tiny_bundle), [GLASSES])
    with pytest.raises(ValueError, match="need each other"):
        BundleIndex.model_validate(index | {"attributes": []})
    del index["graphs"]["attributes"]
    with pytest.raises(ValueError, match="need each other"):
        BundleIndex.model_validate(index)


@pytest.mark.parametrize("sizes", [{"latent_dim": 5_000_000}, {"w_dim": 70_000}, {"w_dim": 4096, "stages": 17}])
def test_latents_that_fill_the_memory_are_refused(broken_bundle: Path, sizes: dict[str, int]):
    index = load_index(broken_bundle)
    index["gan"] |= sizes
    save_index(broken_bundle, index)
    with pytest.raises(BundleError, match="is wrong at gan"):
        read(broken_bundle)

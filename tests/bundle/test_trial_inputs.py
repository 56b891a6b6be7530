"""Trial inputs: the same for a seed, of the kinds that training and the demo know."""

from pathlib import Path

import numpy as np
import pytest

from bundle import trial_inputs
from bundle.feeds import run_in_parts
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.schema import USUAL_GRAPHS
from bundle.sessions import choose_provider
from bundle.trial_inputs import TrialInputs, random_mask, random_rows
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle

SHAPES = {"image": (3, 8, 8), "mask": (1, 8, 8), "classes": (4,), "z": (5,)}


def test_a_row_depends_on_its_seed_alone():
    pictures = np.full((2, 8, 8, 3), 51, np.uint8)
    rows, some = random_rows(SHAPES, range(20), pictures), random_rows(SHAPES, (3, 8), pictures)
    for name, shape in SHAPES.items():
        assert rows[name].shape == (20, *shape) and rows[name].dtype == np.float32
        np.testing.assert_array_equal(rows[name][[3, 8]], some[name])
        assert len(np.unique(rows[name].reshape(20, -1), axis=0)) > (1 if name == "image" else 3)
    assert (rows["image"][::2] == np.float32(0.2)).all() and rows["image"][1::2].std() > 0.2
    np.testing.assert_allclose(rows["classes"].sum(axis=1), 1, atol=1e-6)
    assert (rows["classes"][::2].max(axis=1) == 1).all() and (rows["classes"][1::2].max(axis=1) < 1).all()


def test_masks_are_of_the_four_kinds_that_training_draws():
    masks = np.stack([random_mask(32, 32, seed)[0] for seed in range(400)])
    assert set(np.unique(masks)) == {0.0, 1.0}
    missing = 1 - masks
    whole = missing.sum(axis=(1, 2)) == 0
    rows, columns = missing.max(axis=2), missing.max(axis=1)  # touched by what is missing
    solid = np.isclose(missing.sum(axis=(1, 2)), rows.sum(axis=1) * columns.sum(axis=1)) & ~whole
    strip = solid & ((rows.sum(axis=1) == 32) | (columns.sum(axis=1) == 32))
    counts = [whole.sum(), (solid & ~strip).sum(), strip.sum(), (~whole & ~solid).sum()]
    assert all(60 < count < 140 for count in counts), counts
    wide = missing[strip].sum(axis=(1, 2)) / 32
    assert wide.min() >= 0.25 * 32 - 1 and wide.max() <= 0.6 * 32 + 1
    assert missing[~whole & ~solid].mean(axis=(1, 2)).max() < 0.95


def test_training_draws_as_much():
    """The same shares of missing pixels as the masks of training, in the mean and where most or least is missing."""
    torch = pytest.importorskip("torch")
    from train.stages.inverse import random_masks

    torch.manual_seed(0)
    theirs = 1 - random_masks(2000, (64, 64)).numpy().mean(axis=(1, 2, 3))
    ours = 1 - np.array([random_mask(64, 64, seed).mean() for seed in range(2000)])
    for share in (0.2, 0.5, 0.8, 0.95):
        assert np.quantile(ours, share) == pytest.approx(np.quantile(theirs, share), abs=0.03)


def test_rows_are_such_as_the_demo_makes(tiny_bundle: Path):
    opened = read(tiny_bundle)
    served = ServedBundle(Engine(opened, choose_provider("cpu")))
    inputs = TrialInputs.of_bundle(opened, BundleRunner(opened).run)
    assert list(inputs.graphs) == list(USUAL_GRAPHS)
    for name in USUAL_GRAPHS:
        rows = inputs.rows(name, range(33))
        assert set(rows) == {tensor.name for tensor in opened.info.graphs[name].inputs}
        assert all(len(values) == 33 and values.dtype == np.float32 for values in rows.values())
    np.testing.assert_array_equal(inputs.rows("decoder", range(33))["z"], served.codes(range(33)))
    styles = inputs.rows("synthesis", range(33))["w"]
    np.testing.assert_array_equal(styles[::2], served.styles(range(0, 33, 2)))
    masked = inputs.rows("repair", range(33))
    assert not masked["image"][np.broadcast_to(masked["mask"] == 0, masked["image"].shape)].any()
    sent = inputs.seed_rows("generator", range(12))
    drawn = inputs.run("generator", sent)["image"]
    np.testing.assert_allclose(drawn, served.sample(range(12)), atol=1e-6)
    assert inputs.seed_rows("classifier", range(2)) == {}


def test_blends_are_half_a_class_and_half_the_next():
    np.testing.assert_array_equal(trial_inputs.class_blends((0, 1, 2), 3), [[1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]])


def test_no_more_rows_at_once_than_a_bundle_takes():
    seen = []

    def run(graph: str, rows):
        seen.append(len(rows["z"]))
        return {"w": rows["z"] * 2}

    z = np.arange(7, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(run_in_parts(run, 3)("mapping", {"z": z})["w"], z * 2)
    assert seen == [3, 3, 1]


def test_masks_of_pictures_that_are_not_square():
    masks = np.stack([random_mask(32, 48, seed) for seed in range(40)])
    assert masks.shape == (40, 1, 32, 48) and set(np.unique(masks)) == {0.0, 1.0}

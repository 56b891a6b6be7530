"""Sections for the sets made here, against pictures and codes of which every figure is known."""

import numpy as np
import pytest

from bundle.errors import UserError
from tests.train.evaluate.support import context_of
from train.data import shapes, stacked_mnist
from train.evaluate import synthetic_sets
from train.evaluate.handles import ClassifierHandle, GanHandle, VaeHandle


def test_modes_are_counted_channel_by_channel(monkeypatch):
    """Digits drawn as flat greys: digit d is 25 d. A sure classifier finds the modes that were drawn."""
    monkeypatch.setattr(stacked_mnist, "SAMPLES", 1500)

    def classify(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        digits = np.rint(images.mean(axis=(1, 2, 3)) * 255 / 25).astype(int)
        return np.eye(10, dtype=np.float32)[digits] * 20, np.zeros((len(images), 2), np.float32)

    def draw(z: np.ndarray) -> np.ndarray:
        """Two digits in each channel: 8 modes."""
        return np.broadcast_to((25 + 50 * (z > 0))[:, :, None, None] / 255, (len(z), 3, 4, 4)).astype(np.float32)

    context = context_of(np.zeros((0, 1, 4, 4), np.uint8))
    all_modes = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    held_out = np.broadcast_to((25 * all_modes)[:, :, None, None], (1000, 3, 4, 4)).astype(np.uint8)
    synthetic_sets.measure_modes(
        context, GanHandle(3, "normal", draw), ClassifierHandle("r", "0", (), 1, 4, classify), held_out
    )
    for suffix in ("", "_gated"):
        assert context.report[f"gan.modes{suffix}"].value == 8
        assert context.report[f"gan.modes{suffix}"].floor == 1000
        assert context.report[f"gan.modes_kl{suffix}"].value == pytest.approx(np.log(1000 / 8), abs=0.02)
        assert context.report[f"gan.modes_kl{suffix}"].floor == pytest.approx(0, abs=1e-9)
    assert context.report["gan.pass_share"].value == 1


def test_codes_that_are_the_factors_of_shapes_score_one(monkeypatch):
    monkeypatch.setattr(synthetic_sets, "FACTOR_PICTURES", 3000)
    monkeypatch.setattr(shapes, "draw", lambda values, sides, channels: values[:, :, None, None].astype(np.uint8))
    codes = VaeHandle(6, "calibrated", False, 0.1, None, lambda x: (x[:, :, 0, 0], x[:, :, 0, 0]), lambda z: z, "0")
    context = context_of(np.zeros((0, 1, 4, 4), np.uint8))
    synthetic_sets.measure_factors(context, codes, (64, 64), 3)
    assert {f.name: f.value > 0.97 for f in context.report.figures} == {
        f"vae.{name}": True for name in ("mig", "disentanglement", "completeness", "informativeness")
    }


@pytest.mark.parametrize(("classes", "channels"), [(tuple("0123456789"), 3), (("a", "b"), 1)])
def test_modes_are_read_by_a_classifier_of_grey_digits_only(classes: tuple[str, ...], channels: int):
    other = ClassifierHandle("classifier of pets", "0", classes, channels, (32, 32), lambda images: (images, images))
    with pytest.raises(UserError, match="need a classifier of grey digits: name its run with --classifier"):
        synthetic_sets.check_reads_digits(other)

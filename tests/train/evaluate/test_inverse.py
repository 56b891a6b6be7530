"""Repair, where its error is known."""

import numpy as np
import pytest

from tests.train.evaluate.support import context_of
from train.evaluate import inverse
from train.evaluate.handles import VaeHandle


def test_repair_is_measured_where_pixels_are_missing():
    """A repairer that knows the grey of everything but the middle: wrong there, and only there."""
    shown = np.full((10, 1, 16, 16), 255, np.uint8)

    def nothing(images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(images), 1), np.float32), np.zeros((len(images), 1), np.float32)

    def encode(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((len(images), 1), np.float32), np.zeros((len(images), 1), np.float32)

    def decode(z: np.ndarray) -> np.ndarray:
        """Code 1: white. Code 0: white, but for a half grey middle."""
        missing = inverse.centre((16, 16)) == 0
        return np.where(missing & (z[:, :, None, None] == 0), 0.5, 1.0).astype(np.float32)

    context = context_of(shown)
    vae = VaeHandle(1, "calibrated", False, 0.1, None, encode, decode, "", repair=nothing)
    inverse.measure_repair(context, vae)
    report = context.report
    wrong = (1 - 128 / 255) ** 2
    assert report["repair.centre"].value == pytest.approx(wrong)
    assert report["repair.left"].value == pytest.approx(wrong * 18 / 128)  # 3 x 6 of the left half's 8 x 16 pixels
    assert report["repair.centre"].floor == 0
    sheet, columns = context.sheets["vae_repairs.png"]
    assert columns == 8 and len(sheet) == 7 * 8
    assert (sheet[16:24, 0, 5:11, 5:11] == 128).all() and (sheet[16:24, 0, :5] == 255).all()

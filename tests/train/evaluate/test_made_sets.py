"""Sections of the report against pictures and codes of which every figure is known."""

import numpy as np
import pytest
import torch

from train.data import shapes, stacked_mnist
from train.data.dataset import Pictures
from train.evaluate import context, inverse, made_sets
from train.evaluate.report import Report
from train.evaluate.subject import Gan, Reader, Vae, mixture_codes
from train.evaluate.vae import halfway


def bench_of(pictures: np.ndarray) -> context.Bench:
    """A bench of pictures uint8 [N, C, S, S] without classes, for sections that ask no judge."""
    shown = Pictures(torch.from_numpy(pictures), torch.zeros(len(pictures), dtype=torch.long))
    return context.Bench(Report({}), None, shown, shown, pictures, 0, 0)


def test_repair_is_measured_where_pixels_are_missing():
    """A repairer that knows the grey of everything but the middle: wrong there, and only there."""
    shown = np.full((10, 1, 16, 16), 255, np.uint8)

    def nothing(images: np.ndarray, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(images), 1), np.float32), np.zeros((len(images), 1), np.float32)

    def encode(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones((len(images), 1), np.float32), np.zeros((len(images), 1), np.float32)

    def decode(z: np.ndarray) -> np.ndarray:
        """Code 1: white. Code 0: white, but for a half grey middle."""
        missing = inverse.centre(16) == 0
        return np.where(missing & (z[:, :, None, None] == 0), 0.5, 1.0).astype(np.float32)

    bench = bench_of(shown)
    vae = Vae(1, "calibrated", False, 0.1, None, encode, decode, "", repair=nothing)
    inverse.measure_repair(bench, vae)
    report = bench.report
    wrong = (1 - 128 / 255) ** 2
    assert report["repair.centre"].value == pytest.approx(wrong)
    assert report["repair.left"].value == pytest.approx(wrong * 18 / 128)  # 3 x 6 of the left half's 8 x 16 pixels
    assert report["repair.centre"].floor == 0
    sheet, columns = bench.sheets["vae_repairs.png"]
    assert columns == 8 and len(sheet) == 7 * 8
    assert (sheet[16:24, 0, 5:11, 5:11] == 128).all() and (sheet[16:24, 0, :5] == 255).all()


def test_modes_are_counted_channel_by_channel(monkeypatch):
    """Digits drawn as flat greys: digit d is 25 d. A sure reader finds the modes that were drawn."""
    monkeypatch.setattr(stacked_mnist, "SAMPLES", 1500)

    def read(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        digits = np.rint(images.mean(axis=(1, 2, 3)) * 255 / 25).astype(int)
        return np.eye(10, dtype=np.float32)[digits] * 20, np.zeros((len(images), 2), np.float32)

    def draw(z: np.ndarray) -> np.ndarray:
        """Two digits in each channel: 8 modes."""
        return np.broadcast_to((25 + 50 * (z > 0))[:, :, None, None] / 255, (len(z), 3, 4, 4)).astype(np.float32)

    bench = bench_of(np.zeros((0, 1, 4, 4), np.uint8))
    all_modes = np.stack(np.unravel_index(np.arange(1000), (10, 10, 10)), axis=1)
    held_out = np.broadcast_to((25 * all_modes)[:, :, None, None], (1000, 3, 4, 4)).astype(np.uint8)
    made_sets.measure_modes(bench, Gan(3, "normal", draw), Reader("r", "0", (), 1, 4, read), held_out)
    for suffix in ("", "_gated"):
        assert bench.report[f"gan.modes{suffix}"].value == 8
        assert bench.report[f"gan.modes{suffix}"].floor == 1000
        assert bench.report[f"gan.modes_kl{suffix}"].value == pytest.approx(np.log(1000 / 8), abs=0.02)
        assert bench.report[f"gan.modes_kl{suffix}"].floor == pytest.approx(0, abs=1e-9)
    assert bench.report["gan.pass_share"].value == 1


def test_codes_that_are_the_factors_of_shapes_score_one(monkeypatch):
    monkeypatch.setattr(made_sets, "FACTOR_PICTURES", 3000)
    monkeypatch.setattr(shapes, "draw", lambda values, size: values[:, :, None, None].astype(np.uint8))
    codes = Vae(6, "calibrated", False, 0.1, None, lambda x: (x[:, :, 0, 0], x[:, :, 0, 0]), lambda z: z, "0")
    bench = bench_of(np.zeros((0, 1, 4, 4), np.uint8))
    made_sets.measure_factors(bench, codes, 64)
    assert {f.name: f.value > 0.97 for f in bench.report.figures} == {
        f"vae.{name}": True for name in ("mig", "disentanglement", "completeness", "informativeness")
    }


def test_codes_of_the_prior_have_its_mean_and_covariance():
    lower = np.array([[1.0, 0], [0.5, 0.2]])
    mixture = {
        "weights": np.array([0.25, 0.75]),
        "means": np.array([[0.0, 0], [4, -4]]),
        "cholesky": np.stack([lower] * 2),
    }
    codes = mixture_codes(mixture, 20_000, 0)
    second = codes[codes[:, 0] - codes[:, 1] > 4]
    assert len(second) / len(codes) == pytest.approx(0.75, abs=0.02)
    np.testing.assert_allclose(second.mean(axis=0), [4, -4], atol=0.03)
    np.testing.assert_allclose(np.cov(second.T), lower @ lower.T, atol=0.05)


def test_halfway_is_the_middle_of_the_arc():
    a, b = np.array([[3.0, 0], [1, 0], [1, 0]]), np.array([[0.0, 1], [1, 0], [-1, 0]])
    np.testing.assert_allclose(halfway(a, b), [[2**0.5, 2**0.5], [1, 0], [0, 0]], atol=1e-6)

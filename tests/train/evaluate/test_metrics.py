"""Figures of quality against cases whose answer is known."""

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from torchmetrics.image.kid import poly_mmd

from train.evaluate import metrics
from train.evaluate.disentanglement import dci, mutual_information_gap
from train.evaluate.memorisation import References, chance_of_less, nearest, pixel_rows
from train.evaluate.metrics import Scale, frechet_distance, manifold, psnr, ssim
from train.stages import gan


def test_frechet_distance_of_two_gaussians():
    """N(0, I) against N(m, 4 I) in d dimensions: |m|^2 + d."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((200_000, 3)), 2 * rng.standard_normal((200_000, 3)) + [1, 0, -2]
    assert frechet_distance(a, b) == pytest.approx(5 + 3, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_of_correlated_features_is_the_matrix_root():
    """Against the root of the product itself, by its eigenvalues; also where fewer rows than features are given."""
    rng = np.random.default_rng(0)
    for rows in (400, 8):
        a, b = (rng.standard_normal((rows, 12)) @ rng.standard_normal((12, 12)) for _ in range(2))
        covariances = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).astype(complex)).real.sum()
        expected = np.square(a.mean(0) - b.mean(0)).sum() + sum(map(np.trace, covariances)) - 2 * root
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_is_zero_for_one_distribution_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3000, 8))
    same, spread = metrics.kernel_distance(a, b, subsets=30, size=500)
    assert abs(same) < 3 * spread / np.sqrt(30) + 2e-3
    near, far = (metrics.kernel_distance(a, b + shift, subsets=30, size=500)[0] for shift in (0.2, 0.4))
    assert same < near < far


def test_kernel_distance_is_that_of_torchmetrics():
    a, b = torch.randn(2, 600, 5, generator=torch.Generator().manual_seed(0)).double()
    ours = metrics.kernel_distance(a.numpy(), b.numpy() + 0.1, subsets=1)[0]  # one subset, of all rows
    assert ours == pytest.approx(poly_mmd(a, b + 0.1).item(), rel=1e-9)


def test_kernel_distance_is_unbiased_in_closed_form():
    """x = +-1 in one dimension against x = 0: E k(x, x') = (8 + 0) / 2 = 4, E k(x, 0) = k(0, 0) = 1, so 4 - 2 + 1."""
    signs = np.where(np.random.default_rng(0).random((4000, 1)) < 0.5, -1.0, 1.0)
    assert metrics.kernel_distance(signs, np.zeros((4000, 1)), subsets=10)[0] == pytest.approx(3, abs=0.1)


def test_precision_and_recall_tell_collapse_from_noise():
    rng = np.random.default_rng(0)
    real = rng.standard_normal((500, 4))
    collapsed = real[:5].repeat(100, axis=0) + 1e-3 * rng.standard_normal((500, 4))
    found = manifold(real, collapsed)
    assert found.precision > 0.95
    assert found.recall < 0.1
    apart = manifold(real, real + 50)
    assert (apart.precision, apart.recall) == (0.0, 0.0)


@pytest.mark.parametrize("k", [3, 5])
def test_manifold_is_prdc_in_blocks(monkeypatch, k):
    rng = np.random.default_rng(0)
    real, fake = rng.standard_normal((257, 6)), rng.standard_normal((193, 6)) * 0.8 + 0.3
    monkeypatch.setattr(metrics, "BLOCK", 50)
    found = metrics.manifold(real, fake, k)
    assert vars(found) == pytest.approx(compute_prdc(real_features=real, fake_features=fake, nearest_k=k))
    assert found == metrics.manifold(real, fake, k, metrics.radii(real, k))


def test_scale_standardises_the_reference():
    features = np.random.default_rng(0).normal(3, 7, (1000, 4))
    scaled = Scale.of(features)(features)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-9)
    np.testing.assert_array_equal(Scale.none(4)(features), features)


# ------------------------------------------------------------------------------------------- diversity


def test_mean_pairwise_distance_of_a_square_and_of_one_point():
    square = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert gan.mean_pairwise_distance(square) == pytest.approx((4 + 2 * 2**0.5) / 6)
    assert gan.mean_pairwise_distance(torch.ones(10, 3)) == 0
    assert gan.mean_pairwise_distance(square[:1]) == 0


def test_class_entropy_counts_the_classes_in_use():
    assert gan.class_entropy(torch.arange(100) % 10, 10) == pytest.approx(1)
    assert gan.class_entropy(torch.arange(100) % 5, 10) == pytest.approx(0.5)
    assert gan.class_entropy(torch.zeros(7, dtype=torch.int64), 10) == pytest.approx(0.1)


def test_histogram_kl():
    even, half = np.arange(1000) % 4, np.arange(1000) % 2
    assert metrics.histogram_kl(even, even, 4) == 0
    assert metrics.histogram_kl(half, even, 4) == pytest.approx(np.log(2))
    assert np.isfinite(metrics.histogram_kl(even, half, 4))


# -------------------------------------------------------------------------------------------- pictures


def test_psnr_and_ssim_at_known_points():
    image = np.random.default_rng(0).random((2, 1, 16, 16), dtype=np.float32)
    assert psnr(image, image + np.float32(0.1)) == pytest.approx(20, abs=1e-3)
    assert ssim(image, image) == pytest.approx(1, abs=1e-5)
    assert ssim(image, 1 - image) < 0.1


def test_bytes_are_the_pictures_they_stand_for(monkeypatch):
    a, b = np.random.default_rng(0).integers(0, 256, (2, 30, 3, 16, 16), dtype=np.uint8)
    float_a, float_b = a.astype(np.float32) / 255, b.astype(np.float32) / 255
    whole = [f(float_a, float_b) for f in (metrics.mse, psnr, ssim)]
    monkeypatch.setattr(metrics, "BLOCK", 7)
    assert [f(a, b) for f in (metrics.mse, psnr, ssim)] == pytest.approx(whole, rel=1e-5)
    assert metrics.sharpness(a) == pytest.approx(metrics.sharpness(float_a))


def test_sharpness_is_the_variance_of_the_laplacian_and_falls_with_blur():
    column = (np.arange(16) % 2).astype(np.float32)
    stripes = np.broadcast_to(column, (4, 1, 16, 16))  # the Laplacian of stripes of width 1 is +2 and -2
    assert metrics.sharpness(stripes) == pytest.approx(4)
    noise = np.random.default_rng(0).random((8, 1, 32, 32), dtype=np.float32)
    blurred = (noise + np.roll(noise, 1, 2) + np.roll(noise, 1, 3) + np.roll(noise, (1, 1), (2, 3))) / 4
    assert metrics.sharpness(blurred) < 0.3 * metrics.sharpness(noise)


# ---------------------------------------------------------------------------------------- memorisation


def test_nearest_finds_the_row_and_leaves_itself_out():
    rows = np.random.default_rng(0).standard_normal((700, 5)).astype(np.float32)
    found = nearest(rows[[3, 600]], rows)
    assert found.index.tolist() == [3, 600]
    assert found.distance.tolist() == [0, 0]
    others = nearest(rows, rows, leave_out_self=True)
    table = np.linalg.norm(rows[:, None] - rows, axis=2) + np.where(np.eye(700), np.inf, 0)
    np.testing.assert_allclose(others.distance, table.min(axis=1), rtol=1e-5)


def test_chance_of_less_counts_ties_as_half():
    assert chance_of_less(np.array([0.0, 1, 2]), np.array([1.0])) == pytest.approx(0.5)
    assert chance_of_less(np.array([0.0]), np.array([1.0, 2])) == 1
    assert chance_of_less(np.array([3.0]), np.array([1.0, 2])) == 0


def test_memorisation_tells_copies_from_learning():
    rng = np.random.default_rng(0)
    train, held_out, honest = (rng.standard_normal((n, 6)).astype(np.float32) for n in (2000, 500, 500))
    references = References(train, held_out)
    learned = references.compare(honest)
    assert learned.nearer == pytest.approx(0.5, abs=0.05)
    assert learned.copies < 0.03
    assert learned.ratio == pytest.approx(learned.ratio_floor, rel=0.05)
    assert learned.copies_floor == pytest.approx(0.01, abs=0.005)
    copied = references.compare(train[:500] + 1e-3 * rng.standard_normal((500, 6)).astype(np.float32))
    assert copied.nearer > 0.95
    assert copied.copies > 0.95
    assert copied.ratio < 0.05 * copied.ratio_floor
    some = references.compare(np.concatenate([train[:50], honest[50:]]))
    assert some.copies == pytest.approx(0.11, abs=0.03)
    assert set(some.closest(16)) <= set(range(50))


def test_typical_samples_are_near_everything_and_the_ratio_says_so():
    """A model that draws only the middle of the data copies nothing, though it is nearer to the training pictures."""
    rng = np.random.default_rng(0)
    train, held_out = (rng.standard_normal((n, 6)).astype(np.float32) for n in (1000, 1000))
    typical = References(train, held_out).compare(0.5 * rng.standard_normal((500, 6)).astype(np.float32))
    assert typical.nearer > 0.8
    assert typical.copies < 0.03
    assert typical.ratio == pytest.approx(typical.ratio_floor, rel=0.1)


def test_pixel_rows_are_pictures_averaged_down():
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 36, 36), dtype=np.uint8)
    rows = pixel_rows(images)
    assert rows.shape == (3, 3 * 18 * 18)
    blocks = images.reshape(3, 3, 18, 2, 18, 2).mean(axis=(3, 5)) / 255
    np.testing.assert_allclose(rows, blocks.reshape(3, -1), rtol=1e-5)
    assert pixel_rows(images[:, :1, :28, :28]).shape == (3, 28 * 28)


# ------------------------------------------------------------------------------------- disentanglement


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return np.random.default_rng(0).integers(0, (3, 6, 10), (3000, 3))


def test_a_code_that_is_the_factors_scores_one(factors):
    codes = np.concatenate([factors[:, [2, 0, 1]], np.random.default_rng(1).random((3000, 1))], axis=1)
    assert mutual_information_gap(codes, factors)[0] > 0.97
    found = dci(codes, factors)
    assert min(found.disentanglement, found.completeness, found.informativeness) > 0.95


def test_a_code_that_knows_nothing_scores_zero(factors):
    codes = np.random.default_rng(1).standard_normal((3000, 6))
    assert mutual_information_gap(codes, factors)[0] < 0.01
    found = dci(codes, factors)
    assert max(found.disentanglement, found.completeness, found.informativeness) < 0.1


def test_a_rotated_code_knows_everything_but_mixes_it(factors):
    mixing = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3  # a rotation
    codes = ((factors - factors.mean(0)) / factors.std(0)) @ mixing
    assert mutual_information_gap(codes, factors)[0] < 0.3
    found = dci(codes, factors)
    assert found.informativeness > 0.5
    assert max(found.disentanglement, found.completeness) < 0.6


def test_a_factor_told_by_two_units_has_no_gap(factors):
    gap, of_each = mutual_information_gap(np.concatenate([factors, factors[:, :1]], axis=1), factors)
    assert of_each[0] == pytest.approx(0, abs=1e-9)
    assert of_each[1:] == pytest.approx(1, abs=0.02)
    assert gap == pytest.approx(2 / 3, abs=0.02)

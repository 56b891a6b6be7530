"""Codes from known pixels: against the formula, solved exactly; and what a fitted decoder makes of damage."""

import numpy as np
import pytest
import torch
from torch import Tensor

from train.models import linear_posterior
from train.models.linear_posterior import LEAST, LinearPosterior, chebyshev, patch_components, patches_of


def test_patches_are_those_of_unfold():
    images = torch.rand(3, 2, 12, 12)
    assert torch.equal(patches_of(images, 4), torch.nn.functional.unfold(images, 4, stride=4).mT)


def systems(condition: float) -> tuple[Tensor, Tensor, Tensor]:
    """Four positive matrices [4, 8, 8] with eigenvalues from 1 / condition to 1, right sides and solutions [4, 8]."""
    torch.manual_seed(0)
    turned = torch.linalg.qr(torch.randn(4, 8, 8).double())[0]
    matrices = turned @ torch.diag(torch.logspace(-np.log10(condition), 0, 8).double()) @ turned.mT
    right = torch.randn(4, 8).double()
    return matrices, right, torch.linalg.solve(matrices, right)


def solved(matrices: Tensor, right: Tensor, steps: int) -> Tensor:
    return chebyshev(lambda x: right - torch.einsum("nij,nj->ni", matrices, x), torch.zeros_like(right), steps)


def test_each_row_is_solved_with_its_own_matrix_as_fast_as_promised():
    """Golub & Varga: after k steps the error is at most 2 r^k / (1 + r^2k) of the first, in the norm of the matrix."""
    matrices, right, exact = systems(condition=100)
    rate = (1 - LEAST**0.5) / (1 + LEAST**0.5)

    def norm(x: Tensor) -> Tensor:
        return torch.einsum("ni,nij,nj->n", x, matrices, x).sqrt()

    for steps in (4, 16, 48):
        bound = 2 * rate**steps / (1 + rate ** (2 * steps)) * norm(exact)
        missed = norm(solved(matrices, right, steps) - exact)
        assert (missed <= bound).all() and (missed > 1e-4 * bound).any()


def test_what_few_pixels_know_moves_the_start_part_of_the_way():
    """Eigenvalues far under LEAST: whatever direction, between where it began and the solution."""
    matrices, right, exact = systems(condition=1e6)
    found = solved(matrices, right, 24)
    directions = torch.linalg.eigh(matrices)[1]
    shares = (directions.mT @ found[..., None] / (directions.mT @ exact[..., None])).squeeze(-1)
    assert shares.min() > 0 and shares.max() < 1.02
    assert shares[:, 0].max() < 0.1 and shares[:, -1].min() > 0.98


def model(size: int = 16, channels: int = 2, latent: int = 5) -> LinearPosterior:
    """One whose patches lose nothing of the pictures that it draws."""
    torch.manual_seed(0)
    built = LinearPosterior(channels, (size, size), latent, patch=4, coefficients=6)
    built.components.copy_(torch.linalg.qr(torch.randn(channels * 16, 6))[0].T)
    built.weight.normal_()
    built.bias.normal_()
    built.noise_ratio.uniform_(0.5, 3)
    built.code_logvar.uniform_(-1, 1)
    built.scale()
    return built


def drawn(built: LinearPosterior, codes: Tensor, size: int = 16) -> Tensor:
    patches = built.from_coefficients(built.decode(codes) + built.bias)
    return torch.nn.functional.fold(patches.mT, size, 4, stride=4)


def test_it_is_the_gaussian_conditional_of_the_known_pixels(monkeypatch):
    """With as many steps as it takes."""
    monkeypatch.setattr(linear_posterior, "STEPS", 400)
    built = model()
    image, guess = torch.rand(3, 2, 16, 16), torch.randn(3, 5)
    mask = (torch.rand(3, 1, 16, 16) < 0.4).float()
    columns = (drawn(built, torch.eye(5)) - drawn(built, torch.zeros(1, 5))).flatten(1).T.double()  # W [pixels, D]
    centre = drawn(built, torch.zeros(1, 5)).flatten().double()
    found, _ = built(image, mask, guess)
    for row in range(3):
        seen = mask[row].expand(2, 16, 16).flatten().bool()
        w, mean = columns[seen], guess[row].double()
        # The ratio is in units of the noise, so the noise is 1 and the codes' covariance 1 / ratio.
        covariance = torch.diag(1 / built.noise_ratio.double())
        gain = covariance @ w.T @ torch.linalg.inv(w @ covariance @ w.T + torch.eye(int(seen.sum())))
        exact = mean + gain @ (image[row].flatten().double()[seen] - centre[seen] - w @ mean)
        torch.testing.assert_close(found[row].double(), exact, atol=1e-4, rtol=1e-4)


def test_what_is_hidden_does_not_count_and_without_pixels_the_guess_stands():
    built, guess = model(), torch.randn(2, 5)
    image, mask = torch.rand(2, 2, 16, 16), torch.ones(2, 1, 16, 16)
    mask[..., :9] = 0
    torch.testing.assert_close(built(image, mask, guess), built(image * mask, mask, guess))
    mean, logvar = built(image, torch.zeros_like(mask), guess)
    assert torch.equal(mean, guess)
    torch.testing.assert_close(logvar, built.code_logvar.expand(2, 5))


def test_the_variance_is_that_of_each_code_alone_given_a_share_of_the_pixels():
    built = model()
    mask = torch.zeros(3, 1, 16, 16)
    mask[1, :, :4], mask[2] = 1, 1
    _, logvar = built(torch.rand(3, 2, 16, 16), mask, torch.zeros(3, 5))
    power = built.weight.square().sum(dim=0)
    noise = built.noise_ratio * built.code_logvar.exp()
    for row, share in enumerate((0, 0.25, 1)):
        expected = 1 / (1 / built.code_logvar.exp() + share * power / noise)
        torch.testing.assert_close(logvar[row].exp(), expected)


def test_the_error_is_that_of_the_pictures():
    built, (one, other) = model(), torch.randn(2, 4, 5)
    expected = (drawn(built, one) - drawn(built, other)).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(built.squared_error(one, other), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_fitted_decoder_tells_codes_of_damaged_pictures(channels: int):
    """Codes are known here, so what a hole costs is too."""
    rng, size, rank = np.random.default_rng(0), 16, 6
    waves = torch.from_numpy(rng.normal(0, 0.08, (rank, channels, 4, 4))).float()
    waves = torch.nn.functional.interpolate(waves, size, mode="bicubic")
    scales = torch.tensor([0.3, 0.5, 1, 1, 2, 3])
    codes = torch.from_numpy(rng.normal(0, 1, (600, rank))).float() * scales
    pictures = 0.5 + torch.einsum("nr,rchw->nchw", codes / scales, waves)
    pictures += 0.01 * torch.randn(600, channels, size, size)
    built = LinearPosterior(channels, (size, size), rank, patch=4, coefficients=8)
    built.fit(codes[:500], pictures[:500], noise=1e-4)
    torch.testing.assert_close(built.components @ built.components.T, torch.eye(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(built.noise_ratio, 1e-4 / codes[:500].var(dim=0))
    torch.testing.assert_close(built.code_logvar.exp(), codes[:500].var(dim=0))
    mask, nothing = torch.ones(100, 1, size, size), torch.zeros(100, rank)
    whole = built(pictures[500:], mask, nothing)[0] - codes[500:]
    mask[..., 4:12, 4:12] = 0
    damaged = built(pictures[500:], mask, nothing)[0] - codes[500:]
    assert (whole.abs().mean(dim=0) < 0.05 * scales).all()
    assert (damaged.abs().mean(dim=0) < 0.15 * scales).all()


def test_pictures_that_are_all_alike_are_no_trouble():
    built = LinearPosterior(1, (16, 16), 3, patch=4, coefficients=4)
    picture = torch.full((20, 1, 16, 16), 0.25)
    built.fit(torch.randn(20, 3), picture, noise=0.0)
    mean, logvar = built(picture, torch.ones_like(picture), torch.ones(20, 3))
    torch.testing.assert_close(mean, torch.ones(20, 3), atol=1e-3, rtol=0)
    assert logvar.isfinite().all()


def test_the_basis_of_patches_holds_most_of_them():
    patches = torch.rand(50, 4, 12)
    components, rows = patch_components(patches, 5), patches.reshape(-1, 12)
    singular = torch.linalg.svdvals(rows.double())
    kept = (rows @ components.T).double().square().sum()
    torch.testing.assert_close(kept, singular[:5].square().sum(), rtol=1e-4, atol=0)

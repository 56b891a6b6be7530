"""Losses against torch.distributions, against their formulas and against finite differences."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal, kl_divergence

from train.losses import (
    ADVERSARIAL,
    bernoulli_nll,
    gradient_penalty,
    kl_to_normal,
    optimal_sigma_nll,
    unit_sigma_nll,
)

REAL, FAKE = torch.tensor([[1.3], [-0.4], [2.0]]), torch.tensor([[-0.7], [0.9], [0.1]])


def gaussian_nll(image: Tensor, decoded: Tensor, sigma: float | Tensor) -> Tensor:
    """-log N(image; decoded, sigma² I) in nats, summed over pixels, averaged over the batch.

    image, decoded [N, C, H, W] in [0, 1]; sigma in the same unit.
    """
    dimensions = image[0].numel()
    sigma = torch.as_tensor(sigma, dtype=image.dtype, device=image.device)
    squared = (image - decoded).square().sum() / len(image)
    return 0.5 * squared / sigma**2 + dimensions * (sigma.log() + 0.5 * math.log(2 * math.pi))


def test_kl_is_that_of_torch_distributions():
    mean, logvar = torch.randn(5, 7), torch.randn(5, 7)
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_normal(mean, logvar), expected)


def test_gaussian_nll_is_that_of_torch_distributions():
    image, decoded = torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6)
    expected = -Normal(decoded, 0.13).log_prob(image).sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(gaussian_nll(image, decoded, 0.13), expected)


def test_optimal_sigma_is_the_minimum_over_sigma():
    image, decoded = torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6)
    best = (image - decoded).square().mean().sqrt()
    at_best = gaussian_nll(image, decoded, best)
    assert at_best < gaussian_nll(image, decoded, best * 1.01)
    assert at_best < gaussian_nll(image, decoded, best * 0.99)
    # Equal up to the constant D/2 (1 + log 2 pi).
    constant = 0.5 * 36 * (1 + math.log(2 * math.pi))
    torch.testing.assert_close(optimal_sigma_nll(image, decoded) + constant, at_best, rtol=1e-4, atol=1e-3)


def test_optimal_sigma_has_the_gradient_of_a_detached_sigma():
    image, decoded = torch.rand(4, 1, 6, 6), torch.rand(4, 1, 6, 6, requires_grad=True)
    (ours,) = torch.autograd.grad(optimal_sigma_nll(image, decoded), decoded)
    sigma = (image - decoded).square().mean().sqrt().detach()
    (theirs,) = torch.autograd.grad(gaussian_nll(image, decoded, sigma), decoded)
    # gaussian_nll averages over the batch what optimal_sigma_nll keeps in one mean.
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "critic", "generator"),
    [
        ("rpgan", lambda r, f: -torch.log(torch.sigmoid(r - f)), lambda r, f: -torch.log(torch.sigmoid(f - r))),
        (
            "non-saturating",
            lambda r, f: -torch.log(torch.sigmoid(r)) - torch.log(1 - torch.sigmoid(f)),
            lambda r, f: -torch.log(torch.sigmoid(f)),
        ),
        (
            "minimax",
            lambda r, f: -torch.log(torch.sigmoid(r)) - torch.log(1 - torch.sigmoid(f)),
            lambda r, f: torch.log(1 - torch.sigmoid(f)),
        ),
        ("hinge", lambda r, f: (1 - r).clamp(min=0) + (1 + f).clamp(min=0), lambda r, f: -f),
        ("lsgan", lambda r, f: 0.5 * (r - 1) ** 2 + 0.5 * f**2, lambda r, f: 0.5 * (f - 1) ** 2),
        ("linear", lambda r, f: f - r, lambda r, f: -f),
    ],
)
def test_adversarial_losses_are_their_formulas(name, critic, generator):
    torch.testing.assert_close(ADVERSARIAL[name].critic(REAL, FAKE), critic(REAL, FAKE).mean())
    torch.testing.assert_close(ADVERSARIAL[name].generator(REAL, FAKE), generator(REAL, FAKE).mean())


def test_minimax_is_the_value_function_that_both_play():
    """The generator minimises just what the critic maximises, up to the term it has no part in."""
    fake = FAKE.clone().requires_grad_()
    (ours,) = torch.autograd.grad(ADVERSARIAL["minimax"].generator(REAL, fake), fake)
    (theirs,) = torch.autograd.grad(-ADVERSARIAL["minimax"].critic(REAL, fake), fake)
    torch.testing.assert_close(ours, theirs)


def test_every_loss_survives_extreme_scores():
    for loss in ADVERSARIAL.values():
        for value in (1e4, -1e4):
            scores = torch.full((2, 1), value)
            assert torch.isfinite(loss.critic(scores, -scores))
            assert torch.isfinite(loss.generator(scores, -scores))


def test_gradient_penalty_is_the_squared_slope():
    """For D(x) = |x|^2 the penalty is mean 4 |x|^2."""
    images = torch.rand(3, 1, 4, 4, dtype=torch.double, requires_grad=True)
    score = images.square().sum(dim=(1, 2, 3))[:, None]
    expected = 4 * images.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(gradient_penalty(score, images).double(), expected, rtol=1e-5, atol=1e-6)


def test_gradient_penalty_differentiates_once_more():
    """d penalty / d weight against central differences."""
    torch.manual_seed(0)
    images = torch.rand(2, 1, 3, 3)
    layer = torch.nn.Linear(9, 4)

    def penalty() -> torch.Tensor:
        x = images.clone().requires_grad_()
        return gradient_penalty(torch.tanh(layer(x.flatten(1))).sum(dim=1, keepdim=True), x)

    penalty().backward()
    step = 1e-2
    with torch.no_grad():
        layer.weight[1, 2] += step
    high = penalty().item()
    with torch.no_grad():
        layer.weight[1, 2] -= 2 * step
    assert (high - penalty().item()) / (2 * step) == pytest.approx(layer.weight.grad[1, 2].item(), rel=0.02)


def test_squared_error_is_the_gaussian_of_sigma_one_up_to_its_constant():
    image, decoded = torch.rand(4, 3, 6, 6), torch.rand(4, 3, 6, 6)
    expected = -Normal(decoded, 1.0).log_prob(image).sum(dim=(1, 2, 3)).mean()
    constant = 0.5 * 108 * math.log(2 * math.pi)
    torch.testing.assert_close(unit_sigma_nll(image, decoded) + constant, expected)


def test_bernoulli_nll_is_that_of_torch_distributions():
    image, decoded = torch.bernoulli(torch.full((4, 1, 6, 6), 0.4)), torch.rand(4, 1, 6, 6)
    expected = -Bernoulli(decoded).log_prob(image).sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(bernoulli_nll(image, decoded), expected)


def test_greys_are_best_explained_by_their_own_probability():
    image = torch.rand(4, 1, 6, 6)
    for other in (image * 0.98, image * 0.98 + 0.02):
        assert bernoulli_nll(image, image) < bernoulli_nll(image, other)


def test_bernoulli_nll_is_safe_at_probabilities_of_zero_and_one():
    image = torch.tensor([0.0, 1.0, 0.0, 1.0]).view(1, 1, 2, 2)
    right = bernoulli_nll(image, image)
    assert 0 <= right < 1e-4
    wrong = (1 - image).requires_grad_()
    loss = bernoulli_nll(image, wrong)
    loss.backward()
    assert loss.item() == pytest.approx(4 * -math.log(1e-6), rel=0.01) and wrong.grad.isfinite().all()
    assert bernoulli_nll(image, torch.rand(1, 1, 2, 2).bfloat16()).dtype == torch.float32

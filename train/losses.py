"""Loss functions: pure, each with its paper. Scores are [N, 1] (or [N]); results are scalars, to be minimised.

Adversarial losses share one signature: `critic(real, fake)` and `generator(real, fake)`, of scores.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class AdversarialLoss:
    """The losses of critic and generator. `paired`: the generator's loss needs the scores of real pictures too."""

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False


def logistic_loss(difference: Tensor) -> Tensor:
    """mean log(1 + exp(-difference)): the logistic loss of a margin."""
    return F.softplus(-difference).mean()


ADVERSARIAL: dict[str, AdversarialLoss] = {
    # Relativistic pairing, softplus(-(D(x) - D(G(z)))): Jolicoeur-Martineau 2018; R3GAN, arXiv 2501.05441.
    "rpgan": AdversarialLoss(
        lambda real, fake: logistic_loss(real - fake), lambda real, fake: logistic_loss(fake - real), paired=True
    ),
    # -log D(x) - log(1 - D(G(z))) against -log D(G(z)): Goodfellow et al. 2014, arXiv 1406.2661, section 3.
    "non-saturating": AdversarialLoss(
        lambda real, fake: logistic_loss(real) + logistic_loss(-fake), lambda real, fake: logistic_loss(fake)
    ),
    # The same value function V(D, G), which the generator minimises as it stands.
    "minimax": AdversarialLoss(
        lambda real, fake: logistic_loss(real) + logistic_loss(-fake), lambda real, fake: -logistic_loss(-fake)
    ),
    # max(0, 1 - D(x)) + max(0, 1 + D(G(z))): Lim & Ye 2017, arXiv 1705.02894.
    "hinge": AdversarialLoss(
        lambda real, fake: F.relu(1 - real).mean() + F.relu(1 + fake).mean(), lambda real, fake: -fake.mean()
    ),
    # 1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2: Mao et al. 2017, arXiv 1611.04076.
    "lsgan": AdversarialLoss(
        lambda real, fake: 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean(),
        lambda real, fake: 0.5 * (fake - 1).square().mean(),
    ),
    # D(G(z)) - D(x), as in WGAN (Arjovsky et al. 2017, arXiv 1701.07875), but without its clipping: R1 and R2 bound the
    # slope of the critic (zero-centred penalties: Mescheder et al. 2018, arXiv 1801.04406).
    "linear": AdversarialLoss(
        lambda real, fake: fake.mean() - real.mean(), lambda real, fake: -fake.mean()
    ),
}  # fmt: skip


def gradient_penalty(score: Tensor, images: Tensor) -> Tensor:
    """Mean over the batch of |d score / d image|², a scalar that can be differentiated again.

    R1 on real images, R2 on generated ones (Mescheder et al. 2018, arXiv 1801.04406). score [N, 1]: computed from
    images [N, C, H, W] that require gradients.
    """
    (gradient,) = torch.autograd.grad(score.sum(), images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def kl_to_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """mean, logvar [N, D] -> KL(N(mean, exp(logvar)) || N(0, 1)) of each dimension in nats, [N, D] (Kingma & Welling
    2014, arXiv 1312.6114, appendix B)."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


def optimal_sigma_nll(image: Tensor, decoded: Tensor) -> Tensor:
    """D/2 log MSE for pictures of D numbers: -log N(image; decoded, sigma² I) at its best sigma, without constants
    (Rybkin et al. 2021, arXiv 2006.13202)."""
    return 0.5 * image[0].numel() * torch.log((image - decoded).square().mean() + 1e-6)


def unit_sigma_nll(image: Tensor, decoded: Tensor) -> Tensor:
    """Half the squared error, summed over pixels, averaged over the batch: -log N(image; decoded, I) without
    constants."""
    return 0.5 * (image - decoded).square().sum() / len(image)


def bernoulli_nll(image: Tensor, decoded: Tensor) -> Tensor:
    """-log Bernoulli(image; decoded) in nats, summed over pixels, averaged over the batch.

    image [N, C, H, W] in [0, 1], where a grey counts in part as white; decoded [N, C, H, W]: probabilities of white,
    kept 1e-6 away from 0 and 1, so that one pixel costs at most 13.8 nats.
    """
    decoded = decoded.float().clamp(1e-6, 1 - 1e-6)
    return -(image * decoded.log() + (1 - image) * torch.log1p(-decoded)).sum() / len(image)

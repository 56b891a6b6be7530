"""A VAE that begins as the principal components of the training pictures: body `principal`.

Convolutions alone take long to find the hundreds of small directions that a sharp reconstruction needs; a linear
encoder and decoder have them at once (Tipping & Bishop 1999, "Probabilistic principal component analysis"). So each
network is the sum of two paths: a linear one through patches, which train/stages/principal_components.py fits to the
pictures before the first step, and a residual one, which adds nothing at first and learns what is not linear. Both are
trained together.
"""

import itertools
import math

import torch
from torch import Tensor, nn

from train.models.convolutional import Decoder, Encoder
from train.models.layers import LEAK, Sides, halved_map, he
from train.models.linear_posterior import LinearPosterior, patches_of
from train.models.residual import FixupBlock

PATCH = 8  # largest side of a patch, in pixels
NUMBERS_PER_COEFFICIENT = 4  # a patch has a quarter as many coefficients as numbers
OUTSIDE = 0.1  # slope of a picture beyond black and white while training, so that it can come back


def patch_of(channels: int, sides: Sides) -> tuple[int, int]:
    """(side of a patch, coefficients of a patch) as LinearPosterior takes them. The side is the largest power of two,
    up to PATCH, that divides both sides of the picture."""
    side = math.gcd(*sides, PATCH)
    return side, max(channels * side * side // NUMBERS_PER_COEFFICIENT, channels)


class LinearEncoder(nn.Module):
    """Picture -> code, linear: each patch to its coefficients, then those of all patches to a code."""

    def __init__(self, channels: int, sides: Sides, latent_dim: int):
        super().__init__()
        side, coefficients = patch_of(channels, sides)
        self.patches = nn.Conv2d(channels, coefficients, side, stride=side, bias=False)
        self.code = nn.Linear(coefficients * (sides[0] // side) * (sides[1] // side), latent_dim)

    def forward(self, image: Tensor) -> Tensor:
        """image [N, C, H, W] -> [N, D]."""
        return self.code(self.patches(image).flatten(1))


class LinearDecoder(nn.Module):
    """Code -> picture, linear: the coefficients of all patches, then each patch."""

    def __init__(self, channels: int, sides: Sides, latent_dim: int):
        super().__init__()
        side, coefficients = patch_of(channels, sides)
        self.grid = (coefficients, sides[0] // side, sides[1] // side)
        self.coefficients = nn.Linear(latent_dim, math.prod(self.grid))
        self.patches = nn.ConvTranspose2d(coefficients, channels, side, stride=side, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        """z [N, D] -> [N, C, H, W]."""
        return self.patches(self.coefficients(z).reshape(-1, *self.grid))


def fixup_trunk(channels: int, sides: Sides, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """A halving and a block per resolution, then one hidden layer: [N, C, H, W] -> [N, hidden]. No normalisation."""
    height, width = halved_map(sides, widths)
    layers: list[nn.Module] = []
    for a, b in zip((channels, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1), gain=1.0), FixupBlock(b, len(widths))]
    return nn.Sequential(*layers, nn.Flatten(), he(nn.Linear(widths[-1] * height * width, hidden)), nn.LeakyReLU(LEAK))


def fixup_body(widths: tuple[int, ...]) -> nn.Sequential:
    """A block per resolution, pixel shuffles between: [N, widths[0], h, w] -> [N, widths[-1], H, W]."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [FixupBlock(a, len(widths)), he(nn.Conv2d(a, 4 * b, 3, padding=1), gain=1.0), nn.PixelShuffle(2)]
    return nn.Sequential(*layers, FixupBlock(widths[-1], len(widths)), nn.LeakyReLU(LEAK))


class PrincipalEncoder(Encoder):
    """Picture -> diagonal Gaussian over codes: a linear mean plus a learned correction."""

    make_trunk = staticmethod(fixup_trunk)

    def __init__(self, channels: int, sides: Sides, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__(channels, sides, latent_dim, widths, hidden)
        self.linear = LinearEncoder(channels, sides, latent_dim)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> mean [N, D], logvar [N, D] in [-10, 10]."""
        mean, logvar = super().forward(image)
        return mean + self.linear(image), logvar


class PrincipalDecoder(Decoder):
    """Code -> picture: a linear one plus a learned correction, clipped at black and white."""

    make_body = staticmethod(fixup_body)

    def __init__(self, channels: int, sides: Sides, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__(channels, sides, latent_dim, widths, hidden)
        self.linear = LinearDecoder(channels, sides, latent_dim)

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before it is clipped, [N, C, H, W]."""
        return super().logits(z) + self.linear(z)

    def picture(self, logits: Tensor) -> Tensor:
        """logits [N, C, H, W] -> image in [0, 1]; while training a tenth of what lies outside is kept."""
        inside = logits.clamp(0, 1)
        return inside + OUTSIDE * (logits - inside) if self.training else inside


class PrincipalRepairer(nn.Module):
    """Damaged picture -> Gaussian over the codes of the whole one: one hidden layer guesses them, and the posterior of
    a linear decoder corrects the guess wherever the known pixels contradict it."""

    def __init__(self, channels: int, sides: Sides, latent_dim: int, hidden: int = 256):
        super().__init__()
        self.posterior = LinearPosterior(channels, sides, latent_dim, *patch_of(channels, sides))
        patches, coefficients = self.posterior.grid
        self.trunk = nn.Sequential(he(nn.Linear((coefficients + 1) * patches, hidden)), nn.LeakyReLU(LEAK))
        self.head = he(nn.Linear(hidden, latent_dim), gain=1.0)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1], mask [N, 1, H, W] (1 = known) -> mean [N, D], logvar [N, D] in [-10, 10]."""
        side = self.posterior.patch
        known_part = self.posterior.coefficients(patches_of(image * mask, side))
        known_share = nn.functional.avg_pool2d(mask, side).flatten(1)
        guess = self.head(self.trunk(torch.cat([known_part, known_share], dim=1)))
        return self.posterior(image, mask, guess)

"""Residual networks. Conventions as in train/models/bases.py; the GAN's follow the ideas of R3GAN (Huang et al.
2024, arXiv 2501.05441): no normalisation in the critic, plain 3 x 3 convolutions, and blocks that start as the identity
because their last convolution is zero (Fixup: Zhang et al. 2019, arXiv 1901.09321).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.bases import GeneratorBase, SynthesisBase
from train.models.convolutional import Critic, Decoder, Encoder, Mapping, ModulatedConv
from train.models.layers import LEAK, Sides, halved_map, he, smallest_map, style_scale, zeroed

BLOCKS = 2  # residual blocks per resolution, in generator and critic
GROUPS = 8  # of the group normalisation, at most


# ------------------------------------------------------------------------------------------------ GAN


class ResidualGenerator(GeneratorBase):
    """Noise and class -> picture."""

    def __init__(self, channels: int, sides: Sides, classes: int, latent_dim: int, w_dim: int, widths: tuple[int, ...]):
        super().__init__(
            mapping=Mapping(latent_dim, w_dim, len(widths), classes),
            synthesis=ResidualSynthesis(channels, sides, widths, w_dim),
        )


class ResidualSynthesis(SynthesisBase):
    """Styles -> picture: a learned constant, and `BLOCKS` styled blocks per resolution."""

    def __init__(self, channels: int, sides: Sides, widths: tuple[int, ...], w_dim: int):
        super().__init__()
        self.stages, self.w_dim = len(widths), w_dim
        self.constant = nn.Parameter(torch.randn(1, widths[0], *smallest_map(sides, widths)))
        self.up = nn.ModuleList(ModulatedConv(a, 4 * b, w_dim) for a, b in itertools.pairwise(widths))
        self.blocks = nn.ModuleList(StyledBlock(c, w_dim) for c in widths for _ in range(BLOCKS))
        self.to_image = he(nn.Conv2d(widths[-1], channels, 3, padding=1), gain=1.0)

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        for i, block in enumerate(self.blocks):
            stage = i // BLOCKS
            if stage and i % BLOCKS == 0:
                x = F.pixel_shuffle(self.up[stage - 1](x, w[:, stage]), 2)
            x = block(x, w[:, stage])
        return self.to_image(x)


class StyledBlock(nn.Module):
    """x + two styled convolutions. The last one starts at zero, so its output is not renormalised."""

    def __init__(self, width: int, w_dim: int):
        super().__init__()
        self.first = ModulatedConv(width, width, w_dim)
        self.style = style_scale(w_dim, width)
        self.last = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, width, H, W], w [N, w_dim] -> the shape of x."""
        h = F.leaky_relu(self.first(x, w), LEAK) * math.sqrt(2)
        return x + self.last(h * self.style(w)[:, :, None, None])


class FixupBlock(nn.Module):
    """x + two convolutions, of which the first is scaled by 1 / sqrt(blocks in all) and the last starts at zero."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        gain = math.sqrt(2 / (1 + LEAK**2) / blocks)
        self.first = he(nn.Conv2d(width, width, 3, padding=1), gain)
        self.last = zeroed(nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x [N, width, H, W] -> the same shape."""
        return x + self.last(F.leaky_relu(self.first(x), LEAK))


def residual_critic_body(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    """`BLOCKS` blocks per resolution from the picture down: [N, C, H, W] -> [N, widths[0], h, w]."""
    total = BLOCKS * len(widths)
    layers: list[nn.Module] = [he(nn.Conv2d(channels, widths[-1], 3, padding=1), gain=1.0)]
    for stage in reversed(range(len(widths))):
        layers += [FixupBlock(widths[stage], total) for _ in range(BLOCKS)]
        if stage:
            layers += [he(nn.Conv2d(widths[stage], widths[stage - 1], 4, stride=2, padding=1), gain=1.0)]
    return nn.Sequential(*layers)


class ResidualCritic(Critic):
    """Picture and class -> score."""

    make_body = staticmethod(residual_critic_body)


# ------------------------------------------------------------------------------------------------ VAE


def group_norm(width: int) -> nn.GroupNorm:
    """Group normalisation of maps [N, width, H, W], with at most `GROUPS` groups."""
    return nn.GroupNorm(math.gcd(GROUPS, width), width)


class GroupBlock(nn.Module):
    """x + two convolutions, each after group normalisation and SiLU."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            group_norm(width), nn.SiLU(), he(nn.Conv2d(width, width, 3, padding=1)),
            group_norm(width), nn.SiLU(), zeroed(nn.Conv2d(width, width, 3, padding=1)),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """x [N, width, H, W] -> the same shape."""
        return x + self.body(x)


def residual_trunk(channels: int, sides: Sides, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """A halving and a block per resolution, then one hidden layer: [N, C, H, W] -> [N, hidden]."""
    height, width = halved_map(sides, widths)
    layers: list[nn.Module] = []
    for a, b in zip((channels, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1), gain=1.0), GroupBlock(b)]
    layers += [group_norm(widths[-1]), nn.SiLU(), nn.Flatten()]
    return nn.Sequential(*layers, he(nn.Linear(widths[-1] * height * width, hidden)), nn.SiLU())


def residual_shuffled_body(widths: tuple[int, ...]) -> nn.Sequential:
    """A block per resolution, pixel shuffles between: [N, widths[0], h, w] -> [N, widths[-1], H, W]."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        layers += [GroupBlock(a), he(nn.Conv2d(a, 4 * b, 3, padding=1), gain=1.0), nn.PixelShuffle(2)]
    return nn.Sequential(*layers, GroupBlock(widths[-1]), group_norm(widths[-1]), nn.SiLU())


class ResidualEncoder(Encoder):
    """Picture -> diagonal Gaussian over codes."""

    make_trunk = staticmethod(residual_trunk)


class ResidualDecoder(Decoder):
    """Code -> picture."""

    make_body = staticmethod(residual_shuffled_body)

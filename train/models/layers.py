"""What all networks are built with: the resolutions of a picture, and how layers begin."""

import math
from typing import TypeVar

from torch import nn

LEAK = 0.2
"""Negative slope of every leaky ReLU."""

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def resolutions(size: int) -> list[int]:
    """Sides of the feature maps from the smallest to `size`, which is halved while it stays even and at least 4:
    32 -> [4, 8, 16, 32], 28 -> [7, 14, 28], 100 -> [25, 50, 100].

    Raises ValueError for sizes that are not 4 to 25 times a power of two (their smallest map would be too large).
    """
    sides = [size]
    while sides[0] % 2 == 0 and sides[0] // 2 >= 4:
        sides.insert(0, sides[0] // 2)
    if not 4 <= sides[0] <= 25:
        raise ValueError(f"{size} is not 4 to 25 times a power of two")
    return sides


def smallest_side(size: int, widths: tuple[int, ...]) -> int:
    """Side of the smallest feature map of a network with one of `widths` per resolution.

    Raises ValueError when there are more or fewer resolutions than widths.
    """
    sides = resolutions(size)
    if len(widths) != len(sides):
        raise ValueError(f"{size} px has {len(sides)} resolutions, but {len(widths)} widths were given")
    return sides[0]


def halved_side(size: int, widths: tuple[int, ...]) -> int:
    """Side of the smallest feature map of a network that halves `size` once per width.

    Raises ValueError when there are more or fewer halvings than widths.
    """
    sides = resolutions(size)
    if len(widths) != len(sides) - 1:
        raise ValueError(f"{size} px has {len(sides) - 1} halvings, but {len(widths)} widths were given")
    return sides[0]


def he(layer: Layer, gain: float = math.sqrt(2 / (1 + LEAK**2))) -> Layer:
    """The layer with He initialisation for leaky ReLU (He et al. 2015, arXiv 1502.01852) and zero bias."""
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def zeroed(layer: Layer) -> Layer:
    """The layer with zero weights and bias: it adds nothing until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def style_scale(w_dim: int, channels: int) -> nn.Linear:
    """A style w [N, w_dim] -> a factor for each channel, [N, channels], around 1."""
    layer = he(nn.Linear(w_dim, channels), gain=1.0)
    nn.init.ones_(layer.get_parameter("bias"))
    return layer

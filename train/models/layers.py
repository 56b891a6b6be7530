"""What all networks are built with: the resolutions of a picture, and how layers begin."""

import math
from typing import TypeVar

from torch import nn

LEAK = 0.2
"""Negative slope of every leaky ReLU."""

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)

Sides = tuple[int, int]
"""Height and width of a picture or a feature map, in pixels."""


def resolutions(sides: Sides) -> list[Sides]:
    """(height, width) of the feature maps from the smallest to `sides`; both are halved while they stay even and at
    least 4: (32, 32) -> [(4, 4), (8, 8), (16, 16), (32, 32)], (64, 96) -> [(4, 6), (8, 12), …, (64, 96)].

    Raises ValueError unless each side is 4 to 25 times the same power of two (the smallest map would be too large).
    """
    maps = [sides]
    while all(side % 2 == 0 and side // 2 >= 4 for side in maps[0]):
        maps.insert(0, (maps[0][0] // 2, maps[0][1] // 2))
    if not all(4 <= side <= 25 for side in maps[0]):
        raise ValueError(f"the sides of {sides[1]}x{sides[0]} are not 4 to 25 times the same power of two")
    return maps


def smallest_map(sides: Sides, widths: tuple[int, ...]) -> Sides:
    """(height, width) of the smallest feature map of a network with one of `widths` per resolution.

    Raises ValueError when there are more or fewer resolutions than widths.
    """
    maps = resolutions(sides)
    if len(widths) != len(maps):
        raise ValueError(f"{sides[1]}x{sides[0]} px has {len(maps)} resolutions, but {len(widths)} widths were given")
    return maps[0]


def halved_map(sides: Sides, widths: tuple[int, ...]) -> Sides:
    """(height, width) of the smallest feature map of a network that halves `sides` once per width.

    Raises ValueError when there are more or fewer halvings than widths.
    """
    maps = resolutions(sides)
    if len(widths) != len(maps) - 1:
        raise ValueError(f"{sides[1]}x{sides[0]} px has {len(maps) - 1} halvings, but {len(widths)} widths were given")
    return maps[0]


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


def halving_widths(stages: int, width: int, least: int = 16) -> tuple[int, ...]:
    """Channels of each resolution, smallest resolution first: width, width / 2, …, never under `least`."""
    return tuple(max(width >> i, least) for i in range(stages))

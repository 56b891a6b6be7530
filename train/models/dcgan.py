"""DCGAN (Radford et al. 2016, arXiv 1511.06434): the plain GAN with which the figures of released GANs are compared.

Batch norm, transposed convolutions, N(0, 0.02) weights, no classes. `python -m benchmarks.dcgan` trains it.
"""

import itertools

from torch import nn

from train.models.layers import Sides, resolutions

# Channels by how often the side is doubled: of the generator from the smallest map up, of the critic from the largest
# down. At 28, 32, 64 and 128 pixels a side it has as many parameters as a GAN of the `cpu` preset.
WIDTHS = {
    2: ((140, 80), (122, 176)),
    3: ((188, 108, 64), (48, 104, 176)),
    4: ((184, 110, 64, 32), (24, 48, 100, 172)),
    5: ((184, 110, 64, 32, 16), (16, 24, 48, 100, 172)),
}
LATENT_DIM = 64


class DcganNetworks(nn.Module):
    """Generator z [N, 64, 1, 1] -> [N, C, H, W] in [-1, 1], and critic [N, C, H, W] -> [N, 1, 1, 1]."""

    def __init__(self, generator: nn.Sequential, critic: nn.Sequential):
        super().__init__()
        self.generator = generator
        self.critic = critic


def build(channels: int, sides: Sides) -> DcganNetworks:
    """The untrained networks for pictures of sides (height, width). Raises ValueError for sizes that are halved fewer
    than twice or more than five times."""
    maps = resolutions(sides)
    if len(maps) - 1 not in WIDTHS:
        raise ValueError(f"the control draws no pictures of {sides[1]}x{sides[0]}")
    up, down = WIDTHS[len(maps) - 1]
    generator: list[nn.Module] = [
        nn.ConvTranspose2d(LATENT_DIM, up[0], maps[0], bias=False),
        nn.BatchNorm2d(up[0]),
        nn.ReLU(),
    ]
    for a, b in itertools.pairwise(up):
        generator += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    generator += [nn.ConvTranspose2d(up[-1], channels, 4, 2, 1), nn.Tanh()]
    critic: list[nn.Module] = [nn.Conv2d(channels, down[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for a, b in itertools.pairwise(down):
        critic += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    critic += [nn.Conv2d(down[-1], 1, maps[0])]
    for module in (*generator, *critic):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return DcganNetworks(nn.Sequential(*generator), nn.Sequential(*critic))

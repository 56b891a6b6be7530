"""DCGAN (Radford et al. 2016, arXiv 1511.06434): the plain GAN with which the figures of released GANs are compared.

Batch norm, transposed convolutions, N(0, 0.02) weights, no classes. Widths are chosen for as many parameters as
Twofold's generator and critic have in the `cpu` preset. `python -m benchmarks.dcgan` trains it.
"""

import itertools

from torch import nn

# Channels by size of the picture: of the generator from the smallest map up, of the critic from the largest down.
WIDTHS = {
    32: ((188, 108, 64), (48, 104, 176)),
    64: ((184, 110, 64, 32), (24, 48, 100, 172)),
}
LATENT_DIM = 64


class DcganNetworks(nn.Module):
    """Generator z [N, 64, 1, 1] -> [N, C, S, S] in [-1, 1], and critic [N, C, S, S] -> [N, 1, 1, 1]."""

    def __init__(self, generator: nn.Sequential, critic: nn.Sequential):
        super().__init__()
        self.generator = generator
        self.critic = critic


def build(channels: int, size: int) -> DcganNetworks:
    """The untrained networks for pictures of 32 x 32 or 64 x 64."""
    up, down = WIDTHS[size]
    generator: list[nn.Module] = [
        nn.ConvTranspose2d(LATENT_DIM, up[0], 4, bias=False),
        nn.BatchNorm2d(up[0]),
        nn.ReLU(),
    ]
    for a, b in itertools.pairwise(up):
        generator += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
    generator += [nn.ConvTranspose2d(up[-1], channels, 4, 2, 1), nn.Tanh()]
    critic: list[nn.Module] = [nn.Conv2d(channels, down[0], 4, 2, 1), nn.LeakyReLU(0.2)]
    for a, b in itertools.pairwise(down):
        critic += [nn.Conv2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)]
    critic += [nn.Conv2d(down[-1], 1, 4)]
    for module in (*generator, *critic):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return DcganNetworks(nn.Sequential(*generator), nn.Sequential(*critic))

"""The GAN's networks with skips: every resolution adds its own share to one picture, and sees its own copy of it.

The output and input skips of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958, section 4.1). What a finer resolution
adds starts at zero, so training begins with the coarse picture; and networks that take over the weights of a pair for
pictures of half the size begin exactly as good as those (compare Karras et al. 2018, arXiv 1710.10196, where new
resolutions are faded in). Conventions as in train/models/bases.py.
"""

import itertools
import math
import re

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.bases import ConditionalCritic, GeneratorBase, SynthesisBase
from train.models.convolutional import Mapping, ModulatedConv
from train.models.layers import LEAK, Sides, he, smallest_map, zeroed

REFINED = re.compile(r"generator\.synthesis\.refine\.\d+\.conv\.weight")
"""The convolutions of a generator that keep the resolution: one for each."""


class SkipGenerator(GeneratorBase):
    """Noise and class -> picture. `widths`: channels of each resolution, smallest first."""

    def __init__(self, channels: int, sides: Sides, classes: int, latent_dim: int, w_dim: int, widths: tuple[int, ...]):
        super().__init__(
            mapping=Mapping(latent_dim, w_dim, len(widths), classes),
            synthesis=SkipSynthesis(channels, sides, widths, w_dim),
        )


class SkipSynthesis(SynthesisBase):
    """Styles -> picture: a learned constant, then one stage per resolution; the sum of what all of them draw."""

    def __init__(self, channels: int, sides: Sides, widths: tuple[int, ...], w_dim: int):
        super().__init__()
        self.stages, self.w_dim = len(widths), w_dim
        self.constant = nn.Parameter(torch.randn(1, widths[0], *smallest_map(sides, widths)))
        self.up = nn.ModuleList(ModulatedConv(a, 4 * b, w_dim) for a, b in itertools.pairwise(widths))
        self.refine = nn.ModuleList(ModulatedConv(c, c, w_dim) for c in widths)
        coarsest = he(nn.Conv2d(widths[0], channels, 3, padding=1), gain=1.0)
        finer = [zeroed(nn.Conv2d(c, channels, 3, padding=1)) for c in widths[1:]]
        self.to_image = nn.ModuleList([coarsest, *finer])

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        x = self.refined(self.constant.expand(w.shape[0], -1, -1, -1), w, 0)
        picture = self.to_image[0](x)
        for stage in range(1, self.stages):
            x = F.pixel_shuffle(self.up[stage - 1](x, w[:, stage]), 2)
            x = self.refined(F.leaky_relu(x, LEAK) * math.sqrt(2), w, stage)
            picture = doubled(picture) + self.to_image[stage](x)
        return picture

    def refined(self, x: Tensor, w: Tensor, stage: int) -> Tensor:
        """x [N, C, H, W], w [N, L, w_dim] -> the shape of x."""
        return F.leaky_relu(self.refine[stage](x, w[:, stage]), LEAK) * math.sqrt(2)


class SkipCritic(ConditionalCritic):
    """Picture and class -> score. Each resolution sees what the finer one found, and the picture at its own size."""

    def __init__(self, channels: int, sides: Sides, classes: int, widths: tuple[int, ...]):
        super().__init__()
        height, width = smallest_map(sides, widths)
        self.from_image = nn.ModuleList(he(nn.Conv2d(channels, c, 3, padding=1)) for c in widths)
        self.down = nn.ModuleList(HalvingBlock(b, a) for a, b in itertools.pairwise(widths))
        # One filter per channel covers the whole smallest map, as in train/models/convolutional.py.
        self.gather = nn.Parameter(torch.randn(widths[0], height, width) / math.sqrt(height * width))
        self.add_heads(widths[0], classes)

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, H, W] around [-1, 1] -> features [N, widths[0]]."""
        x = self.from_image[-1](signal)
        for from_image, down in zip(reversed(self.from_image[:-1]), reversed(self.down), strict=True):
            signal = halved(signal)
            x = down(F.leaky_relu(x, LEAK)) + from_image(signal)
        return (F.leaky_relu(x, LEAK) * self.gather).sum(dim=(2, 3))


class HalvingBlock(nn.Module):
    """A finer map -> what it adds to the next coarser one: nothing before training."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.halve = he(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1))
        self.refine = zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """x [N, inputs, H, W] -> [N, outputs, H / 2, W / 2]."""
        return self.refine(F.leaky_relu(self.halve(x), LEAK))


def doubled(picture: Tensor) -> Tensor:
    """picture [N, C, H, W] -> [N, C, 2 H, 2 W], bilinear."""
    return F.interpolate(picture, scale_factor=2, mode="bilinear", align_corners=False)


def halved(picture: Tensor) -> Tensor:
    """picture [N, C, H, W] -> [N, C, H / 2, W / 2]: the mean of each 2 x 2 pixels."""
    return F.avg_pool2d(picture, 2)


# ------------------------------------------------------------------- weights of networks without skips


def from_convolutional(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a generator and a critic of train/models/convolutional.py, by name, as those of a pair with skips
    that draws and scores exactly as they do: its skips add nothing."""
    widths = [w.shape[0] for key, w in weights.items() if REFINED.fullmatch(key)]
    finest, channels = len(widths) - 1, weights["generator.synthesis.to_image.bias"].shape[0]
    moved = {
        "generator.synthesis.to_image": f"generator.synthesis.to_image.{finest}",
        "critic.body.0": f"critic.from_image.{finest}",
    }
    for depth in range(finest):  # the critic's layers run from the picture down, four to a resolution
        block = f"critic.down.{finest - 1 - depth}"
        moved |= {f"critic.body.{2 + 4 * depth}": f"{block}.halve", f"critic.body.{4 + 4 * depth}": f"{block}.refine"}
    result = {}
    for key, value in weights.items():
        layer, _, kind = key.rpartition(".")
        result[f"{moved.get(layer, layer)}.{kind}"] = value
    for stage, width in enumerate(widths[:-1]):
        result |= {
            f"generator.synthesis.to_image.{stage}.weight": torch.zeros(channels, width, 3, 3),
            f"generator.synthesis.to_image.{stage}.bias": torch.zeros(channels),
            f"critic.from_image.{stage}.weight": torch.zeros(width, channels, 3, 3),
            f"critic.from_image.{stage}.bias": torch.zeros(width),
        }
    return result

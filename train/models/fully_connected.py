"""Fully connected networks, as in the first articles on GANs and VAEs. Conventions as in train/models/bases.py.

They do not know which pixels are neighbours, so they suit small pictures: MNIST, and lessons.
"""

import math

import torch
from torch import Tensor, nn

from train.models.bases import ConditionalCritic, DecoderBase, GeneratorBase, MappingBase, SynthesisBase
from train.models.convolutional import Encoder
from train.models.layers import LEAK, Sides, he


def dense(inputs: int, *widths: int) -> nn.Sequential:
    """Linear layers of these widths, a leaky ReLU after each: [N, inputs] -> [N, widths[-1]]."""
    layers: list[nn.Module] = []
    for a, b in zip((inputs, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Linear(a, b)), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class Concatenation(MappingBase):
    """The mapping of a fully connected generator, which has nothing to learn: w is the noise, then the class."""

    def __init__(self, latent_dim: int):
        super().__init__()
        self.latent_dim = latent_dim

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] or None -> w [N, 1, D + K]."""
        return (z if classes is None else torch.cat([z, classes], dim=1)).unsqueeze(1)


class DenseSynthesis(SynthesisBase):
    """Noise and class -> picture, by three hidden layers of `width`, twice and four times that."""

    def __init__(self, channels: int, sides: Sides, w_dim: int, width: int):
        super().__init__()
        self.stages, self.w_dim = 1, w_dim
        self.shape = (channels, *sides)
        self.hidden = dense(w_dim, width, 2 * width, 4 * width)
        self.to_image = he(nn.Linear(4 * width, math.prod(self.shape)), gain=1.0)

    def signal(self, w: Tensor) -> Tensor:
        """w [N, 1, w_dim] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        return self.to_image(self.hidden(w[:, 0])).reshape(-1, *self.shape)


class DenseGenerator(GeneratorBase):
    """Noise and class -> picture (Goodfellow et al. 2014, arXiv 1406.2661, with leaky ReLU)."""

    def __init__(self, channels: int, sides: Sides, classes: int, latent_dim: int, width: int):
        super().__init__(
            mapping=Concatenation(latent_dim), synthesis=DenseSynthesis(channels, sides, latent_dim + classes, width)
        )


class DenseCritic(ConditionalCritic):
    """Picture and class -> score, by three hidden layers of four times, twice and once `width`."""

    def __init__(self, channels: int, sides: Sides, classes: int, width: int):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), dense(channels * math.prod(sides), 4 * width, 2 * width, width))
        self.add_heads(width, classes)

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, H, W] around [-1, 1] -> features [N, width]."""
        return self.body(signal)


def dense_trunk(channels: int, sides: Sides, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """Hidden layers of `widths`, then one of `hidden`: [N, C, H, W] -> [N, hidden]."""
    return nn.Sequential(nn.Flatten(), dense(channels * math.prod(sides), *widths, hidden))


class DenseEncoder(Encoder):
    """Picture -> diagonal Gaussian over codes; `widths` are the hidden layers before the one of width `hidden`."""

    make_trunk = staticmethod(dense_trunk)


class DenseDecoder(DecoderBase):
    """Code -> picture, by two hidden layers; works down to a code of one number."""

    def __init__(self, channels: int, sides: Sides, latent_dim: int, width: int):
        super().__init__()
        self.latent_dim = latent_dim
        self.shape = (channels, *sides)
        self.hidden = dense(latent_dim, width, width)
        self.to_image = he(nn.Linear(width, math.prod(self.shape)), gain=1.0)

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before the sigmoid, [N, C, H, W]."""
        return self.to_image(self.hidden(z)).reshape(-1, *self.shape)

"""The convolutional networks: generator, critic, encoder, decoder, mask encoders.

Fully connected and residual ones: train/models/fully_connected.py, train/models/residual.py. What they have in common,
and the conventions of their inputs and outputs: train/models/bases.py. Up-sampling is convolution + pixel shuffle (Shi
et al. 2016, arXiv 1609.05158).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.models.bases import ConditionalCritic, DecoderBase, GeneratorBase, MappingBase, SynthesisBase
from train.models.layers import LEAK, Sides, halved_map, he, smallest_map, style_scale

# ------------------------------------------------------------------------------------------ generator


class Generator(GeneratorBase):
    """Noise and class -> picture. `widths`: channels of each resolution, smallest first."""

    def __init__(self, channels: int, sides: Sides, classes: int, latent_dim: int, w_dim: int, widths: tuple[int, ...]):
        super().__init__(
            mapping=Mapping(latent_dim, w_dim, len(widths), classes),
            synthesis=Synthesis(channels, sides, widths, w_dim),
        )


class Mapping(MappingBase):
    """Latent and class -> one style vector w per stage (Karras et al. 2019, arXiv 1812.04948).

    z is scaled to unit mean square, so only its direction matters. A quarter of w embeds the class, the rest is a
    function of z alone; a mixture of classes is the mixture of their embeddings.
    """

    def __init__(self, latent_dim: int, w_dim: int, stages: int, classes: int):
        super().__init__()
        self.latent_dim, self.w_dim, self.stages, self.classes = latent_dim, w_dim, stages, classes
        embedded = w_dim // 4 if classes else 0
        self.embed = nn.Linear(classes, embedded, bias=False) if classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight)
        width = w_dim - embedded
        self.body = nn.Sequential(
            he(nn.Linear(latent_dim, width)), nn.LeakyReLU(LEAK), he(nn.Linear(width, width)), nn.LeakyReLU(LEAK)
        )

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] or None -> w [N, stages, w_dim]."""
        z = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
        w = self.body(z)
        if self.embed is not None:
            w = torch.cat([w, self.embed(classes)], dim=1)
        return w.unsqueeze(1).repeat(1, self.stages, 1)


class Synthesis(SynthesisBase):
    """Styles -> picture: a learned constant at the smallest resolution, then one stage per resolution."""

    def __init__(self, channels: int, sides: Sides, widths: tuple[int, ...], w_dim: int):
        super().__init__()
        self.stages, self.w_dim = len(widths), w_dim
        self.constant = nn.Parameter(torch.randn(1, widths[0], *smallest_map(sides, widths)))
        self.up = nn.ModuleList(ModulatedConv(a, 4 * b, w_dim) for a, b in itertools.pairwise(widths))
        self.refine = nn.ModuleList(ModulatedConv(c, c, w_dim) for c in widths)
        self.to_image = he(nn.Conv2d(widths[-1], channels, 3, padding=1), gain=1.0)

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        gain = math.sqrt(2)
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        for stage, refine in enumerate(self.refine):
            if stage:
                x = F.pixel_shuffle(self.up[stage - 1](x, w[:, stage]), 2)
                x = F.leaky_relu(x, LEAK) * gain
            x = F.leaky_relu(refine(x, w[:, stage]), LEAK) * gain
        return self.to_image(x)


class ModulatedConv(nn.Module):
    """3 x 3 convolution whose input channels are scaled by a style and whose output is renormalised.

    Equal to StyleGAN2's weight demodulation (Karras et al. 2020, arXiv 1912.04958), written as "scale the input,
    convolve, scale the output": free of grouped convolutions, which cannot be exported with a dynamic batch.
    """

    def __init__(self, inputs: int, outputs: int, w_dim: int):
        super().__init__()
        self.conv = he(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), gain=1.0)
        self.style = style_scale(w_dim, inputs)
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, inputs, H, W], w [N, w_dim] -> [N, outputs, H, W]."""
        style = self.style(w)
        energy = F.linear(style.square(), self.conv.weight.square().sum(dim=(2, 3)))
        x = self.conv(x * style[:, :, None, None])
        return x * torch.rsqrt(energy + 1e-8)[:, :, None, None] + self.bias


# --------------------------------------------------------------------------------------------- critic


def critic_body(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Convolutions from the picture down to the smallest map: [N, C, H, W] -> [N, widths[0], h, w]."""
    layers: list[nn.Module] = [he(nn.Conv2d(channels, widths[-1], 3, padding=1)), nn.LeakyReLU(LEAK)]
    for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1)), nn.LeakyReLU(LEAK)]
        layers += [he(nn.Conv2d(b, b, 3, padding=1)), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class Critic(ConditionalCritic):
    """Picture and class -> score. `widths` are listed like the generator's, from the smallest resolution up."""

    make_body = staticmethod(critic_body)

    def __init__(self, channels: int, sides: Sides, classes: int, widths: tuple[int, ...]):
        super().__init__()
        height, width = smallest_map(sides, widths)
        self.body = self.make_body(channels, widths)
        # One filter per channel covers the whole smallest map: a depthwise convolution, written as a product because
        # the second derivative of a grouped convolution is slow.
        self.gather = nn.Parameter(torch.randn(widths[0], height, width) / math.sqrt(height * width))
        self.add_heads(widths[0], classes)

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, H, W] around [-1, 1] -> features [N, widths[0]]."""
        return (self.body(signal) * self.gather).sum(dim=(2, 3))


# ------------------------------------------------------------------------------- encoders and decoder


def strided_trunk(channels: int, sides: Sides, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """Convolutions of stride 2 down to the smallest map, then one hidden layer: [N, C, H, W] -> [N, hidden]."""
    height, width = halved_map(sides, widths)
    layers: list[nn.Module] = []
    for a, b in zip((channels, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False)), nn.BatchNorm2d(b)]
        layers += [nn.LeakyReLU(LEAK)]
    layers += [nn.Flatten(), he(nn.Linear(widths[-1] * height * width, hidden)), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """Picture -> diagonal Gaussian over codes. `widths` run from the largest resolution down."""

    make_trunk = staticmethod(strided_trunk)

    def __init__(self, channels: int, sides: Sides, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.latent_dim = latent_dim
        self.trunk = self.make_trunk(channels, sides, widths, hidden)
        self.head = he(nn.Linear(hidden, 2 * latent_dim), gain=1.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> mean [N, D], logvar [N, D] in [-10, 10]."""
        out = self.head(self.trunk(image))
        return out[:, : self.latent_dim], out[:, self.latent_dim :].clamp(-10, 10)


def shuffled_body(widths: tuple[int, ...]) -> nn.Sequential:
    """Convolutions and pixel shuffles from the smallest map up: [N, widths[0], h, w] -> [N, widths[-1], H, W]."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        # The normalisation comes before the shuffle, where the exporter can fold it into the convolution.
        layers += [he(nn.Conv2d(a, 4 * b, 3, padding=1, bias=False)), nn.BatchNorm2d(4 * b)]
        layers += [nn.LeakyReLU(LEAK), nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


class Decoder(DecoderBase):
    """Code -> picture. `widths` run from the smallest resolution up."""

    make_body = staticmethod(shuffled_body)

    def __init__(self, channels: int, sides: Sides, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.latent_dim = latent_dim
        self.base = (widths[0], *smallest_map(sides, widths))
        self.stem = nn.Sequential(
            he(nn.Linear(latent_dim, hidden)),
            nn.LeakyReLU(LEAK),
            he(nn.Linear(hidden, math.prod(self.base))),
            nn.LeakyReLU(LEAK),
        )
        self.body = self.make_body(widths)
        self.to_image = he(nn.Conv2d(widths[-1], channels, 3, padding=1), gain=1.0)

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before the sigmoid, [N, C, H, W]: exact where a probability would round to 1."""
        return self.to_image(self.body(self.stem(z).reshape(-1, *self.base)))


def masked(image: Tensor, mask: Tensor) -> Tensor:
    """The input of a mask encoder: the known pixels, and where pixels are missing, [N, C + 1, H, W]."""
    return torch.cat([image * mask, 1 - mask], dim=1)


class Repairer(nn.Module):
    """Damaged picture -> Gaussian over the codes of the whole one, for a `Decoder` to draw."""

    def __init__(self, channels: int, sides: Sides, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.encoder = Encoder(channels + 1, sides, latent_dim, widths, hidden)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1], mask [N, 1, H, W] (1 = known) -> mean, logvar [N, D]."""
        return self.encoder(masked(image, mask))


class Inverter(nn.Module):
    """Whole or damaged picture -> the styles w with which a synthesis draws it."""

    def __init__(
        self, channels: int, sides: Sides, stages: int, w_dim: int, widths: tuple[int, ...], hidden: int = 256
    ):
        super().__init__()
        self.stages, self.w_dim = stages, w_dim
        self.trunk = strided_trunk(channels + 1, sides, widths, hidden)
        self.head = he(nn.Linear(hidden, stages * w_dim), gain=1.0)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """image [N, C, H, W] in [0, 1], mask [N, 1, H, W] (1 = known) -> w [N, L, w_dim]."""
        return self.head(self.trunk(masked(image, mask))).reshape(-1, self.stages, self.w_dim)

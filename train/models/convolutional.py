"""The convolutional networks, top-down: generator, critic, encoder, decoder, mask encoders.

Fully connected and residual ones, which take over parts of these: train/models/fully_connected.py,
train/models/residual.py.

Exported conventions hold for every `forward`: images are float32 [N, C, S, S] in [0, 1], classes are
float32 [N, K] weights that sum to 1, latents are float32. Inside training, generator and critic speak
"signals": the same pictures in [-1, 1], not clipped, so that gradients never die at the border.

A square size S is halved while it stays even and at least 4: 32 -> 4, 28 -> 7, 96 -> 6, 100 -> 25.
Up-sampling is convolution + pixel shuffle (Shi et al. 2016, arXiv 1609.05158).
"""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2
# Pictures are signals drawn 2 % too strong, then clipped: black and white come out pure, without a veil of noise that
# the critic, which sees unclipped signals, cannot tell from nothing.
HEADROOM = 1.02


def resolutions(size: int) -> list[int]:
    """Sides of the feature maps from the smallest to `size`, e.g. 32 -> [4, 8, 16, 32].

    Raises ValueError for sizes that are not 4 to 25 times a power of two (their base would be too large).
    """
    sides = [size]
    while sides[0] % 2 == 0 and sides[0] // 2 >= 4:
        sides.insert(0, sides[0] // 2)
    if not 4 <= sides[0] <= 25:
        raise ValueError(f"{size} is not 4 to 25 times a power of two")
    return sides


def he(layer: nn.Conv2d | nn.Linear, gain: float = math.sqrt(2 / (1 + LEAK**2))) -> nn.Conv2d | nn.Linear:
    """He initialisation for leaky ReLU (arXiv 1502.01852), zero bias."""
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


# ------------------------------------------------------------------------------------------ generator


class Mapping(nn.Module):
    """Latent and class -> one style vector w a stage (Karras et al. 2019, arXiv 1812.04948).

    z is scaled to unit mean square, so only its direction matters. A quarter of w names the class, the rest is a
    function of z alone; a mixture of classes is the mixture of their names.
    """

    def __init__(self, latent_dim: int, w_dim: int, stages: int, classes: int):
        super().__init__()
        self.latent_dim, self.w_dim, self.stages, self.classes = latent_dim, w_dim, stages, classes
        named = w_dim // 4 if classes else 0
        self.embed = nn.Linear(classes, named, bias=False) if classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight)
        width = w_dim - named
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


class ModulatedConv(nn.Module):
    """3 x 3 convolution whose input channels are scaled by a style and whose output is renormalised.

    The form "scale the input, convolve, scale the output" of StyleGAN2's weight demodulation (arXiv
    1912.04958): equal to it, and free of grouped convolutions, which no dynamic batch can export.
    """

    def __init__(self, inputs: int, outputs: int, w_dim: int):
        super().__init__()
        self.conv = he(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), gain=1.0)
        self.style = he(nn.Linear(w_dim, inputs), gain=1.0)
        nn.init.ones_(self.style.bias)
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.style(w)
        energy = F.linear(style.square(), self.conv.weight.square().sum(dim=(2, 3)))
        x = self.conv(x * style[:, :, None, None])
        return x * torch.rsqrt(energy + 1e-8)[:, :, None, None] + self.bias


class Painter(nn.Module):
    """What every synthesis is: styles w [N, stages, w_dim] -> signal -> image."""

    stages: int
    w_dim: int

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, S, S]."""
        raise NotImplementedError

    def forward(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> image [N, C, S, S] in [0, 1]."""
        return (self.signal(w) * (0.5 * HEADROOM) + 0.5).clamp(0, 1)


class Synthesis(Painter):
    """Styles -> picture: a learned constant at the smallest resolution, then one stage a resolution."""

    def __init__(self, channels: int, size: int, widths: tuple[int, ...], w_dim: int):
        super().__init__()
        sides = resolutions(size)
        if len(widths) != len(sides):
            raise ValueError(f"{size} px has {len(sides)} stages, but {len(widths)} widths were given")
        self.stages, self.w_dim = len(sides), w_dim
        self.constant = nn.Parameter(torch.randn(1, widths[0], sides[0], sides[0]))
        self.up = nn.ModuleList(ModulatedConv(a, 4 * b, w_dim) for a, b in itertools.pairwise(widths))
        self.make_stages(widths)
        self.to_image = he(nn.Conv2d(widths[-1], channels, 3, padding=1), gain=1.0)

    def make_stages(self, widths: tuple[int, ...]) -> None:
        """What stands between the up-samplings."""
        self.refine = nn.ModuleList(ModulatedConv(c, c, self.w_dim) for c in widths)

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, S, S]."""
        gain = math.sqrt(2)
        x = self.constant.expand(w.shape[0], -1, -1, -1)
        for stage, refine in enumerate(self.refine):
            if stage:
                x = F.pixel_shuffle(self.up[stage - 1](x, w[:, stage]), 2)
                x = F.leaky_relu(x, LEAK) * gain
            x = F.leaky_relu(refine(x, w[:, stage]), LEAK) * gain
        return self.to_image(x)


class Generator(nn.Module):
    """Noise and class -> picture. `mapping` and `synthesis` are its two halves."""

    make_synthesis: type[Painter] = Synthesis

    def __init__(self, channels: int, size: int, classes: int, latent_dim: int, w_dim: int, widths: tuple[int, ...]):
        super().__init__()
        self.mapping = Mapping(latent_dim, w_dim, len(widths), classes)
        self.synthesis = self.make_synthesis(channels, size, widths, w_dim)

    def signal(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] -> unclipped picture around [-1, 1]."""
        return self.synthesis.signal(self.mapping(z, classes))

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] -> image [N, C, S, S] in [0, 1]."""
        return self.synthesis(self.mapping(z, classes))


class Judge(nn.Module):
    """What every critic ends in: a score, to which classes add by projection (Miyato & Koyama 2018, arXiv 1802.05637).

    A subclass gives `features`, and calls `make_heads` last.
    """

    def make_heads(self, width: int, classes: int) -> None:
        self.head = he(nn.Linear(width, 1), gain=1.0)
        self.embed = nn.Linear(classes, width, bias=False) if classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, std=1 / math.sqrt(width))

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, S, S] around [-1, 1] -> what is judged, [N, F]."""
        raise NotImplementedError

    def judge(self, features: Tensor, classes: Tensor | None = None) -> Tensor:
        """features [N, F], classes [N, K] -> score [N, 1]."""
        score = self.head(features)
        if self.embed is not None:
            score = score + (features * self.embed(classes)).sum(dim=1, keepdim=True)
        return score

    def score(self, signal: Tensor, classes: Tensor | None = None) -> Tensor:
        """signal [N, C, S, S] around [-1, 1], classes [N, K] -> score [N, 1]."""
        return self.judge(self.features(signal), classes)

    def forward(self, image: Tensor, classes: Tensor | None = None) -> Tensor:
        """image [N, C, S, S] in [0, 1], classes [N, K] -> score [N, 1]; higher means more real."""
        return self.score(image * 2 - 1, classes)


def critic_body(channels: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Convolutions from the picture down to the smallest map: [N, C, S, S] -> [N, widths[0], base, base]."""
    layers: list[nn.Module] = [he(nn.Conv2d(channels, widths[-1], 3, padding=1)), nn.LeakyReLU(LEAK)]
    for a, b in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1)), nn.LeakyReLU(LEAK)]
        layers += [he(nn.Conv2d(b, b, 3, padding=1)), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class Critic(Judge):
    """Picture and class -> score. `widths` are listed like the generator's, from the smallest resolution up."""

    make_body = staticmethod(critic_body)

    def __init__(self, channels: int, size: int, classes: int, widths: tuple[int, ...]):
        super().__init__()
        base = resolutions(size)[0]
        self.body = self.make_body(channels, widths)
        # One filter a channel sees the whole smallest map: a depthwise convolution, written as a product because
        # the second derivative of a grouped convolution is slow.
        self.gather = nn.Parameter(torch.randn(widths[0], base, base) / base)
        self.make_heads(widths[0], classes)

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, S, S] around [-1, 1] -> what is judged, [N, widths[0]]."""
        return (self.body(signal) * self.gather).sum(dim=(2, 3))


# ------------------------------------------------------------------------------- encoders and decoder


def halved(size: int, widths: tuple[int, ...]) -> int:
    """Side of the smallest map of a trunk that halves `size` once a width.

    Raises ValueError when there are more or fewer halvings than widths.
    """
    sides = resolutions(size)
    if len(widths) != len(sides) - 1:
        raise ValueError(f"{size} px has {len(sides) - 1} halvings, but {len(widths)} widths were given")
    return sides[0]


def strided_trunk(channels: int, size: int, widths: tuple[int, ...], hidden: int) -> nn.Sequential:
    """Convolutions of stride 2 from S down to the base, then one hidden layer: [N, C, S, S] -> [N, hidden]."""
    base = halved(size, widths)
    layers: list[nn.Module] = []
    for a, b in zip((channels, *widths[:-1]), widths, strict=True):
        layers += [he(nn.Conv2d(a, b, 4, stride=2, padding=1, bias=False)), nn.BatchNorm2d(b)]
        layers += [nn.LeakyReLU(LEAK)]
    layers += [nn.Flatten(), he(nn.Linear(widths[-1] * base**2, hidden)), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*layers)


class Encoder(nn.Module):
    """Picture -> diagonal Gaussian over codes. `widths` run from the picture's resolution down."""

    make_trunk = staticmethod(strided_trunk)

    def __init__(self, channels: int, size: int, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.latent_dim = latent_dim
        self.trunk = self.make_trunk(channels, size, widths, hidden)
        self.head = he(nn.Linear(hidden, 2 * latent_dim), gain=1.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, S, S] in [0, 1] -> mean [N, D], logvar [N, D] in [-10, 10]."""
        out = self.head(self.trunk(image))
        return out[:, : self.latent_dim], out[:, self.latent_dim :].clamp(-10, 10)


def shuffled_body(widths: tuple[int, ...]) -> nn.Sequential:
    """Convolutions and pixel shuffles from the smallest map up: [N, widths[0], base, base] -> [N, widths[-1], S, S]."""
    layers: list[nn.Module] = []
    for a, b in itertools.pairwise(widths):
        # Normalised before the shuffle: there the exporter can fold it into the convolution.
        layers += [he(nn.Conv2d(a, 4 * b, 3, padding=1, bias=False)), nn.BatchNorm2d(4 * b)]
        layers += [nn.LeakyReLU(LEAK), nn.PixelShuffle(2)]
    return nn.Sequential(*layers)


class Decoder(nn.Module):
    """Code -> picture. `widths` run from the smallest resolution up."""

    make_body = staticmethod(shuffled_body)

    def __init__(self, channels: int, size: int, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.latent_dim = latent_dim
        sides = resolutions(size)
        if len(widths) != len(sides):
            raise ValueError(f"{size} px has {len(sides)} stages, but {len(widths)} widths were given")
        self.base = (widths[0], sides[0], sides[0])
        self.stem = nn.Sequential(
            he(nn.Linear(latent_dim, hidden)),
            nn.LeakyReLU(LEAK),
            he(nn.Linear(hidden, widths[0] * sides[0] ** 2)),
            nn.LeakyReLU(LEAK),
        )
        self.body = self.make_body(widths)
        self.to_image = he(nn.Conv2d(widths[-1], channels, 3, padding=1), gain=1.0)

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before the sigmoid, [N, C, S, S]: exact where a probability would round to 1."""
        return self.to_image(self.body(self.stem(z).reshape(-1, *self.base)))

    def picture(self, logits: Tensor) -> Tensor:
        """Logits [N, C, S, S] -> image in [0, 1]."""
        return torch.sigmoid(logits)

    def forward(self, z: Tensor) -> Tensor:
        """z [N, D] -> image [N, C, S, S] in [0, 1]."""
        return self.picture(self.logits(z))


def masked(image: Tensor, mask: Tensor) -> Tensor:
    """What a mask encoder sees: the known pixels and where pixels are missing, [N, C + 1, S, S]."""
    return torch.cat([image * mask, 1 - mask], dim=1)


class Repairer(nn.Module):
    """Damaged picture -> Gaussian over the codes of the whole one. Needs a `Decoder` to draw it."""

    def __init__(self, channels: int, size: int, latent_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.encoder = Encoder(channels + 1, size, latent_dim, widths, hidden)

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, S, S] in [0, 1], mask [N, 1, S, S] (1 = known) -> mean, logvar [N, D]."""
        return self.encoder(masked(image, mask))


class Inverter(nn.Module):
    """Whole or damaged picture -> the styles with which a `Synthesis` draws it."""

    def __init__(self, channels: int, size: int, stages: int, w_dim: int, widths: tuple[int, ...], hidden: int = 256):
        super().__init__()
        self.stages, self.w_dim = stages, w_dim
        self.trunk = strided_trunk(channels + 1, size, widths, hidden)
        self.head = he(nn.Linear(hidden, stages * w_dim), gain=1.0)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """image [N, C, S, S] in [0, 1], mask [N, 1, S, S] (1 = known) -> w [N, L, w_dim]."""
        return self.head(self.trunk(masked(image, mask))).reshape(-1, self.stages, self.w_dim)

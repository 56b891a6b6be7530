"""What networks of every body have in common: their signatures, ranges, and last step.

Exported conventions hold for every `forward`: images are float32 [N, C, H, W] in [0, 1], classes are float32 [N, K]
weights that sum to 1, latents are float32. Inside training, generator and critic exchange "signals": the same pictures
in [-1, 1], not clipped, so that gradients do not vanish at the border.
"""

import math

import torch
from torch import Tensor, nn

from train.models.layers import he

# Signals are drawn 2 % too strong, then clipped: black and white come out pure, without faint noise that the critic,
# which sees unclipped signals, cannot tell from nothing.
HEADROOM = 1.02


class MappingBase(nn.Module):
    """Noise and class -> styles w."""

    latent_dim: int

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] or None -> w [N, L, w_dim]."""
        raise NotImplementedError


class SynthesisBase(nn.Module):
    """Styles w [N, stages, w_dim] -> signal -> image."""

    stages: int
    w_dim: int

    def signal(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        raise NotImplementedError

    def forward(self, w: Tensor) -> Tensor:
        """w [N, L, w_dim] -> image [N, C, H, W] in [0, 1]."""
        return (self.signal(w) * (0.5 * HEADROOM) + 0.5).clamp(0, 1)


class GeneratorBase(nn.Module):
    """Noise and class -> picture, in two halves: `mapping` and `synthesis`."""

    def __init__(self, mapping: MappingBase, synthesis: SynthesisBase):
        super().__init__()
        self.mapping = mapping
        self.synthesis = synthesis

    def signal(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] -> unclipped picture around [-1, 1], [N, C, H, W]."""
        return self.synthesis.signal(self.mapping(z, classes))

    def forward(self, z: Tensor, classes: Tensor | None = None) -> Tensor:
        """z [N, D], classes [N, K] -> image [N, C, H, W] in [0, 1]."""
        return self.synthesis(self.mapping(z, classes))


class ConditionalCritic(nn.Module):
    """Picture and class -> score: a linear score of features, to which the class adds its projection on them
    (Miyato & Koyama 2018, arXiv 1802.05637).

    A subclass defines `features`, and calls `add_heads` at the end of its constructor.
    """

    head: nn.Linear
    embed: nn.Linear | None

    def add_heads(self, width: int, classes: int) -> None:
        """The two linear layers on features [N, width]."""
        self.head = he(nn.Linear(width, 1), gain=1.0)
        self.embed = nn.Linear(classes, width, bias=False) if classes else None
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, std=1 / math.sqrt(width))

    def features(self, signal: Tensor) -> Tensor:
        """signal [N, C, H, W] around [-1, 1] -> features [N, F]."""
        raise NotImplementedError

    def score_features(self, features: Tensor, classes: Tensor | None = None) -> Tensor:
        """features [N, F], classes [N, K] -> score [N, 1]."""
        score = self.head(features)
        if self.embed is not None:
            score = score + (features * self.embed(classes)).sum(dim=1, keepdim=True)
        return score

    def score(self, signal: Tensor, classes: Tensor | None = None) -> Tensor:
        """signal [N, C, H, W] around [-1, 1], classes [N, K] -> score [N, 1]."""
        return self.score_features(self.features(signal), classes)

    def forward(self, image: Tensor, classes: Tensor | None = None) -> Tensor:
        """image [N, C, H, W] in [0, 1], classes [N, K] -> score [N, 1]; higher means more real."""
        return self.score(image * 2 - 1, classes)


class DecoderBase(nn.Module):
    """Code -> logits -> image."""

    latent_dim: int

    def logits(self, z: Tensor) -> Tensor:
        """z [N, D] -> the picture before the sigmoid, [N, C, H, W]: exact where a probability would round to 1."""
        raise NotImplementedError

    def picture(self, logits: Tensor) -> Tensor:
        """logits [N, C, H, W] -> image [N, C, H, W] in [0, 1]."""
        return torch.sigmoid(logits)

    def forward(self, z: Tensor) -> Tensor:
        """z [N, D] -> image [N, C, H, W] in [0, 1]."""
        return self.picture(self.logits(z))


class ClassifierBase(nn.Module):
    """Picture -> class, and the features that the quality figures are computed from."""

    body: nn.Sequential
    """Its first layer is a convolution, whose filters are shown while it trains."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> logits [N, K], features [N, F] (before the last non-linearity)."""
        raise NotImplementedError

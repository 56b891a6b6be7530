"""The classifiers: picture -> class, and the features that the quality figures are computed from."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from train.models.bases import ClassifierBase
from train.models.layers import LEAK, Sides, he


class Classifier(ClassifierBase):
    """Convolution and pooling three times, two linear layers."""

    def __init__(
        self, channels: int, sides: Sides, classes: int, widths: tuple[int, ...] = (32, 64, 128), features: int = 64
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in zip((channels, *widths[:-1]), widths, strict=True):
            layers += [he(nn.Conv2d(a, b, 3, padding=1, bias=False)), nn.BatchNorm2d(b), nn.LeakyReLU(LEAK)]
            layers += [nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers, nn.Flatten())
        height, width = (side // 2 ** len(widths) for side in sides)
        self.dropout = nn.Dropout(0.3)
        self.features = he(nn.Linear(widths[-1] * height * width, features))
        self.logits = he(nn.Linear(features, classes), gain=1.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> logits [N, K], features [N, F] (before the last non-linearity)."""
        features = self.features(self.dropout(self.body(image)))
        return self.logits(F.leaky_relu(features, LEAK)), features


class LeNet(ClassifierBase):
    """Conv-pool-conv-pool-three linear layers, after LeNet-5 (LeCun et al. 1998), with ReLU and maximum pooling.

    Any number of channels, any sides from 16.
    """

    def __init__(self, channels: int, sides: Sides, classes: int):
        super().__init__()
        gain = math.sqrt(2)
        height, width = (((side - 4) // 2 - 4) // 2 for side in sides)
        self.body = nn.Sequential(
            he(nn.Conv2d(channels, 6, 5), gain), nn.ReLU(), nn.MaxPool2d(2),
            he(nn.Conv2d(6, 16, 5), gain), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), he(nn.Linear(16 * height * width, 120), gain), nn.ReLU(),
        )  # fmt: skip
        self.features = he(nn.Linear(120, 84), gain)
        self.logits = he(nn.Linear(84, classes), gain=1.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> logits [N, K], features [N, 84] (before the last non-linearity)."""
        features = self.features(self.body(image))
        return self.logits(F.relu(features)), features


class NormedBlock(nn.Module):
    """x + two convolutions, each batch-normalised (He et al. 2016, arXiv 1512.03385)."""

    def __init__(self, width: int):
        super().__init__()
        last = nn.BatchNorm2d(width)
        nn.init.zeros_(last.weight)  # starts as the identity
        self.body = nn.Sequential(
            he(nn.Conv2d(width, width, 3, padding=1, bias=False)), nn.BatchNorm2d(width), nn.LeakyReLU(LEAK),
            he(nn.Conv2d(width, width, 3, padding=1, bias=False)), last,
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """x [N, width, H, W] -> the same shape."""
        return F.leaky_relu(x + self.body(x), LEAK)


class ResidualClassifier(ClassifierBase):
    """A stem, then a halving and a residual block three times, then the mean over the map."""

    def __init__(
        self,
        channels: int,
        sides: Sides,
        classes: int,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        features: int = 128,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        for stride, a, b in zip((1, 2, 2, 2), (channels, *widths[:-1]), widths, strict=True):
            layers += [he(nn.Conv2d(a, b, 3, stride, padding=1, bias=False)), nn.BatchNorm2d(b), nn.LeakyReLU(LEAK)]
            layers += [NormedBlock(b)] if stride == 2 else []
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.3)
        self.features = he(nn.Linear(widths[-1], features))
        self.logits = he(nn.Linear(features, classes), gain=1.0)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """image [N, C, H, W] in [0, 1] -> logits [N, K], features [N, F] (before the last non-linearity)."""
        features = self.features(self.dropout(self.body(image).mean(dim=(2, 3))))
        return self.logits(F.leaky_relu(features, LEAK)), features

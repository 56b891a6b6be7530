"""The attribute regressor: picture -> what is known of it beside its class."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from train.data.attributes import AttributeInfo
from train.models.classifiers import Classifier
from train.models.layers import Sides


class AttributeRegressor(nn.Module):
    """The small convolutional classifier with one output an attribute, in the attribute's own unit."""

    binary: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, sides: Sides, attributes: Sequence[AttributeInfo]):
        super().__init__()
        self.body = Classifier(channels, sides, len(attributes))
        numbers = [(one.kind == "binary", one.mean, one.std) for one in attributes]
        for name, column in zip(("binary", "mean", "std"), zip(*numbers, strict=True), strict=True):
            self.register_buffer(name, torch.tensor([float(value) for value in column]))

    def raw(self, image: Tensor) -> Tensor:
        """image [N, C, H, W] in [0, 1] -> [N, A]: logits of binary attributes, standardised numbers."""
        outputs: Tensor = self.body(image)[0]
        return outputs

    def forward(self, image: Tensor) -> Tensor:
        """image [N, C, H, W] in [0, 1] -> [N, A]: probabilities of binary attributes, numbers in their own unit."""
        raw = self.raw(image)
        return torch.where(self.binary > 0, torch.sigmoid(raw), raw * self.std + self.mean)

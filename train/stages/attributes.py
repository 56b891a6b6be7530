"""One training step of the attribute regressor, by whose opinion of generated pictures directions are found."""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bundle.errors import UserError
from train.data.dataset import DataInfo, Pictures
from train.models.attribute_regressor import AttributeRegressor
from train.progress_bar import say
from train.schedules import cosine, ramp
from train.settings import AttributesSettings
from train.stages.classifier import EMA_IMAGES, FORWARD_SPEEDUP, first_filters, partly_jittered
from train.stages.stage import Stage

LEAST_TEST = 20  # held-out pictures of which an attribute must be known, for its accuracy to be measured


class AttributeNetworks(nn.Module):
    """The regressor, as a stage stores it."""

    def __init__(self, attributes: AttributeRegressor):
        super().__init__()
        self.attributes = attributes


def build(settings: AttributesSettings, data: DataInfo) -> AttributeNetworks:
    """The untrained regressor for these pictures."""
    return AttributeNetworks(AttributeRegressor(data.channels, data.sides, data.attributes))


def masked_loss(raw: Tensor, wanted: Tensor, binary: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Mean over what is known of raw [N, A] (see AttributeRegressor.raw) against values [N, A], NaN for gaps:
    cross-entropy of binary attributes, half the squared error of standardised numbers."""
    known = wanted.isfinite()
    values = torch.where(known, wanted, mean)
    entropy = F.binary_cross_entropy_with_logits(raw, values.clamp(0, 1), reduction="none")
    squared = 0.5 * (raw - (values - mean) / std) ** 2
    losses = torch.where(binary > 0, entropy, squared)
    return (losses * known).sum() / known.sum().clamp(min=1)


def accuracy(found: np.ndarray, wanted: np.ndarray, binary: bool) -> float:
    """How well predictions [N] tell the known among the values [N]: the balanced accuracy of binary ones, in [0, 1],
    the correlation of numbers, in [-1, 1]. Chance (0.5 or 0) where too few are known, or all are the same."""
    known = np.isfinite(wanted)
    found, wanted = found[known].astype(np.float64), wanted[known].astype(np.float64)
    if len(wanted) < LEAST_TEST or np.ptp(wanted) == 0 or (not binary and np.ptp(found) == 0):
        return 0.5 if binary else 0.0
    if binary:
        right = (found > 0.5) == (wanted > 0.5)
        return float(np.mean([right[wanted > 0.5].mean(), right[wanted <= 0.5].mean()]))
    return float(np.corrcoef(found, wanted)[0, 1])


class AttributesStage(Stage[AttributeNetworks, AttributesSettings]):
    """Regression of all attributes at once on pictures of which a share is jittered."""

    name = "attributes"
    sheet_shows = None
    values: Tensor

    def __init__(self, networks: AttributeNetworks, settings: AttributesSettings, data: DataInfo):
        optimizer = torch.optim.AdamW(networks.parameters(), lr=settings.lr, weight_decay=0.01, fused=True)
        super().__init__(networks, {"attributes": optimizer}, settings, EMA_IMAGES)
        self.data = data

    def training_pictures(self, train: Pictures) -> Pictures:
        """The pictures, labelled with their own row, by which a step finds the values. Raises UserError without."""
        if train.attributes is None:
            raise UserError("The pictures have no attributes: name them with --attributes.")
        self.values = train.attributes.to(next(self.networks.parameters()).device)
        return replace(train, labels=torch.arange(len(train)))

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, optimizer, net = self.settings, self.optimizers["attributes"], self.networks.attributes
        optimizer.param_groups[0]["lr"] = settings.lr * ramp(progress, 0.05) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        parts = self.parts(partly_jittered(images, settings), self.values[labels])
        for pictures, wanted in parts:
            with self.autocast(images.device):
                raw = net.raw(pictures)
            loss = masked_loss(raw.float(), wanted, net.binary, net.mean, net.std)
            (loss / len(parts)).backward()
        self.updates.apply("attributes")
        return {"loss": loss.detach()}

    def preview(self, averages: AttributeNetworks, pictures: Tensor) -> Tensor:
        """The filters of the first convolution."""
        return first_filters(averages.attributes.body)

    def measuring_seconds(self, train: int, test: int, rate: float) -> float:
        return test / FORWARD_SPEEDUP / rate

    @torch.no_grad()
    def finish(self, averages: AttributeNetworks, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """The accuracy of each attribute on the held-out pictures, [A], which is also printed."""
        assert test.attributes is not None
        device = next(averages.parameters()).device
        found = torch.cat([averages.attributes(part.to(device).float() / 255).cpu() for part in test.images.split(500)])
        right = [
            accuracy(found[:, i].numpy(), test.attributes[:, i].numpy(), one.kind == "binary")
            for i, one in enumerate(self.data.attributes)
        ]
        told = [f"{one.name} {value:.1%}" if one.kind == "binary" else f"{one.name} {value:.2f}"
                for one, value in zip(self.data.attributes, right, strict=True)]  # fmt: skip
        say(f"attributes on {len(test)} held-out pictures (balanced accuracy, or correlation): {', '.join(told)}")
        return {"test_accuracy": torch.tensor(right)}

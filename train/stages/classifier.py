"""One training step of the classifier."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.data.dataset import DataInfo, Pictures
from train.models.classifiers import Classifier, LeNet, ResidualClassifier
from train.schedules import cosine, ramp
from train.settings import ClassifierSettings
from train.stages.stage import Stage


def jitter(images: Tensor, shift: float, rotate: float, mirror: bool = False) -> Tensor:
    """Random shifts (share of the side), rotations (degrees) and zooms of 10 %; borders are repeated. `mirror`: every
    other one is turned left to right, at random."""
    n, device = len(images), images.device
    angle = (torch.rand(n, device=device) * 2 - 1) * math.radians(rotate)
    zoom = 1 + (torch.rand(n, device=device) * 2 - 1) * 0.1
    offset = (torch.rand(n, 2, device=device) * 2 - 1) * 2 * shift
    rows = torch.stack([angle.cos() * zoom, -angle.sin() * zoom, angle.sin() * zoom, angle.cos() * zoom], dim=1)
    if mirror:
        images = torch.where(torch.rand(n, 1, 1, 1, device=device) < 0.5, images.flip(-1), images)
    theta = torch.cat([rows.view(n, 2, 2), offset[:, :, None]], dim=2)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


class ClassifierStage(Stage):
    """Cross-entropy on pictures of which a share is jittered."""

    name = "classifier"
    ema_images = 30_000

    def __init__(self, networks: nn.ModuleDict, settings: ClassifierSettings, data: DataInfo):
        optimizer = torch.optim.AdamW(networks.parameters(), lr=settings.lr, weight_decay=0.01, fused=True)
        super().__init__(networks, {"classifier": optimizer})
        self.settings, self.data, self.accumulate = settings, data, settings.accumulate

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, optimizer = self.settings, self.optimizers["classifier"]
        optimizer.param_groups[0]["lr"] = settings.lr * ramp(progress, 0.05) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        # Resampling blurs: features that never met sharp pictures would mistake sharpness for shape.
        chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < settings.jitter
        jittered = torch.where(chosen, jitter(images, settings.shift, settings.rotate, settings.mirror), images)
        parts = self.parts(jittered, labels)
        for pictures, wanted in parts:
            with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
                logits, _ = self.networks["classifier"](pictures)
            loss = F.cross_entropy(logits.float(), wanted)
            (loss / len(parts)).backward()
        self.updates.apply("classifier")
        accuracy = (logits.argmax(dim=1) == wanted).float().mean()
        return {"loss": loss.detach(), "accuracy": accuracy}

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        """The pictures as the classifier meets them do not change: the first filters are shown instead."""
        kernels = averages["classifier"].body[0].weight.detach()[:64]
        low, high = kernels.amin(dim=(1, 2, 3), keepdim=True), kernels.amax(dim=(1, 2, 3), keepdim=True)
        return F.interpolate((kernels - low) / (high - low), scale_factor=8)

    @torch.no_grad()
    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        device = next(averages.parameters()).device
        right = sum(
            int((averages["classifier"](images.to(device).float() / 255)[0].argmax(dim=1).cpu() == labels).sum())
            for images, labels in zip(test.images.split(500), test.labels.split(500), strict=True)
        )
        print(f"\nclassifier: {right / len(test):.2%} of {len(test)} test pictures right")
        return {"test_accuracy": torch.tensor(right / len(test))}


def build(settings: ClassifierSettings, data: DataInfo) -> nn.ModuleDict:
    """The untrained classifier for these pictures."""
    kinds: dict[str, type[nn.Module]] = {"conv": Classifier, "lenet": LeNet, "residual": ResidualClassifier}
    return nn.ModuleDict({"classifier": kinds[settings.body](data.channels, data.size, len(data.classes))})

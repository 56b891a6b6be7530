"""One training step of the classifier."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.data.dataset import DataInfo, Pictures
from train.models.bases import ClassifierBase
from train.models.classifiers import Classifier, LeNet, ResidualClassifier
from train.models.layers import halving_widths
from train.progress_bar import say
from train.schedules import cosine, ramp
from train.settings import AttributesSettings, ClassifierSettings
from train.stages.stage import Stage

FORWARD_SPEEDUP = 3  # times as fast as a step, without gradients
EMA_IMAGES = 30_000  # half-life of the averages, in pictures


class ClassifierNetworks(nn.Module):
    """The classifier, as a stage stores it."""

    def __init__(self, classifier: ClassifierBase):
        super().__init__()
        self.classifier = classifier


def build(settings: ClassifierSettings, data: DataInfo) -> ClassifierNetworks:
    """The untrained classifier for these pictures."""
    shape = data.channels, data.sides, len(data.classes)
    match settings.body:
        case "conv":
            return ClassifierNetworks(Classifier(*shape, halving_widths(3, settings.width or 128)[::-1]))
        case "lenet":
            return ClassifierNetworks(LeNet(*shape))
        case "residual":
            return ClassifierNetworks(ResidualClassifier(*shape, halving_widths(4, settings.width or 512)[::-1]))


def jitter(images: Tensor, shift: float, rotate: float, mirror: bool = False) -> Tensor:
    """images [N, C, H, W], each randomly shifted (up to that share of the side), rotated (up to that many degrees) and
    zoomed (up to 10 %), its border repeated; with `mirror` a random half of them mirrored left to right."""
    n, device = len(images), images.device
    proportion = images.shape[-1] / images.shape[-2]  # the grid runs from -1 to 1 along both sides
    angle = (torch.rand(n, device=device) * 2 - 1) * math.radians(rotate)
    zoom = 1 + (torch.rand(n, device=device) * 2 - 1) * 0.1
    offset = (torch.rand(n, 2, device=device) * 2 - 1) * 2 * shift
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    rows = torch.stack([cosine, -sine / proportion, sine * proportion, cosine], dim=1)
    if mirror:
        images = torch.where(torch.rand(n, 1, 1, 1, device=device) < 0.5, images.flip(-1), images)
    theta = torch.cat([rows.view(n, 2, 2), offset[:, :, None]], dim=2)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def partly_jittered(images: Tensor, settings: ClassifierSettings | AttributesSettings) -> Tensor:
    """images [N, C, H, W], each jittered with the probability that the settings say."""
    # Resampling blurs: features that never saw sharp pictures would take sharpness for shape.
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < settings.jitter
    return torch.where(chosen, jitter(images, settings.shift, settings.rotate, settings.mirror), images)


def first_filters(classifier: ClassifierBase) -> Tensor:
    """At most 64 filters of the first convolution, each from its least weight as 0 to its largest as 1, enlarged eight
    times: [filters, C, 8 H, 8 W]."""
    kernels = classifier.body[0].get_parameter("weight").detach()[:64]
    low, high = kernels.amin(dim=(1, 2, 3), keepdim=True), kernels.amax(dim=(1, 2, 3), keepdim=True)
    return F.interpolate((kernels - low) / (high - low), scale_factor=8)


class ClassifierStage(Stage[ClassifierNetworks, ClassifierSettings]):
    """Cross-entropy on pictures of which a share is jittered."""

    name = "classifier"
    sheet_shows = None

    def __init__(self, networks: ClassifierNetworks, settings: ClassifierSettings):
        optimizer = torch.optim.AdamW(networks.parameters(), lr=settings.lr, weight_decay=0.01, fused=True)
        super().__init__(networks, {"classifier": optimizer}, settings, EMA_IMAGES)

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, optimizer = self.settings, self.optimizers["classifier"]
        optimizer.param_groups[0]["lr"] = settings.lr * ramp(progress, 0.05) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        parts = self.parts(partly_jittered(images, settings), labels)
        for pictures, wanted in parts:
            with self.autocast(images.device):
                logits, _ = self.networks.classifier(pictures)
            loss = F.cross_entropy(logits.float(), wanted)
            (loss / len(parts)).backward()
        self.updates.apply("classifier")
        accuracy = (logits.argmax(dim=1) == wanted).float().mean()
        return {"loss": loss.detach(), "accuracy": accuracy}

    def preview(self, averages: ClassifierNetworks, pictures: Tensor) -> Tensor:
        """The filters of the first convolution."""
        return first_filters(averages.classifier)

    def measuring_seconds(self, train: int, test: int, rate: float) -> float:
        return test / FORWARD_SPEEDUP / rate

    @torch.no_grad()
    def finish(self, averages: ClassifierNetworks, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """The accuracy on the held-out pictures, which is also printed."""
        device = next(averages.parameters()).device
        right = sum(
            int((averages.classifier(images.to(device).float() / 255)[0].argmax(dim=1).cpu() == labels).sum())
            for images, labels in zip(test.images.split(500), test.labels.split(500), strict=True)
        )
        say(f"classifier: {right / len(test):.2%} of {len(test)} held-out pictures classified correctly")
        return {"test_accuracy": torch.tensor(right / len(test))}

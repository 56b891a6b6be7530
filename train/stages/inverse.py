"""One training step of the mask encoders: from a whole or damaged picture back to styles or codes."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train import priors
from train.data.dataset import DataInfo, Pictures, one_hot
from train.losses import kl_to_normal
from train.models.convolutional import Decoder, Generator, Inverter, Repairer, resolutions
from train.models.principal import PrincipalRepairer, begin_repair, fit_repair
from train.schedules import cosine, ramp
from train.settings import InverseSettings, Prior, VaeSettings, widths
from train.stages.stage import Stage
from train.stages.vae import sample_code


def random_masks(count: int, size: int, device: torch.device | str = "cpu") -> Tensor:
    """Masks [N, 1, S, S], 1 = known: a quarter whole, a quarter a missing box (0.2 to 0.6 of the side),
    a quarter a missing strip at one side (0.25 to 0.6), a quarter single pixels missing (up to 0.85)."""
    u = torch.rand(8, count, 1, 1, device=device)
    rows = (torch.arange(size, device=device) + 0.5).view(1, size, 1) / size
    columns = rows.transpose(1, 2)
    height, width = 0.2 + 0.4 * u[0], 0.2 + 0.4 * u[1]
    top, left = u[2] * (1 - height), u[3] * (1 - width)
    box = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    reach, side = 0.25 + 0.35 * u[4], (u[5] * 4).floor()
    distance = torch.where(
        side == 0, rows, torch.where(side == 1, 1 - rows, torch.where(side == 2, columns, 1 - columns))
    )
    strip = (distance < reach).expand(count, size, size)
    scattered = torch.rand(count, size, size, device=device) < 0.85 * u[6]
    kind = (u[7] * 4).floor()
    nothing = torch.zeros_like(scattered)
    missing = torch.where(kind == 0, nothing, torch.where(kind == 1, box, torch.where(kind == 2, strip, scattered)))
    return (~missing).float().unsqueeze(1)


def damaged(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The first 21 pictures and masks for them, the same each time: three columns a picture on a sheet."""
    torch.manual_seed(0)
    images = pictures[:21]
    return images, random_masks(len(images), images.shape[-1], images.device)


class RepairStage(Stage):
    """Decoder frozen: SSE / (2 t^2) + KL with t = 2 sigma, against the whole picture."""

    name = "repair"

    def __init__(self, networks: nn.ModuleDict, settings: InverseSettings, decoder: Decoder, sigma: float):
        optimizer = torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99), fused=True)
        super().__init__(networks, {"repair": optimizer})
        self.settings, self.decoder = settings, decoder
        self.ema_images, self.accumulate, self.temperature = settings.ema_images, settings.accumulate, 2 * sigma

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        optimizer = self.optimizers["repair"]
        optimizer.param_groups[0]["lr"] = self.settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        mask = random_masks(len(images), images.shape[-1], images.device)
        parts = self.parts(images, mask)
        for pictures, known in parts:
            mean, logvar, squared = self.found(pictures, known)
            kl = kl_to_normal(mean, logvar).sum(dim=1).mean()
            loss = squared / (2 * self.temperature**2) + kl
            (loss / len(parts)).backward()
        self.updates.apply("repair", clip=50 * images[0].numel() / 1024)
        return {"loss": loss.detach(), "mse": squared.detach() / images[0].numel(), "kl": kl.detach()}

    def found(self, images: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(mean and logvar of the codes [N, D], squared error of a picture that is drawn from them)."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            mean, logvar = self.networks["repair"](images, known)
            decoded = self.decoder(sample_code(mean.float(), logvar.float()))
        return mean.float(), logvar.float(), (images - decoded.float()).square().sum(dim=(1, 2, 3)).mean()

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        images, mask = damaged(pictures)
        mean, _ = averages["repair"](images, mask)
        return torch.stack([images, images * mask, self.decoder(mean)], dim=1).flatten(0, 1)


class PrincipalRepairStage(RepairStage):
    """The same without drawing a picture: the decoder of the linear posterior tells what a wrong code costs, the codes
    of the whole picture which are right. Several times as fast; always in float32, as it solves a linear system."""

    def __init__(
        self,
        networks: nn.ModuleDict,
        settings: InverseSettings,
        coder: Mapping[str, nn.Module],
        sigma: float,
        outgrown: bool = False,
    ):
        """outgrown: whether the VAE in `coder` went on learning since this stage stopped."""
        super().__init__(networks, settings, coder["decoder"], sigma)
        self.encoder, self.outgrown = coder["encoder"], outgrown

    def begin(self, train: Pictures, test: Pictures) -> None:
        if not self.settings.resume:
            begin_repair(self.networks["repair"], self.encoder, train.images, self.temperature**2)
        elif self.outgrown:
            fit_repair(self.networks["repair"], self.encoder, train.images, self.temperature**2)

    def found(self, images: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As above, but the error is without what no code could draw, and of the mean."""
        mean, logvar = self.networks["repair"](images, known)
        with torch.no_grad():
            codes, _ = self.encoder(images)
        return mean, logvar, self.networks["repair"].posterior.squared_error(mean, codes).mean()


class InverterStage(Stage):
    """Generator frozen: find its own styles again, and draw generated and real pictures through it."""

    name = "inverter"

    def __init__(
        self, networks: nn.ModuleDict, settings: InverseSettings, generator: Generator, data: DataInfo, prior: Prior
    ):
        optimizer = torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99), fused=True)
        super().__init__(networks, {"inverter": optimizer})
        self.settings, self.generator, self.data, self.prior = settings, generator, data, prior
        self.ema_images, self.accumulate = settings.ema_images, settings.accumulate

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        optimizer = self.optimizers["inverter"]
        optimizer.param_groups[0]["lr"] = self.settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        parts = self.parts(images, labels)
        for reals, classes in parts:
            loss, mse, styles = self.loss(reals, classes)
            (loss / len(parts)).backward()
        self.updates.apply("inverter")
        return {"loss": loss.detach(), "mse": mse.detach(), "styles": styles.detach()}

    def loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(what is minimised, error of the pictures, error of the styles): the first half of the pictures is replaced
        by generated ones, whose styles are known."""
        mapping, half = self.generator.mapping, len(images) // 2
        noise = priors.draw(self.prior, half, mapping.latent_dim, images.device)
        with torch.no_grad():
            w = mapping(noise, one_hot(labels[:half], len(self.data.classes)))
            pictures = torch.cat([self.generator.synthesis(w), images[half:]])
        mask = random_masks(len(pictures), images.shape[-1], images.device)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            found = self.networks["inverter"](pictures, mask)
            drawn = self.generator.synthesis.signal(found)
        styles = F.mse_loss(found[:half].float(), w)
        # Signals span [-1, 1]; / 4 gives the error in units of [0, 1] pixels.
        mse = (drawn.float() - (pictures * 2 - 1)).square().mean() / 4
        return mse * 10 + 0.1 * styles, mse, styles

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        images, mask = damaged(pictures)
        drawn = self.generator.synthesis(averages["inverter"](images, mask))
        return torch.stack([images, images * mask, drawn], dim=1).flatten(0, 1)


def build_repair(settings: InverseSettings, data: DataInfo, vae: VaeSettings) -> nn.ModuleDict:
    """Untrained mask encoder into the VAE's codes."""
    shape = data.channels, data.size, vae.latent_dim
    if vae.body == "principal":
        return nn.ModuleDict({"repair": PrincipalRepairer(*shape, settings.hidden)})
    channels = widths(len(resolutions(data.size)), settings.width)[-2::-1]
    return nn.ModuleDict({"repair": Repairer(*shape, channels, settings.hidden)})


def build_inverter(settings: InverseSettings, data: DataInfo, styles: tuple[int, int]) -> nn.ModuleDict:
    """Untrained mask encoder into the generator's styles, whose w is [N, *styles]."""
    channels = widths(len(resolutions(data.size)), settings.width)[-2::-1]
    return nn.ModuleDict({"inverter": Inverter(data.channels, data.size, *styles, channels, settings.hidden)})

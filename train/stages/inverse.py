"""One training step of the mask encoders: whole or damaged picture -> styles (inverter) or codes (repair)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train import priors
from train.data.dataset import DataInfo, Pictures, one_hot
from train.data.splits import spread_rows
from train.losses import kl_to_normal
from train.models.bases import DecoderBase, GeneratorBase
from train.models.convolutional import Inverter, Repairer
from train.models.layers import Sides, halving_widths, resolutions
from train.models.principal import PrincipalRepairer
from train.schedules import cosine, ramp
from train.settings import InverseSettings, Prior, VaeSettings
from train.stages.principal_components import begin_repair, fit_posterior
from train.stages.stage import Stage
from train.stages.vae import VaeNetworks, sample_code

DAMAGED = 16  # held-out pictures of a sheet


class RepairNetworks(nn.Module):
    """The mask encoder into the codes of a VAE."""

    def __init__(self, repair: Repairer | PrincipalRepairer):
        super().__init__()
        self.repair = repair


class InverterNetworks(nn.Module):
    """The mask encoder into the styles of a generator."""

    def __init__(self, inverter: Inverter):
        super().__init__()
        self.inverter = inverter


def build_repair(settings: InverseSettings, data: DataInfo, vae: VaeSettings) -> RepairNetworks:
    """The untrained mask encoder into the codes of a VAE."""
    shape = data.channels, data.sides, vae.latent_dim
    if vae.body == "principal":
        return RepairNetworks(PrincipalRepairer(*shape, settings.hidden))
    return RepairNetworks(Repairer(*shape, trunk_widths(settings, data), settings.hidden))


def build_inverter(settings: InverseSettings, data: DataInfo, styles: tuple[int, int]) -> InverterNetworks:
    """The untrained mask encoder into a generator's styles w [N, *styles]."""
    trunk = trunk_widths(settings, data)
    return InverterNetworks(Inverter(data.channels, data.sides, *styles, trunk, settings.hidden))


def trunk_widths(settings: InverseSettings, data: DataInfo) -> tuple[int, ...]:
    """Channels after each halving of the picture, largest map first."""
    return halving_widths(len(resolutions(data.sides)), settings.width)[-2::-1]


def random_masks(count: int, sides: Sides, device: torch.device | str = "cpu") -> Tensor:
    """Masks [N, 1, H, W], 1 = known, of pictures of sides (H, W). A quarter of each kind: nothing missing, a box
    missing (0.2 to 0.6 of each side), a strip at one side missing (0.25 to 0.6), single pixels missing (up to 0.85 of
    them)."""
    u = torch.rand(8, count, 1, 1, device=device)
    rows, columns = ((torch.arange(side, device=device) + 0.5) / side for side in sides)
    rows, columns = rows[None, :, None], columns[None, None, :]
    tall, wide = 0.2 + 0.4 * u[0], 0.2 + 0.4 * u[1]
    top, left = u[2] * (1 - tall), u[3] * (1 - wide)
    box = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    reach, side = 0.25 + 0.35 * u[4], (u[5] * 4).floor()
    distance = torch.where(
        side == 0, rows, torch.where(side == 1, 1 - rows, torch.where(side == 2, columns, 1 - columns))
    )
    strip = (distance < reach).expand(count, *sides)
    scattered = torch.rand(count, *sides, device=device) < 0.85 * u[6]
    kind = (u[7] * 4).floor()
    nothing = torch.zeros_like(scattered)
    missing = torch.where(kind == 0, nothing, torch.where(kind == 1, box, torch.where(kind == 2, strip, scattered)))
    return (~missing).float().unsqueeze(1)


def image_sides(images: Tensor) -> Sides:
    """(height, width) of images [N, C, H, W]."""
    return images.shape[-2], images.shape[-1]


def damaged(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """At most 16 of the pictures [N, C, H, W], at even distances, and masks for them [N, 1, H, W], always the same."""
    torch.manual_seed(0)
    images = pictures[spread_rows(len(pictures), DAMAGED).to(pictures.device)]
    return images, random_masks(len(images), image_sides(images), images.device)


def tiles(images: Tensor, mask: Tensor, drawn: Tensor) -> Tensor:
    """Four tiles for each of N pictures, [4 N, C, H, W]: all of it, what is known of it, what was drawn of that, and a
    grey one, so that no picture is torn over two rows of a sheet."""
    return torch.stack([images, images * mask, drawn, torch.full_like(images, 0.5)], dim=1).flatten(0, 1)


class RepairStage(Stage[RepairNetworks, InverseSettings]):
    """Codes of the whole picture, the decoder frozen: loss SSE / (2 t^2) + KL with t = 2 sigma."""

    name = "repair"

    def __init__(self, networks: RepairNetworks, settings: InverseSettings, decoder: DecoderBase, sigma: float):
        """decoder: trained, which leaves an error of standard deviation `sigma` in each pixel."""
        optimizer = torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99), fused=True)
        super().__init__(networks, {"repair": optimizer}, settings, settings.ema_images)
        self.decoder, self.temperature = decoder, 2 * sigma

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        optimizer = self.optimizers["repair"]
        optimizer.param_groups[0]["lr"] = self.settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        mask = random_masks(len(images), image_sides(images), images.device)
        parts = self.parts(images, mask)
        for pictures, known in parts:
            mean, logvar, squared = self.codes_and_error(pictures, known)
            kl = kl_to_normal(mean, logvar).sum(dim=1).mean()
            loss = squared / (2 * self.temperature**2) + kl
            (loss / len(parts)).backward()
        self.updates.apply("repair", clip=50 * images[0].numel() / 1024)
        return {"loss": loss.detach(), "mse": squared.detach() / images[0].numel(), "kl": kl.detach()}

    def codes_and_error(self, images: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(mean, logvar of the codes [N, D], mean over the batch of the squared error of a picture drawn from them)."""
        with self.autocast(images.device):
            mean, logvar = self.networks.repair(images, known)
            decoded = self.decoder(sample_code(mean.float(), logvar.float()))
        return mean.float(), logvar.float(), (images - decoded.float()).square().sum(dim=(1, 2, 3)).mean()

    def preview(self, averages: RepairNetworks, pictures: Tensor) -> Tensor:
        images, mask = damaged(pictures)
        mean, _ = averages.repair(images, mask)
        return tiles(images, mask, self.decoder(mean))


class PrincipalRepairStage(RepairStage):
    """The repair of a principal VAE: a wrong code costs the error of the posterior's linear decoder against the code of
    the whole picture, so no picture is drawn, which is several times as fast. Always in float32, as it solves a linear
    system."""

    def __init__(
        self,
        networks: RepairNetworks,
        settings: InverseSettings,
        vae: VaeNetworks,
        sigma: float,
        vae_changed: bool = False,
    ):
        """vae_changed: whether `vae` was trained further since this stage stopped."""
        super().__init__(networks, settings, vae.decoder, sigma)
        if not isinstance(networks.repair, PrincipalRepairer):
            raise TypeError("PrincipalRepairStage trains a PrincipalRepairer")
        self.repairer, self.encoder, self.vae_changed = networks.repair, vae.encoder, vae_changed

    def begin(self, train: Pictures, test: Pictures) -> None:
        """Fits the posterior to the VAE's codes: for a new stage, and after the VAE was trained further."""
        if not self.settings.resume:
            begin_repair(self.repairer, self.encoder, train.images, self.temperature**2)
        elif self.vae_changed:
            fit_posterior(self.repairer, self.encoder, train.images, self.temperature**2)

    def codes_and_error(self, images: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As RepairStage.codes_and_error, but the error is that of the mean code, without what no code could draw."""
        mean, logvar = self.repairer(images, known)
        with torch.no_grad():
            codes, _ = self.encoder(images)
        return mean, logvar, self.repairer.posterior.squared_error(mean, codes).mean()


class InverterStage(Stage[InverterNetworks, InverseSettings]):
    """Styles of a picture, the generator frozen: those of generated pictures, and those that redraw a real one best."""

    name = "inverter"

    def __init__(
        self,
        networks: InverterNetworks,
        settings: InverseSettings,
        generator: GeneratorBase,
        data: DataInfo,
        prior: Prior,
    ):
        optimizer = torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99), fused=True)
        super().__init__(networks, {"inverter": optimizer}, settings, settings.ema_images)
        self.generator, self.data, self.prior = generator, data, prior

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        optimizer = self.optimizers["inverter"]
        optimizer.param_groups[0]["lr"] = self.settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        parts = self.parts(images, labels)
        for pictures, own_labels in parts:
            loss, mse, styles = self.loss(pictures, own_labels)
            (loss / len(parts)).backward()
        self.updates.apply("inverter")
        return {"loss": loss.detach(), "mse": mse.detach(), "styles": styles.detach()}

    def loss(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(what is minimised, error of the pictures, error of the styles): the first half of the batch (at least one
        picture) is replaced by generated pictures, whose styles are known."""
        mapping, half = self.generator.mapping, max(1, len(images) // 2)
        noise = priors.draw(self.prior, half, mapping.latent_dim, images.device)
        with torch.no_grad():
            w = mapping(noise, one_hot(labels[:half], len(self.data.classes)))
            pictures = torch.cat([self.generator.synthesis(w), images[half:]])
        mask = random_masks(len(pictures), image_sides(images), images.device)
        with self.autocast(images.device):
            found = self.networks.inverter(pictures, mask)
            drawn = self.generator.synthesis.signal(found)
        styles = F.mse_loss(found[:half].float(), w)
        # Signals span [-1, 1]; / 4 gives the error in units of [0, 1] pixels.
        mse = (drawn.float() - (pictures * 2 - 1)).square().mean() / 4
        return mse * 10 + 0.1 * styles, mse, styles

    def preview(self, averages: InverterNetworks, pictures: Tensor) -> Tensor:
        images, mask = damaged(pictures)
        return tiles(images, mask, self.generator.synthesis(averages.inverter(images, mask)))

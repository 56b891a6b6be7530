"""One training step of the VAE, and what is fitted to its codes afterwards."""

import torch
from torch import Tensor, nn

from train import priors
from train.config import VaeSettings, widths
from train.data import DataInfo, Pictures
from train.loop import Stage
from train.losses import kl_to_normal, optimal_sigma_nll
from train.networks import Decoder, Encoder, resolutions
from train.schedules import cosine, ramp


def sample_code(mean: Tensor, logvar: Tensor) -> Tensor:
    """Reparameterised draw from N(mean, exp(logvar)), [N, D]."""
    return mean + torch.randn_like(mean) * (0.5 * logvar).exp()


class VaeStage(Stage):
    """1/2 D log MSE + beta KL, with a KL warm-up."""

    name = "vae"

    def __init__(self, networks: nn.ModuleDict, settings: VaeSettings, data: DataInfo):
        self.networks, self.settings, self.data = networks, settings, data
        self.ema_images = settings.ema_images
        self.optimizers = {"vae": torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99))}

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, optimizer = self.settings, self.optimizers["vae"]
        optimizer.param_groups[0]["lr"] = settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bf16"):
            mean, logvar = self.networks["encoder"](images)
            decoded = self.networks["decoder"](sample_code(mean.float(), logvar.float()))
        reconstruction = optimal_sigma_nll(images, decoded.float())
        kl = kl_to_normal(mean.float(), logvar.float()).sum(dim=1).mean()
        loss = reconstruction + settings.beta * ramp(progress, settings.warmup) * kl
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.networks.parameters(), 50 * images[0].numel() / 1024)
        optimizer.step()
        return {"loss": loss.detach(), "mse": (images - decoded).square().mean().detach(), "kl": kl.detach()}

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        """Held-out pictures, each beside its reconstruction."""
        mean, _ = averages["encoder"](pictures)
        return torch.stack([pictures, averages["decoder"](mean)], dim=1).flatten(0, 1)

    @torch.no_grad()
    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """sigma, the codes' statistics, and the mixture that is sampled instead of N(0, I)."""
        device = next(averages.parameters()).device
        torch.manual_seed(self.settings.seed)

        def codes(pictures: Pictures) -> tuple[Tensor, Tensor]:
            parts = [averages["encoder"](x.to(device).float() / 255) for x in pictures.images.split(500)]
            return torch.cat([m for m, _ in parts]), torch.cat([v for _, v in parts])

        mean, logvar = codes(train)
        drawn = sample_code(mean, logvar)
        squared = [
            (averages["decoder"](z) - x.to(device).float() / 255).square().mean(dim=(1, 2, 3))
            for z, x in zip(drawn[:20_000].split(500), train.images[:20_000].split(500), strict=True)
        ]
        mixture = priors.fit(
            drawn.cpu().numpy(), train.labels.numpy(), len(self.data.classes), self.settings.components
        )
        test_mean, test_logvar = codes(test)
        found = {
            "sigma": torch.cat(squared).mean().sqrt(),
            "code_mean": mean.mean(dim=0),
            "code_std": mean.std(dim=0),
            "code_kl": kl_to_normal(test_mean, test_logvar).mean(dim=0),
        }
        return {k: v.float().cpu().contiguous() for k, v in found.items()} | {
            f"mixture_{k}": torch.from_numpy(v) for k, v in mixture.items()
        }


def build(settings: VaeSettings, data: DataInfo) -> nn.ModuleDict:
    """Untrained encoder and decoder for these pictures."""
    channels = widths(len(resolutions(data.size)), settings.width)
    return nn.ModuleDict(
        {
            "encoder": Encoder(data.channels, data.size, settings.latent_dim, channels[-2::-1]),
            "decoder": Decoder(data.channels, data.size, settings.latent_dim, channels),
        }
    )

"""One training step of the VAE, and what is fitted to its codes afterwards."""

import torch
from torch import Tensor, nn

from train import priors
from train.data.dataset import DataInfo, Pictures
from train.data.splits import spread_rows
from train.losses import bernoulli_nll, kl_to_normal, optimal_sigma_nll, unit_sigma_nll
from train.models.bases import DecoderBase
from train.models.convolutional import Decoder, Encoder
from train.models.fully_connected import DenseDecoder, DenseEncoder
from train.models.layers import halving_widths, resolutions
from train.models.principal import PrincipalDecoder, PrincipalEncoder
from train.models.residual import ResidualDecoder, ResidualEncoder
from train.schedules import cosine, ramp
from train.settings import VaeSettings
from train.stages.principal_components import begin_as_components
from train.stages.stage import Stage

CALIBRATION = 20_000  # pictures that sigma is measured on
MIXTURE_SECONDS = 0.0006  # for each code that the mixture is fitted to
LIKELIHOODS = {"calibrated": optimal_sigma_nll, "squared-error": unit_sigma_nll, "bernoulli": bernoulli_nll}


class VaeNetworks(nn.Module):
    """Encoder and decoder."""

    def __init__(self, encoder: Encoder, decoder: DecoderBase):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder


def build(settings: VaeSettings, data: DataInfo) -> VaeNetworks:
    """The untrained networks for these pictures."""
    shape, width = (data.channels, data.sides, settings.latent_dim), settings.width
    if settings.body == "mlp":
        return VaeNetworks(DenseEncoder(*shape, (width,), width), DenseDecoder(*shape, width))
    least = max(width // 4, 8) if settings.body == "residual" else 16
    channels = halving_widths(len(resolutions(data.sides)), width, least)
    bodies: dict[str, tuple[type[Encoder], type[Decoder]]] = {
        "conv": (Encoder, Decoder),
        "residual": (ResidualEncoder, ResidualDecoder),
        "principal": (PrincipalEncoder, PrincipalDecoder),
    }
    make_encoder, make_decoder = bodies[settings.body]
    encoder = make_encoder(*shape, channels[-2::-1], settings.hidden)
    return VaeNetworks(encoder, make_decoder(*shape, channels, settings.hidden))


def sample_code(mean: Tensor, logvar: Tensor, noise: Tensor | None = None) -> Tensor:
    """A reparameterised draw from N(mean, exp(logvar)), [N, D]; `noise` N(0, 1) [N, D] is drawn when not given."""
    return mean + (torch.randn_like(mean) if noise is None else noise) * (0.5 * logvar).exp()


class VaeStage(Stage[VaeNetworks, VaeSettings]):
    """Reconstruction + beta KL, with a KL warm-up; by default the reconstruction is 1/2 D log MSE."""

    name = "vae"
    snapshot_held_out = 4

    def __init__(self, networks: VaeNetworks, settings: VaeSettings, data: DataInfo):
        optimizer = torch.optim.Adam(networks.parameters(), lr=settings.lr, betas=(0.9, 0.99), fused=True)
        super().__init__(networks, {"vae": optimizer}, settings, settings.ema_images)
        self.data = data

    def begin(self, train: Pictures, test: Pictures) -> None:
        """With the body `principal`, a new run begins as the principal components of the training pictures."""
        encoder, decoder = self.networks.encoder, self.networks.decoder
        untrained = not self.settings.resume and self.settings.start_from is None
        if isinstance(encoder, PrincipalEncoder) and isinstance(decoder, PrincipalDecoder) and untrained:
            begin_as_components(encoder, decoder, train.images, self.settings.seed)

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, optimizer = self.settings, self.optimizers["vae"]
        optimizer.param_groups[0]["lr"] = settings.lr * ramp(progress, 0.01) * cosine(1, 0.01, progress)
        self.networks.train()
        self.updates.begin()
        noise = self.own_rows(torch.randn(self.processes * len(images), settings.latent_dim, device=images.device))
        if settings.binarize:
            images = torch.bernoulli(images)
        parts = self.parts(images, noise)
        for pictures, own_noise in parts:
            with self.autocast(images.device):
                mean, logvar = self.networks.encoder(pictures)
                logits = self.networks.decoder.logits(sample_code(mean.float(), logvar.float(), own_noise))
            decoded = self.networks.decoder.picture(logits.float())  # in bf16 a probability above 0.998 would be 1
            reconstruction = LIKELIHOODS[settings.likelihood](pictures, decoded)
            kl = kl_to_normal(mean.float(), logvar.float()).sum(dim=1).mean()
            loss = reconstruction + settings.beta * ramp(progress, settings.warmup) * kl
            (loss / len(parts)).backward()
        self.updates.apply("vae", clip=50 * images[0].numel() / 1024)
        mse = (pictures - decoded).square().mean()
        return {"loss": loss.detach(), "mse": mse.detach(), "kl": kl.detach()}

    def preview(self, averages: VaeNetworks, pictures: Tensor) -> Tensor:
        """Held-out pictures, each next to its reconstruction."""
        mean, _ = averages.encoder(pictures)
        return torch.stack([pictures, averages.decoder(mean)], dim=1).flatten(0, 1)

    def snapshot(self, averages: VaeNetworks, pictures: Tensor) -> Tensor:
        """The reconstructions of these pictures."""
        return averages.decoder(averages.encoder(pictures)[0])

    def measuring_seconds(self, train: int, test: int, rate: float) -> float:
        """A sixth of a step for each code, and for each picture drawn of one; and the mixture."""
        return (train + test + min(train, CALIBRATION)) / 6 / rate + train * MIXTURE_SECONDS

    @torch.no_grad()
    def finish(self, averages: VaeNetworks, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """sigma, the statistics of the codes [D], and the mixture that is sampled instead of N(0, I)."""
        device = next(averages.parameters()).device
        torch.manual_seed(self.settings.seed)

        def codes(pictures: Pictures) -> tuple[Tensor, Tensor]:
            parts = [averages.encoder(x.to(device).float() / 255) for x in pictures.images.split(500)]
            return torch.cat([m for m, _ in parts]), torch.cat([v for _, v in parts])

        def pictures_of(rows: Tensor) -> Tensor:
            return train.images[rows.to(train.images.device)].to(device).float() / 255

        mean, logvar = codes(train)
        sampled = sample_code(mean, logvar)
        squared = [
            (averages.decoder(sampled[rows.to(device)]) - pictures_of(rows)).square().mean(dim=(1, 2, 3))
            for rows in spread_rows(len(train), CALIBRATION).split(500)
        ]
        mixture = priors.fit(
            sampled.cpu().numpy(), train.labels.numpy(), len(self.data.classes), self.settings.components
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

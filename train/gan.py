"""One training step of the GAN: a critic update, then a generator update."""

import torch
from torch import Tensor, nn

from train.config import GanSettings, widths
from train.data import DataInfo, Pictures, one_hot
from train.loop import Stage
from train.losses import ADVERSARIAL, gradient_penalty
from train.networks import Critic, Generator, resolutions
from train.schedules import cosine


class GanStage(Stage):
    """The i-th real picture is paired with the i-th generated one, both of the same class."""

    name = "gan"

    def __init__(self, networks: nn.ModuleDict, settings: GanSettings, data: DataInfo):
        self.networks, self.settings, self.data = networks, settings, data
        self.ema_images = settings.ema_images
        generator, critic = networks["generator"], networks["critic"]
        groups = {
            "generator": [
                {"params": [p for n, p in generator.named_parameters() if "mapping.body" not in n], "pace": 1.0},
                {"params": list(generator.mapping.body.parameters()), "pace": settings.mapping_pace},
            ],
            "critic": [{"params": list(critic.parameters()), "pace": 1.0}],
        }
        self.optimizers = {
            name: torch.optim.Adam(parts, lr=settings.lr, betas=(0.0, settings.beta2[0]))
            for name, parts in groups.items()
        }
        noise = torch.Generator("cpu").manual_seed(settings.seed)
        self.preview_z = torch.randn(64, settings.latent_dim, generator=noise, device="cpu")
        self.preview_classes = one_hot(torch.arange(64) % max(len(data.classes), 1), len(data.classes))

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        settings, loss = self.settings, ADVERSARIAL[self.settings.loss]
        generator, critic = self.networks["generator"], self.networks["critic"]
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["pace"] * settings.lr * cosine(1, settings.lr_end, progress)
                group["betas"] = (0.0, cosine(*settings.beta2, progress))
        gamma = cosine(*settings.gamma, progress)
        autocast = torch.autocast(images.device.type, torch.bfloat16, enabled=settings.precision == "bf16")
        classes = one_hot(labels, len(self.data.classes))
        noise = torch.randn(2, len(images), settings.latent_dim, device=images.device)

        real = (images * 2 - 1).requires_grad_()
        with torch.no_grad(), autocast:
            fake = generator.signal(noise[0], classes)
        fake = fake.float().requires_grad_()
        with autocast:
            scores_real, scores_fake = critic.score(real, classes), critic.score(fake, classes)
        adversarial = loss.critic(scores_real.float(), scores_fake.float())
        r1, r2 = gradient_penalty(scores_real, real), gradient_penalty(scores_fake, fake)
        self._update("critic", adversarial + 0.5 * gamma * (r1 + r2))

        critic.requires_grad_(False)
        with autocast:
            scores_fake = critic.score(generator.signal(noise[1], classes), classes)
            with torch.no_grad():
                # Only relativistic losses look at the reals again.
                scores_real = critic.score(real.detach(), classes) if loss.paired else scores_real.detach()
        generated = loss.generator(scores_real.float(), scores_fake.float())
        self._update("generator", generated)
        critic.requires_grad_(True)
        return {"critic": adversarial.detach(), "generator": generated.detach(), "r1": r1.detach(), "r2": r2.detach()}

    def _update(self, name: str, loss: Tensor) -> None:
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        device = next(averages.parameters()).device
        classes = None if self.preview_classes is None else self.preview_classes.to(device)
        return averages["generator"](self.preview_z.to(device), classes)

    @torch.no_grad()
    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """w_mean [K, w_dim]: the mean style of each class, centre of truncation ([1, w_dim] without classes)."""
        mapping, count = averages["generator"].mapping, max(len(self.data.classes), 1)
        device = next(averages.parameters()).device
        z = torch.randn(10_000, self.settings.latent_dim, generator=torch.Generator().manual_seed(0)).to(device)
        means = []
        for label in range(count):
            classes = one_hot(torch.full((len(z),), label, device=device), len(self.data.classes))
            means.append(mapping(z, classes)[:, 0].mean(dim=0))
        return {"w_mean": torch.stack(means).cpu()}


def build(settings: GanSettings, data: DataInfo) -> nn.ModuleDict:
    """Untrained generator and critic for these pictures."""
    channels = widths(len(resolutions(data.size)), settings.width)
    return nn.ModuleDict(
        {
            "generator": Generator(
                data.channels, data.size, len(data.classes), settings.latent_dim, settings.w_dim, channels
            ),
            "critic": Critic(data.channels, data.size, len(data.classes), channels),
        }
    )

"""Trains a control: a plain DCGAN (train/models/dcgan.py), by the same loop on the same pictures for the same minutes.

    python -m benchmarks.dcgan runs/control --data ylecun/mnist --size 32 --minutes 45
    python -m train evaluate artifacts/mnist --data ylecun/mnist --control runs/control

Non-saturating loss, Adam (0.5, 0.999) at 2e-4, no moving average, no classes.
"""

import copy
import sys
from dataclasses import dataclass

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.marks import TRAINED
from train.__main__ import STOPPED
from train.command_line import given_flags
from train.data.dataset import DataInfo
from train.hardware import training_device
from train.help_texts import reflowed
from train.known_pictures import open_pictures
from train.loop import train
from train.models.dcgan import LATENT_DIM, WIDTHS, DcganNetworks, build
from train.models.layers import resolutions
from train.resume import resolve_resume
from train.run_lock import locked
from train.settings import Settings
from train.settings_checks import check_settings
from train.stages.stage import Stage, channels_last
from train.training import with_precision


@reflowed
@dataclass(frozen=True)
class ControlSettings(Settings):
    """Plain DCGAN, with as many parameters as a GAN of the cpu preset."""

    lr: float = 2e-4
    """Learning rate of generator and critic."""


class ControlStage(Stage[DcganNetworks, ControlSettings]):
    """Binary cross-entropy on logits, one critic and one generator update a step."""

    name = "dcgan"
    module = "benchmarks.dcgan"
    sheet_shows = TRAINED

    def __init__(self, networks: DcganNetworks, settings: ControlSettings):
        optimizers = {
            name: torch.optim.Adam(network.parameters(), lr=settings.lr, betas=(0.5, 0.999), fused=True)
            for name, network in networks.named_children()
        }
        super().__init__(networks, optimizers, settings, ema_images=0.0)

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        self.networks.train()
        self.updates.begin()
        generator, critic = self.networks.generator, self.networks.critic
        with self.autocast(images.device):
            fake = generator(torch.randn(len(images), LATENT_DIM, 1, 1, device=images.device))
            real_score, fake_score = critic(images * 2 - 1), critic(fake.detach())
        critic_loss = F.softplus(-real_score.float()).mean() + F.softplus(fake_score.float()).mean()
        critic_loss.backward()
        self.updates.apply("critic")
        with self.autocast(images.device):
            fake_score = critic(fake)
        generator_loss = F.softplus(-fake_score.float()).mean()
        generator_loss.backward()
        self.updates.apply("generator")
        critic.zero_grad(set_to_none=True)
        return {"critic": critic_loss.detach(), "generator": generator_loss.detach()}

    def preview(self, averages: DcganNetworks, pictures: Tensor) -> Tensor:
        z = torch.randn(64, LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(0))
        return averages.generator(z.to(pictures.device)) * 0.5 + 0.5


def check_control_size(data: DataInfo) -> None:
    """Raises UserError for pictures that the control has no network for."""
    if len(resolutions(data.sides)) - 1 not in WIDTHS:
        raise UserError(f"The control draws no pictures of {data.width}x{data.height}; try --size 32 or 64.")


def command(settings: ControlSettings, given: set[str]) -> int:
    """Exit code: 0 done, 130 stopped by Ctrl-C. Raises UserError."""
    check_settings(settings)
    with locked(settings.run):
        return train_control(settings, given)


def train_control(settings: ControlSettings, given: set[str]) -> int:
    """As `command`, in a run folder that no other training uses."""
    info, train_set, test_set = open_pictures(settings, given, check_control_size)
    resolved = with_precision(resolve_resume("dcgan", settings, given))
    torch.manual_seed(resolved.seed)
    with training_device():
        networks = build(info.channels, info.sides)
        channels_last(networks)
        averages = copy.deepcopy(networks).eval().requires_grad_(False)
    finished = train(ControlStage(networks, resolved), averages, resolved, info.source, train_set, test_set)
    return 0 if finished else 130


def main(argv: list[str]) -> int:
    settings = tyro.cli(ControlSettings, description=__doc__, args=argv)
    return exit_code(lambda: command(settings, given_flags(argv)), STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

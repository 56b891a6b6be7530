"""Typed settings, from the flag to the checkpoint. Defaults are the `cpu` preset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Loss = Literal["rpgan", "non-saturating", "minimax", "hinge", "lsgan", "wgan"]


@dataclass(frozen=True)
class Settings:
    """What every stage shares."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder, e.g. runs/mnist; made when missing."""
    data: str = "ylecun/mnist"
    """Hugging Face data-set id, a folder of pictures (sub-folders become classes), or a tree of parquet files."""
    size: int | None = None
    """Side of the square pictures; default: the smallest power of two that holds the median picture."""
    minutes: float = 30.0
    """Time budget; the schedule is stretched to it."""
    images: int | None = None
    """Train on exactly this many pictures instead of a time budget (bit-for-bit repeatable)."""
    batch: int = 64
    """Pictures a step."""
    seed: int = 0
    """Seed of initialisation, order and noise."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions under autocast. Faster where the processor or the GPU has it."""
    resume: bool = False
    """Go on from the last checkpoint of this stage; its settings are taken over and may not be changed,
    except --minutes, --images and --threads."""


@dataclass(frozen=True)
class ClassifierSettings(Settings):
    """The convolutional network that names what it sees; its features feed every figure of quality."""

    minutes: float = 5.0
    batch: int = 128
    lr: float = 2e-3
    jitter: float = 0.5
    """Share of the pictures that are augmented; the others are seen as they are."""
    shift: float = 0.06
    """Augmentation: largest shift, as a share of the side."""
    rotate: float = 10.0
    """Augmentation: largest rotation, degrees."""


@dataclass(frozen=True)
class GanSettings(Settings):
    """Generator against critic: relativistic pairing loss with R1 and R2 by default."""

    minutes: float = 45.0
    loss: Loss = "rpgan"
    """Value function."""
    gamma: tuple[float, float] = (0.3, 0.03)
    """Weight of R1 and R2 at the start and at the end: higher is steadier, lower is more varied."""
    lr: float = 1e-3
    lr_end: float = 0.15
    """Last learning rate, as a share of the first."""
    mapping_pace: float = 0.01
    """Learning rate of the mapping of z, as a share of --lr: at full pace it collapses onto a few directions."""
    beta2: tuple[float, float] = (0.9, 0.99)
    """Adam's second momentum at the start and at the end; the first is 0."""
    ema_images: float = 10_000
    """Half-life of the weights' moving average, in pictures."""
    latent_dim: int = 64
    w_dim: int = 96
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16)."""


@dataclass(frozen=True)
class VaeSettings(Settings):
    """Encoder and decoder with a calibrated decoder variance, then a mixture of Gaussians as sampling prior."""

    minutes: float = 25.0
    batch: int = 128
    beta: float = 1.0
    """Weight of the KL term: higher means smoother codes, lower means sharper reconstructions."""
    warmup: float = 0.1
    """Share of the run over which the KL weight rises from 0."""
    lr: float = 1e-3
    ema_images: float = 20_000
    latent_dim: int = 32
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16)."""
    components: int = 20
    """Gaussians a class in the sampling prior (without classes: ten times as many)."""


@dataclass(frozen=True)
class InverseSettings(Settings):
    """Mask-conditioned encoders into the frozen generator and decoder: repair and inversion in one pass."""

    minutes: float = 15.0
    target: Literal["both", "gan", "vae"] = "both"
    """Invert the generator (gan: the inverter), the decoder (vae: repair), or both, half of the time each."""
    batch: int = 128
    lr: float = 1e-3
    ema_images: float = 20_000
    width: int = 128
    hidden: int = 512


@dataclass(frozen=True)
class AllSettings(Settings):
    """Classifier, GAN, VAE and inverse, in this order, in one run folder."""

    minutes: float = 90.0
    """Time budget of the four stages together: 6 %, 50 %, 27 % and 17 % of it."""
    batch: int | None = None  # type: ignore[assignment]
    """Pictures a step; default: each stage's own."""


SHARES: dict[str, float] = {"classifier": 0.06, "gan": 0.50, "vae": 0.27, "inverse": 0.17}
# Folder of a stage in the run -> its settings; `inverse` fills the last two.
STAGES: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverter": InverseSettings,
    "repair": InverseSettings,
}
# What may differ between a run and its resumption.
FREE_FIELDS = {"run", "data", "minutes", "images", "threads", "resume", "target"}


def widths(stages: int, width: int, least: int = 16) -> tuple[int, ...]:
    """Channels a resolution, smallest first: width, width / 2, …, never under `least`."""
    return tuple(max(width >> i, least) for i in range(stages))

"""Typed settings, from the flag to the checkpoint. Defaults are the `cpu` preset."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from bundle.schema import Fit, Likelihood, Prior

Loss = Literal["rpgan", "non-saturating", "minimax", "hinge", "lsgan", "wgan"]


@dataclass(frozen=True)
class Settings:
    """What every stage shares."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder, e.g. runs/mnist; made when missing."""
    preset: str = "cpu"
    """Named set of defaults, shown by --help beside it: cpu (an hour on two cores), gpu (wider, residual), and the
    systems of the classic articles: lenet (classifier), mlp (gan, vae), plane (vae with two dimensions); principal
    (vae) for the sharpest reconstructions."""
    data: str = "ylecun/mnist"
    """Hugging Face data-set id, a folder or zip of pictures (sub-folders become classes), parquet files, or a set
    made here: shapes (drawn, with known factors), stacked_mnist (stacked_mnist:SOURCE from another copy of MNIST)."""
    size: int | None = None
    """Side of the square pictures; default: the smallest power of two that holds the median picture."""
    fit: Fit = "crop"
    """What happens to pictures that are not square: cropped to the middle, or shown whole on the background."""
    background: str | None = None
    """Colour under transparent and padded parts, by name or as #rrggbb; default: white, for grey pictures black."""
    minutes: float = 30.0
    """Time budget; the schedule is stretched to it."""
    images: int | None = None
    """Train on exactly this many pictures instead of a time budget (bit-for-bit repeatable)."""
    batch: int = 64
    """Pictures a step and process, before --accumulate."""
    accumulate: int = 1
    """Batches whose gradients are summed before a step: a larger batch in the memory of a small one."""
    seed: int = 0
    """Seed of initialisation, order and noise."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: convolutions under autocast. Faster where the processor or the GPU has it, many times slower elsewhere."""
    track: str | None = None
    """Also write the metrics for a tracker that accelerate knows and that is installed: tensorboard, wandb, …"""
    resume: bool = False
    """Go on from the last checkpoint of this stage; its settings are taken over and may not be changed,
    except --minutes, --images, --threads, --track, and what may be tuned on the way: --matching, --gamma,
    --ema-images, --minibatch-deviation, --precision."""


@dataclass(frozen=True)
class ClassifierSettings(Settings):
    """The convolutional network that names what it sees; its features feed every figure of quality."""

    minutes: float = 5.0
    batch: int = 128
    body: Literal["conv", "lenet", "residual"] = "conv"
    """Network: conv (three convolutions), lenet (conv-pool-conv-pool-three linear layers), residual (for a GPU)."""
    lr: float = 2e-3
    jitter: float = 0.5
    """Share of the pictures that are augmented; the others are seen as they are."""
    shift: float = 0.06
    """Augmentation: largest shift, as a share of the side."""
    rotate: float = 10.0
    """Augmentation: largest rotation, degrees."""
    mirror: bool = False
    """Augmentation: half of those pictures also the other way round; not for digits, letters, or lefts and rights."""


@dataclass(frozen=True)
class GanSettings(Settings):
    """Generator against critic: relativistic pairing loss with R1 and R2 by default."""

    minutes: float = 45.0
    batch: int = 32
    body: Literal["conv", "residual", "mlp"] = "conv"
    """Networks: conv, residual (deeper, for a GPU), mlp (fully connected, as in the first GAN article)."""
    prior: Prior = "normal"
    """What the noise is drawn from: N(0, 1), U(-1, 1), or N(0, 1) cut off at -2 and 2."""
    loss: Loss = "rpgan"
    """Value function."""
    gamma: tuple[float, float] = (0.3, 0.03)
    """Weight of R1 and R2 at the start and at the end: higher is steadier, lower is more varied. A critic whose loss
    stays near 0.69, which is chance, is held back by it."""
    penalty_every: int = 4
    """Critic steps from one with R1 and R2 to the next, which weigh so many times as much: fewer cost less time, more
    are steadier (lazy regularization: Karras et al. 2020, arXiv 1912.04958, appendix B)."""
    lr: float = 1.5e-3
    lr_end: float = 0.07
    """Last learning rate, as a share of the first."""
    matching: float = 0.004
    """Weight with which the critic also learns to refuse real pictures under a wrong class: higher means more samples
    of the class asked for and less variety (Reed et al. 2016, arXiv 1605.05396)."""
    minibatch_deviation: bool = False
    """Let the critic also see how much the pictures of a batch differ from others of their class: samples vary more
    (Karras et al. 2018, arXiv 1710.10196, section 3). Wants some pictures of each class in a batch; what --accumulate
    or several processes make of a batch are batches of their own here."""
    augment: float | None = None
    """Share of the pictures that the critic sees augmented; default: none for 10 000 pictures or more, and for fewer
    as much as keeps the critic from learning them by heart."""
    mapping_pace: float = 0.01
    """Learning rate of the mapping of z, as a share of --lr: at full pace it collapses onto a few directions."""
    beta2: tuple[float, float] = (0.9, 0.99)
    """Adam's second momentum at the start and at the end; the first is 0."""
    ema_images: float = 40_000
    """Half-life of the weights' moving average, in pictures."""
    latent_dim: int = 64
    w_dim: int = 96
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16; residual: at least a quarter). mlp:
    the narrowest hidden layer."""


@dataclass(frozen=True)
class VaeSettings(Settings):
    """Encoder and decoder with a calibrated decoder variance, then a mixture of Gaussians as sampling prior."""

    minutes: float = 25.0
    batch: int = 128
    body: Literal["conv", "residual", "principal", "mlp"] = "conv"
    """Networks: conv, residual (deeper, for a GPU), principal (residual beside a linear path that begins as the
    principal components of the pictures: the sharpest reconstructions, with a code of some hundred numbers), mlp (two
    fully connected hidden layers each way)."""
    likelihood: Likelihood = "calibrated"
    """How a pixel is explained: calibrated (Gaussian of the best sigma), squared-error (Gaussian of sigma 1), or
    bernoulli (cross-entropy, for pictures that are nearly black and white)."""
    binarize: bool = False
    """Draw every pixel black or white anew at each step, white with its grey as probability: the dynamically
    binarized pictures that likelihoods in nats are published for."""
    beta: float = 1.0
    """Weight of the KL term: higher means smoother codes, lower means sharper reconstructions."""
    warmup: float = 0.1
    """Share of the run over which the KL weight rises from 0."""
    lr: float = 1e-3
    ema_images: float = 20_000
    latent_dim: int = 32
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16; residual: at least a quarter). mlp:
    the narrowest hidden layer."""
    hidden: int = 256
    """Units between the smallest map and the code: most of the parameters of a conv VAE lie on their two sides."""
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
    """Channels of the smallest map; the repair of a VAE of body principal has no maps, and is always fp32."""
    hidden: int = 512
    """Units between the smallest map, or the picture's patches, and what is found."""


@dataclass(frozen=True)
class AllSettings(Settings):
    """Classifier, GAN, VAE and inverse, in this order, in one run folder."""

    minutes: float = 90.0
    """Time budget of the four stages together: 6 %, 50 %, 27 % and 17 % of it."""
    batch: int | None = None  # type: ignore[assignment]
    """Pictures a step; default: each stage's own."""


@dataclass(frozen=True)
class EvaluateSettings:
    """Measure a run or a bundle: one report, with the floor beside every figure."""

    subject: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN_OR_BUNDLE")]
    """Run folder or folder of a bundle."""
    data: str | None = None
    """Its pictures, as for training; default: where it was trained."""
    samples: int = 10_000
    """Samples, and pictures of the reference and of the floor; fewer where fewer are held out."""
    classifier: Annotated[Path | None, tyro.conf.arg(aliases=("--reader",))] = None
    """Run whose classifier is used instead of the own one, so that several runs are measured in the same features; it
    also reads the digits of stacked_mnist, to count the modes."""
    features: Path | None = None
    """ONNX file (Inception, DINOv2, any) whose features distances are measured in, unscaled: one input [batch, 1 or
    3, height, width], an output [batch, features]. No other format: a pickle or TorchScript file runs code, and
    safetensors lacks the architecture. Nothing is downloaded."""
    features_input: Literal["0..1", "-1..1", "0..255", "imagenet"] = "0..1"
    """Numbers that the file takes for black and white; imagenet: less the mean colour, over its deviation."""
    bound_samples: int = 100
    """K of the importance-weighted bound on the likelihood of the VAE."""
    bound_pictures: int = 250
    """Pictures for which that bound is computed; K decodings each."""
    truncation: tuple[float, ...] = (0.8, 0.6)
    """Truncations at which the GAN is measured besides 1: what variety each costs, what precision it brings."""
    copies: bool = True
    """Look for copies of training pictures, which takes most of the time on large sets."""
    control: Path | None = None
    """Plain DCGAN of the same pictures to compare with: the run folder of `python -m benchmarks.dcgan`; or a bundle
    with the same classifier, such as the one before this one, whose figures of its control are taken over."""
    out: Path | None = None
    """Folder for report.json, report.md and sheets; default: evaluation in the run's folder, nothing for a bundle."""
    store: Path | None = None
    """Bundle that keeps the figures, in its index and its model card: the one that is measured, or the one that the
    measured run was exported to."""
    seed: int = 0
    """Seed of samples and noise."""
    threads: int | None = None
    """Processor threads; default: all that this process may use."""


SHARES: dict[str, float] = {"classifier": 0.06, "gan": 0.50, "vae": 0.27, "inverse": 0.17}
# Folder of a stage in the run -> its settings; `inverse` fills the last two.
STAGES: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverter": InverseSettings,
    "repair": InverseSettings,
}
# What may differ between a run and its resumption; the first two kinds also change what comes out.
BUDGET = {"minutes", "images"}
TUNABLE = {"matching", "gamma", "ema_images", "minibatch_deviation", "precision"}
FREE_FIELDS = BUDGET | TUNABLE | {"run", "data", "threads", "track", "resume", "target"}

# Numbers with a point are never negative; some have an upper end as well.
AT_MOST: dict[str, float] = {"beta2": 0.9999, "augment": 0.8, "warmup": 1.0, "jitter": 1.0, "shift": 0.5}

# What runs did from before a setting existed, where its default is another today.
FORMERLY: dict[str, object] = {"matching": 0.0, "augment": 0.0, "penalty_every": 1}


def changed_flags(settings: object, without: tuple[str, ...]) -> list[str]:
    """The words of a command line that make this dataclass from its defaults, but for the fields in `without`."""
    words = []
    for field in fields(settings):
        value, flag = getattr(settings, field.name), field.name.replace("_", "-")
        if field.name in without or value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


def widths(stages: int, width: int, least: int = 16) -> tuple[int, ...]:
    """Channels a resolution, smallest first: width, width / 2, …, never under `least`."""
    return tuple(max(width >> i, least) for i in range(stages))


# What a preset changes against the defaults above, by command and name. Data only: `python -m train` applies it.
PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "classifier": {
        "cpu": {},
        "lenet": {"body": "lenet", "lr": 1e-3},
        "gpu": {"body": "residual", "batch": 256, "precision": "bf16"},
    },
    "gan": {
        "cpu": {},
        "gpu": {
            "body": "residual",
            "width": 512,
            "w_dim": 256,
            "latent_dim": 128,
            "batch": 256,
            "penalty_every": 1,
            "lr": 2e-4,
            "lr_end": 0.25,
            "mapping_pace": 0.1,
            "ema_images": 100_000.0,
            "precision": "bf16",
        },
        "mlp": {"body": "mlp", "latent_dim": 100, "width": 256, "batch": 64, "lr": 1e-3, "lr_end": 0.15},
    },
    "vae": {
        "cpu": {},
        "gpu": {
            "body": "residual",
            "width": 512,
            "latent_dim": 64,
            "batch": 256,
            "lr": 5e-4,
            "ema_images": 100_000.0,
            "precision": "bf16",
        },
        "principal": {
            "body": "principal",
            "width": 64,
            "hidden": 128,
            "latent_dim": 256,
            "batch": 32,
            "components": 1,
        },
        "mlp": {"body": "mlp", "width": 512},
        "plane": {"body": "mlp", "width": 512, "latent_dim": 2, "likelihood": "bernoulli"},
    },
    "inverse": {
        "cpu": {},
        "gpu": {"width": 256, "hidden": 1024, "batch": 256, "ema_images": 100_000.0, "precision": "bf16"},
    },
}

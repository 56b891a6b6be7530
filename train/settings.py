"""Typed settings, from the flag to the checkpoint. Their defaults are the `cpu` preset.

Docstrings under the fields are what --help says.
"""

from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

import tyro

from bundle.schema import Fit, Likelihood, Prior
from train.data.reading import ClassesFrom, Reading
from train.help_texts import reflowed
from train.picture_size import PictureSize, normal_size

Loss = Literal["rpgan", "non-saturating", "minimax", "hinge", "lsgan", "linear"]
GapPictures = Literal["apart", "held-out"]
FeatureInput = Literal["0..1", "-1..1", "0..255", "imagenet"]


@reflowed
@dataclass(frozen=True)
class Settings:
    """What every stage shares."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder, e.g. runs/mnist; made when missing."""
    preset: str = "cpu"
    """Named set of defaults; add --help to see them. cpu: an hour and a half on two cores. gpu: wider, residual. The
    systems of the classic articles: lenet (classifier), mlp (gan, vae), plane (vae with two dimensions). principal
    (vae): the sharpest reconstructions."""
    data: str = "ylecun/mnist"
    """Hugging Face data-set id, a folder or zip of pictures (sub-folders become classes), parquet files, or a set
    made here: shapes (drawn, with known factors), stacked_mnist (stacked_mnist:SOURCE from another copy of MNIST)."""
    size: PictureSize | None = None
    """Size of the pictures in pixels: 64 for squares, or width x height such as 96x64, each side 4 to 25 times the same
    power of two. Default: squares of the smallest power of two that holds the median picture, at most 128, and at most
    64 without a GPU in less than six hours (with --images: for fewer than 2 000 000)."""
    fit: Fit = "crop"
    """What happens to pictures of other proportions: crop cuts out the middle, pad shows them whole on the
    background."""
    background: str | None = None
    """Colour under transparent and padded parts, by name or as #rrggbb. Default: white, or black for grey
    pictures; the other where drawings would not show."""
    channels: Literal[1, 3] | None = None
    """1 trains in grey, 3 in colour. Default: grey where all pictures are grey, also those that are saved in colour."""
    black: float | None = None
    """Number that is black in pictures of more than 8 bits. Default: 0, or the darkest where numbers are negative or
    all lie close together."""
    white: float | None = None
    """Number that is white in pictures of more than 8 bits (16-bit, 32-bit, floats), for the whole set. Default: the
    brightest where numbers are negative or all lie close together; else the smallest of 1 and the full scales of 8, 10,
    12, 14 and 16 bits that holds nearly all numbers, if the brightest reach half of it; else the brightest. Numbers
    from -1 to 1 have that range."""
    classes: bool = True
    """Train by classes, where the pictures have them."""
    classes_from: ClassesFrom | None = None
    """Where classes come from: folder (the sub-folders), outermost (the outermost ones, even if called train and test),
    file (dataset.json, metadata.csv, .jsonl or .parquet, labels.csv or .jsonl beside the pictures), column (of a
    table). Default: a column or a file that names them, else the sub-folders."""
    image_column: str | None = None
    """Column of a table that holds the pictures. Default: chosen by type and name."""
    label_column: str | None = None
    """Column of a table, or of a file beside the pictures, that holds the classes. Default: chosen by type and
    name."""
    attributes: str | None = None
    """Columns of a table, or of a file beside the pictures (metadata.csv, .jsonl or .parquet, labels.csv or .jsonl),
    that a slider is to move, such as glasses,smile; all: every column that can be one. Numbers, booleans or two words,
    with or without gaps. Default: none."""
    cache: Path | None = None
    """Folder for the pictures, in their final size, where they are too many for memory; runs may share it. Default:
    `pictures` in the run folder."""
    minutes: float = 30.0
    """Time budget; the learning-rate schedule is stretched to it."""
    images: int | None = None
    """Train on this many pictures, rounded up to whole steps, instead of a time budget: with a number of --threads,
    repeatable bit for bit on the same machine."""
    batch: int = 64
    """Pictures per step and process, before --accumulate."""
    accumulate: int = 1
    """Batches whose gradients are summed before a step: a large batch in the memory of a small one."""
    seed: int = 0
    """Seed of initialisation, order and noise."""
    threads: int | Literal["auto", "all"] = "auto"
    """Processor threads. auto: all that this process may use or one, whichever the first steps show to be faster.
    With a number, the same --seed gives the same bytes on the same machine."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """bf16 runs convolutions under autocast: faster where the processor or the GPU supports it, many times slower
    elsewhere. auto: bf16 where the processor or the GPU has instructions for it."""
    track: str | None = None
    """Also send the metrics to an installed tracker that accelerate supports: tensorboard, wandb, … Default: none."""
    resume: bool = False
    """Go on from the last checkpoint with the stored settings. Only these may change: --data (where the pictures are
    now), --cache, --minutes, --images, --threads, --track, --target, --mismatch-weight, --gamma, --ema-images,
    --minibatch-stddev, --precision, --attributes (where there were none)."""
    more_data: bool = False
    """With --resume: go on although pictures were added to the run's; those held out stay held out."""
    open: bool = False
    """Print an address where the run can be watched in a browser while it learns; needs demo/requirements.txt."""

    def __post_init__(self) -> None:
        """Brings --size to its one form. Raises UserError for words that are no size."""
        object.__setattr__(self, "size", normal_size(self.size))


@reflowed
@dataclass(frozen=True)
class ClassifierSettings(Settings):
    """Train the classifier: it recognises the classes, and its features are used for the quality figures."""

    minutes: float = 5.0
    batch: int = 128
    body: Literal["conv", "lenet", "residual"] = "conv"
    """Network: conv (three convolutions), lenet (conv-pool-conv-pool-three linear layers), residual (for a GPU)."""
    width: int | None = None
    """Channels of the last convolution, halved at each one before it (at least 16); lenet has its own. Default: 128, or
    512 for residual."""
    lr: float = 2e-3
    """Learning rate at the start."""
    jitter: float = 0.5
    """Share of the pictures that are augmented; the others stay as they are."""
    shift: float = 0.06
    """Augmentation: largest shift, as a share of the side."""
    rotate: float = 10.0
    """Augmentation: largest rotation, in degrees."""
    mirror: bool = False
    """Augmentation: mirror half of those pictures; not for digits, letters, or where left and right differ."""


@reflowed
@dataclass(frozen=True)
class AttributesSettings(Settings):
    """Train the attribute regressor on what --attributes names: by its opinion of generated pictures, export finds the
    direction in which an attribute grows."""

    minutes: float = 5.0
    batch: int = 128
    lr: float = 2e-3
    """Learning rate at the start."""
    jitter: float = 0.5
    """Share of the pictures that are augmented; the others stay as they are."""
    shift: float = 0.02
    """Augmentation: largest shift, as a share of the side."""
    rotate: float = 2.0
    """Augmentation: largest rotation, in degrees."""
    mirror: bool = False
    """Augmentation: mirror half of those pictures."""


@reflowed
@dataclass(frozen=True)
class GanSettings(Settings):
    """Train the GAN: a generator against a critic, by default with a relativistic pairing loss, R1 and R2."""

    minutes: float = 45.0
    start_from: Path | None = None
    """Begin with the weights of another run or bundle, whose pictures have the same size (with --body skip: also half
    of it, a quarter, and so on), in grey or in colour as these; the networks get its sizes. A class that both have
    keeps its weights."""
    batch: int = 32
    body: Literal["conv", "skip", "residual", "mlp"] = "conv"
    """Networks: conv, skip (every resolution adds its share to the picture, so a larger size can start from a smaller
    one), residual (deeper, for a GPU), mlp (fully connected, as in the first GAN article)."""
    prior: Prior = "normal"
    """Distribution of the noise: N(0, 1), U(-1, 1), or N(0, 1) truncated to [-2, 2]."""
    loss: Loss = "rpgan"
    """Adversarial loss. linear is WGAN's difference of scores, which R1 and R2 bound here, not clipping."""
    gamma: tuple[float, float] = (0.3, 0.03)
    """Weight of R1 and R2 at the start and at the end: higher is steadier, lower gives more variety. If the critic's
    loss stays near 0.69, which is chance, lower it."""
    lazy_reg_interval: int = 4
    """Compute R1 and R2 only every so many critic steps, with as many times the weight: a longer interval is faster, a
    shorter one is steadier (lazy regularization: Karras et al. 2020, arXiv 1912.04958, appendix B)."""
    lr: float = 1.5e-3
    """Learning rate at the start."""
    lr_end_factor: float = 0.07
    """Learning rate at the end, as a share of --lr."""
    mismatch_weight: float = 0.004
    """Weight of a loss that teaches the critic to reject real pictures under a wrong class: higher makes samples match
    their class better and vary less (Reed et al. 2016, arXiv 1605.05396)."""
    minibatch_stddev: bool = False
    """Show the critic how much the pictures of a batch differ from others of their class: samples vary more (Karras et
    al. 2018, arXiv 1710.10196, section 3). Needs several pictures of each class in a batch; each part made by
    --accumulate or by several processes counts as a batch of its own."""
    augment: float | None = None
    """Probability of each augmentation of a picture before the critic sees it. Default: 0 for 10 000 pictures or more,
    and adapted during training for fewer, so that the critic does not memorise them."""
    gap_pictures: GapPictures = "apart"
    """Pictures that tell whether the critic memorises those that it learns from, where --augment is adapted: apart (a
    tenth of the training pictures, at most 256, which this GAN never learns from), or held-out (the first 256 held-out
    pictures, as in older versions; they then also measure what they have steered)."""
    mapping_lr_multiplier: float = 0.01
    """Learning rate of the mapping network, as a share of --lr: at the full rate it collapses onto a few directions."""
    beta2: tuple[float, float] = (0.9, 0.99)
    """Adam's beta2 at the start and at the end; beta1 is 0."""
    ema_images: float = 40_000
    """Half-life of the moving average of the weights, in pictures."""
    latent_dim: int = 64
    """Dimensions of the noise z."""
    w_dim: int = 96
    """Dimensions of a style w."""
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16; residual: at least a quarter). With
    mlp: the narrowest hidden layer."""


@reflowed
@dataclass(frozen=True)
class VaeSettings(Settings):
    """Train the VAE, with a calibrated decoder variance, and fit a mixture of Gaussians as its sampling prior."""

    minutes: float = 25.0
    start_from: Path | None = None
    """Begin with the weights of another run or bundle, whose pictures have the same size, in grey or in colour as
    these; the networks get its sizes. A class that both have keeps its weights."""
    batch: int = 128
    body: Literal["conv", "residual", "principal", "mlp"] = "conv"
    """Networks: conv, residual (deeper, for a GPU), principal (residual, beside a linear path that begins as the
    principal components of the pictures: the sharpest reconstructions, with a code of some hundred numbers), mlp (two
    fully connected hidden layers each way)."""
    likelihood: Likelihood = "calibrated"
    """Likelihood of a pixel: calibrated (Gaussian with the best sigma), squared-error (Gaussian with sigma 1), or
    bernoulli (cross-entropy, for pictures that are nearly black and white)."""
    binarize: bool = False
    """Redraw every pixel as black or white at each step, white with its grey as the probability: the dynamically
    binarized pictures for which likelihoods in nats are published."""
    beta: float = 1.0
    """Weight of the KL term: higher gives smoother codes, lower gives sharper reconstructions."""
    warmup: float = 0.1
    """Share of the run over which the KL weight rises from 0."""
    lr: float = 1e-3
    """Learning rate at the start."""
    ema_images: float = 20_000
    """Half-life of the moving average of the weights, in pictures."""
    latent_dim: int = 32
    """Dimensions of a code."""
    width: int = 128
    """Channels at the smallest resolution, halved at each next one (at least 16; residual: at least a quarter). With
    mlp: units of each hidden layer."""
    hidden: int = 256
    """Units between the smallest feature map and the code: most parameters of a conv VAE lie on their two sides."""
    components: int = 20
    """Gaussians per class in the sampling prior (ten times as many in all where there are no classes)."""


@reflowed
@dataclass(frozen=True)
class InverseSettings(Settings):
    """Train mask-conditioned encoders for the frozen generator and decoder: inversion and repair in one pass."""

    minutes: float = 15.0
    target: Literal["both", "gan", "vae"] = "both"
    """What to invert: the generator (gan: the inverter), the decoder (vae: repair), or both, half of the time each."""
    batch: int = 128
    lr: float = 1e-3
    """Learning rate at the start."""
    ema_images: float = 20_000
    """Half-life of the moving average of the weights, in pictures."""
    width: int = 128
    """Channels of the smallest feature map. The repair of a VAE with --body principal has none, and is always fp32."""
    hidden: int = 512
    """Units of the hidden layer before the output."""


@reflowed
@dataclass(frozen=True)
class AllSettings(Settings):
    """Train the classifier, with --attributes their regressor, the GAN, the VAE and both inverse encoders, one after
    the other, in one run folder."""

    minutes: float = 90.0
    """Time budget of all together: 6 % for the classifier, 50 % for the GAN, 27 % for the VAE and 17 % for the inverse
    encoders. With --attributes their regressor takes 6 % before that; without classes the others share the
    classifier's."""
    start_from: Path | None = None
    """Begin the GAN and the VAE with the weights of another run or bundle, whose pictures have the same size, in grey
    or in colour as these; the networks get its sizes. A class that both have keeps its weights."""
    batch: int | None = None  # type: ignore[assignment]  # None: each stage has a default of its own
    """Pictures per step. Default: each stage's own."""


@reflowed
@dataclass(frozen=True)
class EvaluateSettings:
    """Measure a run or a bundle: one report, with the floor beside every figure."""

    subject: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN_OR_BUNDLE")]
    """The run folder or bundle to measure."""
    data: str | None = None
    """Its pictures, as for training. Default: those that it was trained on."""
    samples: int = 10_000
    """How many samples, training pictures (the reference) and held-out pictures (the floor) are compared; fewer where
    fewer are held out."""
    classifier: Path | None = None
    """Run whose classifier is used, so that several runs are measured in the same features; it also reads the digits
    of stacked_mnist, to count the modes. Default: the subject's own."""
    features: Path | None = None
    """ONNX file (Inception, DINOv2, any) in whose features distances are measured, unscaled: one input [batch, 1 or 3,
    height, width], an output [batch, features]. No other format: a pickle or TorchScript file can run code, and
    safetensors lacks the architecture. Nothing is downloaded. Default: the features of the classifier."""
    features_input: FeatureInput = "0..1"
    """Values that the file takes for black and white; imagenet: normalised by mean and standard deviation."""
    bound_samples: int = 100
    """K of the importance-weighted bound on the likelihood of the VAE."""
    bound_pictures: int = 250
    """Pictures for which that bound is computed, with K decodings each."""
    truncation: tuple[float, ...] = (0.8, 0.6)
    """Truncations at which the GAN is also measured, besides 1: how much variety each costs and precision it gains."""
    copies: bool = True
    """Look for copies of training pictures, which takes most of the time on large sets."""
    leaks: bool = True
    """Look for traces of the critic's augmentations in samples, where it had any: sets under 10 000 pictures. A small
    network learns to see them, which takes most of the time."""
    control: Path | None = None
    """A plain DCGAN of the same pictures to compare with: the run folder of `python -m benchmarks.dcgan`; or a bundle
    with the same classifier, such as the previous release, from which the figures of its control are taken over."""
    out: Path | None = None
    """Folder for report.json, report.md and sheets. Default: `evaluation` in the run's folder, nothing for a bundle."""
    cache: Path | None = None
    """Folder for the pictures, in their final size, where they are too many for memory. Default: that of the run; of a
    bundle a temporary one, removed at the end."""
    store: Path | None = None
    """Bundle in whose index and model card the figures are stored: the measured one, or the one to which the measured
    run was exported."""
    seed: int = 0
    """Seed of samples and noise."""
    threads: int | None = None
    """Processor threads. Default: all that this process may use."""


SHARES: dict[str, float] = {"classifier": 0.06, "gan": 0.50, "vae": 0.27, "inverse": 0.17}
"""Share of the minutes that each command gets of `all`, where the run has no attributes."""
ATTRIBUTES_SHARE = 0.06
"""Share of the minutes of `all` that the attribute regressor gets, before the others share out the rest."""


def shares(attributes: bool) -> dict[str, float]:
    """The share of each command of `all` in its minutes, in order."""
    if not attributes:
        return SHARES
    rest = {command: share * (1 - ATTRIBUTES_SHARE) for command, share in SHARES.items()}
    return {"classifier": rest.pop("classifier"), "attributes": ATTRIBUTES_SHARE, **rest}


STAGES: dict[str, type[Settings]] = {
    "classifier": ClassifierSettings,
    "attributes": AttributesSettings,
    "gan": GanSettings,
    "vae": VaeSettings,
    "inverter": InverseSettings,
    "repair": InverseSettings,
}
"""Folder of a stage in the run -> its settings. The command `inverse` fills the last two."""

# What a resumed stage may change: BUDGET and TUNABLE also change what comes out.
BUDGET = {"minutes", "images"}
TUNABLE = {"mismatch_weight", "gamma", "ema_images", "minibatch_stddev", "precision"}
# These are held against run.json instead.
FRAMING = {"size", "fit", "background", "channels", "black", "white"}
READING = {field.name for field in fields(Reading)}
# None of these decides what is learned of the same pictures.
FREE_TO_CHANGE = {"run", "data", "cache", "threads", "track", "resume", "more_data", "open", "target"}
CHANGEABLE = BUDGET | TUNABLE | FRAMING | READING | FREE_TO_CHANGE


def flag_of(name: str) -> str:
    """The flag of a setting: lr_end_factor -> --lr-end-factor."""
    return f"--{name.replace('_', '-')}"


class Dataclass(Protocol):
    """Any instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def changed_flags(settings: Dataclass, without: tuple[str, ...]) -> list[str]:
    """The words of a command line that make this dataclass from its defaults, but for the fields in `without`."""
    words = []
    for field in fields(settings):
        value, flag = getattr(settings, field.name), flag_of(field.name)
        if field.name in without or value == field.default:
            continue
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [flag, *map(str, value if isinstance(value, tuple) else (value,))]
    return words

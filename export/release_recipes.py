"""How each released bundle is made: data only. export/release.py follows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Flags = Mapping[str, tuple[str, ...]]  # by stage


@dataclass(frozen=True)
class Recipe:
    """How one bundle is made.

    `hub`: id of its data set on the Hugging Face Hub, None where it has none; `folder`: its name under --data-root;
    `size`: pixels a side; `minutes`: by stage, on one thread of a CPU; `pictures`: how many the GAN should see on a
    GPU; `flags`: what its pictures need, by stage; `on_cpu`: sizes and batches that fit a CPU, in place of which a GPU
    takes its preset; `grown_from`: pixels a side of the GAN that is trained first, None for one that begins at
    `size`; `released`: whether it is made without being named."""

    hub: str | None
    folder: str
    size: int
    minutes: dict[str, float]
    pictures: int
    flags: Flags = field(default_factory=dict)
    on_cpu: Flags = field(default_factory=dict)
    grown_from: int | None = None
    released: bool = True


def minutes(classifier: float, gan: float, vae: float, inverse: float, small: float = 0) -> dict[str, float]:
    """Minutes by stage. The control gets as many as the GAN; pictures without classes have no classifier (0), and most
    GANs no smaller one before them (0)."""
    found = {"classifier": classifier, "small": small, "gan": gan, "vae": vae, "inverter": inverse, "repair": inverse}
    found["control"] = gan + small
    return {stage: value for stage, value in found.items() if value}


# Fewer units behind the smallest maps, where most parameters lie: so a bundle stays under 12 MB, five under 45.
SMALL = ("--hidden", "128")
ENCODERS = {"inverter": SMALL, "repair": SMALL}
# With these, recall of the three sets rose from 0.33 to 0.4 to more than 0.5. The released CIFAR-10 was then trained on
# for half an hour without --minibatch-stddev, which traded some of it for precision.
VARIED = ("--minibatch-stddev", "--mismatch-weight", "0.1")
NARROW = ("--batch", "32", "--width", "64")
# Some hundred components hold most of the differences between aligned scans, and of what 32 x 32 pixels show.
SHARP = ("--body", "principal", *NARROW, "--components", "1")
ILLUSTRATED = ("--body", "skip", "--minibatch-stddev", "--augment", "0.1")
RECIPES: dict[str, Recipe] = {
    "avatars": Recipe(
        None, "avatars", 128, minutes(4, 240, 60, 20, small=320), 3_000_000,
        {
            "small": (*ILLUSTRATED, "--gamma", "0.3", "0.1"),
            "gan": (*ILLUSTRATED, "--gamma", "2", "0.6"),
        },
        {
            "small": ("--batch", "32"), "gan": ("--batch", "32", "--lr", "1.2e-3", "--lr-end", "0.07"),
            "vae": ("--preset", "principal"),
        } | ENCODERS,
        grown_from=64,
    ),
    "mnist": Recipe("ylecun/mnist", "mnist", 32, minutes(8, 56, 25, 12), 3_000_000, {}, ENCODERS),
    "fashion": Recipe(
        "zalando-datasets/fashion_mnist", "fashion_mnist", 32, minutes(15, 112, 25, 12), 3_000_000,
        {"classifier": ("--mirror", "--rotate", "5"), "gan": VARIED},
        {"vae": SMALL} | ENCODERS,
    ),
    "mednist": Recipe(
        None, "mednist", 64, minutes(8, 60, 45, 15) | {"repair": 20}, 1_500_000,
        {"gan": ("--gamma", "1", "0.1", *VARIED)},
        {
            "vae": (*SHARP, "--hidden", "96", "--latent-dim", "384"),
            "inverter": SMALL, "repair": ("--batch", "32", "--hidden", "160"),
        },
    ),
    "emoji": Recipe(
        None, "noto_emoji", 64, minutes(0, 60, 25, 15), 1_500_000,
        {"gan": ("--gamma", "1", "0.1")},
        {"vae": SMALL} | ENCODERS,
        released=False,  # 3 000 drawings, not aligned, teach blobs: a recipe for small sets, not a bundle to show
    ),
    "cifar10": Recipe(
        "uoft-cs/cifar10", "cifar10", 32, minutes(11, 58, 30, 10), 6_000_000,
        {"classifier": ("--mirror", "--rotate", "5"), "gan": ("--gamma", "1", "0.1", *VARIED)},
        {
            "vae": (*SHARP, "--hidden", "128", "--latent-dim", "256"),
            "inverter": SMALL, "repair": ("--batch", "32", *SMALL),
        },
    ),
}  # fmt: skip

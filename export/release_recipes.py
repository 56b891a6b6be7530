"""How each released bundle is made: data only. export/release.py follows it.

Several released GANs were trained in steps, with other settings in between: their model cards list the commands. A
recipe has the settings and the minutes that they ended with, from the beginning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Flags = Mapping[str, tuple[str, ...]]  # by stage


@dataclass(frozen=True)
class Recipe:
    """How one bundle is made.

    `hub`: id of its data set on the Hugging Face Hub, None where it has none; `folder`: its name under --data-root;
    `size`: pixels a side, on a CPU; `minutes`: by stage, on one thread of a CPU; `pictures`: how many the GAN should
    see on a GPU; `flags`: what its pictures need, by stage; `on_cpu`: the rest of how the released bundle was trained,
    in place of which a GPU takes its preset and `on_gpu`; `grown_from`: pixels a side of the GAN that is trained first,
    None for one that begins at `size`; `gpu_size`, `gpu_grown_from`: the same two for --preset gpu, where they differ;
    `attributes`: the columns of its pictures that sliders move; `released`: whether it is made without being named."""

    hub: str | None
    folder: str
    size: int
    minutes: dict[str, float]
    pictures: int
    flags: Flags = field(default_factory=dict)
    on_cpu: Flags = field(default_factory=dict)
    on_gpu: Flags = field(default_factory=dict)
    grown_from: int | None = None
    gpu_size: int | None = None
    gpu_grown_from: int | None = None
    attributes: tuple[str, ...] = ()
    released: bool = True


def minutes(
    classifier: float, gan: float, vae: float, inverse: float, small: float = 0, attributes: float = 0
) -> dict[str, float]:
    """Minutes by stage. The control gets as many as the GAN; pictures without classes have no classifier (0), most
    have no attributes (0), and most GANs no smaller one before them (0). Repair needs a VAE."""
    found = {"classifier": classifier, "small": small, "gan": gan, "vae": vae, "attributes": attributes}
    found |= {"inverter": inverse, "repair": inverse if vae else 0, "control": gan + small}
    return {stage: value for stage, value in found.items() if value}


# Fewer units behind the smallest maps, where most parameters lie: so a bundle stays about 12 MB, and all of them,
# packed, in a Space of 50 MB.
FEW_UNITS = ("--hidden", "128")
ENCODERS = {"inverter": FEW_UNITS, "repair": FEW_UNITS}
# With these, recall of the three sets rose from between 0.33 and 0.4 to more than 0.5.
VARIED = ("--minibatch-stddev", "--mismatch-weight", "0.1")
NARROW = ("--batch", "32", "--width", "64")
# Some hundred components hold most of the differences between aligned scans, and of what 32 x 32 pixels show.
SHARP = ("--body", "principal", *NARROW, "--components", "1")
ILLUSTRATED = ("--body", "skip")
# For the larger networks of a GPU, to which a few thousand drawings are little.
OF_FEW_DRAWINGS = ("--minibatch-stddev", "--augment", "0.1")
RECIPES: dict[str, Recipe] = {
    "avatars": Recipe(
        None, "avatars", 64, minutes(4, 143, 24, 10, small=12, attributes=9) | {"repair": 9}, 3_000_000,
        {"small": ILLUSTRATED, "gan": (*ILLUSTRATED, "--gamma", "2", "0.6")},
        {
            "small": ("--gamma", "0.5", "0.3", "--lr-end-factor", "0.5"),
            "gan": ("--lazy-reg-interval", "8"),  # the released one had --gamma 1 0.3 for the first 82 minutes
            "vae": ("--preset", "principal", "--latent-dim", "72", "--components", "10", "--hidden", "96"),
            "inverter": FEW_UNITS, "repair": ("--hidden", "64"),
        },
        {"small": (*OF_FEW_DRAWINGS, "--gamma", "0.3", "0.1"), "gan": OF_FEW_DRAWINGS},
        grown_from=32, gpu_size=128, gpu_grown_from=64,
        attributes=(
            "glasses", "sunglasses", "beard", "smile", "open_mouth", "closed_eyes", "hat", "hair", "long_hair",
            "skin_lightness", "hair_lightness", "hair_red", "hair_yellow", "clothes_lightness", "clothes_red",
            "clothes_yellow",
        ),
    ),
    "mnist": Recipe(
        "ylecun/mnist", "mnist", 32, minutes(8, 97, 25, 34) | {"repair": 12}, 3_000_000, {},
        {
            # The released one had neither --minibatch-stddev nor as much weight until its 56th minute.
            "gan": ("--minibatch-stddev", "--mismatch-weight", "0.04"),
            "inverter": ("--hidden", "256"), "repair": ("--hidden", "256"),
        },
    ),
    "fashion": Recipe(
        "zalando-datasets/fashion_mnist", "fashion_mnist", 32, minutes(15, 269, 25, 26) | {"repair": 12}, 3_000_000,
        {"classifier": ("--mirror", "--rotate", "5"), "gan": VARIED},
        {"gan": ("--gamma", "0.1", "0.02"), "vae": FEW_UNITS} | ENCODERS,
    ),
    "mednist": Recipe(
        None, "mednist", 64, minutes(6, 140, 45, 30) | {"repair": 20}, 1_500_000,
        {"gan": ("--gamma", "1", "0.1", *VARIED)},
        {
            "vae": (*SHARP, "--hidden", "96", "--latent-dim", "384"),
            "inverter": ("--hidden", "192"), "repair": ("--batch", "32", "--hidden", "160"),
        },
    ),
    "emoji": Recipe(
        None, "noto_emoji", 64, minutes(0, 60, 25, 15), 1_500_000,
        {"gan": ("--gamma", "1", "0.1")},
        {"vae": FEW_UNITS} | ENCODERS,
        released=False,  # 3 000 drawings, not aligned, teach blobs: a recipe for small sets, not a bundle to show
    ),
    # Small networks and no VAE: what the six bundles leave of 60 MB.
    "characters": Recipe(
        None, "characters", 64, minutes(2.5, 107, 0, 11, small=12), 1_500_000,
        {"small": ILLUSTRATED, "gan": (*ILLUSTRATED, "--gamma", "1", "0.3")},
        {
            "classifier": ("--width", "64"),
            "small": ("--width", "64", "--gamma", "0.5", "0.3", "--lr-end-factor", "0.5"),
            "gan": ("--width", "64", "--lazy-reg-interval", "8"),
            "inverter": ("--width", "96", "--hidden", "64"),
        },
        grown_from=32,
    ),
    "cifar10": Recipe(
        "uoft-cs/cifar10", "cifar10", 32, minutes(11, 222, 30, 10), 6_000_000,
        {"classifier": ("--mirror", "--rotate", "5"), "gan": ("--gamma", "1", "0.1")},
        {
            # The released one had --minibatch-stddev until near its end, which traded recall for precision.
            "gan": ("--mismatch-weight", "0.4"),
            "vae": (*SHARP, "--hidden", "128", "--latent-dim", "256"),
            "inverter": FEW_UNITS, "repair": ("--batch", "32", *FEW_UNITS),
        },
        {"gan": VARIED},
    ),
}  # fmt: skip

"""What every section of a report is made of, and the section of the GAN.

Pictures are uint8 [N, C, S, S]. A section adds figures to the report and sheets of pictures to look at. The others:
train/evaluate/vae.py, and train/evaluate/made_sets.py for sets that are made here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from train import priors
from train.data.dataset import Pictures
from train.evaluate import leak, metrics
from train.evaluate.feature_extractor import Distances, Judge
from train.evaluate.memorisation import References, pixel_rows
from train.evaluate.report import HELD_OUT, Report
from train.evaluate.subject import Gan, drawn

REBUILT = "its reconstructions"
BY_DEFINITION = "by definition"
MOST_TRAINING = 60_000  # training pictures among which copies are looked for
PIXEL_QUERIES = 2000
TILES, PAIRS = 64, 16


@dataclass
class Bench:
    """What every section needs. train, held_out: `count` pictures each, in a random order that is always the same;
    all_train: those among which copies are looked for. ops: augmentations that the critic's pictures went through.
    copies: whether they are looked for at all. sheets: file name -> (pictures, columns)."""

    report: Report
    judge: Judge
    train: Pictures
    held_out: Pictures
    all_train: np.ndarray
    classes: int
    seed: int
    ops: tuple[str, ...] = ()
    copies: bool = True
    sheets: dict[str, tuple[np.ndarray, int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.train)

    @cached_property
    def in_features(self) -> References:
        train = self.judge.see(self.all_train, "features of all training pictures").features
        return References(train.astype(np.float32), self.judge.held_out.features.astype(np.float32))

    @cached_property
    def in_pixels(self) -> References:
        return References(pixel_rows(self.all_train), pixel_rows(self.held_out.images.numpy()[:PIXEL_QUERIES]))

    def weights(self, labels: np.ndarray) -> tuple[np.ndarray, ...]:
        """The input `classes` of a generator, where it has one."""
        return (np.eye(self.classes, dtype=np.float32)[labels],) if self.classes else ()

    def add_distances(self, prefix: str, suffix: str, what: str, features: np.ndarray,
                      floor: Distances | None = None) -> Distances:  # fmt: skip
        """Fréchet and kernel distance beside those of held-out pictures, or beside `floor`, those of their
        reconstructions, which no sample of the decoder can beat."""
        found, floor_is = self.judge.distances(features), HELD_OUT if floor is None else REBUILT
        floor = floor or self.judge.floor
        self.report.add(f"{prefix}.frechet{suffix}", f"Fréchet distance of {what}", found.frechet, "lower",
                        floor.frechet, floor_is)  # fmt: skip
        self.report.add(f"{prefix}.kernel{suffix}", f"Kernel distance of {what}", found.kernel, "lower",
                        floor.kernel, floor_is, error=found.kernel_error)  # fmt: skip
        return found

    def add_manifold(self, prefix: str, what: str, features: np.ndarray, suffix: str = "") -> None:
        found, floor = self.judge.manifold(features), self.judge.floor_manifold
        for name, value in vars(found).items():
            self.report.add(f"{prefix}.{name}{suffix}", f"{name.capitalize()} of {what}, k = 3", value, "higher",
                            vars(floor)[name])  # fmt: skip

    def add_right(self, name: str, what: str, labels: np.ndarray | None) -> None:
        """How many of `what` the classifier reads as what was asked for: the classes of the training pictures."""
        if labels is None or self.judge.held_out.labels is None:
            return
        floor = (self.judge.held_out.labels == self.held_out.labels.numpy()).mean()
        right = (labels == self.train.labels.numpy()).mean()
        self.report.add(name, f"{what} read as the class asked for", right, "higher", floor)

    def add_classes(self, prefix: str, what: str, labels: np.ndarray | None) -> None:
        """What the classifier reads, beside the classes of the training pictures."""
        if labels is None or self.judge.held_out.labels is None:
            return
        truth = self.train.labels.numpy()
        floor = metrics.histogram_kl(self.judge.held_out.labels, truth, self.classes)
        self.report.add(f"{prefix}.histogram", f"KL of the classes read in {what} to those of the data, nats",
                        metrics.histogram_kl(labels, truth, self.classes), "lower", floor)  # fmt: skip
        self.report.tables[f"classes read in {what}"] = np.bincount(labels, minlength=self.classes).tolist()

    def add_memorisation(self, prefix: str, what: str, images: np.ndarray, features: np.ndarray) -> None:
        """Nearest training against nearest held-out picture, in features and in pixels, and the closest pairs: see
        train.evaluate.memorisation for what the figures mean."""
        if not self.copies:
            return
        every = self.all_train
        for space, references, rows in (
            ("features", self.in_features, features.astype(np.float32)),
            ("pixels", self.in_pixels, pixel_rows(images[:PIXEL_QUERIES])),
        ):
            found = references.compare(rows)
            name = f"{prefix}.{space}"
            self.report.add(f"{name}_ratio", f"Distance to the nearest training over nearest held-out picture of "
                            f"{what}, {space}, median", found.ratio, "floor", found.ratio_floor)  # fmt: skip
            self.report.add(f"{name}_copies", f"Share of {what} under the ratio of 99 % of held-out pictures, {space}",
                            found.copies, "lower", found.copies_floor)  # fmt: skip
            self.report.add(f"{name}_nearer", f"Chance that {what} are nearer to training than held-out pictures are, "
                            f"{space}", found.nearer, "floor", 0.5, BY_DEFINITION)  # fmt: skip
            closest = found.closest(PAIRS)
            shown = (
                images[closest],
                every[found.train.index[closest]],
                self.held_out.images.numpy()[found.held_out.index[closest]],
            )
            self.sheets[f"{prefix}_closest_{space}.png"] = triples(*shown)


def triples(*three: np.ndarray) -> tuple[np.ndarray, int]:
    """A sheet, four triples a row, a grey tile after each: (pictures, columns)."""
    grey = np.full_like(three[0], 128)
    return np.stack([*three, grey], axis=1).reshape(-1, *grey.shape[1:]), 16


def measure_classifier(bench: Bench) -> None:
    """Test accuracy, where a classifier of the same classes looks."""
    seen = bench.judge.held_out.labels
    if seen is not None:
        right = float((seen == bench.held_out.labels.numpy()).mean())
        bench.report.add("classifier.accuracy", "Accuracy of the classifier on held-out pictures", right, "higher")


def samples(bench: Bench, gan: Gan, draw: Callable[..., np.ndarray], what: str) -> np.ndarray:
    """As many as there are training pictures, and of their classes: uint8 [N, C, S, S]."""
    noise = priors.draw(gan.prior, bench.count, gan.latent_dim, generator=torch.Generator().manual_seed(bench.seed))
    return drawn(what, draw, noise.numpy(), *bench.weights(bench.train.labels.numpy()))


def measure_gan(bench: Bench, gan: Gan) -> None:
    """Samples, of the classes of the training pictures where there are any."""
    images = samples(bench, gan, gan.draw, "GAN samples")
    seen = bench.judge.see(images)
    bench.sheets["gan_samples.png"] = (images[:TILES], 8)
    bench.add_distances("gan", "", "GAN samples", seen.features)
    bench.add_manifold("gan", "GAN samples", seen.features)
    bench.add_right("gan.label_accuracy", "GAN samples", seen.labels)
    bench.add_classes("gan", "GAN samples", seen.labels)
    bench.add_memorisation("gan", "GAN samples", images, seen.features)
    if bench.ops:
        measure_leak(bench, images)


def measure_truncation(bench: Bench, gan: Gan, truncation: Sequence[float]) -> None:
    """What truncation gives and takes: the same seeds and classes at each psi. Nothing where the GAN has no styles."""
    for psi in truncation if gan.truncated else ():
        what, suffix = f"GAN samples at truncation {psi:g}", f"_at_{psi:g}"
        seen = bench.judge.see(samples(bench, gan, gan.truncated(psi), what))
        bench.add_distances("gan", suffix, what, seen.features)
        bench.add_manifold("gan", what, seen.features, suffix)
        bench.add_right(f"gan.label_accuracy{suffix}", what, seen.labels)


def measure_leak(bench: Bench, images: np.ndarray) -> None:
    """Traces that the augmentations of the critic leave in samples, operation by operation: see train.leak."""
    traces = leak.measure(bench.all_train, bench.held_out.images.numpy(), images, bench.ops, bench.seed)
    for op, trace in traces.items():
        bench.report.add(f"gan.leak_{op}", f"Share of GAN samples that look changed by augmentation: {op}",
                         trace.samples, "lower", trace.held_out)  # fmt: skip
        bench.report.add(f"gan.leak_{op}_found", f"Share of held-out pictures changed by {op} that the same eye finds",
                         trace.found, "higher")  # fmt: skip

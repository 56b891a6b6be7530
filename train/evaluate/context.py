"""What every section of a report works with: the pictures, the evaluator, and the figures that several sections share.

Pictures are uint8 [N, C, H, W]. A section adds figures to the report, and sheets of pictures to look at.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bundle.schema import HELD_OUT
from train.data.dataset import Pictures
from train.evaluate.class_histogram import histogram_kl
from train.evaluate.evaluator import NEIGHBOURS, Distances, Evaluator
from train.evaluate.memorisation import References, pixel_rows
from train.evaluate.report import BY_DEFINITION, Report
from train.evaluate.sheets import PictureSheet, triples

RECONSTRUCTIONS = "its reconstructions"
MOST_TRAINING = 60_000  # training pictures among which copies are looked for, at most
MOST_BYTES = 3_000_000_000  # that they may take in memory
PIXEL_QUERIES = 2000  # pictures that are compared pixel by pixel
PAIRS = 16


@dataclass
class EvaluationContext:
    """What every section needs.

    `train`, `held_out`: `count` pictures each, in a random order that is always the same; `searched`: training pictures
    uint8 [M, C, H, W] that samples are held against to find copies and leaking augmentations. `augmentations`: those of
    the critic's pictures. `copies`: whether copies are looked for at all. `sheets`: by file name.
    """

    report: Report
    evaluator: Evaluator
    train: Pictures
    held_out: Pictures
    searched: np.ndarray
    classes: int
    seed: int
    augmentations: tuple[str, ...] = ()
    copies: bool = True
    sheets: dict[str, PictureSheet] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Samples that are drawn, as many as there are training pictures to compare them with."""
        return len(self.train)

    @cached_property
    def in_features(self) -> References:
        """Training and held-out pictures as features."""
        train = self.evaluator.extract(self.searched, "features of all training pictures").features
        return References(train.astype(np.float32), self.evaluator.floor.extracted.features.astype(np.float32))

    @cached_property
    def in_pixels(self) -> References:
        """Training and held-out pictures as rows of pixels."""
        return References(pixel_rows(self.searched), pixel_rows(self.held_out.pixels[:PIXEL_QUERIES]))

    def class_inputs(self, labels: np.ndarray) -> tuple[np.ndarray, ...]:
        """The generator's input `classes`, float32 [N, K], where it has one."""
        return (np.eye(self.classes, dtype=np.float32)[labels],) if self.classes else ()

    def add_distances(
        self, prefix: str, suffix: str, what: str, features: np.ndarray, floor: Distances | None = None
    ) -> Distances:
        """Fréchet and kernel distance of features [N, F] beside those of held-out pictures; or beside `floor`, those
        of their reconstructions, which no sample of the decoder can beat."""
        found, floor_is = self.evaluator.distances(features), HELD_OUT if floor is None else RECONSTRUCTIONS
        training = None
        if floor is None and self.evaluator.training_floor is not None:
            training = self.evaluator.training_floor.distances
        floor = floor or self.evaluator.floor.distances
        self.report.add(f"{prefix}.frechet{suffix}", f"Fréchet distance of {what}", found.frechet, "lower",
                        floor.frechet, floor_is, training_floor=training.frechet if training else None)  # fmt: skip
        self.report.add(f"{prefix}.kernel{suffix}", f"Kernel distance of {what}", found.kernel.value, "lower",
                        floor.kernel.value, floor_is, error=found.kernel.error,
                        training_floor=training.kernel.value if training else None)  # fmt: skip
        return found

    def add_precision_recall(self, prefix: str, what: str, features: np.ndarray, suffix: str = "") -> None:
        """Precision, recall, density and coverage of features [N, F]."""
        found, floor = self.evaluator.precision_recall(features), vars(self.evaluator.floor.precision_recall)
        training = vars(self.evaluator.training_floor.precision_recall) if self.evaluator.training_floor else {}
        for name, value in vars(found).items():
            label = f"{name.capitalize()} of {what}, k = {NEIGHBOURS}"
            self.report.add(f"{prefix}.{name}{suffix}", label, value, "higher", floor[name],
                            training_floor=training.get(name))  # fmt: skip

    def add_label_accuracy(self, name: str, what: str, labels: np.ndarray | None) -> None:
        """The share of samples that the classifier reads as the class that was asked for, which is the class of the
        training picture in the same row."""
        if labels is None or self.evaluator.floor.extracted.labels is None:
            return
        floor = (self.evaluator.floor.extracted.labels == self.held_out.labels.numpy()).mean()
        right = (labels == self.train.labels.numpy()).mean()
        self.report.add(name, f"{what} read as the class asked for", right, "higher", floor)

    def add_histogram(self, prefix: str, what: str, labels: np.ndarray | None) -> None:
        """How the classes that the classifier reads in samples differ from those of the training pictures."""
        if labels is None or self.evaluator.floor.extracted.labels is None:
            return
        truth = self.train.labels.numpy()
        floor = histogram_kl(self.evaluator.floor.extracted.labels, truth, self.classes)
        self.report.add(f"{prefix}.histogram", f"KL of the classes read in {what} to those of the data, nats",
                        histogram_kl(labels, truth, self.classes), "lower", floor)  # fmt: skip
        self.report.tables[f"classes read in {what}"] = np.bincount(labels, minlength=self.classes).tolist()

    def add_memorisation(self, prefix: str, what: str, images: np.ndarray, features: np.ndarray) -> None:
        """Nearest training against nearest held-out picture, in features and in pixels, and the closest pairs: see
        train.evaluate.memorisation for what the figures mean."""
        if not self.copies:
            return
        every = self.searched
        for space, references, rows in (
            ("features", self.in_features, features.astype(np.float32)),
            ("pixels", self.in_pixels, pixel_rows(images[:PIXEL_QUERIES])),
        ):
            found = references.compare(rows)
            name, on = f"{prefix}.{space}", len(rows)
            self.report.add(f"{name}_ratio", f"Distance to the nearest training over nearest held-out picture of "
                            f"{what}, {space}, median", found.ratio, "floor", found.ratio_floor, count=on)  # fmt: skip
            self.report.add(f"{name}_copies", f"Share of {what} under the ratio of 99 % of held-out pictures, {space}",
                            found.copies, "lower", found.copies_floor, count=on)  # fmt: skip
            self.report.add(f"{name}_nearer", f"Chance that {what} are nearer to training than held-out pictures are, "
                            f"{space}", found.nearer, "floor", 0.5, BY_DEFINITION, count=on)  # fmt: skip
            closest = found.closest(PAIRS)
            self.sheets[f"{prefix}_closest_{space}.png"] = triples(
                images[closest],
                every[found.train.index[closest]],
                self.held_out.pixels[found.held_out.index[closest]],
            )

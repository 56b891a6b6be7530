"""Measures sets of pictures against the training pictures, in the features of one extractor. Pictures are uint8
[N, C, H, W]."""

from dataclasses import dataclass

import numpy as np

from train.evaluate.batches import map_batches, to_unit
from train.evaluate.feature_extractor import FeatureExtractor
from train.evaluate.frechet_distance import frechet_distance
from train.evaluate.kernel_distance import KernelDistance, kernel_distance
from train.evaluate.precision_recall import PrecisionRecall, precision_recall, radii

NEIGHBOURS = 3


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation [F] of each feature on the training pictures."""

    mean: np.ndarray
    std: np.ndarray

    @staticmethod
    def of(features: np.ndarray) -> "Scale":
        """That of features [N, F]."""
        features = features.astype(np.float64)
        return Scale(features.mean(axis=0), features.std(axis=0) + 1e-12)

    @staticmethod
    def none(dimensions: int) -> "Scale":
        """Leaves features as they are."""
        return Scale(np.zeros(dimensions), np.ones(dimensions))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Features [N, F], z-scored, float64."""
        return (features.astype(np.float64) - self.mean) / self.std


@dataclass(frozen=True)
class Distances:
    """How far one set of pictures is from the training pictures; 0 = not at all."""

    frechet: float
    kernel: KernelDistance


@dataclass(frozen=True)
class Extracted:
    """What the extractor finds in pictures: features float64 [N, F], z-scored; labels int64 [N] by its classifier, or
    None."""

    features: np.ndarray
    labels: np.ndarray | None


@dataclass(frozen=True)
class Floor:
    """What real pictures that are not the reference reach against it."""

    extracted: Extracted
    distances: Distances
    precision_recall: PrecisionRecall


class Evaluator:
    """Holds the features of the training pictures (the reference) and measures other sets against them; first the
    held-out pictures, whose figures are the floor of all others.

    `training_floor`: the same of other training pictures, where there are as many of them; the held-out pictures of
    many data sets differ a little from the training pictures, and a model has seen those only.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        train: np.ndarray,
        held_out: np.ndarray,
        other_train: np.ndarray | None = None,
    ):
        self.extractor = extractor
        self.scale = Scale.none(1)
        raw = self.extract(train, "features of training pictures").features
        self.scale = Scale.of(raw) if extractor.scaled else Scale.none(raw.shape[1])
        self.reference = self.scale(raw)
        self.radii = radii(self.reference, NEIGHBOURS)
        self.floor = self.floor_of(held_out, "features of held-out pictures")
        self.training_floor = (
            None if other_train is None else self.floor_of(other_train, "features of other training pictures")
        )

    def floor_of(self, images: np.ndarray, title: str) -> Floor:
        """The floor that these pictures make."""
        extracted = self.extract(images, title)
        return Floor(extracted, self.distances(extracted.features), self.precision_recall(extracted.features))

    def extract(self, images: np.ndarray, title: str = "features") -> Extracted:
        """Features and classes of pictures."""
        labels: list[np.ndarray] = []

        def features(batch: np.ndarray) -> np.ndarray:
            found, logits = self.extractor.extract(to_unit(batch))
            if logits is not None:
                labels.append(logits.argmax(axis=1))
            return found

        found = self.scale(map_batches(title, features, images))
        return Extracted(found, np.concatenate(labels) if labels else None)

    def distances(self, features: np.ndarray) -> Distances:
        """Fréchet and kernel distance of features [N, F] to those of the training pictures."""
        return Distances(frechet_distance(self.reference, features), kernel_distance(self.reference, features))

    def precision_recall(self, features: np.ndarray) -> PrecisionRecall:
        """Of features [N, F] against those of the training pictures."""
        return precision_recall(self.reference, features, NEIGHBOURS, self.radii)

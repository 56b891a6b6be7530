"""Measures sets of pictures against the training pictures, in the features of one extractor. Pictures are uint8
[N, C, S, S]."""

from dataclasses import dataclass

import numpy as np

from train.evaluate.batches import mapped, to_unit
from train.evaluate.feature_extractor import FeatureExtractor
from train.evaluate.frechet_distance import frechet_distance
from train.evaluate.kernel_distance import KernelDistance, kernel_distance
from train.evaluate.precision_recall import PrecisionRecall, precision_recall, radii

NEIGHBOURS = 3
SUBSET = 1000


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
class Seen:
    """What the extractor saw: features float64 [N, F], z-scored; labels int64 [N] by its classifier, or None."""

    features: np.ndarray
    labels: np.ndarray | None


class Evaluator:
    """Holds the features of the training pictures (the reference) and measures other sets against them; first the
    held-out pictures, whose figures are the floor of all others."""

    def __init__(self, extractor: FeatureExtractor, train: np.ndarray, held_out: np.ndarray):
        self.extractor = extractor
        self.scale = Scale.none(1)
        raw = self.see(train, "features of training pictures").features
        self.scale = Scale.of(raw) if extractor.scaled else Scale.none(raw.shape[1])
        self.reference = self.scale(raw)
        self.radii = radii(self.reference, NEIGHBOURS)
        self.held_out = self.see(held_out, "features of held-out pictures")
        self.floor = self.distances(self.held_out.features)
        self.floor_precision_recall = self.precision_recall(self.held_out.features)

    def see(self, images: np.ndarray, title: str = "features") -> Seen:
        """Features and classes of pictures."""
        labels: list[np.ndarray] = []

        def features(batch: np.ndarray) -> np.ndarray:
            found, logits = self.extractor.extract(to_unit(batch))
            if logits is not None:
                labels.append(logits.argmax(axis=1))
            return found

        found = self.scale(mapped(title, features, images))
        return Seen(found, np.concatenate(labels) if labels else None)

    def distances(self, features: np.ndarray) -> Distances:
        """Fréchet and kernel distance of features [N, F] to those of the training pictures."""
        size = min(SUBSET, len(features) // 2)  # smaller than the set, so that subsets differ
        return Distances(
            frechet_distance(self.reference, features), kernel_distance(self.reference, features, size=size)
        )

    def precision_recall(self, features: np.ndarray) -> PrecisionRecall:
        """Of features [N, F] against those of the training pictures."""
        return precision_recall(self.reference, features, NEIGHBOURS, self.radii)

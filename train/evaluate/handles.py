"""The models that are measured, as functions of numpy arrays: networks of a run and graphs of a bundle look the same.

Images are float32 [N, C, H, W] in [0, 1], masks float32 [N, 1, H, W] with 1 = known, classes weights float32 [N, K].
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bundle.schema import Likelihood, Prior
from train.data.cache import Cache
from train.data.dataset import DataInfo
from train.evaluate.likelihood import Decode, Encode
from train.models.layers import Sides
from train.settings import GapPictures

Draw = Callable[..., np.ndarray]
"""z [N, D], and classes [N, K] where the model has classes -> images."""
MaskEncode = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Damaged images, masks -> mean and log-variance [N, D] of the whole pictures' codes."""


@dataclass(frozen=True)
class GanHandle:
    """A generator. z is drawn from `prior`.

    `invert`: images, masks -> the images that the generator draws of them; None without an inverter. `truncated`: a
    truncation psi -> `draw` at it; None where no mean style is known. `augment`, `gap_pictures`: as in the settings of
    its training. `began_with`: how many training pictures there were when it began; None where that is not known.
    `minutes`: how long it was trained, where that is known.
    """

    latent_dim: int
    prior: Prior
    draw: Draw
    invert: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    truncated: Callable[[float], Draw] | None = None
    augment: float | None = None
    gap_pictures: GapPictures = "held-out"
    began_with: int | None = None
    minutes: float | None = None


@dataclass(frozen=True)
class VaeHandle:
    """An encoder and a decoder. `sha256`: of the encoder.

    `sigma`, `mixture` (the arrays of priors.fit): None where the training has not finished. `repair`: None without a
    repair network.
    """

    latent_dim: int
    likelihood: Likelihood
    binarize: bool
    sigma: float | None
    mixture: dict[str, np.ndarray] | None
    encode: Encode
    decode: Decode
    sha256: str
    repair: MaskEncode | None = None

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Images through their mean codes."""
        return self.decode(self.encode(images)[0])


@dataclass(frozen=True)
class ClassifierHandle:
    """A classifier of pictures of `channels` and of `sides` (height, width).

    `classify`: images -> logits [N, K], features [N, F]."""

    name: str
    sha256: str
    classes: tuple[str, ...]
    channels: int
    sides: Sides
    classify: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Subject:
    """What is measured. `source`: where its pictures are, as far as is known; `unfinished`: stages stopped early.
    `cache`: where they are packed, if they are too many for memory."""

    folder: Path
    kind: Literal["run", "bundle"]
    data: DataInfo
    source: str
    gan: GanHandle | None
    vae: VaeHandle | None
    classifier: ClassifierHandle | None
    unfinished: tuple[str, ...] = ()
    cache: Cache | None = None

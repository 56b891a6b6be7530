"""Who judges: the network whose features all distances are measured in, and what it says of sets of pictures.

Pictures are uint8 [N, C, S, S] here.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from bundle.errors import UserError
from train.evaluate import metrics
from train.evaluate.metrics import Manifold, Scale
from train.evaluate.subject import Reader, Subject, Vae, digest, double, mapped, of_network, open_onnx
from train.models.classifiers import Classifier

FeatureInput = Literal["0..1", "-1..1", "0..255", "imagenet"]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NEIGHBOURS = 3
SUBSET = 1000


@dataclass(frozen=True)
class Eye:
    """`look`: images float32 in [0, 1] -> features [N, F], and what a classifier reads, logits [N, K], or None.
    `scaled`: features are z-scored on the training pictures; those of a file stay as they are, as they are published.
    """

    name: str
    sha256: str
    scaled: bool
    look: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


def choose(subject: Subject, reader: Reader | None, features: Path | None, form: FeatureInput) -> Eye:
    """The eye for these pictures: a file, a reader of another run, the own classifier; without classes the VAE's own
    encoder, or else a network of random weights. Raises UserError when a set with classes has no classifier."""
    own = reader or subject.reader
    if features:
        return of_file(features, form, own)
    if own:
        return of_reader(own, subject)
    if subject.data.classes:
        raise UserError(
            f"{subject.folder} has no classifier, in whose features pictures are compared: train one, or name the run "
            "of one with --reader, or a file with --features."
        )
    if subject.vae:
        return of_encoder(subject.vae)
    return of_chance(subject)


def of_reader(reader: Reader, subject: Subject) -> Eye:
    """A classifier; a grey one looks at each channel of RGB pictures in turn. Raises UserError when it cannot."""
    data = subject.data
    if reader.size != data.size or reader.channels not in (1, data.channels):
        raise UserError(
            f"The {reader.name} reads {reader.channels} x {reader.size} x {reader.size}, but the pictures of "
            f"{subject.folder} are {data.channels} x {data.size} x {data.size}."
        )

    def whole(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        logits, features = reader.read(images)
        return features, logits if reader.classes == data.classes else None

    def by_channel(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        _, features = reader.read(images.reshape(-1, 1, *images.shape[2:]))
        return features.reshape(len(images), -1), None

    split = reader.channels != data.channels
    name = reader.name + (" on each channel" if split else "")
    return Eye(name, reader.sha256, True, by_channel if split else whole)


def of_encoder(vae: Vae) -> Eye:
    """The mean codes of the subject's own VAE: trained on these pictures, though not a neutral judge of that VAE."""
    name = "the VAE's own encoder (no classes, so no classifier: kind to the VAE itself)"
    return Eye(name, vae.sha256, True, lambda images: (vae.encode(images)[0], None))


def of_chance(subject: Subject) -> Eye:
    """A classifier with random weights, the same ones each time: notices gross differences only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Classifier(subject.data.channels, subject.data.size, 2).eval()
    read = double(of_network(net))
    name = "a network of random weights (neither classes nor a VAE: sees gross differences only)"
    return Eye(name, digest(net), True, lambda images: (read(images)[1], None))


def of_file(path: Path, form: FeatureInput, reader: Reader | None) -> Eye:
    """An ONNX file: one input [N, C, H, W], first output of two dimensions. Pictures are resized to H x W (where the
    graph fixes them) and grey ones repeated. Raises UserError for any other file."""
    if path.suffix.lower() != ".onnx":
        raise UserError(f"{path}: features come from ONNX files only; other formats need code or an architecture.")
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    content = path.read_bytes()
    session = open_onnx(path, content)
    (entry, *others), outputs = session.get_inputs(), session.get_outputs()
    flat = [output.name for output in outputs if len(output.shape) == 2]
    if others or len(entry.shape) != 4 or entry.shape[1] not in (1, 3) or "float" not in entry.type:
        raise UserError(f"{path} must have one input, float [batch, 1 or 3, height, width], not {entry.shape}.")
    if not flat:
        raise UserError(f"{path} has no output [batch, features].")
    channels, sides = entry.shape[1], entry.shape[2:]
    kind = np.float16 if "16" in entry.type else np.float32

    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        logits = None
        if reader and reader.channels == images.shape[1] and reader.size == images.shape[2]:
            logits = reader.read(images)[0]
        x = torch.from_numpy(images)
        if channels == 1 and x.shape[1] == 3:
            x = x.mean(dim=1, keepdim=True)
        x = x.expand(-1, channels, -1, -1)
        if all(isinstance(side, int) for side in sides) and list(x.shape[2:]) != sides:
            x = F.interpolate(x, size=sides, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        (features,) = session.run(flat[:1], {entry.name: prepared(x, form).numpy().astype(kind)})
        return features.astype(np.float32), logits

    return Eye(path.name, hashlib.sha256(content).hexdigest(), False, look)


def prepared(x: torch.Tensor, form: FeatureInput) -> torch.Tensor:
    """[0, 1] -> the numbers that a network was trained on."""
    match form:
        case "0..1":
            return x
        case "-1..1":
            return x * 2 - 1
        case "0..255":
            return x * 255
        case "imagenet":
            mean, std = (torch.tensor(v)[None, : x.shape[1], None, None] for v in IMAGENET)
            return (x - mean) / std


@dataclass(frozen=True)
class Distances:
    """Of one set of pictures to the training pictures."""

    frechet: float
    kernel: float
    kernel_error: float


@dataclass(frozen=True)
class Seen:
    """features z-scored float64 [N, F]; labels int64 [N], what a classifier reads, or None."""

    features: np.ndarray
    labels: np.ndarray | None


class Judge:
    """Holds the training pictures' features; measures other sets against them, held-out pictures first (the floor)."""

    def __init__(self, eye: Eye, train: np.ndarray, held_out: np.ndarray):
        self.eye = eye
        self.scale = Scale.none(1)
        raw = self.see(train, "features of training pictures").features
        self.scale = Scale.of(raw) if eye.scaled else Scale.none(raw.shape[1])
        self.reference = self.scale(raw)
        self.radii = metrics.radii(self.reference, NEIGHBOURS)
        self.held_out = self.see(held_out, "features of held-out pictures")
        self.floor = self.distances(self.held_out.features)
        self.floor_manifold = self.manifold(self.held_out.features)

    def see(self, images: np.ndarray, title: str = "features") -> Seen:
        """uint8 [N, C, S, S]."""
        labels: list[np.ndarray] = []

        def features(batch: np.ndarray) -> np.ndarray:
            found, logits = self.eye.look(batch.astype(np.float32) / np.float32(255))
            if logits is not None:
                labels.append(logits.argmax(axis=1))
            return found

        found = self.scale(mapped(title, features, images))
        return Seen(found, np.concatenate(labels) if labels else None)

    def distances(self, features: np.ndarray) -> Distances:
        frechet = metrics.frechet_distance(self.reference, features)
        size = min(SUBSET, len(features) // 2)  # smaller than the set, so that subsets differ
        kernel, deviation = metrics.kernel_distance(self.reference, features, size=size)
        return Distances(frechet, kernel, deviation / math.sqrt(metrics.SUBSETS))

    def manifold(self, features: np.ndarray) -> Manifold:
        return metrics.manifold(self.reference, features, NEIGHBOURS, self.radii)

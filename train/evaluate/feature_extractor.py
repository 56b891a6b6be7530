"""The network in whose features pictures are compared. Images are float32 [N, C, H, W] in [0, 1]."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from bundle.errors import UserError, first_line
from bundle.feeds import in_batches
from bundle.sessions import open_session
from train.data.dataset import DataInfo
from train.evaluate.handles import ClassifierHandle, Subject, VaeHandle
from train.evaluate.subject import digest, of_network, two_outputs
from train.models.classifiers import Classifier
from train.settings import FeatureInput

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and standard deviation of red, green and blue
TRIAL = 2  # pictures on which a file is tried
Extract = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True)
class FeatureExtractor:
    """`extract`: images -> features [N, F], and a classifier's logits [N, K], or None.

    `scaled`: whether features are z-scored on the training pictures. Those of a file are not, so that figures compare
    with published ones.
    """

    name: str
    sha256: str
    scaled: bool
    extract: Extract


def choose_extractor(
    subject: Subject, classifier: ClassifierHandle | None, file: Path | None, file_input: FeatureInput
) -> FeatureExtractor:
    """The extractor for the pictures of a subject.

    The ONNX `file` if there is one, else a `classifier` of another run, else the subject's own. Without classes: the
    encoder of its VAE, else a network of random weights. Raises UserError when a set with classes has no classifier.
    """
    own = classifier or subject.classifier
    if file:
        knows = own is not None and knows_classes(own, subject.data)
        extractor = from_file(file, file_input, own if knows else None)
        check_runs(extractor, file, subject.data)
        return extractor
    if own:
        return from_classifier(own, subject)
    if subject.data.classes:
        raise UserError(
            f"{subject.folder} has no classifier, in whose features pictures are compared: train one, or name the run "
            "of one with --classifier, or a file with --features."
        )
    return from_encoder(subject.vae) if subject.vae else from_random_weights(subject)


def knows_classes(classifier: ClassifierHandle, data: DataInfo) -> bool:
    """Whether a classifier tells the classes of these pictures apart: one of others would read wrong labels."""
    return bool(data.classes) and classifier.classes == data.classes


def from_classifier(classifier: ClassifierHandle, subject: Subject) -> FeatureExtractor:
    """A classifier; one of grey pictures sees each channel of RGB pictures in turn. Raises UserError for another
    size."""
    data = subject.data
    if classifier.sides != data.sides or classifier.channels not in (1, data.channels):
        height, width = classifier.sides
        raise UserError(
            f"The {classifier.name} takes {classifier.channels} x {height} x {width}, but the pictures of "
            f"{subject.folder} are {data.channels} x {data.height} x {data.width}."
        )

    def whole(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        logits, features = classifier.classify(images)
        return features, logits if knows_classes(classifier, data) else None

    def by_channel(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        _, features = classifier.classify(images.reshape(-1, 1, *images.shape[2:]))
        return features.reshape(len(images), -1), None

    if classifier.channels != data.channels:
        return FeatureExtractor(f"{classifier.name} on each channel", classifier.sha256, True, by_channel)
    return FeatureExtractor(classifier.name, classifier.sha256, True, whole)


def from_encoder(vae: VaeHandle) -> FeatureExtractor:
    """The mean codes of the subject's own VAE: trained on these pictures, but not neutral towards that VAE."""
    name = "the VAE's own encoder (no classes, so no classifier: favours that VAE)"
    return FeatureExtractor(name, vae.sha256, True, lambda images: (vae.encode(images)[0], None))


def from_random_weights(subject: Subject) -> FeatureExtractor:
    """A classifier with random weights, the same ones each time: notices gross differences only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = Classifier(subject.data.channels, subject.data.sides, 2).eval()
    classify = two_outputs(of_network(net))
    name = "a network of random weights (neither classes nor a VAE: notices gross differences only)"
    return FeatureExtractor(name, digest(net), True, lambda images: (classify(images)[1], None))


def from_file(path: Path, value_range: FeatureInput, classifier: ClassifierHandle | None) -> FeatureExtractor:
    """An ONNX file: one input [N, C, H, W], first output of two dimensions.

    Pictures are resized to H x W, where the graph fixes them, and grey ones are repeated. Where it fixes N, it is run
    on so many at a time. `classifier`: one that knows the classes of the pictures; it reads them where it takes their
    size. Raises UserError for any other file.
    """
    if path.suffix.lower() != ".onnx":
        raise UserError(f"{path}: features come from ONNX files only; other formats need code or an architecture.")
    if not path.is_file():
        raise UserError(f"{path} does not exist.")
    content = path.read_bytes()
    try:
        session = open_session(content, threads=torch.get_num_threads())
    except Exception as problem:  # onnxruntime's errors share no base class
        raise UserError(f"{path} is not an ONNX graph that can be run: {first_line(problem)}") from problem
    inputs, outputs = session.get_inputs(), session.get_outputs()
    flat = [output.name for output in outputs if len(output.shape) == 2]
    entry = inputs[0] if len(inputs) == 1 else None
    if entry is None or len(entry.shape) != 4 or entry.shape[1] not in (1, 3) or "float" not in entry.type:
        shapes = ", ".join(str(one.shape) for one in inputs) or "none"
        raise UserError(f"{path} must have one input, float [batch, 1 or 3, height, width], not {shapes}.")
    if not flat:
        raise UserError(f"{path} has no output [batch, features].")
    fixed, channels, sides = entry.shape[0], entry.shape[1], entry.shape[2:]
    kind = np.float16 if "16" in entry.type else np.float32

    def run(rows: np.ndarray) -> np.ndarray:
        missing = fixed - len(rows) if isinstance(fixed, int) else 0
        filled = np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows
        (features,) = session.run(flat[:1], {entry.name: filled})
        if len(features) != len(filled):
            raise UserError(f"{path} must have an output [batch, features], but makes {len(features)} rows of "
                            f"{len(filled)} pictures.")  # fmt: skip
        return features[: len(rows)]

    def extract(images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        logits = None
        if classifier and (classifier.channels, *classifier.sides) == images.shape[1:]:
            logits = classifier.classify(images)[0]
        x = with_channels(torch.from_numpy(images), channels)
        if all(isinstance(side, int) for side in sides) and list(x.shape[2:]) != sides:
            x = F.interpolate(x, size=sides, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        rows = in_range(x, value_range).numpy().astype(kind)
        return in_batches(rows, run, fixed if isinstance(fixed, int) else len(rows)).astype(np.float32), logits

    return FeatureExtractor(path.name, hashlib.sha256(content).hexdigest(), False, extract)


def check_runs(extractor: FeatureExtractor, path: Path, data: DataInfo) -> None:
    """Raises UserError for a file that makes no row of features of each picture, before much is measured."""
    trial = np.zeros((TRIAL, data.channels, *data.sides), np.float32)
    try:
        extractor.extract(trial)
    except UserError:
        raise
    except Exception as problem:  # onnxruntime's errors share no base class
        raise UserError(f"{path} cannot be run on pictures of {data.size} px: {first_line(problem)}") from problem


def with_channels(x: torch.Tensor, channels: int) -> torch.Tensor:
    """Images with 1 or 3 channels: the mean of three, or one repeated."""
    if channels == 1 and x.shape[1] == 3:
        x = x.mean(dim=1, keepdim=True)
    return x.expand(-1, channels, -1, -1)


def in_range(x: torch.Tensor, value_range: FeatureInput) -> torch.Tensor:
    """Images in [0, 1] -> the numbers that a network was trained on."""
    match value_range:
        case "0..1":
            return x
        case "-1..1":
            return x * 2 - 1
        case "0..255":
            return x * 255
        case "imagenet":
            mean, std = (torch.tensor(v)[None, : x.shape[1], None, None] for v in IMAGENET)
            return (x - mean) / std

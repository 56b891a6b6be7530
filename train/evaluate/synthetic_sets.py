"""Sections for the sets made here: codes of drawn shapes with known factors, and the modes of stacked digits."""

import numpy as np
import torch

from bundle.errors import UserError
from train import priors
from train.data import shapes, stacked_mnist
from train.evaluate.batches import draw_batches, map_batches, to_unit
from train.evaluate.context import EvaluationContext
from train.evaluate.disentanglement import dci, mutual_information_gap
from train.evaluate.handles import ClassifierHandle, GanHandle, VaeHandle
from train.evaluate.report import BY_DEFINITION
from train.models.layers import Sides

FACTOR_PICTURES = 10_000


def measure_factors(context: EvaluationContext, vae: VaeHandle, sides: Sides, channels: int) -> None:
    """Mutual information gap and DCI of the codes of drawn shapes, of sides (height, width) and 1 or 3 channels,
    that are in neither split."""
    first = int(shapes.TEST[-1]) + 1
    factors = shapes.factors(np.arange(first, first + FACTOR_PICTURES))

    def codes_of(values: np.ndarray) -> np.ndarray:
        return vae.encode(to_unit(shapes.draw(values, sides, channels)))[0]

    codes = map_batches("codes of known factors", codes_of, factors)
    gap, gaps = mutual_information_gap(codes, factors)
    found = dci(codes, factors, context.seed)
    for name, label, value in (
        ("mig", "Mutual information gap of codes and factors", gap),
        ("disentanglement", "DCI: disentanglement", found.disentanglement),
        ("completeness", "DCI: completeness", found.completeness),
        ("informativeness", "DCI: informativeness", found.informativeness),
    ):
        context.report.add(f"vae.{name}", label, value, "higher", 1.0, BY_DEFINITION, count=FACTOR_PICTURES)
    each = ", ".join(f"{name} {value:.2f}" for name, value in zip(shapes.FACTORS, gaps, strict=True))
    context.report.note(f"Mutual information gap of each factor: {each}.")


def check_reads_digits(classifier: ClassifierHandle) -> None:
    """Raises UserError unless a classifier tells ten classes of grey pictures apart, as the modes of Stacked MNIST need
    it."""
    if classifier.channels != 1 or len(classifier.classes) != stacked_mnist.DIGITS:
        raise UserError(
            f"The {classifier.name} reads {len(classifier.classes)} classes in pictures of {classifier.channels} "
            "channel(s); the modes of stacked_mnist need a classifier of grey digits: name its run with --classifier."
        )


def digit_probabilities(classifier: ClassifierHandle, images: np.ndarray) -> np.ndarray:
    """The probability of each digit in each channel of pictures uint8 [N, 3, H, W], float64 [N, 3, 10]."""

    def read(batch: np.ndarray) -> np.ndarray:
        channels = batch.reshape(-1, 1, *batch.shape[2:])
        logits = classifier.classify(to_unit(channels))[0].astype(np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True)).reshape(len(batch), 3, -1)

    return map_batches("digits read", read, images)


def measure_modes(
    context: EvaluationContext, gan: GanHandle, classifier: ClassifierHandle, held_out: np.ndarray
) -> None:
    """Modes of Stacked MNIST that 26 000 samples of the GAN cover, as published and gated. `held_out`: uint8
    [N, 3, H, W]."""
    noise = priors.draw(gan.prior, stacked_mnist.SAMPLES, gan.latent_dim,
                        generator=torch.Generator().manual_seed(context.seed + 1))  # fmt: skip
    images = draw_batches("stacked digits", gan.draw, noise.numpy())
    seen, floor_seen = (
        digit_probabilities(classifier, images),
        digit_probabilities(classifier, held_out[: stacked_mnist.SAMPLES]),
    )
    for suffix, label, gate in (
        ("", "as published", 0.0),
        ("_gated", f"all three digits read with a probability above {stacked_mnist.GATE}", stacked_mnist.GATE),
    ):
        found, floor = stacked_mnist.count(seen, gate), stacked_mnist.count(floor_seen, gate)
        context.report.add(f"gan.modes{suffix}", f"Modes of 1000, {label}", found.modes, "higher", floor.modes,
                           count=len(images))  # fmt: skip
        if found.divergence is not None:
            context.report.add(f"gan.modes_kl{suffix}", f"KL of the modes to uniform, {label}, nats", found.divergence,
                             "lower", floor.divergence, count=len(images))  # fmt: skip
        if gate:
            context.report.add("gan.pass_share", f"Share of samples with {label}", found.share, "higher", floor.share,
                               count=len(images))  # fmt: skip
    context.report.note(f"A perfect sampler of {len(images)} pictures has a KL of {stacked_mnist.floor():.3f}.")

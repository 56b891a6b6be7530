"""The section of the GAN: distances, precision and recall, classes, copies, truncation, leaking augmentations."""

from collections.abc import Sequence

import numpy as np
import torch

from train import priors
from train.evaluate import leak
from train.evaluate.batches import draw_batches
from train.evaluate.context import EvaluationContext
from train.evaluate.handles import Draw, GanHandle

TILES = 64


def measure_gan(context: EvaluationContext, gan: GanHandle) -> None:
    """Samples, of the classes of the training pictures where there are any."""
    images = samples(context, gan, gan.draw, "GAN samples")
    seen = context.evaluator.extract(images)
    context.sheets["gan_samples.png"] = (images[:TILES], 8)
    context.add_distances("gan", "", "GAN samples", seen.features)
    context.add_precision_recall("gan", "GAN samples", seen.features)
    context.add_label_accuracy("gan.label_accuracy", "GAN samples", seen.labels)
    context.add_histogram("gan", "GAN samples", seen.labels)
    context.add_memorisation("gan", "GAN samples", images, seen.features)
    if context.augmentations:
        measure_leak(context, images)


def measure_truncation(context: EvaluationContext, gan: GanHandle, truncation: Sequence[float]) -> None:
    """What truncation gains and loses: the same seeds and classes at each psi. Nothing where the GAN has no styles."""
    if gan.truncated is None:
        return
    for psi in truncation:
        what, suffix = f"GAN samples at truncation {psi:g}", f"_at_{psi:g}"
        seen = context.evaluator.extract(samples(context, gan, gan.truncated(psi), what))
        context.add_distances("gan", suffix, what, seen.features)
        context.add_precision_recall("gan", what, seen.features, suffix)
        context.add_label_accuracy(f"gan.label_accuracy{suffix}", what, seen.labels)


def samples(context: EvaluationContext, gan: GanHandle, draw: Draw, what: str) -> np.ndarray:
    """As many samples as there are training pictures, and of their classes: uint8 [N, C, H, W]."""
    noise = priors.draw(gan.prior, context.count, gan.latent_dim, generator=torch.Generator().manual_seed(context.seed))
    return draw_batches(what, draw, noise.numpy(), *context.class_inputs(context.train.labels.numpy()))


def measure_leak(context: EvaluationContext, images: np.ndarray) -> None:
    """Traces that the critic's augmentations leave in samples, operation by operation: see train.evaluate.leak."""
    held_out = context.held_out.pixels
    traces = leak.measure(context.searched, held_out, images, context.augmentations, context.seed)
    for op, trace in traces.items():
        context.report.add(f"gan.leak_{op}", f"Share of GAN samples that look changed by augmentation: {op}",
                           trace.samples, "lower", trace.held_out)  # fmt: skip
        context.report.add(f"gan.leak_{op}_found",
                           f"Share of held-out pictures changed by {op} that the same detector finds",
                           trace.found, "higher")  # fmt: skip

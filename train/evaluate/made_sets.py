"""Sections for the sets made here: codes of drawn shapes with known factors, and the modes of stacked digits."""

import numpy as np
import torch

from train import priors
from train.data import shapes, stacked_mnist
from train.evaluate.context import BY_DEFINITION, Bench
from train.evaluate.disentanglement import dci, mutual_information_gap
from train.evaluate.subject import Gan, Reader, Vae, drawn, mapped

FACTOR_PICTURES = 10_000


def measure_factors(bench: Bench, vae: Vae, size: int) -> None:
    """MIG and DCI of the codes of drawn shapes that are in neither split."""
    first = int(shapes.TEST[-1]) + 1
    factors = shapes.factors(np.arange(first, first + FACTOR_PICTURES))
    codes = mapped(
        "codes of known factors",
        lambda values: vae.encode(shapes.draw(values, size).astype(np.float32) / np.float32(255))[0],
        factors,
    )
    gap, gaps = mutual_information_gap(codes, factors)
    found = dci(codes, factors, bench.seed)
    for name, label, value in (
        ("mig", "Mutual information gap of codes and factors", gap),
        ("disentanglement", "DCI: disentanglement", found.disentanglement),
        ("completeness", "DCI: completeness", found.completeness),
        ("informativeness", "DCI: informativeness", found.informativeness),
    ):
        bench.report.add(f"vae.{name}", label, value, "higher", 1.0, BY_DEFINITION)
    each = ", ".join(f"{name} {value:.2f}" for name, value in zip(shapes.FACTORS, gaps, strict=True))
    bench.report.note(f"Mutual information gap of each factor: {each}.")


def digits_read(reader: Reader, images: np.ndarray) -> np.ndarray:
    """What a grey digit reader sees in each channel of uint8 [N, 3, S, S]: probabilities [N, 3, 10]."""

    def read(batch: np.ndarray) -> np.ndarray:
        channels = batch.reshape(-1, 1, *batch.shape[2:]).astype(np.float32) / np.float32(255)
        logits = reader.read(channels)[0].astype(np.float64)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (shares / shares.sum(axis=1, keepdims=True)).reshape(len(batch), 3, -1)

    return mapped("digits read", read, images)


def measure_modes(bench: Bench, gan: Gan, reader: Reader, held_out: np.ndarray) -> None:
    """Modes of Stacked MNIST that 26 000 samples of the GAN cover, as published and gated."""
    noise = priors.draw(gan.prior, stacked_mnist.SAMPLES, gan.latent_dim,
                        generator=torch.Generator().manual_seed(bench.seed + 1))  # fmt: skip
    images = drawn("stacked digits", gan.draw, noise.numpy())
    seen, floor_seen = digits_read(reader, images), digits_read(reader, held_out[: stacked_mnist.SAMPLES])
    for suffix, label, gate in (
        ("", "as published", 0.0),
        ("_gated", f"all read with > {stacked_mnist.GATE}", stacked_mnist.GATE),
    ):
        found, floor = stacked_mnist.count(seen, gate), stacked_mnist.count(floor_seen, gate)
        bench.report.add(f"gan.modes{suffix}", f"Modes of 1000, {label}", found.modes, "higher", floor.modes)
        if found.divergence is not None:
            bench.report.add(f"gan.modes_kl{suffix}", f"KL of the modes to uniform, {label}, nats", found.divergence,
                             "lower", floor.divergence)  # fmt: skip
        if gate:
            bench.report.add("gan.pass_share", f"Share of samples with {label}", found.share, "higher", floor.share)
    bench.report.note(
        f"Modes and KL are of {len(images)} samples; a perfect sampler has KL {stacked_mnist.floor():.3f}."
    )

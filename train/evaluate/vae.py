"""The section of the VAE: reconstructions, bounds on the likelihood, midpoints, samples of both priors."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bundle.schema import Better
from train.evaluate import likelihood
from train.evaluate.batches import draw_batches, map_batches, to_unit
from train.evaluate.context import PAIRS, RECONSTRUCTIONS, EvaluationContext
from train.evaluate.evaluator import Distances
from train.evaluate.frechet_distance import frechet_distance
from train.evaluate.gan import TILES
from train.evaluate.handles import VaeHandle
from train.evaluate.picture_quality import mse, psnr, sharpness, ssim
from train.evaluate.sheets import triples

TRAINING = "training pictures"
KNOWN, KNOWN_BOUND = 2000, 100  # training pictures for the floors of reconstructions and of the tighter bound


def relative_sharpness(shown: np.ndarray, drawn: np.ndarray) -> float:
    """Sharpness of reconstructions over that of the pictures, 1 = as sharp."""
    return sharpness(drawn) / max(sharpness(shown), 1e-12)


# Name, label, figure of pictures and their reconstructions, what is better, unit.
RECONSTRUCTION_FIGURES: tuple[tuple[str, str, Callable[[np.ndarray, np.ndarray], float], Better, str], ...] = (
    ("mse", "MSE of reconstructions", mse, "lower", ""),
    ("psnr", "PSNR of reconstructions", psnr, "higher", "dB"),
    ("ssim", "SSIM of reconstructions", ssim, "higher", ""),
    ("sharpness", "Sharpness of reconstructions over that of the pictures (variance of the Laplacian)",
     relative_sharpness, "higher", ""),
)  # fmt: skip


@dataclass(frozen=True)
class Reconstructions:
    """What the VAE was shown, uint8 [N, C, H, W], its mean codes, float32 [N, D], and what it drew from them, uint8."""

    shown: np.ndarray
    codes: np.ndarray
    drawn: np.ndarray


def measure_vae(context: EvaluationContext, vae: VaeHandle, samples: int, pictures: int) -> None:
    """The whole section. `samples`: K of the importance-weighted bound; `pictures`: for how many it is computed."""
    shown, known = context.held_out.pixels, context.train.pixels[:KNOWN]
    if vae.binarize:
        shown, known = (likelihood.binarize(images, context.seed) for images in (shown, known))
        context.report.note("The VAE sees binarized pictures, in all its figures: dynamic binarization, drawn once.")
    test, train = reconstruct(vae, shown), reconstruct(vae, known)
    floor = measure_reconstructions(context, test, train)
    units = likelihood.active_units(test.codes)
    context.report.add("vae.active_units", f"Active units of {vae.latent_dim}", units, "higher")
    measure_bounds(context, vae, test, train, samples, pictures)
    measure_midpoints(context, vae, test.codes, floor.frechet)
    measure_samples(context, vae, floor)


def measure_reconstructions(context: EvaluationContext, test: Reconstructions, train: Reconstructions) -> Distances:
    """Figures of held-out pictures, beside those of training pictures; returns their distances."""
    for name, label, measured, better, unit in RECONSTRUCTION_FIGURES:
        value, floor = (measured(one.shown, one.drawn) for one in (test, train))
        context.report.add(f"vae.{name}", label, value, better, floor, TRAINING, unit)
    pairs = np.stack([test.shown[: TILES // 2], test.drawn[: TILES // 2]], axis=1)
    context.sheets["vae_reconstructions.png"] = (pairs.reshape(-1, *test.drawn.shape[1:]), 8)
    seen = context.evaluator.extract(test.drawn)
    return context.add_distances("vae", "_reconstruction", "reconstructions", seen.features)


def measure_samples(context: EvaluationContext, vae: VaeHandle, floor: Distances) -> None:
    """Distances of samples of N(0, I); all figures of samples of the fitted prior, or of N(0, I) where there is
    none."""
    rng = np.random.default_rng(context.seed)
    codes, what = rng.standard_normal((context.count, vae.latent_dim), dtype=np.float32), "VAE samples of N(0, I)"
    images = draw_batches("samples of N(0, I)", vae.decode, codes)
    context.sheets["vae_normal.png"] = (images[:TILES], 8)
    seen = context.evaluator.extract(images)
    context.add_distances("vae", "_normal", what, seen.features, floor)
    if vae.mixture:
        codes, what = mixture_codes(vae.mixture, context.count, context.seed), "VAE samples of the fitted prior"
        images = draw_batches("samples of the fitted prior", vae.decode, codes)
        context.sheets["vae_samples.png"] = (images[:TILES], 8)
        seen = context.evaluator.extract(images)
        context.add_distances("vae", "_prior", what, seen.features, floor)
    context.add_precision_recall("vae", what, seen.features)
    context.add_histogram("vae", what, seen.labels)
    context.add_memorisation("vae", what, images, seen.features)


def reconstruct(vae: VaeHandle, images: np.ndarray) -> Reconstructions:
    """Pictures uint8 [N, C, H, W] through their mean codes."""
    codes = map_batches("encoding", lambda x: vae.encode(to_unit(x))[0], images)
    return Reconstructions(images, codes, draw_batches("decoding", vae.decode, codes))


def measure_bounds(
    context: EvaluationContext,
    vae: VaeHandle,
    test: Reconstructions,
    train: Reconstructions,
    samples: int,
    pictures: int,
) -> None:
    """-ELBO and the importance-weighted bound, nats: of a Bernoulli on binarized pictures, or of a Gaussian density."""
    held_out, known = test.shown, train.shown
    log_likelihood: likelihood.LogLikelihood
    if vae.likelihood == "bernoulli":
        log_likelihood, kind = likelihood.bernoulli_log_likelihood, "nats on binarized pictures"
        if not vae.binarize:
            held_out, known = (likelihood.binarize(images, context.seed) for images in (held_out, known))
    else:
        sigma = vae.sigma or max(math.sqrt(mse(train.shown, train.drawn)), 1e-3)
        log_likelihood, kind = likelihood.gaussian_log_likelihood(sigma), f"nats, sigma = {sigma:.3g}"
        context.report.note("Nats of a Gaussian are a density of pixels in [0, 1]: to be compared at equal size only.")
    found = []
    for images, most in ((held_out, pictures), (known, min(pictures, KNOWN_BOUND))):
        arguments = (images, vae.encode, vae.decode, log_likelihood)
        elbos = likelihood.elbo(*arguments, seed=context.seed)
        some = (images[:most], *arguments[1:])
        found.append(likelihood.bounds(elbos, likelihood.importance_weighted(*some, samples, context.seed)))
    report, (value, floor) = context.report, found
    report.add("vae.negative_elbo", f"-ELBO of held-out pictures, {kind}", value.negative_elbo, "lower",
               floor.negative_elbo, TRAINING, error=value.elbo_error)  # fmt: skip
    report.add("vae.weighted_bound", f"Importance-weighted bound on -log p, K = {samples}, {kind}",
               value.weighted_bound, "lower", floor.weighted_bound, TRAINING, error=value.weighted_error,
               count=pictures)  # fmt: skip
    if pictures < len(held_out):
        report.note(f"The importance-weighted bound is -ELBO of all pictures less its mean gain on {pictures} of them.")


def measure_midpoints(context: EvaluationContext, vae: VaeHandle, codes: np.ndarray, floor: float) -> None:
    """Pictures half-way between two held-out ones, on the arc between their codes [N, D]. `floor`: the Fréchet distance
    of reconstructions."""
    others = codes[np.random.default_rng(context.seed).permutation(len(codes))]
    middle = draw_batches("midpoints", vae.decode, halfway(codes, others))
    found = frechet_distance(context.evaluator.reference, context.evaluator.extract(middle).features)
    context.report.add("vae.frechet_midpoint", "Fréchet distance of pictures half-way between two codes, on the arc",
                     found, "lower", floor, RECONSTRUCTIONS)  # fmt: skip
    ends = (draw_batches("ends", vae.decode, z[:PAIRS]) for z in (codes, others))
    context.sheets["vae_midpoints.png"] = triples(next(ends), middle[:PAIRS], next(ends))


def halfway(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The middle of the arc from a to b, float32 [N, D]: half the turn, the mean norm; of opposite codes, the straight
    middle."""
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    direction = a / np.maximum(lengths[0], 1e-12) + b / np.maximum(lengths[1], 1e-12)
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    arc = direction / np.maximum(length, 1e-12) * (lengths[0] + lengths[1]) / 2
    return np.where(length > 1e-6, arc, (a + b) / 2).astype(np.float32)


def mixture_codes(mixture: dict[str, np.ndarray], count: int, seed: int) -> np.ndarray:
    """Codes float32 [count, D] of the fitted prior, every class in the proportion of the data."""
    rng, weights = np.random.default_rng(seed), mixture["weights"].astype(np.float64)
    part = rng.choice(len(weights), count, p=weights / weights.sum())
    noise = rng.standard_normal((count, mixture["means"].shape[1]))
    codes = [mixture["means"][k] + mixture["cholesky"][k] @ n for k, n in zip(part, noise, strict=True)]
    return np.stack(codes).astype(np.float32)

"""The section of the VAE: reconstructions, bounds on the likelihood, midpoints, samples of both priors."""

import math
from dataclasses import dataclass

import numpy as np

from train.evaluate import likelihood, metrics
from train.evaluate.context import PAIRS, REBUILT, TILES, Bench, triples
from train.evaluate.feature_extractor import Distances
from train.evaluate.subject import Vae, drawn, mapped, mixture_codes

TRAINING = "training pictures"
KNOWN, KNOWN_BOUND = 2000, 100  # training pictures for the floors of reconstructions and of the tighter bound


@dataclass(frozen=True)
class Rebuilt:
    """What the VAE was shown, its mean codes, and what it drew from them: uint8, float32 [N, D], uint8."""

    shown: np.ndarray
    codes: np.ndarray
    drawn: np.ndarray


def measure_vae(bench: Bench, vae: Vae, samples: int, pictures: int) -> None:
    """Everything. `samples`: K of the importance-weighted bound, `pictures`: how many it is computed of."""
    shown, known = bench.held_out.images.numpy(), bench.train.images.numpy()[:KNOWN]
    if vae.binarize:
        shown, known = (likelihood.binarize(images, bench.seed) for images in (shown, known))
        bench.report.note("The VAE sees binarized pictures, in all its figures: dynamic binarization, drawn once.")
    test, train = rebuild(vae, shown), rebuild(vae, known)
    floor = measure_reconstructions(bench, test, train)
    units = likelihood.active_units(test.codes)
    bench.report.add("vae.active_units", f"Active units of {vae.latent_dim}", units, "higher")
    measure_bounds(bench, vae, test, train, samples, pictures)
    measure_midpoints(bench, vae, test.codes, floor.frechet)
    measure_samples(bench, vae, floor)


def measure_reconstructions(bench: Bench, test: Rebuilt, train: Rebuilt) -> Distances:
    """Of held-out pictures, beside those of training pictures; returns their distances."""
    for name, label, measured, better, unit in (
        ("mse", "MSE of reconstructions", metrics.mse, "lower", ""),
        ("psnr", "PSNR of reconstructions", metrics.psnr, "higher", "dB"),
        ("ssim", "SSIM of reconstructions", metrics.ssim, "higher", ""),
        ("sharpness", "Sharpness of reconstructions over that of the pictures (variance of the Laplacian)",
         lambda shown, drawn: metrics.sharpness(drawn) / max(metrics.sharpness(shown), 1e-12), "higher", ""),
    ):  # fmt: skip
        value, floor = (measured(one.shown, one.drawn) for one in (test, train))
        bench.report.add(f"vae.{name}", label, value, better, floor, TRAINING, unit)
    pairs = np.stack([test.shown[: TILES // 2], test.drawn[: TILES // 2]], axis=1)
    bench.sheets["vae_reconstructions.png"] = (pairs.reshape(-1, *test.drawn.shape[1:]), 8)
    return bench.add_distances("vae", "_reconstruction", "reconstructions", bench.judge.see(test.drawn).features)


def measure_samples(bench: Bench, vae: Vae, floor: Distances) -> None:
    """Distances of samples of N(0, I); everything of samples of the fitted prior, or of N(0, I) where there is none."""
    rng = np.random.default_rng(bench.seed)
    codes, what = rng.standard_normal((bench.count, vae.latent_dim), dtype=np.float32), "VAE samples of N(0, I)"
    images = drawn("samples of N(0, I)", vae.decode, codes)
    bench.sheets["vae_normal.png"] = (images[:TILES], 8)
    seen = bench.judge.see(images)
    bench.add_distances("vae", "_normal", what, seen.features, floor)
    if vae.mixture:
        codes, what = mixture_codes(vae.mixture, bench.count, bench.seed), "VAE samples of the fitted prior"
        images = drawn("samples of the fitted prior", vae.decode, codes)
        bench.sheets["vae_samples.png"] = (images[:TILES], 8)
        seen = bench.judge.see(images)
        bench.add_distances("vae", "_prior", what, seen.features, floor)
    bench.add_manifold("vae", what, seen.features)
    bench.add_classes("vae", what, seen.labels)
    bench.add_memorisation("vae", what, images, seen.features)


def rebuild(vae: Vae, images: np.ndarray) -> Rebuilt:
    """Through the mean codes."""
    codes = mapped("encoding", lambda x: vae.encode(x.astype(np.float32) / np.float32(255))[0], images)
    return Rebuilt(images, codes, drawn("decoding", vae.decode, codes))


def measure_bounds(bench: Bench, vae: Vae, test: Rebuilt, train: Rebuilt, samples: int, pictures: int) -> None:
    """-ELBO and importance-weighted bound: Bernoulli nats on binarized pictures, or density of a Gaussian."""
    held_out, known = test.shown, train.shown
    if vae.likelihood == "bernoulli":
        log_likelihood, kind = likelihood.bernoulli_log_likelihood, "nats on binarized pictures"
        if not vae.binarize:
            held_out, known = (likelihood.binarize(images, bench.seed) for images in (held_out, known))
    else:
        sigma = vae.sigma or max(math.sqrt(metrics.mse(train.shown, train.drawn)), 1e-3)
        log_likelihood, kind = likelihood.gaussian_log_likelihood(sigma), f"nats, sigma = {sigma:.3g}"
        bench.report.note("Nats of a Gaussian are a density of pixels in [0, 1]: to be compared at equal size only.")
    found = []
    for images, most in ((held_out, pictures), (known, min(pictures, KNOWN_BOUND))):
        arguments = (images, vae.encode, vae.decode, log_likelihood)
        elbos = likelihood.elbo(*arguments, seed=bench.seed)
        some = (images[:most], *arguments[1:])
        found.append(likelihood.bounds(elbos, likelihood.importance_weighted(*some, samples, bench.seed)))
    report, (value, floor) = bench.report, found
    report.add("vae.elbo", f"-ELBO of held-out pictures, {kind}", value.elbo, "lower", floor.elbo, TRAINING,
               error=value.elbo_error)  # fmt: skip
    report.add("vae.weighted_bound", f"Importance-weighted bound on -log p, K = {samples}, {kind}", value.weighted,
               "lower", floor.weighted, TRAINING, error=value.weighted_error)  # fmt: skip
    if pictures < len(held_out):
        report.note(f"The importance-weighted bound is -ELBO of all pictures less its mean gain on {pictures} of them.")


def measure_midpoints(bench: Bench, vae: Vae, codes: np.ndarray, floor: float) -> None:
    """Pictures half-way between two held-out ones, along the arc."""
    others = codes[np.random.default_rng(bench.seed).permutation(len(codes))]
    middle = drawn("midpoints", vae.decode, halfway(codes, others))
    found = metrics.frechet_distance(bench.judge.reference, bench.judge.see(middle).features)
    bench.report.add("vae.frechet_midpoint", "Fréchet distance of pictures half-way between two codes, on the arc",
                     found, "lower", floor, REBUILT)  # fmt: skip
    ends = (drawn("ends", vae.decode, z[:PAIRS]) for z in (codes, others))
    bench.sheets["vae_midpoints.png"] = triples(next(ends), middle[:PAIRS], next(ends))


def halfway(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Middle of the arc from a to b [N, D]: half the turn, the mean norm; the straight middle of opposite codes."""
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b)]
    direction = a / np.maximum(lengths[0], 1e-12) + b / np.maximum(lengths[1], 1e-12)
    length = np.linalg.norm(direction, axis=1, keepdims=True)
    arc = direction / np.maximum(length, 1e-12) * (lengths[0] + lengths[1]) / 2
    return np.where(length > 1e-6, arc, (a + b) / 2).astype(np.float32)

"""Several ways to fill in the hidden pixels of a picture (completions), and searches that refine an answer.

Images are float32 [N, C, H, W] in [0, 1]; masks float32 [1, 1, H, W], 1 = known; codes float32 [N, D].
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from bundle.cross_entropy_method import cross_entropy_rounds
from bundle.errors import BundleError
from bundle.feeds import in_batches
from bundle.inversion import known_only
from bundle.latents import Mixture
from bundle.schema import Model
from demo.serving.served_bundle import ServedBundle
from demo.tabs.rebuild import posterior

DRAWN = 32  # completions among which the distinct ones are chosen
SLACK = 4.0  # factor on the variance of the decoder's noise: no code fits a picture to the last pixel
CODE_REACH = 0.3  # a search over codes starts with steps of this share of their standard deviation in the data


@dataclass(frozen=True)
class Step:
    """A search after some rounds: the lowest `error` so far, and the image [1, C, H, W] and the flat `point` that
    have it."""

    error: float
    image: np.ndarray
    point: np.ndarray


# --- mathematics ---------------------------------------------------------------------------------


def paste(image: np.ndarray, mask: np.ndarray | None, filled: np.ndarray) -> np.ndarray:
    """`filled` [N, C, H, W] with the known pixels of `image` [1, C, H, W]; without a mask, `filled` as it is."""
    return filled if mask is None else np.where(mask > 0, image, filled)


def energy(drawn: np.ndarray, codes: np.ndarray, image: np.ndarray, mask: np.ndarray, sigma: float, prior: Mixture,
           ) -> np.ndarray:  # fmt: skip
    """How badly codes explain the known pixels, in nats [N]: SSE / (2 SLACK sigma²) − log p(code).

    The negative logarithm of the posterior over codes up to a constant, with the fitted mixture as the prior. `drawn`:
    the images of the codes.
    """
    squared = np.square(drawn.astype(np.float64) - image) * mask
    return squared.sum(axis=(1, 2, 3)) / (2 * SLACK * sigma**2) - prior.log_density(codes)


def plausible(energies: np.ndarray, share: float = 0.5) -> np.ndarray:
    """The indices of the lowest energies, lowest first: `share` of them, rounded up."""
    return np.argsort(energies, kind="stable")[: int(np.ceil(share * len(energies)))]


def distant(points: np.ndarray, count: int) -> list[int]:
    """The indices of `count` points [N, F] far from one another: the first, then always the one that is farthest from
    all chosen so far (Gonzalez 1985). Fewer where there are no more different ones."""
    chosen = [0]
    gaps = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < count and gaps.max() > 0:
        chosen.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen


# --- with a bundle -------------------------------------------------------------------------------


def decode_of(served: ServedBundle) -> Callable[[np.ndarray], np.ndarray]:
    """The decoder of a bundle, for any number of codes."""
    return lambda codes: in_batches(codes, served.decode, _batch(served))


def completions(
    served: ServedBundle,
    image: np.ndarray,
    mask: np.ndarray,
    count: int = 4,
    seed: int = 0,
    temperature: float = 1.0,
    mean: np.ndarray | None = None,
) -> np.ndarray:
    """`count` different ways [count, C, H, W] to fill in the hidden pixels of an image; the known ones stay.

    Of DRAWN codes from the posterior, the half that explains the known pixels best; of these, the ones most distant
    from one another. The first is the most plausible. Code i belongs to seed + i. The spread of the posterior comes
    from the fitted prior: how far the repair encoder misses the codes of the prior's own pictures under the same mask.
    With a classifier, that is done twice: for all classes, then for those that it reads in the first draw. `mean`: the
    answer of `repair_mean`, if it is known. Raises BundleError without a VAE that repairs.
    """
    mean = repair_mean(served, image, mask) if mean is None else mean
    decode, batch = decode_of(served), _batch(served)

    def repaired(part: np.ndarray) -> np.ndarray:
        return repair_mean(served, part, np.repeat(mask, len(part), axis=0))

    def draw(classes: np.ndarray | None) -> np.ndarray:
        prior = np.stack([served.mixture.sample(seed + i, classes) for i in range(DRAWN)])
        return posterior.conditioned(mean, prior, lambda codes: in_batches(decode(codes), repaired, batch), temperature)

    codes = draw(None)
    drawn = decode(codes)
    if served.can_classify:
        codes = draw(in_batches(paste(image, mask, drawn), served.classify, batch).mean(axis=0))
        drawn = decode(codes)
    kept = plausible(energy(drawn, codes, image, mask, served.info.require_vae().sigma, served.mixture))
    filled = paste(image, mask, drawn[kept])
    return filled[distant(filled.reshape(len(filled), -1), count)]


def search_gan(
    served: ServedBundle, image: np.ndarray, mask: np.ndarray | None, seed: int, start: np.ndarray | None = None
) -> Iterator[Step]:
    """The GAN's closest picture, round by round. The error is the mean squared error over the known pixels."""
    for w, lowest in served.inversion_rounds(image, mask, seed, start):
        yield Step(lowest, served.synthesise(w), w.ravel())


def search_vae(
    served: ServedBundle, image: np.ndarray, mask: np.ndarray | None, seed: int, start: np.ndarray | None = None
) -> Iterator[Step]:
    """The VAE's closest picture, round by round, starting at the code of its encoder or, with a mask, of its repair
    encoder. The error is the energy in nats."""
    known = np.ones((1, 1, *image.shape[2:]), np.float32) if mask is None else mask
    if start is None:
        start = (served.reconstruct(image).mean if mask is None else repair_mean(served, image, mask)).ravel()
    decode = decode_of(served)

    def error(codes: np.ndarray) -> np.ndarray:
        return energy(decode(codes), codes, image, known, served.info.require_vae().sigma, served.mixture)

    step = CODE_REACH * served.engine.bundle.latents["code_std"]
    for code, lowest in cross_entropy_rounds(start, step, error, seed):
        yield Step(lowest, served.decode(code[None]), code)


def search(served: ServedBundle, model: Model, image: np.ndarray, mask: np.ndarray | None, rounds: int, seed: int = 0,
           start: np.ndarray | None = None) -> Iterator[Step]:  # fmt: skip
    """A model's answer before and after each of `rounds` of search. Raises BundleError when it has none."""
    way = {"gan": search_gan, "vae": search_vae}[model]
    return islice(way(served, image, mask, seed, start), rounds + 1)


def repair_mean(served: ServedBundle, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mean code [N, D] of the repair encoder for images [N, C, H, W] and masks [N, 1, H, W]. Raises BundleError
    when the bundle has none."""
    if "vae" not in served.models or not served.engine.has("repair"):
        raise BundleError(f"Bundle '{served.info.name}' has no VAE that repairs.")
    return served.engine.run("repair", known_only(image, mask))["mean"]


def _batch(served: ServedBundle) -> int:
    return min(posterior.BATCH, served.info.max_batch)

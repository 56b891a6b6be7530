"""One bundle as a model: seeds and numbers in, arrays out. The page, its endpoints and export all draw with it.

Images are float32 [N, C, H, W] in [0, 1], masks float32 [N, 1, H, W] with 1 = known. `classes` are weights
that sum to 1, [K] for all pictures or [N, K] for each; None lets the seed choose: class = seed modulo K.
What is kept between calls depends on the bundle alone, so the same arguments give the same bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from bundle import attribute_moves, images, latents, own_directions, paths
from bundle.array_files import ATTRIBUTE_ARRAYS
from bundle.attribute_moves import AttributeMoves
from bundle.bend import Bend, bent, checked_bend
from bundle.errors import InputError
from bundle.feeds import in_batches
from bundle.inversion import MAX_ROUNDS, Inversion, known_only, refined
from bundle.latent_map import LatentMap, latent_map, projections
from bundle.latents import Key, MapPoint, Mixture, Projection
from bundle.paths import PathMode, Timing
from bundle.runner import GraphRunner
from bundle.schema import Model

MORPH_PART = 4  # frames of a morph in one run: a visitor's picture waits for no more than these
MORPH_PIXELS = MORPH_PART * 128 * 128  # fewer frames of larger pictures
NO_SEEDS = "At least one seed is needed."
SPREAD_SEEDS = 256  # seeds from which the spread of w is estimated


@dataclass(frozen=True)
class Reconstruction:
    """A picture through the VAE. `image` and `difference` (absolute): [1, C, H, W] in [0, 1]. `mean` and `logvar` of
    its code: [1, D]. `psnr`: in dB, infinite for equal pictures. `ssim`: None for pictures smaller than its window."""

    image: np.ndarray
    difference: np.ndarray
    mean: np.ndarray
    logvar: np.ndarray
    mse: float
    psnr: float
    ssim: float | None


class BundleModel:
    """One bundle's abilities. InputError for unusable arguments, BundleError for what the bundle lacks."""

    def __init__(self, runner: GraphRunner):
        self.runner = runner
        self.info = runner.bundle.info
        self.class_count = len(self.info.dataset.classes)

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that this bundle holds."""
        return self.info.models

    @property
    def can_classify(self) -> bool:
        """Whether `classify` works: the bundle has classes and a classifier that recognises them in pictures."""
        return bool(self.class_count) and self.runner.has("classifier")

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """The attributes that pictures can be moved along, in the order of their directions."""
        return tuple(attribute.name for attribute in self.info.attributes)

    # --- latents ---------------------------------------------------------------------------------

    def styles(self, seeds: Sequence[int], classes: np.ndarray | None = None, truncation: float = 1.0) -> np.ndarray:
        """The GAN's w [N, L, D] of seeds, truncated towards the mean w of each one's classes."""
        self.info.require_styles()
        rows = self._rows(classes, seeds)
        return self._styles_of(self._noise(seeds), rows, truncation)

    def codes(self, seeds: Sequence[int], classes: np.ndarray | None = None, temperature: float = 1.0) -> np.ndarray:
        """The VAE's codes [N, D] of seeds, drawn from the fitted mixture."""
        self._need("vae")
        rows = self._rows(classes, seeds)
        return self.mixture.samples(seeds, rows, temperature)

    def synthesise(self, w: np.ndarray) -> np.ndarray:
        """The GAN's pictures of w [N, L, D]."""
        return self.runner.run("synthesis", {"w": w})["image"]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The VAE's pictures of codes [N, D]."""
        return self.runner.run("decoder", {"z": codes})["image"]

    # --- pictures from seeds ---------------------------------------------------------------------

    def sample(
        self,
        seeds: Sequence[int],
        classes: np.ndarray | None = None,
        truncation: float = 1.0,
        model: Model = "gan",
        attributes: AttributeMoves | None = None,
        bend: Bend | None = None,
    ) -> np.ndarray:
        """One picture a seed, [N, C, H, W], for at most info.max_batch seeds; more: `sample_many`. `truncation` below 1
        trades variety for typical pictures; for the VAE it is the temperature of its prior."""
        self._need(model)
        _finite(truncation, "truncation")
        if model == "gan":
            rows = self._rows(classes, seeds)
            return self._draw(self._noise(seeds), rows, truncation, attributes, bend)
        checked_bend(bend, self.info, model)
        return self.decode(self.along_attributes(self.codes(seeds, classes, truncation), attributes, "vae"))

    def sample_many(
        self,
        seeds: Sequence[int],
        classes: np.ndarray | None = None,
        truncation: float = 1.0,
        model: Model = "gan",
        attributes: AttributeMoves | None = None,
        bend: Bend | None = None,
    ) -> np.ndarray:
        """As `sample`, for any number of seeds; `classes` are those of all, [K], or None."""
        if len(seeds) == 0:
            raise InputError(NO_SEEDS)
        along = (classes, truncation, model, attributes, bend)
        return in_batches(seeds, lambda part: self.sample(part, *along), self.info.max_batch)

    def at(
        self,
        x: float,
        y: float,
        classes: np.ndarray | None = None,
        truncation: float = 1.0,
        model: Model = "gan",
        attributes: AttributeMoves | None = None,
        bend: Bend | None = None,
    ) -> np.ndarray:
        """The picture [1, C, H, W] at a point of the endless seed plane.

        Whole numbers (x, 0) are the picture of seed x; between them four neighbours blend. `classes` None: the class
        of the first of the four, ⌊x⌋ + 100 ⌊y⌋ modulo K.
        """
        self._need(model)
        for value, name in ((x, "x"), (y, "y"), (truncation, "truncation")):
            _finite(value, name)
        corners, weights = latents.plane_corners(x, y)
        rows = self._rows(classes, corners[:1])
        if model == "gan":
            z = latents.plane_latent(x, y, self.info.require_gan().latent_dim)[None]
            return self._draw(z, rows, truncation, attributes, bend)
        checked_bend(bend, self.info, model)
        keys = self.codes(corners, None if rows is None else rows[0], truncation)
        if weights.max() == 1:  # a corner itself: no rounding through the standard units
            code = keys[[int(weights.argmax())]]
        else:
            code = self.from_standard(latents.blend(self.to_standard(keys), weights)[None])
        return self.decode(self.along_attributes(code, attributes, "vae"))

    def morph_at(
        self,
        keys: Sequence[Key],
        shares: np.ndarray,
        classes: np.ndarray | None = None,
        mode: PathMode = "spherical",
        loop: bool = False,
        truncation: float = 1.0,
        model: Model = "gan",
        attributes: AttributeMoves | None = None,
        bend: Bend | None = None,
        timed: Timing | None = None,
    ) -> np.ndarray:
        """The pictures [F, C, H, W] of a morph through `keys` at `shares` [F] of its time, each in [0, 1]: those of
        evenly spaced frames are paths.path_shares. At most info.max_batch frames; more: `frame_parts`.

        `classes` [keys, K]: for the GAN they blend linearly; the VAE draws each key's code from its own. `timed`: when
        it is at each key; None: they are evenly spaced too."""
        self._need(model)
        _finite(truncation, "truncation")
        rows = self._rows(classes, [latents.key_seed(key) for key in keys])
        if model == "vae":
            checked_bend(bend, self.info, model)
            pairs = zip(keys, [None] * len(keys) if rows is None else rows, strict=True)
            ends = np.stack([self._standard_code(key, row, truncation) for key, row in pairs])
            # A point of the map is a mean of codes, whose norm says nothing.
            stretch = not any(isinstance(key, MapPoint) for key in keys)
            codes = self.from_standard(paths.path_at(ends, shares, mode, loop, timed, stretch))
            return self.decode(self.along_attributes(codes, attributes, "vae"))
        dim = self.info.require_gan().latent_dim
        ends = np.stack([latents.key_latent(key, dim) for key in keys])
        along = None if rows is None else paths.path_at(rows, shares, "linear", loop, timed)
        return self._draw(paths.path_at(ends, shares, mode, loop, timed), along, truncation, attributes, bend)

    def frame_parts(self, shares: np.ndarray) -> list[np.ndarray]:
        """The `shares` of any number of frames in parts for `morph_at`, in order: a few frames each."""
        fitting = MORPH_PIXELS // self.info.image.pixels
        step = max(1, min(MORPH_PART, fitting, self.info.max_batch))
        return [shares[start : start + step] for start in range(0, len(shares), step)]

    # --- pictures from pictures ------------------------------------------------------------------

    def reconstruct(self, image: np.ndarray, attributes: AttributeMoves | None = None) -> Reconstruction:
        """An image [1, C, H, W] through encoder and decoder (the mean code, no noise), moved along attributes between
        them."""
        self._need("vae")
        coded = self.runner.run("encoder", {"image": image})
        again = self.decode(self.along_attributes(coded["mean"], attributes, "vae"))
        return Reconstruction(
            image=again,
            difference=np.abs(again - image),
            mean=coded["mean"],
            logvar=coded["logvar"],
            mse=float(images.mse(again, image).mean()),
            psnr=images.psnr(again, image),
            ssim=images.ssim(again, image),
        )

    def repair(self, image: np.ndarray, mask: np.ndarray, model: Model = "vae") -> np.ndarray:
        """The image with its unknown pixels filled in; the known ones are returned as they came."""
        self._need(model)
        masked = known_only(image, mask)
        if model == "vae":
            filled = self.decode(self.runner.run("repair", masked)["mean"])
        else:
            filled = self.synthesise(self.runner.run("inverter", masked)["w"])
        return np.where(masked["mask"] > 0, image, filled)

    def invert(self, image: np.ndarray, mask: np.ndarray | None = None, rounds: int = 0, seed: int = 0) -> Inversion:
        """The w whose picture comes closest to the known pixels of an image [1, C, H, W].

        The inverter answers in one pass; `rounds` of cross-entropy search refine it and never make the
        error larger; each draws 63 pictures, or max_batch where that is fewer.
        """
        if not 0 <= rounds <= MAX_ROUNDS:
            raise InputError(f"From 0 to {MAX_ROUNDS} rounds of search are possible, not {rounds}.")
        w, lowest = next(islice(self.inversion_rounds(image, mask, seed), rounds, None))
        return Inversion(self.synthesise(w), w, lowest)

    def inversion_rounds(
        self, image: np.ndarray, mask: np.ndarray | None = None, seed: int = 0, start: np.ndarray | None = None
    ) -> Iterator[tuple[np.ndarray, float]]:
        """The w [1, L, D] of `invert` and its error after 0, 1, 2, … rounds of search, without end; `start`: where the
        search begins, [L, D], instead of at the inverter's answer."""
        self._need("gan")
        whole = np.ones((1, 1, *image.shape[2:]), np.float32)
        masked = known_only(image, whole if mask is None else mask)
        self.info.require_styles()
        first = self.runner.run("inverter", masked)["w"] if start is None else start
        return refined(first, self._style_spread, self.synthesise, masked, seed, self.info.max_batch)

    # --- classes and attributes of pictures ----------------------------------------------------------------

    def classify(self, image: np.ndarray) -> np.ndarray:
        """The probability [N, K] of each class for images [N, C, H, W]."""
        logits = self.runner.run("classifier", {"image": image})["logits"].astype(np.float64)
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)

    def read_attributes(self, image: np.ndarray) -> np.ndarray:
        """Each attribute as the bundle reads it from images [N, C, H, W], [N, A]: the probability of a binary one, the
        value of a number in its own unit."""
        return self.runner.run("attributes", {"image": image})["attributes"]

    # --- codes and styles ------------------------------------------------------------------------

    @cached_property
    def mixture(self) -> Mixture:
        """The VAE's fitted prior."""
        return Mixture.from_latents(self.runner.bundle.latents)

    def latent_map(self, projection: Projection) -> LatentMap:
        """The map of the VAE's codes. Raises BundleError without a VAE, InputError where there is no such map."""
        self._need("vae")
        if projection not in self._maps:
            raise InputError(f"Bundle '{self.info.name}' has too few classes for a map of this kind: choose pca.")
        return self._maps[projection]

    def along_attributes(self, points: np.ndarray, attributes: AttributeMoves | None, model: Model) -> np.ndarray:
        """Styles w [N, L, D] of the GAN (without styles its noise z [N, D]), or codes [N, D] of the VAE, moved along
        attributes and own directions. Without moves, the very same array."""
        bundle = self.runner.bundle
        moves = attribute_moves.checked_moves(attributes, self.info, model)
        steps = [(move, bundle.latents[ATTRIBUTE_ARRAYS[model]][i]) for i, move in moves.items()]
        steps += own_directions.checked_own(attributes, bundle, model, attribute_moves.MAX_ATTRIBUTE_MOVE)
        return attribute_moves.moved(points, steps)

    def to_standard(self, codes: np.ndarray) -> np.ndarray:
        """The VAE's codes [N, D] in units of their deviation from the mean, each number by itself."""
        arrays = self.runner.bundle.latents
        return (codes - arrays["code_mean"]) / arrays["code_std"]

    def from_standard(self, codes: np.ndarray) -> np.ndarray:
        """Back from `to_standard`, float32."""
        arrays = self.runner.bundle.latents
        return (codes * arrays["code_std"] + arrays["code_mean"]).astype(np.float32)

    # --- inside ----------------------------------------------------------------------------------

    @cached_property
    def _maps(self) -> dict[Projection, LatentMap]:
        return {one: latent_map(self.mixture, one) for one in projections(self.class_count)}

    @cached_property
    def _style_spread(self) -> np.ndarray:
        """The standard deviation [L, D] of w over a fixed set of seeds."""
        count = min(SPREAD_SEEDS, self.info.max_batch)
        return self.styles(range(count)).std(axis=0)

    def _need(self, model: str) -> None:
        if model == "gan":
            self.info.require_gan()
        elif model == "vae":
            self.info.require_vae()
        else:
            raise InputError(f"Unknown model '{model}': choose gan or vae.")

    def _noise(self, seeds: Sequence[int]) -> np.ndarray:
        """The standard normal latents [N, D] of seeds."""
        return latents.seed_latents(seeds, self.info.require_gan().latent_dim)

    def _rows(self, classes: np.ndarray | None, seeds: Sequence[int]) -> np.ndarray | None:
        if len(seeds) == 0:
            raise InputError(NO_SEEDS)
        return latents.class_rows(classes, seeds, self.class_count)

    def _draw(
        self,
        z: np.ndarray,
        classes: np.ndarray | None,
        truncation: float,
        attributes: AttributeMoves | None = None,
        bend: Bend | None = None,
    ) -> np.ndarray:
        """The GAN's pictures of standard normal latents z [N, D]; without styles, truncation shrinks z itself."""
        if self.info.has_styles:
            w = self._bent(self._styles_of(z, classes, truncation), classes, bend)
            return self.synthesise(self.along_attributes(w, attributes, "gan"))
        checked_bend(bend, self.info, "gan")  # refused: without styles nothing can be bent
        moved = self.along_attributes(z * np.float32(truncation), attributes, "gan")
        noise = latents.from_normal(moved, self.info.require_gan().prior)
        return self.runner.run("generator", _with_classes(noise, classes))["image"]

    def _bent(self, w: np.ndarray, classes: np.ndarray | None, bend: Bend | None) -> np.ndarray:
        """Styles w [N, L, D] of classes [N, K], bent. Without a bend, the very same array."""
        checked = checked_bend(bend, self.info, "gan")
        if not checked.stages:
            return w
        towards = None
        if checked.needs_styles:
            seeds = np.stack([self._noise([seed] * len(w)) for seed in checked.style_seeds])
            towards = np.stack([self._mapped(z, classes) for z in seeds])
        return bent(w, self._centre(len(w), classes), towards, checked)

    def _styles_of(self, z: np.ndarray, classes: np.ndarray | None, truncation: float) -> np.ndarray:
        """w [N, L, D] of standard normal latents z [N, D], whichever prior the generator knows."""
        return latents.truncate(self._mapped(z, classes), self._centre(len(z), classes), truncation)

    def _mapped(self, z: np.ndarray, classes: np.ndarray | None) -> np.ndarray:
        """w [N, L, D] of standard normal latents z [N, D], not truncated."""
        noise = latents.from_normal(z, self.info.require_gan().prior)
        return self.runner.run("mapping", _with_classes(noise, classes))["w"]

    def _centre(self, count: int, classes: np.ndarray | None) -> np.ndarray:
        """The mean w [N, D] of classes [N, K], or `count` times that of a GAN without classes."""
        means = self.runner.bundle.latents["w_mean"]
        rows = np.ones((count, 1), np.float32) if classes is None else classes
        return (rows[:, :, None] * means).sum(axis=1)  # not a matrix product: its rounding varies with the batch

    def _standard_code(self, key: Key, row: np.ndarray | None, temperature: float) -> np.ndarray:
        """The VAE's code [D] of a key, in units of the codes' deviation."""
        if isinstance(key, MapPoint):
            code = self.latent_map(key.projection).code(np.array([key.x, key.y]))
            return self.to_standard(code[None])[0].astype(np.float32)
        corners, weights = latents.key_corners(key)
        return latents.blend(self.to_standard(self.codes(corners, row, temperature)), weights)


def _with_classes(z: np.ndarray, classes: np.ndarray | None) -> dict[str, np.ndarray]:
    """The inputs of a graph that draws from noise."""
    return {"z": z} if classes is None else {"z": z, "classes": classes}


def _finite(value: float, name: str) -> None:
    if not np.isfinite(value):
        raise InputError(f"The {name} must be a finite number.")

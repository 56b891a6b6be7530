"""The section of the mask encoders: what is filled into damaged pictures, and the GAN's look-alikes of whole ones."""

from collections.abc import Callable

import numpy as np

from train.evaluate import likelihood
from train.evaluate.context import Bench
from train.evaluate.subject import Gan, Vae, drawn

PICTURES = 200
SHOWN = 8
UNDAMAGED = "the undamaged picture, rebuilt by the VAE"
Images = Callable[..., np.ndarray]


def centre(size: int) -> np.ndarray:
    """3/8 of the side missing in the middle."""
    mask, low = np.ones((size, size), np.float32), size * 5 // 16
    mask[low : low + size * 3 // 8, low : low + size * 3 // 8] = 0
    return mask


def left_half(size: int) -> np.ndarray:
    mask = np.ones((size, size), np.float32)
    mask[:, : size // 2] = 0
    return mask


def damages(count: int, size: int) -> dict[str, tuple[str, np.ndarray]]:
    """Figure -> (what is missing, masks float32 [N, 1, S, S], 1 = known)."""
    scattered = (np.random.default_rng(0).random((count, 1, size, size)) >= 0.75).astype(np.float32)
    whole = {"centre": ("centre", centre(size)), "left": ("left half", left_half(size))}
    return {name: (what, np.tile(mask, (count, 1, 1, 1))) for name, (what, mask) in whole.items()} | {
        "random": ("random 75 %", scattered)
    }


def error(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """Mean squared error of pictures uint8 [N, C, S, S], in units of [0, 1]; `where`: of these pixels only."""
    squared = np.square((a.astype(np.float64) - b) / 255)
    return float(squared.mean() if where is None else squared[np.broadcast_to(where, squared.shape)].mean())


def unit(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / np.float32(255)


def measure_repair(bench: Bench, vae: Vae) -> None:
    """Squared error over the missing pixels of held-out pictures, mean code; beside it what the VAE makes there of the
    undamaged picture."""
    if vae.repair is None:
        return
    shown = bench.held_out.images.numpy()[:PICTURES]
    if vae.binarize:
        shown = likelihood.binarize(shown, bench.seed)
    known = drawn("reconstructions", lambda x: vae.decode(vae.encode(x)[0]), unit(shown))
    rows = []
    for name, (what, masks) in damages(len(shown), shown.shape[-1]).items():
        filled = drawn(f"repair: {what}", lambda x, mask: vae.decode(vae.repair(x * mask, mask)[0]), unit(shown), masks)
        missing = masks == 0
        bench.report.add(f"repair.{name}", f"MSE of missing pixels after repair, {what}", error(filled, shown, missing),
                         "lower", error(known, shown, missing), UNDAMAGED)  # fmt: skip
        pasted = np.where(missing, filled, shown)
        rows += [np.where(missing, 128, shown).astype(np.uint8)[:SHOWN], pasted[:SHOWN]]
    bench.sheets["vae_repairs.png"] = (np.concatenate([shown[:SHOWN], *rows]), SHOWN)


def measure_inversion(bench: Bench, gan: Gan, vae: Vae | None) -> None:
    """Squared error of the generator's look-alikes of held-out pictures, one pass; beside it the VAE's."""
    if gan.invert is None:
        return
    shown = bench.held_out.images.numpy()[:PICTURES]
    found = drawn("inversion", gan.invert, unit(shown), np.ones_like(unit(shown[:, :1])))
    floor = None
    if vae:
        floor = error(drawn("reconstructions", lambda x: vae.decode(vae.encode(x)[0]), unit(shown)), shown)
    bench.report.add("gan.inversion", "MSE of the GAN's look-alikes of held-out pictures, one pass",
                     error(found, shown), "lower", floor, UNDAMAGED)  # fmt: skip
    pairs = np.stack([shown[:32], found[:32]], axis=1)
    bench.sheets["gan_inversions.png"] = (pairs.reshape(-1, *shown.shape[1:]), 8)

"""The section of the mask encoders: what is filled into damaged pictures, and the GAN's look-alikes of whole ones."""

import numpy as np

from train.evaluate import likelihood
from train.evaluate.batches import drawn, to_unit
from train.evaluate.context import EvaluationContext
from train.evaluate.handles import GanHandle, VaeHandle
from train.evaluate.picture_quality import mse

PICTURES = 200
SHOWN = 8
UNDAMAGED = "the undamaged picture, rebuilt by the VAE"


def centre(size: int) -> np.ndarray:
    """A mask float32 [S, S] with a square of 3/8 of the side missing in the middle."""
    mask, low = np.ones((size, size), np.float32), size * 5 // 16
    mask[low : low + size * 3 // 8, low : low + size * 3 // 8] = 0
    return mask


def left_half(size: int) -> np.ndarray:
    """A mask float32 [S, S] with the left half missing."""
    mask = np.ones((size, size), np.float32)
    mask[:, : size // 2] = 0
    return mask


def damages(count: int, size: int) -> dict[str, tuple[str, np.ndarray]]:
    """By name of the figure: what is missing, and masks float32 [N, 1, S, S], 1 = known."""
    scattered = (np.random.default_rng(0).random((count, 1, size, size)) >= 0.75).astype(np.float32)
    whole = {"centre": ("centre", centre(size)), "left": ("left half", left_half(size))}
    return {name: (what, np.tile(mask, (count, 1, 1, 1))) for name, (what, mask) in whole.items()} | {
        "random": ("random 75 %", scattered)
    }


def measure_repair(context: EvaluationContext, vae: VaeHandle) -> None:
    """MSE over the missing pixels of held-out pictures, filled in by the mean code; beside it, what the VAE makes of
    the same pixels when nothing is missing."""
    repair = vae.repair
    if repair is None:
        return
    shown = context.held_out.images.numpy()[:PICTURES]
    if vae.binarize:
        shown = likelihood.binarize(shown, context.seed)
    known = drawn("reconstructions", vae.rebuild, to_unit(shown))
    rows = []
    for name, (what, masks) in damages(len(shown), shown.shape[-1]).items():
        filled = drawn(f"repair: {what}", lambda x, mask: vae.decode(repair(x * mask, mask)[0]), to_unit(shown), masks)
        missing = masks == 0
        context.report.add(f"repair.{name}", f"MSE of missing pixels after repair, {what}", mse(filled, shown, missing),
                         "lower", mse(known, shown, missing), UNDAMAGED)  # fmt: skip
        pasted = np.where(missing, filled, shown)
        rows += [np.where(missing, 128, shown).astype(np.uint8)[:SHOWN], pasted[:SHOWN]]
    context.sheets["vae_repairs.png"] = (np.concatenate([shown[:SHOWN], *rows]), SHOWN)


def measure_inversion(context: EvaluationContext, gan: GanHandle, vae: VaeHandle | None) -> None:
    """MSE of the generator's look-alikes of held-out pictures, found in one pass; beside it, that of the VAE."""
    if gan.invert is None:
        return
    shown = context.held_out.images.numpy()[:PICTURES]
    found = drawn("inversion", gan.invert, to_unit(shown), np.ones_like(to_unit(shown[:, :1])))
    floor = None
    if vae:
        floor = mse(drawn("reconstructions", vae.rebuild, to_unit(shown)), shown)
    context.report.add("gan.inversion", "MSE of the GAN's look-alikes of held-out pictures, one pass",
                     mse(found, shown), "lower", floor, UNDAMAGED)  # fmt: skip
    pairs = np.stack([shown[:32], found[:32]], axis=1)
    context.sheets["gan_inversions.png"] = (pairs.reshape(-1, *shown.shape[1:]), 8)

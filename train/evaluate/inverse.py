"""The section of the mask encoders: what is filled into damaged pictures, and the GAN's look-alikes of whole ones."""

import numpy as np

from train.evaluate import likelihood
from train.evaluate.batches import draw_batches, to_unit
from train.evaluate.context import EvaluationContext
from train.evaluate.handles import GanHandle, VaeHandle
from train.evaluate.picture_quality import mse
from train.models.layers import Sides

PICTURES = 2000
SHOWN = 8
UNDAMAGED = "the undamaged picture, rebuilt by the VAE"


def centre(sides: Sides) -> np.ndarray:
    """A mask float32 [H, W] with a box of 3/8 of each side missing in the middle."""
    mask = np.ones(sides, np.float32)
    mask[tuple(slice(side * 5 // 16, side * 5 // 16 + side * 3 // 8) for side in sides)] = 0
    return mask


def left_half(sides: Sides) -> np.ndarray:
    """A mask float32 [H, W] with the left half missing."""
    mask = np.ones(sides, np.float32)
    mask[:, : sides[1] // 2] = 0
    return mask


def damages(count: int, sides: Sides) -> dict[str, tuple[str, np.ndarray]]:
    """By name of the figure: what is missing, and masks float32 [N, 1, H, W], 1 = known, of sides (H, W)."""
    scattered = (np.random.default_rng(0).random((count, 1, *sides)) >= 0.75).astype(np.float32)
    whole = {"centre": ("centre", centre(sides)), "left": ("left half", left_half(sides))}
    return {name: (what, np.tile(mask, (count, 1, 1, 1))) for name, (what, mask) in whole.items()} | {
        "random": ("random 75 %", scattered)
    }


def measure_repair(context: EvaluationContext, vae: VaeHandle) -> None:
    """MSE over the missing pixels of held-out pictures, filled in by the mean code; beside it, what the VAE makes of
    the same pixels when nothing is missing."""
    repair = vae.repair
    if repair is None:
        return
    shown = context.held_out.pixels[:PICTURES]
    if vae.binarize:
        shown = likelihood.binarize(shown, context.seed)
    reconstructions = draw_batches("reconstructions", vae.reconstruct, to_unit(shown))
    rows = []

    def repaired(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        return vae.decode(repair(images * masks, masks)[0])

    for name, (what, masks) in damages(len(shown), (shown.shape[-2], shown.shape[-1])).items():
        filled = draw_batches(f"repair: {what}", repaired, to_unit(shown), masks)
        missing = masks == 0
        context.report.add(f"repair.{name}", f"MSE of missing pixels after repair, {what}", mse(filled, shown, missing),
                         "lower", mse(reconstructions, shown, missing), UNDAMAGED, count=len(shown))  # fmt: skip
        pasted = np.where(missing, filled, shown)
        rows += [np.where(missing, 128, shown).astype(np.uint8)[:SHOWN], pasted[:SHOWN]]
    context.sheets["vae_repairs.png"] = (np.concatenate([shown[:SHOWN], *rows]), SHOWN)


def measure_inversion(context: EvaluationContext, gan: GanHandle, vae: VaeHandle | None) -> None:
    """MSE of the generator's look-alikes of held-out pictures, found in one pass; beside it, that of the VAE."""
    if gan.invert is None:
        return
    shown = context.held_out.pixels[:PICTURES]
    found = draw_batches("inversion", gan.invert, to_unit(shown), np.ones_like(to_unit(shown[:, :1])))
    floor = None
    if vae:
        floor = mse(draw_batches("reconstructions", vae.reconstruct, to_unit(shown)), shown)
    context.report.add("gan.inversion", "MSE of the GAN's look-alikes of held-out pictures, one pass",
                     mse(found, shown), "lower", floor, UNDAMAGED, count=len(shown))  # fmt: skip
    pairs = np.stack([shown[:32], found[:32]], axis=1)
    context.sheets["gan_inversions.png"] = (pairs.reshape(-1, *shown.shape[1:]), 8)

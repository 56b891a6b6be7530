"""The pictures of the report beside the sample sheets, drawn by a bundle's own graphs; nothing is picked out.

Each sheet is uint8 [H, W, C]; samples and interpolations start at seed 0, pictures are the first held-out ones of the
bundle.
"""

from dataclasses import dataclass

import numpy as np

from bundle import images
from bundle.model import BundleModel
from bundle.paths import path_shares
from bundle.schema import Model
from train.evaluate.inverse import damages

SEEDS, COLUMNS = 64, 16
RECONSTRUCTED, REPAIRED, STEPS = 16, 8, 16
GREY = 0.5


@dataclass(frozen=True)
class Sheet:
    """A picture of the report: the end of its file name, its caption, its pixels. `with_others`: whether some of them
    come from held-out pictures."""

    name: str
    caption: str
    pixels: np.ndarray
    with_others: bool = False


def samples(bundle_model: BundleModel) -> list[Sheet]:
    """Seeds 0 to 63 of each model that the bundle's own sample sheet does not show."""
    return [
        Sheet(f"{model}_samples", seeds_caption(bundle_model, model, SEEDS),
              images.sheet(images.to_uint8(bundle_model.sample(range(SEEDS), model=model)), COLUMNS))
        for model in bundle_model.models[1:]
    ]  # fmt: skip


def seeds_caption(bundle_model: BundleModel, model: Model, count: int) -> str:
    """What a sheet of a model's first pictures shows."""
    by = f", class = seed mod {bundle_model.class_count}" if bundle_model.class_count else ""
    return f"{model.upper()}: seeds 0 to {count - 1}, row by row{by}."


def reconstructions(bundle_model: BundleModel, pictures: np.ndarray) -> list[Sheet]:
    """Held-out pictures [N, C, H, W] in [0, 1], their reconstructions by the VAE, and the GAN's look-alikes."""
    shown = pictures[:RECONSTRUCTED]
    rows, names = [shown], ["held-out pictures"]
    if "vae" in bundle_model.models:
        rows.append(np.concatenate([bundle_model.reconstruct(x[None]).image for x in shown]))
        names.append("the VAE's reconstructions")
    if "inverter" in bundle_model.info.graphs:
        rows.append(np.concatenate([bundle_model.invert(x[None]).image for x in shown]))
        names.append("what the GAN draws of them in one pass")
    if len(rows) == 1:
        return []
    return [Sheet("rebuilt", f"Row by row: {', '.join(names)}.", grid(rows, len(shown)), True)]


def repairs(bundle_model: BundleModel, pictures: np.ndarray) -> list[Sheet]:
    """Damaged and repaired pictures side by side, a row for each kind of damage."""
    if "repair" not in bundle_model.info.graphs:
        return []
    shown, rows = pictures[:REPAIRED], []
    kinds = damages(len(shown), (shown.shape[-2], shown.shape[-1]))
    for _, masks in kinds.values():
        for x, mask in zip(shown[:, None], masks[:, None], strict=True):
            rows.append(np.concatenate([np.where(mask > 0, x, GREY), bundle_model.repair(x, mask)]))
    missing = ", ".join(what for what, _ in kinds.values())
    return [Sheet("repaired", f"Damaged (grey) and repaired by the VAE, in pairs: {missing}.",
                  grid(rows, 2 * len(shown)), True)]  # fmt: skip


def interpolations(bundle_model: BundleModel) -> list[Sheet]:
    """Interpolations from seed to seed along the arc, two rows for each model."""
    rows, names = [], []
    for model in bundle_model.models:
        shares = path_shares(STEPS, loop=False)
        rows += [bundle_model.morph_at((seed, seed + 1), shares, model=model) for seed in (0, 2)]
        names.append(f"{model.upper()} (two rows)")
    caption = f"Interpolation, seeds 0 to 1 and 2 to 3: {', then '.join(names)}."
    return [Sheet("paths", caption, grid(rows, STEPS))]


def grid(rows: list[np.ndarray], columns: int) -> np.ndarray:
    """Images [N, C, H, W] one after the other as one picture uint8 [rows H, columns W, C]."""
    return images.sheet(images.to_uint8(np.concatenate(rows)), columns)


def sheets(bundle_model: BundleModel) -> list[Sheet]:
    """Every sheet that a bundle can draw by itself."""
    pictures = images.from_uint8(bundle_model.runner.bundle.examples)
    return [
        *samples(bundle_model),
        *reconstructions(bundle_model, pictures),
        *repairs(bundle_model, pictures),
        *interpolations(bundle_model),
    ]

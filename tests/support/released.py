"""The released bundles as a visitor must find them, whatever is rebuilt around them.

After a release on purpose `python -m tests.support.released` stores what their VAEs draw now.
"""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from bundle import schema
from bundle.images import to_uint8
from bundle.model import BundleModel, Model
from bundle.read import read
from bundle.runner import BundleRunner

REPOSITORY = Path(__file__).resolve().parents[2]
ARTIFACTS = REPOSITORY / "artifacts"
NAMES = tuple(sorted(path.parent.name for path in ARTIFACTS.glob("*/bundle.json")))
SEEDS = range(64)
CHECKSUMS = Path(__file__).with_name("released.sha256")  # made by sha256sum artifacts/*/*.onnx
VAE_THUMBNAILS = Path(__file__).with_name("released_vae.png")  # one row of `thumbnails` for each of WITH_VAE
THUMBNAIL = 4  # pixels a side


@cache
def model(name: str) -> BundleModel:
    """A released bundle, run by nothing but onnxruntime on the CPU."""
    return BundleModel(BundleRunner(read(ARTIFACTS / name)))


# Every model that was released, by its bundle, and the bundles that have a VAE.
EVERY: tuple[tuple[str, Model], ...] = tuple((name, kind) for name in NAMES for kind in model(name).models)
WITH_VAE = tuple(name for name, kind in EVERY if kind == "vae")


@cache
def drawn(name: str, kind: Model) -> np.ndarray:
    """The pictures of SEEDS, uint8 [64, H, W, C]. Read only."""
    pictures = to_uint8(model(name).sample(SEEDS, model=kind))
    pictures.flags.writeable = False
    return pictures


def tiles(sheet: np.ndarray, image: schema.ImageShape) -> np.ndarray:
    """The pictures of a sheet, row by row: uint8 [N, H, W, C]."""
    rows, columns = sheet.shape[0] // image.height, sheet.shape[1] // image.width
    cut = sheet.reshape(rows, image.height, columns, image.width, -1).transpose(0, 2, 1, 3, 4)
    return cut.reshape(rows * columns, image.height, image.width, -1)


def sheet_tiles(name: str) -> np.ndarray:
    """The pictures of a bundle's sample sheet, uint8 [64, H, W, C]."""
    with Image.open(ARTIFACTS / name / "sheet.png") as opened:
        return tiles(np.asarray(opened), model(name).info.image)


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """The mean greys of 4 x 4 blocks of each picture: floats [N, 4, 4] of uint8 [N, H, W, C]."""
    count, size = pictures.shape[:2]
    block = size // THUMBNAIL
    return pictures.reshape(count, THUMBNAIL, block, THUMBNAIL, block, -1).mean(axis=(2, 4, 5))


def stored_vae_thumbnails() -> dict[str, np.ndarray]:
    """For each bundle with a VAE the thumbnails of SEEDS as it drew them when it was released, uint8 [64, 4, 4]."""
    with Image.open(VAE_THUMBNAILS) as opened:
        rows = np.asarray(opened).reshape(len(WITH_VAE), THUMBNAIL, len(SEEDS), THUMBNAIL)
    return dict(zip(WITH_VAE, rows.transpose(0, 2, 1, 3), strict=True))


def store_vae_thumbnails() -> None:
    """Writes what `stored_vae_thumbnails` reads."""
    rows = [np.rint(thumbnails(drawn(name, "vae"))).astype(np.uint8) for name in WITH_VAE]
    sheet = np.stack(rows).transpose(0, 2, 1, 3).reshape(len(WITH_VAE) * THUMBNAIL, len(SEEDS) * THUMBNAIL)
    Image.fromarray(sheet).save(VAE_THUMBNAILS, optimize=True)


if __name__ == "__main__":
    store_vae_thumbnails()

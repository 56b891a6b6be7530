"""How well the missing centre of a held-out picture can be predicted from the rest: regressors fitted for that mask
alone, beside a bundle's repair, on the pictures and the mask of `repair.centre`.

    python -m benchmarks.attainable artifacts/mednist --data mednist

They know the class, see only the centre missing and may copy training pictures, all of which a repair may not: the
error that they leave is the best known bound on what a repair can reach. Writes
benchmarks/results/attainable_NAME.json.
"""

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from benchmarks import results
from bundle.errors import UserError
from train.data.dataset import Pictures
from train.data.load import shown_name
from train.data.splits import random_subset
from train.evaluate.batches import draw_batches, to_unit
from train.evaluate.evaluation import subject_pictures
from train.evaluate.handles import MaskEncode, VaeHandle
from train.evaluate.inverse import PICTURES, centre
from train.evaluate.picture_quality import mse
from train.evaluate.store import shown_folder
from train.evaluate.subject import open_subject
from train.help_texts import reflowed
from train.progress_bar import with_bar

NEIGHBOURS, RIDGE, KERNEL_RIDGE, WIDTHS = (1, 4), (10.0, 30.0), (0.05,), (0.5, 1.0)
Fill = Callable[[np.ndarray], np.ndarray]  # known pixels [N, A] of pictures of one class -> the others [N, B]


@reflowed
@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of a bundle with repair, or a run."""
    data: str | None = None
    """Its pictures, as for training; default: where it was trained."""


def regressors(known: np.ndarray, wanted: np.ndarray) -> dict[str, Fill]:
    """Fitted to training pictures of one class: known pixels [N, A], wanted ones [N, B]."""
    from scipy.spatial.distance import pdist
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    spread = float(np.median(pdist(known[:1000], "sqeuclidean")))
    models = {f"mean of the {n} nearest training pictures": KNeighborsRegressor(n) for n in NEIGHBOURS}
    models |= {f"ridge regression, penalty {a:g}": Ridge(a) for a in RIDGE}
    models |= {
        f"kernel ridge regression, penalty {a:g}, width² {w:g} of the median": KernelRidge(
            alpha=a, kernel="rbf", gamma=1 / (w * spread)
        )
        for a in KERNEL_RIDGE
        for w in WIDTHS
    }
    middle = wanted.mean(axis=0)
    return {name: fill(model.fit(known, wanted - middle), middle) for name, model in models.items()}


def fill(model: Any, middle: np.ndarray) -> Fill:
    """A fitted regressor of scikit-learn as a function; `middle` [B] was subtracted from what it learned."""
    return lambda known: np.clip(model.predict(known) + middle, 0, 1)


def measure(settings: Settings) -> dict:
    """Raises UserError for what has no repair or no classes."""
    subject = open_subject(settings.bundle)
    if subject.vae is None or subject.vae.repair is None or not subject.data.classes:
        raise UserError(f"{settings.bundle} has no repair, or no classes to tell the regressors.")
    info, train, test = subject_pictures(subject, settings.data or subject.source)
    shown, mask = random_subset(test, PICTURES), centre(info.sides)
    figures = bundle_errors(subject.vae, subject.vae.repair, shown, mask) | regressor_errors(train, shown, mask)
    for name, value in figures.items():
        print(f"{value:9.5f}  {name}")
    return {
        "command": command(settings),
        "pictures": len(shown.images),
        "missing": f"centre, {int((mask == 0).sum())} of {mask.size} pixels",
        "mean_squared_error": {name: round(value, 6) for name, value in figures.items()},
    }


def command(settings: Settings) -> str:
    """The command that measures it again."""
    words = ["python", "-m", "benchmarks.attainable", shown_folder(settings.bundle).as_posix()]
    return shlex.join([*words, *(["--data", shown_name(settings.data)] if settings.data else [])])


def bundle_errors(vae: VaeHandle, repair: MaskEncode, shown: Pictures, mask: np.ndarray) -> dict[str, float]:
    """MSE of what the bundle makes of these pictures, as its report has it."""
    pictures, masks = shown.pixels, np.tile(mask, (len(shown.images), 1, 1, 1))
    reconstructions = draw_batches("reconstructions", vae.reconstruct, to_unit(pictures))
    repaired = draw_batches("repair", lambda x, m: vae.decode(repair(x * m, m)[0]), to_unit(pictures), masks)
    missing = masks == 0
    return {
        "the bundle's repair": mse(repaired, pictures, missing),
        "the undamaged picture, reconstructed by its VAE, centre": mse(reconstructions, pictures, missing),
        "the undamaged picture, reconstructed by its VAE, whole": mse(reconstructions, pictures),
    }


def regressor_errors(train: Pictures, shown: Pictures, mask: np.ndarray) -> dict[str, float]:
    """MSE of each kind of regressor, fitted to one class at a time."""
    (known, wanted), (seen, truth) = (split(pictures, mask) for pictures in (train, shown))
    squared: dict[str, list[np.ndarray]] = {}
    for label in with_bar(np.unique(shown.labels.numpy()), "regressors", unit="classes"):
        own, asked = train.labels.numpy() == label, shown.labels.numpy() == label
        for name, predict in regressors(known[own], wanted[own]).items():
            squared.setdefault(name, []).append(np.square(predict(seen[asked]) - truth[asked]).ravel())
    return {name: float(np.concatenate(parts).mean()) for name, parts in squared.items()}


def split(pictures: Pictures, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Known and missing pixels, float32 [N, A] and [N, B] in [0, 1]."""
    images = to_unit(pictures.pixels)
    known = np.broadcast_to(mask > 0, images.shape[1:])
    return images[:, known], images[:, ~known]


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store(f"attainable_{settings.bundle.resolve().name}", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

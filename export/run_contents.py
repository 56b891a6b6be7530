"""What of a run goes into a bundle: its trained stages, their networks and latent statistics, its pictures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from bundle import curves
from bundle.array_files import statistics_of
from bundle.errors import UserError
from bundle.schema import Attribute
from bundle.shell_line import shell_line
from export import graphs, snapshots
from export.graphs import Origin
from train.checkpoints import load_tensors
from train.data.cache import cache_of_run
from train.data.dataset import Pictures
from train.data.load import load_again
from train.known_pictures import in_known_order
from train.run_folder import Run, StageRecord, check_known, place_of
from train.stages import BUILDS_ON, build_stage, load_stage

MAIN_STAGES = ("gan", "vae")


@dataclass(frozen=True)
class TrainedStage:
    """A stage that goes into the bundle: how it was trained, its averaged networks."""

    record: StageRecord
    networks: dict[str, nn.Module]


@dataclass(frozen=True)
class Latents:
    """The arrays of latents.npz, and the decoder's standard deviation (None without a VAE)."""

    arrays: dict[str, np.ndarray]
    sigma: float | None


def collect(run: Run, unfinished: bool) -> dict[str, TrainedStage]:
    """The stages of a run that can be exported; a printed sentence for each one that is missing.

    Raises UserError when one is untrained, unfinished or damaged, or when there is neither GAN nor VAE.
    """
    found: dict[str, StageRecord] = {}
    for key, names in graphs.STAGE_GRAPHS.items():
        folder, needed = run.folder / key, BUILDS_ON.get(key)
        if key == "classifier" and not run.data.classes:
            print("The pictures have no classes: the bundle goes without classifier.")
        elif key == "attributes" and not run.data.attributes:
            continue
        elif key == "attributes" and begun(folder) and not (folder / "record.json").exists():
            print(f"Stage '{key}' of {run.folder} was begun but has no checkpoint yet: the bundle goes without it.")
        elif key == "attributes" and (folder / "record.json").exists() and not run.record(key).finished:
            again = shell_line(["python", "-m", "train", "attributes", str(run.folder), "--resume"])
            print(f"The attributes of {run.folder} are not finished, and only finished ones can go in: the bundle goes "
                  f"without them. Go on with {again}")  # fmt: skip
        elif begun(folder) and not (folder / "record.json").exists() and not unfinished:
            raise UserError(f"Stage '{key}' of {run.folder} was begun but has no checkpoint yet: let it train first.")
        elif not (folder / "record.json").exists():
            print(f"{run.folder} has no {key}: the bundle goes without {', '.join(names)}.")
        elif needed and needed not in found:
            print(f"The {key} of {run.folder} needs its {needed}, which is missing: the bundle goes without "
                  f"{', '.join(names)}.")  # fmt: skip
        else:
            found[key] = graphs.exportable_record(run, key, unfinished)
    if not any(key in found for key in MAIN_STAGES):
        raise UserError(f"{run.folder} has neither a trained gan nor a trained vae: nothing to export.")
    return {key: TrainedStage(record, graphs.networks(run, key)) for key, record in found.items()}


def begun(folder: Path) -> bool:
    """Whether a stage was begun in this folder of its own; it may not have reached a checkpoint."""
    return (folder / "config.json").exists()


def origin_of(run: Run, name: str, stages: Mapping[str, TrainedStage]) -> Origin:
    """What the bundle says about these stages, with the curves and snapshots that the run still has."""
    found = {key: curves.read_curve(run.folder / key / "metrics.jsonl") for key in stages}
    records = {key: stage.record for key, stage in stages.items()}
    known = {key: curve for key, curve in found.items() if curve}
    attributes = attributes_of(run) if "attributes" in stages else ()
    return Origin(name, run.data, records, known, snapshots.of_run(run, list(stages)), attributes)


def attributes_of(run: Run) -> tuple[Attribute, ...]:
    """The attributes of a run as the index lists them, without their directions. Raises UserError when the file of
    their accuracies is damaged."""
    measured = load_tensors(run.folder / "attributes" / "latents.safetensors")[0]["test_accuracy"].tolist()
    return tuple(
        Attribute(name=one.name, kind=one.kind, low=one.low, high=one.high, accuracy=right)
        for one, right in zip(run.data.attributes, measured, strict=True)
    )


def pictures_of(run: Run, stages: Iterable[str], data: str | None) -> tuple[Pictures, Pictures]:
    """The run's training and held-out pictures. Raises UserError when they are not there, or are others."""
    settings = run.settings(next(iter(stages)))
    source = data or place_of(run.folder) or settings.data
    try:
        found = load_again(source, run.data, cache_of_run(run.folder, settings.cache))
    except UserError as problem:
        raise UserError(f"{problem} Name the place of the run's pictures with --data.") from problem
    found = in_known_order(run.folder, found, source)
    check_known(run.folder, source, run.data, found.info)
    return found.train, found.test


def latent_statistics(run: Run, stages: dict[str, TrainedStage], train_set: Pictures, test_set: Pictures) -> Latents:
    """Finished stages have measured them; for unfinished ones it is done here. Raises UserError if not finite."""
    arrays: dict[str, np.ndarray] = {}
    for key in MAIN_STAGES:
        if key not in stages:
            continue
        if stages[key].record.finished:
            known = run.latents()
            arrays |= {name: known[name] for name in statistics_of(key, known)}
            if key == "vae":
                arrays["sigma"] = np.array(run.sigma, np.float32)
        else:
            print(f"The {key} is not finished: its latent statistics are measured now.", flush=True)
            stage = build_stage(key, run.settings(key), run.data, run)
            found = stage.finish(load_stage(run, key), train_set, test_set)
            arrays |= {k: v.numpy() for k, v in found.items()}
    sigma = float(arrays.pop("sigma")) if "sigma" in arrays else None
    for key, values in arrays.items():
        if not np.isfinite(values).all():
            raise UserError(f"The latent statistics of {run.folder} are not finite ({key}): train it again.")
    return Latents({key: values.astype(np.float32) for key, values in arrays.items()}, sigma)

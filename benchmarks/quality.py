"""Quality of an exported bundle on 10 000 samples, run through onnxruntime; every figure beside its floor.

    python -m benchmarks.quality artifacts/mnist --data ylecun/mnist [--control runs/control] [--write]

The features are those of the bundle's own classifier (its hash is printed), z-scored on the reference: the first
10 000 training pictures. Floors: the 10 000 test pictures measured in the same way. `--control` adds a plain DCGAN
(benchmarks/dcgan.py) to the same report; `--write` stores the figures in bundle.json and the model card.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from tqdm import tqdm

from benchmarks.dcgan import LATENT_DIM, load_generator
from demo import latents
from demo.bundle import OpenBundle, read
from demo.errors import UserError as DemoError
from demo.runtime import Engine, choose_provider
from demo.schema import Figure, Quality
from export.bundle import set_quality
from train import metrics, runs
from train.data import load
from train.errors import UserError
from train.judge import Eye, Judge, Seen
from train.subject import to_bytes


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    data: str = "ylecun/mnist"
    """The pictures it was trained on, as for python -m train."""
    samples: int = 10_000
    """Samples, and pictures of the reference and of the test set."""
    control: Path | None = None
    """Run folder of benchmarks.dcgan."""
    write: bool = False
    """Store the figures in the bundle."""


class Report:
    """Figures in order, printed as they come."""

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.figures: list[Figure] = []

    def add(self, name: str, label: str, value: float, better: str, floor: float | None = None, unit: str = "") -> None:
        beside = "" if floor is None else f"   floor {floor:.4g}"
        tqdm.write(f"{name:32s} {value:10.4g} {unit:4s}{beside}   {label}")
        self.figures.append(Figure(name=name, label=label, value=round(value, 5), floor=floor and round(floor, 5),
                                   unit=unit, better=better))  # fmt: skip


def batched(engine: Engine, graph: str, outputs: str, **inputs: np.ndarray) -> np.ndarray:
    """One output of a graph over many rows, with a progress bar."""
    count = len(next(iter(inputs.values())))
    parts = [
        engine.run(graph, {k: v[i : i + 250] for k, v in inputs.items()})[outputs]
        for i in tqdm(range(0, count, 250), desc=graph, leave=False)
    ]
    return np.concatenate(parts)


def damage(kind: str, count: int, size: int) -> np.ndarray:
    """Masks [N, 1, S, S] of the repair test: centre 3/8 of the side, left half, 75 % of the pixels at random."""
    mask = np.ones((count, 1, size, size), np.float32)
    if kind == "centre":
        low = size * 5 // 16
        mask[:, :, low : low + size * 3 // 8, low : low + size * 3 // 8] = 0
    elif kind == "left half":
        mask[:, :, :, : size // 2] = 0
    else:
        mask = (np.random.default_rng(0).random(mask.shape) >= 0.75).astype(np.float32)
    return mask


def eye_of(engine: Engine) -> Eye:
    """The bundle's own classifier."""

    def look(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = engine.run("classifier", {"image": images})
        return seen["features"], seen["logits"]

    return Eye("classifier", engine.bundle.info.graphs["classifier"].sha256, True, look)


def judged(judge: Judge, images: np.ndarray) -> tuple[Seen, float]:
    """What the classifier sees in images float32 [N, C, S, S], as a PNG would hold them, and their Fréchet distance to
    the reference."""
    seen = judge.see(to_bytes(images))
    return seen, metrics.frechet_distance(judge.reference, seen.features)


def grey_levels(images: np.ndarray) -> np.ndarray:
    """The picture that a PNG would hold, as float32 in [0, 1]."""
    return to_bytes(images).astype(np.float32) / np.float32(255)


def measure_gan(report: Report, engine: Engine, judge: Judge, labels: np.ndarray, floors: dict[str, float],
                count: int) -> None:  # fmt: skip
    """Samples of the generator, classes in the proportions of the data."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((count, engine.bundle.info.gan.latent_dim), dtype=np.float32)
    classes = np.eye(len(engine.bundle.info.dataset.classes), dtype=np.float32)[labels]
    noise = latents.from_normal(z, engine.bundle.info.gan.prior)
    images = batched(engine, "generator", "image", z=noise, classes=classes)
    seen, distance = judged(judge, images)
    found = judge.manifold(seen.features)
    report.add("gan.label_accuracy", "GAN: samples read as the class asked for", float((seen.labels == labels).mean()),
               "higher", floors["accuracy"])  # fmt: skip
    report.add("gan.frechet", "GAN: Fréchet distance of samples", distance, "lower", floors["frechet"])
    report.add("gan.precision", "GAN: precision, k = 3", found.precision, "higher", floors["precision"])
    report.add("gan.recall", "GAN: recall, k = 3", found.recall, "higher", floors["recall"])


@torch.no_grad()
def measure_control(report: Report, judge: Judge, folder: Path, floors: dict[str, float], count: int) -> None:
    """The DCGAN of the same minutes and parameters, through PyTorch."""
    generator = load_generator(folder)
    record = runs.read_json(folder / "dcgan" / "record.json")
    print(f"control: {record['images']} pictures in {record['seconds'] / 60:.0f} minutes ({record['command']})")
    z = torch.randn(count, LATENT_DIM, 1, 1, generator=torch.Generator().manual_seed(0))
    images = torch.cat([generator(part) * 0.5 + 0.5 for part in z.split(250)]).clamp(0, 1).numpy()
    seen, distance = judged(judge, images)
    found = judge.manifold(seen.features)
    report.add("control.frechet", "DCGAN control: Fréchet distance of samples", distance, "lower",
               floors["frechet"])  # fmt: skip
    report.add("control.precision", "DCGAN control: precision, k = 3", found.precision, "higher", floors["precision"])
    report.add("control.recall", "DCGAN control: recall, k = 3", found.recall, "higher", floors["recall"])


def measure_vae(report: Report, engine: Engine, judge: Judge, test: np.ndarray, floors: dict[str, float],
                count: int) -> None:  # fmt: skip
    """Reconstructions through the mean code; samples of the fitted prior and of N(0, I)."""
    mean = batched(engine, "encoder", "mean", image=test)
    rebuilt = grey_levels(batched(engine, "decoder", "image", z=mean))
    report.add("vae.psnr", "VAE: PSNR of test reconstructions", metrics.psnr(test, rebuilt), "higher", unit="dB")
    report.add("vae.ssim", "VAE: SSIM of test reconstructions", metrics.ssim(test, rebuilt), "higher", 1.0)
    mixture = latents.Mixture.from_latents(engine.bundle.latents)
    prior = np.stack([mixture.sample(seed, None) for seed in range(count)]).astype(np.float32)
    normal = np.random.default_rng(0).standard_normal(prior.shape, dtype=np.float32)
    _, rebuilt_distance = judged(judge, rebuilt)
    report.add("vae.frechet_reconstruction", "VAE: Fréchet distance of test reconstructions", rebuilt_distance, "lower",
               floors["frechet"])  # fmt: skip
    seen, distance = judged(judge, batched(engine, "decoder", "image", z=prior))
    found = judge.manifold(seen.features)
    report.add("vae.frechet_prior", "VAE: Fréchet distance of samples, fitted prior", distance, "lower",
               rebuilt_distance)  # fmt: skip
    report.add("vae.frechet_normal", "VAE: Fréchet distance of samples, N(0, I)",
               judged(judge, batched(engine, "decoder", "image", z=normal))[1], "lower",
               rebuilt_distance)  # fmt: skip
    report.add("vae.precision", "VAE: precision of samples, k = 3", found.precision, "higher", floors["precision"])
    report.add("vae.recall", "VAE: recall of samples, k = 3", found.recall, "higher", floors["recall"])


def measure_repair(report: Report, engine: Engine, test: np.ndarray, count: int = 200) -> None:
    """Mean squared error over the missing pixels; the floor is the undamaged picture's reconstruction there."""
    images = test[:count]
    count = len(images)
    whole = batched(engine, "decoder", "image", z=batched(engine, "encoder", "mean", image=images))
    for kind in ("centre", "left half", "random 75 %"):
        mask = damage(kind, count, images.shape[-1])
        code = batched(engine, "repair", "mean", image=images * mask, mask=mask)
        drawn = grey_levels(batched(engine, "decoder", "image", z=code))
        missing = np.broadcast_to(mask == 0, images.shape)
        error = float(np.square(drawn - images)[missing].mean())
        floor = float(np.square(whole - images)[missing].mean())
        name = kind.split(" ")[0]
        report.add(f"repair.{name}", f"Repair: missing-pixel MSE, {kind}", error, "lower", floor)
    w = batched(engine, "inverter", "w", image=images, mask=np.ones_like(images[:, :1]))
    found = grey_levels(batched(engine, "synthesis", "image", w=w))
    error, floor = float(np.square(found - images).mean()), float(np.square(whole - images).mean())
    report.add("gan.inversion", f"GAN inversion: MSE of {count} test pictures, one pass", error, "lower", floor)


def measure(settings: Settings, bundle: OpenBundle) -> Report:
    """The whole report. Raises UserError when data and bundle do not belong together."""
    engine = Engine(bundle, choose_provider("auto"))
    info, train, test = load(settings.data, bundle.info.image.size, quiet=True)
    if (info.channels, list(info.classes)) != (bundle.info.image.channels, list(bundle.info.dataset.classes)):
        raise UserError(f"{settings.data} is not the data of {settings.bundle}: other channels or classes.")
    if bundle.info.gan is None or bundle.info.vae is None or "classifier" not in bundle.info.graphs:
        raise UserError(f"{settings.bundle} lacks a GAN, a VAE or a classifier; the report needs all three.")
    count = min(settings.samples, len(test), len(train))
    labels, held_out = train.labels[:count].numpy(), test.images[:count].numpy() / np.float32(255)
    judge = Judge(eye_of(engine), train.images[:count].numpy(), test.images[:count].numpy())
    report = Report(count)
    print(f"{bundle.info.name}: {count} samples through {engine.active}; "
          f"features of classifier {bundle.info.graphs['classifier'].sha256[:12]}")  # fmt: skip
    floors = {
        "precision": judge.floor_manifold.precision,
        "recall": judge.floor_manifold.recall,
        "frechet": judge.floor.frechet,
        "accuracy": float((judge.held_out.labels == test.labels[:count].numpy()).mean()),
    }
    report.add("classifier.accuracy", "Classifier: test accuracy", floors["accuracy"], "higher")
    measure_gan(report, engine, judge, labels, floors, count)
    if settings.control:
        measure_control(report, judge, settings.control, floors, count)
    measure_vae(report, engine, judge, held_out, floors, count)
    measure_repair(report, engine, held_out)
    return report


def main() -> int:
    settings = tyro.cli(Settings, description=__doc__)
    try:
        bundle = read(settings.bundle)
        report = measure(settings, bundle)
        if settings.write:
            command = ["python", "-m", "benchmarks.quality", f"artifacts/{bundle.info.name}"]
            command += ["--data", bundle.info.dataset.source]
            command += ["--control", f"runs/{settings.control.name}"] if settings.control else []
            quality = Quality(command=shlex.join(command), samples=report.samples, figures=tuple(report.figures))
            set_quality(settings.bundle, quality)
            print(f"Stored in {settings.bundle / 'bundle.json'} and its model card.")
    except (UserError, DemoError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

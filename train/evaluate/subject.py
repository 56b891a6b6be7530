"""Opening what is measured: a run (PyTorch) or a bundle (onnxruntime)."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bundle import latents
from bundle.errors import UserError
from bundle.feeds import run_in_parts
from bundle.processors import usable_cores
from bundle.read import INDEX, read
from bundle.runner import BundleRunner
from train.data.cache import cache_of_run
from train.data.dataset import DataInfo
from train.evaluate.batches import BATCH
from train.evaluate.handles import ClassifierHandle, Draw, GanHandle, Subject, VaeHandle
from train.hardware import measuring_device
from train.run_folder import Run, place_of
from train.settings import STAGES, GanSettings, VaeSettings
from train.stages import load_networks
from train.stored_settings import migrated

Function = Callable[..., list[np.ndarray]]
"""Arrays float32 [N, ...] -> the outputs of a network or graph."""
MIXTURE = "mixture_"  # how the arrays of the fitted prior are called beside others


def open_subject(folder: Path, threads: int | None = None) -> Subject:
    """The run or the bundle in a folder; `threads`: of a bundle's graphs, by default all that may be used.

    Raises UserError when it is neither, or is damaged.
    """
    if (folder / INDEX).is_file():
        return open_bundle(folder, threads)
    if not (folder / "run.json").is_file():
        raise UserError(f"{folder} is neither a run (run.json) nor a bundle ({INDEX}).")
    return open_run(folder)


def mixture_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of the fitted prior among those of the latents."""
    return {name.removeprefix(MIXTURE): array for name, array in arrays.items() if name.startswith(MIXTURE)}


def truncating(mapping: Function, synthesis: Function, w_mean: np.ndarray) -> Callable[[float], Draw]:
    """psi -> images of styles w [N, L, D] moved towards the mean style of their class, w_mean [K, D]: at 1 as they
    are, at 0 all alike (StyleGAN: Karras et al. 2019, arXiv 1812.04948, appendix B)."""

    def at(psi: float) -> Draw:
        def draw(z: np.ndarray, *classes: np.ndarray) -> np.ndarray:
            weights = classes[0] if classes else np.ones((len(z), 1), np.float32)
            return synthesis(latents.truncate(mapping(z, *classes)[0], weights @ w_mean, psi))[0]

        return draw

    return at


def single_output(function: Function) -> Callable[..., np.ndarray]:
    """A function with one output."""
    return lambda *arrays: function(*arrays)[0]


def two_outputs(function: Function) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """A function with two outputs."""

    def call(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = function(*arrays)
        return first, second

    return call


def chained(first: Function, second: Function) -> Callable[..., np.ndarray]:
    """The output of `second` for the outputs of `first`."""
    return lambda *arrays: second(*first(*arrays))[0]


# ------------------------------------------------------------------------------------------------ runs


def open_run(folder: Path) -> Subject:
    """The averaged networks of every trained stage. Raises UserError."""
    run = Run.open(folder)
    trained = [stage for stage in STAGES if run.has_checkpoint(stage)]
    if not {"classifier", "gan", "vae"} & set(trained):
        raise UserError(f"{folder} has no classifier, GAN or VAE yet: train one with python -m train.")
    settings = run.settings(trained[-1])
    return Subject(
        folder=folder,
        kind="run",
        data=run.data,
        source=place_of(folder) or settings.data,
        gan=gan_of_run(run, "inverter" in trained) if "gan" in trained else None,
        vae=vae_of_run(run, "repair" in trained) if "vae" in trained else None,
        classifier=classifier_of_run(run) if "classifier" in trained else None,
        unfinished=tuple(stage for stage in trained if not run.record(stage).finished),
        cache=cache_of_run(folder, settings.cache),
    )


def networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a stage, on the device that measures. Raises UserError when they do not fit."""
    device = measuring_device()
    try:
        return {name: net.to(device) for name, net in load_networks(run, stage).items()}
    except RuntimeError as problem:
        raise UserError(f"The weights in {run.folder / stage} do not fit its settings: train it again.") from problem


def gan_of_run(run: Run, inverter: bool) -> GanHandle:
    """The GAN of a run, with its inverter where there is one."""
    settings, generator = run.settings("gan"), networks(run, "gan")["generator"]
    assert isinstance(settings, GanSettings)
    mapping, synthesis = (of_network(generator.get_submodule(name)) for name in ("mapping", "synthesis"))
    # A stage that goes on learning leaves the statistics of when it was last finished behind.
    record = run.record("gan")
    w_mean = run.latents().get("w_mean") if record.finished else None
    return GanHandle(
        latent_dim=settings.latent_dim,
        prior=settings.prior,
        draw=single_output(of_network(generator)),
        invert=chained(of_network(networks(run, "inverter")["inverter"]), synthesis) if inverter else None,
        truncated=None if w_mean is None else truncating(mapping, synthesis, w_mean),
        augment=settings.augment,
        gap_pictures=settings.gap_pictures,
        began_with=record.data[0][1] if record.data else None,
        minutes=record.seconds / 60,
    )


def vae_of_run(run: Run, repair: bool) -> VaeHandle:
    """The VAE of a run, with its repair network where there is one."""
    settings, nets = run.settings("vae"), networks(run, "vae")
    assert isinstance(settings, VaeSettings)
    finished = run.record("vae").finished
    return VaeHandle(
        latent_dim=settings.latent_dim,
        likelihood=settings.likelihood,
        binarize=settings.binarize,
        sigma=run.sigma if finished else None,
        mixture=mixture_of(run.latents()) if finished else None,
        encode=two_outputs(of_network(nets["encoder"])),
        decode=single_output(of_network(nets["decoder"])),
        sha256=digest(nets["encoder"]),
        repair=two_outputs(of_network(networks(run, "repair")["repair"])) if repair else None,
    )


def classifier_of_run(run: Run) -> ClassifierHandle:
    """The classifier of a run. Raises UserError when it has none."""
    run.record("classifier")
    net, data = networks(run, "classifier")["classifier"], run.data
    name = f"classifier of {run.folder.resolve().name}"
    return ClassifierHandle(name, digest(net), data.classes, data.channels, data.sides, two_outputs(of_network(net)))


def digest(net: nn.Module) -> str:
    """SHA-256 of the names and values of all weights, in hexadecimal."""
    total = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        total.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def of_network(net: nn.Module) -> Function:
    """A network as a function of arrays."""
    # The mapping of a fully connected generator has no parameters.
    device = next((weight.device for weight in net.parameters()), torch.device("cpu"))

    @torch.no_grad()
    def call(*arrays: np.ndarray) -> list[np.ndarray]:
        found = net(*(torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)).to(device) for a in arrays))
        return [t.float().cpu().numpy() for t in (found if isinstance(found, tuple) else (found,))]

    return call


# --------------------------------------------------------------------------------------------- bundles


def open_bundle(folder: Path, threads: int | None = None) -> Subject:
    """The graphs of a bundle. Raises UserError when a file is missing or is not what bundle.json says."""
    runner = BundleRunner(read(folder), threads=threads or usable_cores())
    data = DataInfo.of_bundle(runner.bundle.info)
    return Subject(
        folder=folder,
        kind="bundle",
        data=data,
        source=data.source,
        gan=gan_of_bundle(runner),
        vae=vae_of_bundle(runner),
        classifier=classifier_of_bundle(runner, data),
    )


def gan_of_bundle(runner: BundleRunner) -> GanHandle | None:
    """The GAN of a bundle; an adopted generator has neither truncation nor inversion."""
    gan = runner.bundle.info.gan
    if gan is None:
        return None
    synthesis = of_graph(runner, "synthesis") if runner.has("synthesis") else None
    invert = truncated = None
    if synthesis and runner.has("inverter"):
        invert = chained(of_graph(runner, "inverter"), synthesis)
    if synthesis and runner.has("mapping"):
        truncated = truncating(of_graph(runner, "mapping"), synthesis, runner.bundle.latents["w_mean"])
    training = runner.bundle.info.training.get("gan")
    stored = migrated(GanSettings, training.settings) if training and training.settings is not None else {}
    augment = stored.get("augment")
    return GanHandle(
        latent_dim=gan.latent_dim,
        prior=gan.prior,
        draw=single_output(of_graph(runner, "generator")),
        invert=invert,
        truncated=truncated,
        augment=augment if isinstance(augment, float) else None,
        gap_pictures="apart" if stored.get("gap_pictures") == "apart" else "held-out",
        minutes=training.seconds / 60 if training else None,
    )


def vae_of_bundle(runner: BundleRunner) -> VaeHandle | None:
    """The VAE of a bundle, with its repair graph where there is one."""
    info = runner.bundle.info
    if info.vae is None:
        return None
    return VaeHandle(
        latent_dim=info.vae.latent_dim,
        likelihood=info.vae.likelihood,
        binarize=info.vae.binarize,
        sigma=info.vae.sigma,
        mixture=mixture_of(runner.bundle.latents),
        encode=two_outputs(of_graph(runner, "encoder")),
        decode=single_output(of_graph(runner, "decoder")),
        sha256=info.graphs["encoder"].sha256,
        repair=two_outputs(of_graph(runner, "repair")) if runner.has("repair") else None,
    )


def classifier_of_bundle(runner: BundleRunner, data: DataInfo) -> ClassifierHandle | None:
    """The classifier of a bundle, if it has one."""
    if not runner.has("classifier"):
        return None
    name, sha256 = (
        f"classifier of {runner.bundle.folder.resolve().name}",
        runner.bundle.info.graphs["classifier"].sha256,
    )
    classify = two_outputs(of_graph(runner, "classifier"))
    return ClassifierHandle(name, sha256, data.classes, data.channels, data.sides, classify)


def of_graph(runner: BundleRunner, graph: str) -> Function:
    """A graph of a bundle as a function of its inputs in the order of the index, with any number of rows."""
    entry = runner.bundle.info.graphs[graph]
    names = [tensor.name for tensor in entry.inputs]
    run = run_in_parts(runner.run, min(BATCH, runner.bundle.info.max_batch))

    def call(*arrays: np.ndarray) -> list[np.ndarray]:
        found = run(graph, dict(zip(names, arrays, strict=True)))
        return [found[tensor.name] for tensor in entry.outputs]

    return call

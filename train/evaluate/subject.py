"""What is evaluated: a run (PyTorch) or a bundle (onnxruntime), behind the same few functions of numpy arrays.

Images are float32 [N, C, S, S] in [0, 1] here, as at every boundary; `drawn` turns long series of them into bytes.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from bundle.errors import UserError
from train.data.dataset import DataInfo
from train.evaluate.likelihood import Decode, Encode
from train.run_folder import Run
from train.settings import STAGES, GanSettings, Likelihood, Prior, VaeSettings
from train.stages import load_networks

BATCH = 250  # within the largest batch of a bundle
INDEX = "bundle.json"
Function = Callable[..., list[np.ndarray]]


@dataclass(frozen=True)
class Gan:
    """`draw`: z [N, D] and classes [N, K] (absent without classes) -> images. `invert`: images and masks -> images that
    the generator draws of them; None without an inverter. `augment`: as in the settings of its training. `truncated`: a
    truncation psi -> what `draw` is at it; None where no mean style is known."""

    latent_dim: int
    prior: Prior
    draw: Callable[..., np.ndarray]
    invert: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    augment: float | None = None
    truncated: Callable[[float], Callable[..., np.ndarray]] | None = None


@dataclass(frozen=True)
class Vae:
    """sigma, mixture: None where the training has not finished; mixture: the arrays of priors.fit; sha256: of the
    encoder. `repair`: damaged images and masks -> (mean, logvar) of the whole pictures' codes; None without one."""

    latent_dim: int
    likelihood: Likelihood
    binarize: bool
    sigma: float | None
    mixture: dict[str, np.ndarray] | None
    encode: Encode
    decode: Decode
    sha256: str
    repair: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None


@dataclass(frozen=True)
class Reader:
    """A classifier. `read`: images -> (logits [N, K], features [N, F])."""

    name: str
    sha256: str
    classes: tuple[str, ...]
    channels: int
    size: int
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Subject:
    """`source`: where its pictures are, as far as is known; `unfinished`: stages that were stopped early."""

    folder: Path
    kind: Literal["run", "bundle"]
    data: DataInfo
    source: str
    gan: Gan | None
    vae: Vae | None
    reader: Reader | None
    unfinished: tuple[str, ...] = ()


def open_subject(folder: Path) -> Subject:
    """Raises UserError when `folder` is neither a run nor a bundle, or is damaged."""
    if (folder / INDEX).is_file():
        return open_bundle(folder)
    if not (folder / "run.json").is_file():
        raise UserError(f"{folder} is neither a run (run.json) nor a bundle ({INDEX}).")
    return open_run(folder)


# ------------------------------------------------------------------------------------------------ runs


def open_run(folder: Path) -> Subject:
    """The averaged networks of every trained stage. Raises UserError."""
    run = Run.open(folder)
    trained = [stage for stage in STAGES if (folder / stage / "record.json").exists()]
    if not {"classifier", "gan", "vae"} & set(trained):
        raise UserError(f"{folder} has nothing trained yet.")
    gan = vae = reader = None
    if "gan" in trained:
        gan = gan_of(run, "inverter" in trained)
    if "vae" in trained:
        vae = vae_of(run, "repair" in trained)
    if "classifier" in trained:
        reader = reader_of(run)
    unfinished = tuple(stage for stage in trained if not run.record(stage).finished)
    return Subject(folder, "run", run.data, run.settings(trained[-1]).data, gan, vae, reader, unfinished)


def networks(run: Run, stage: str) -> dict[str, nn.Module]:
    """The averaged networks of a stage, on the GPU where there is one. Raises UserError when they do not fit."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return {name: net.to(device) for name, net in load_networks(run, stage).items()}
    except RuntimeError as problem:
        raise UserError(f"The weights in {run.folder / stage} do not fit its settings: train it again.") from problem


def gan_of(run: Run, inverter: bool) -> Gan:
    settings, net = run.settings("gan"), networks(run, "gan")["generator"]
    assert isinstance(settings, GanSettings)
    found = networks(run, "inverter")["inverter"] if inverter else None
    invert = composed(of_network(found), of_network(net.synthesis)) if found else None
    centre = run.latents().get("w_mean")
    truncated = None if centre is None else truncating(of_network(net.mapping), of_network(net.synthesis), centre)
    return Gan(settings.latent_dim, settings.prior, single(of_network(net)), invert, settings.augment, truncated)


def vae_of(run: Run, repair: bool) -> Vae:
    settings = run.settings("vae")
    assert isinstance(settings, VaeSettings)
    nets = networks(run, "vae")
    finished = (run.folder / "vae" / "latents.safetensors").exists()
    mixture = {k.removeprefix("mixture_"): v for k, v in run.latents().items() if k.startswith("mixture_")}
    return Vae(
        settings.latent_dim,
        settings.likelihood,
        settings.binarize,
        run.sigma if finished else None,
        mixture if finished else None,
        double(of_network(nets["encoder"])),
        single(of_network(nets["decoder"])),
        digest(nets["encoder"]),
        double(of_network(networks(run, "repair")["repair"])) if repair else None,
    )


def reader_of(run: Run) -> Reader:
    """The classifier of a run. Raises UserError when it has none."""
    net = networks(run, "classifier")["classifier"]
    data = run.data
    return Reader(f"classifier of {run.folder.name}", digest(net), data.classes, data.channels, data.size,
                  double(of_network(net)))  # fmt: skip


def digest(net: nn.Module) -> str:
    """SHA-256 of the names and values of all weights."""
    total = hashlib.sha256()
    for name, value in sorted(net.state_dict().items()):
        total.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def of_network(net: nn.Module) -> Function:
    """Arrays in, list of arrays out."""
    device = next(net.parameters()).device

    @torch.no_grad()
    def call(*arrays: np.ndarray) -> list[np.ndarray]:
        found = net(*(torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)).to(device) for a in arrays))
        return [t.float().cpu().numpy() for t in (found if isinstance(found, tuple) else (found,))]

    return call


def single(function: Function) -> Callable[..., np.ndarray]:
    return lambda *arrays: function(*arrays)[0]


def double(function: Function) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def call(*arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        first, second = function(*arrays)
        return first, second

    return call


def truncating(find: Function, draw: Function, w_mean: np.ndarray) -> Callable[[float], Callable[..., np.ndarray]]:
    """psi -> pictures of styles w [N, L, D] moved towards the mean style of their class, w_mean [K, D]: at 1 as they
    are, at 0 all alike (StyleGAN: Karras et al. 2019, arXiv 1812.04948, appendix B)."""

    def at(psi: float) -> Callable[..., np.ndarray]:
        def call(z: np.ndarray, *classes: np.ndarray) -> np.ndarray:
            w = find(z, *classes)[0]
            centre = ((classes[0] if classes else np.ones((len(z), 1), np.float32)) @ w_mean)[:, None]
            return draw((centre + psi * (w - centre)).astype(np.float32))[0]

        return call

    return at


def composed(find: Function, draw: Function) -> Callable[..., np.ndarray]:
    """`draw` of what `find` finds."""
    return lambda *arrays: draw(*find(*arrays))[0]


# --------------------------------------------------------------------------------------------- bundles


def open_bundle(folder: Path) -> Subject:
    """The graphs of a bundle. Raises UserError when a file is missing or is not what bundle.json says."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        about, image, graphs = index["dataset"], index["image"], index["graphs"]
        data = DataInfo(about["source"], index["title"], about["licence"], image["channels"], image["size"],
                        tuple(about["classes"]), about["train_images"], about["test_images"],
                        about.get("fit", "crop"), about.get("background"))  # fmt: skip
        gan = vae = reader = None
        if index["gan"]:
            invert = truncated = None
            if {"inverter", "mapping"} & set(graphs):  # an adopted generator has neither
                synthesis = graph(folder, graphs, "synthesis")
            if "inverter" in graphs:
                invert = composed(graph(folder, graphs, "inverter"), synthesis)
            if "mapping" in graphs:
                centre = arrays(folder, index["files"]["latents"])["w_mean"]
                truncated = truncating(graph(folder, graphs, "mapping"), synthesis, centre)
            draw = single(graph(folder, graphs, "generator"))
            gan = Gan(index["gan"]["latent_dim"], index["gan"]["prior"], draw, invert, truncated=truncated)
        if index["vae"]:
            entry, latents = index["vae"], arrays(folder, index["files"]["latents"])
            vae = Vae(
                entry["latent_dim"],
                entry.get("likelihood", "calibrated"),  # older bundles do not say it
                entry.get("binarize", False),
                entry["sigma"],
                {k.removeprefix("mixture_"): v for k, v in latents.items() if k.startswith("mixture_")},
                double(graph(folder, graphs, "encoder")),
                single(graph(folder, graphs, "decoder")),
                graphs["encoder"]["sha256"],
                double(graph(folder, graphs, "repair")) if "repair" in graphs else None,
            )
        if "classifier" in graphs:
            reader = Reader(f"classifier of {folder.name}", graphs["classifier"]["sha256"], data.classes,
                            data.channels, data.size, double(graph(folder, graphs, "classifier")))  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UserError(f"{folder / INDEX} is damaged: {type(problem).__name__} {problem}.") from problem
    return Subject(folder, "bundle", data, data.source, gan, vae, reader)


def checked(folder: Path, entry: dict) -> bytes:
    """A file of the bundle. Raises UserError when it is missing or another than the index says."""
    path = folder / Path(entry["file"]).name
    if not path.is_file():
        raise UserError(f"{path} is missing.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise UserError(f"{path} is damaged: it is not the file that {INDEX} describes.")
    return content


def arrays(folder: Path, entry: dict) -> dict[str, np.ndarray]:
    checked(folder, entry)
    with np.load(folder / Path(entry["file"]).name, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def graph(folder: Path, graphs: dict, name: str) -> Function:
    """One graph of a bundle. Raises UserError."""
    if name not in graphs:
        raise UserError(f"{folder / INDEX} lists no {name}.")
    session = open_onnx(folder / graphs[name]["file"], checked(folder, graphs[name]))
    inputs = [node.name for node in session.get_inputs()]
    outputs = [node.name for node in session.get_outputs()]
    return lambda *values: session.run(outputs, dict(zip(inputs, values, strict=True)))


def open_onnx(path: Path, content: bytes):
    """An onnxruntime session on the processor. Raises UserError for a file that is none."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # PyTorch works in between
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime has a class of exceptions for each kind of damage
        raise UserError(f"{path} is not an ONNX graph that can be run: {str(problem).splitlines()[0]}") from problem


# ------------------------------------------------------------------------------------------ in batches


def mapped(title: str, function: Callable[..., np.ndarray], *rows: np.ndarray) -> np.ndarray:
    """`function` over many rows, a batch at a time, with a progress bar."""
    starts = tqdm(range(0, len(rows[0]), BATCH), desc=title, leave=False)
    return np.concatenate([function(*(r[i : i + BATCH] for r in rows)) for i in starts])


def to_bytes(images: np.ndarray) -> np.ndarray:
    """float32 in [0, 1] -> what a PNG would hold, uint8."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def drawn(title: str, function: Callable[..., np.ndarray], *rows: np.ndarray) -> np.ndarray:
    """Pictures of many latents as bytes, uint8 [N, C, S, S]."""
    return mapped(title, lambda *values: to_bytes(function(*values)), *rows)


def mixture_codes(mixture: dict[str, np.ndarray], count: int, seed: int) -> np.ndarray:
    """Codes float32 [count, D] of the fitted prior; every class in the proportion of the data."""
    rng, weights = np.random.default_rng(seed), mixture["weights"].astype(np.float64)
    part = rng.choice(len(weights), count, p=weights / weights.sum())
    noise = rng.standard_normal((count, mixture["means"].shape[1]))
    codes = [mixture["means"][k] + mixture["cholesky"][k] @ n for k, n in zip(part, noise, strict=True)]
    return np.stack(codes).astype(np.float32)

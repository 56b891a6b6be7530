"""A bundle's weights stored as float16, from its files alone: `python -m export shrink`, where no run folder is left.

What `export bundle --form fp16-stored` does for a run, with the float32 file in PyTorch's place: each graph is drawn
with before and after, graphs that share weights are rounded alike, and a picture may change by one grey level.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from bundle import images
from bundle.atomic_files import scratch
from bundle.errors import UserError
from bundle.latents import from_normal, seed_latent
from bundle.quality_section import with_quality
from bundle.read import OpenBundle, graph_bytes, read
from bundle.runner import BundleRunner
from bundle.schema import Bundle
from bundle.write import CARD, entry, put_in_place, write_index
from export import float16, parity
from export.graphs import STAGE_GRAPHS
from export.precision import LEVELS, SHARE

ROWS = 41  # drawn with before and after
# What the figures of quality then say of themselves.
NOTE = (
    "Measured on float32 files. Their weights were then stored as float16, which changes no picture by more than one "
    "grey level."
)


def shrink(folder: Path) -> Bundle:
    """Stores the float32 graphs of the bundle in `folder` as float16 behind a Cast; returns its new index.

    Raises UserError, and leaves it as it was, when a graph changes too much or nothing is left to store.
    """
    folder = folder.resolve()
    bundle = read(folder)
    rows = trial_rows(bundle)
    files: dict[str, bytes] = {}
    for names in STAGE_GRAPHS.values():
        exact = {n: graph_bytes(bundle, n) for n in names if n in rows and bundle.info.graphs[n].precision == "fp32"}
        if exact:
            files |= rounded(exact, rows)
    if not files:
        raise UserError(f"No graph of {folder} is stored as float32, so there is nothing to shrink.")
    info = bundle.info
    with scratch(folder) as building:
        for path in folder.iterdir():
            if path.is_file():
                (building / path.name).write_bytes(path.read_bytes())
        graphs, listed = dict(info.graphs), dict(info.files)
        if "latents" in listed:
            path = building / listed["latents"].file
            np.savez_compressed(path, **float16.narrowed(bundle.latents))
            listed["latents"] = entry(path)
        for name, data in files.items():
            (building / info.graphs[name].file).write_bytes(data)
            changed = {"precision": "fp16-stored", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            graphs[name] = info.graphs[name].model_copy(update=changed)
        quality = info.quality and info.quality.model_copy(update={"notes": (*info.quality.notes, NOTE)})
        info = info.model_copy(
            update={"graphs": graphs, "files": listed, "quality": quality, "runtime_comparison": None}
        )
        write_index(building, info)
        text = building / CARD
        if quality and text.is_file():
            text.write_text(with_quality(text.read_text(encoding="utf-8"), quality), encoding="utf-8")
        BundleRunner(read(building)).check()
        put_in_place(building, folder, bundle.info)
    return info


def trial_rows(bundle: OpenBundle) -> dict[str, dict[str, np.ndarray]]:
    """Rows for each graph, by input: seeds, the styles and codes that these give, and held-out pictures."""
    info, engine = bundle.info, BundleRunner(bundle)
    kinds, seeds = len(info.dataset.classes), range(ROWS)
    pool: dict[str, np.ndarray] = {}
    if kinds:
        pool["classes"] = np.eye(kinds, dtype=np.float32)[[seed % kinds for seed in seeds]]
    picked = np.arange(ROWS) % max(len(bundle.examples), 1)
    pool["image"] = images.from_uint8(bundle.examples[picked])
    pool["mask"] = (np.random.default_rng(0).random((ROWS, 1, *pool["image"].shape[2:])) < 0.6).astype(np.float32)
    found = {}
    for name, graph in info.graphs.items():
        own = dict(pool)
        if name in ("generator", "mapping"):
            normal = np.stack([seed_latent(seed, info.gan.latent_dim) for seed in seeds])
            own["z"] = from_normal(normal, info.gan.prior)
        elif name == "synthesis":
            own["w"] = answer(engine, "mapping", found["mapping"], "w")
        elif name == "decoder":
            own["z"] = answer(engine, "encoder", {"image": pool["image"]}, "mean")
        if "mask" in {tensor.name for tensor in graph.inputs}:
            own["image"] = pool["image"] * pool["mask"]
        found[name] = {tensor.name: own[tensor.name] for tensor in graph.inputs}
    return found


def answer(engine: BundleRunner, graph: str, feed: Mapping[str, np.ndarray], output: str) -> np.ndarray:
    """One output of a graph for these rows, run one by one: a bundle may take few at once."""
    return np.concatenate([engine.run(graph, {k: v[i : i + 1] for k, v in feed.items()})[output] for i in range(ROWS)])


def rounded(exact: Mapping[str, bytes], rows: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, bytes]:
    """Graphs that share weights, stored alike, with as few weights left as float32 as their pictures allow."""
    reason = ""
    for least in float16.LEAST_ELEMENTS:
        files = {name: stored(data, least) for name, data in exact.items()}
        reason = next(filter(None, (difference(n, exact[n], files[n], rows[n]) for n in exact)), "")
        if not reason:
            return files
    raise UserError(reason)


def stored(data: bytes, least: int) -> bytes:
    model = onnx.load_from_string(data)
    result = float16.stored(model, least)
    helper.set_model_props(result, {p.key: p.value for p in model.metadata_props} | {"form": "fp16-stored"})
    return result.SerializeToString(deterministic=True)


def difference(name: str, exact: bytes, other: bytes, rows: Mapping[str, np.ndarray]) -> str:
    """Why the other file is too far from the exact one, a sentence; empty when it is not."""
    before, after = (parity.session(data).run(None, dict(rows)) for data in (exact, other))
    for a, b in zip(before, after, strict=True):
        if a.ndim == 4:
            apart, most, unit = np.abs(np.rint(a * 255) - np.rint(b * 255)).max(), LEVELS, "grey levels"
        else:
            apart, most, unit = (np.abs(a - b) / np.maximum(1, np.abs(a))).max(), SHARE, "of its values"
        if apart > most:
            return f"Stored as float16, graph '{name}' changes by {apart:.3g} ({unit}); {most:g} is allowed."
    return ""

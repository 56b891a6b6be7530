"""`python -m export shrink`: the weights of a bundle as float16, from its files alone, where no run folder is left.

Does what `export bundle --precision fp16-stored` does for a run, with the float32 file in PyTorch's place: each graph
runs before and after, graphs that share weights are rounded alike, and a picture may change by one grey level.
"""

from collections.abc import Mapping
from pathlib import Path

import onnx

from bundle.errors import UserError
from bundle.quality_section import with_quality
from bundle.read import graph_bytes, read
from bundle.runner import BundleRunner
from bundle.schema import Adapter, BundleIndex
from bundle.trial_inputs import TrialInputs
from bundle.write import card_of, file_entry, npz_bytes, update_bundle
from export import float16, model_card, precision
from export.graphs import STAGE_GRAPHS

# What the figures of quality then say of themselves.
NOTE = (
    "Measured before the weights of its float32 graphs were stored as float16, which changes no picture by more than "
    "one grey level."
)


def shrink(folder: Path) -> BundleIndex:
    """Stores the float32 graphs of the bundle in `folder` as float16 behind a Cast; returns its new index.

    Raises UserError, and leaves the bundle as it was, when a graph changes too much or none is stored as float32.
    """
    bundle = read(folder)
    info, inputs = bundle.info, TrialInputs.of_bundle(bundle, BundleRunner(bundle).run)
    graphs, listed = dict(info.graphs), dict(info.files)
    files: dict[str, bytes] = {}
    for names in STAGE_GRAPHS.values():
        exact = {n: graph_bytes(bundle, n) for n in names if n in graphs and graphs[n].precision == "fp32"}
        for name, data in rounded(exact, inputs, {name: graphs[name].adapter for name in exact}).items():
            entry = file_entry(graphs[name].file, data)
            files[entry.file] = data
            graphs[name] = graphs[name].model_copy(update={**entry.model_dump(), "precision": "fp16-stored"})
    if not files:
        raise UserError(f"No graph of {folder} is stored as float32, so there is nothing to shrink.")
    if "latents" in listed:
        data = npz_bytes(float16.narrowed(bundle.latents))
        listed["latents"] = file_entry(listed["latents"].file, data)
        files[listed["latents"].file] = data
    quality = info.quality and info.quality.model_copy(update={"notes": (*info.quality.notes, NOTE)})
    changes = {"graphs": graphs, "files": listed, "quality": quality, "runtime_comparison": None}
    changed = info.model_copy(update=changes)
    return update_bundle(bundle, changed, files, changed_card(card_of(folder), info, changed)).info


def changed_card(card: str | None, before: BundleIndex, after: BundleIndex) -> str | None:
    """The card of a bundle whose graphs were stored anew. None: it has none, and no figures that need one."""
    if after.quality:
        card = with_quality(card or model_card.new_card(after), after.quality)
    return None if card is None else model_card.with_graphs(card, before, after)


def rounded(
    exact: Mapping[str, bytes], inputs: TrialInputs, adapters: Mapping[str, Adapter | None]
) -> dict[str, bytes]:
    """Graphs that share weights, stored alike, with as few weights left as float32 as their pictures allow.
    `adapters`: how those are run that were exported elsewhere.

    Raises UserError when one of them changes too much all the same.
    """

    def convert_all(least: int) -> dict[str, bytes]:
        files = {name: stored(data, least) for name, data in exact.items()}
        for name, data in files.items():
            rows, _ = precision.trial_rows(name, "fp16-stored", inputs)
            precision.measure(name, exact[name], data, rows, "fp16-stored", adapters[name])
        return files

    try:
        return precision.first_suitable(convert_all)
    except precision.Unsuitable as unsuitable:
        raise UserError(unsuitable.reason) from unsuitable


def stored(data: bytes, least: int) -> bytes:
    """A graph's file with its weights as float16; `least`: see float16.stored."""
    model = precision.converted(onnx.load_from_string(data), "fp16-stored", least=least)
    return model.SerializeToString(deterministic=True)

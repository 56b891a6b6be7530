"""Changes to a bundle that exists: files, index and card together, so that nobody ever meets half of a change."""

import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bundle.atomic_files import scratch
from bundle.errors import UserError
from bundle.read import OpenBundle, read
from bundle.runner import BundleRunner
from bundle.schema import Bundle, RuntimeComparison
from bundle.write import CARD, put_in_place, write_index
from export import model_card


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays by name as a compressed .npz file."""
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def update(
    bundle: OpenBundle, info: Bundle, files: Mapping[str, bytes], card: Callable[[str], str] | None = None
) -> OpenBundle:
    """Gives a bundle the index `info` and these new or changed files, by name; returns it as it is read back.

    `card`: changes the text of its model card; a bundle without one gets a whole new card first. The new bundle is
    built beside the old one, read, checked, and takes its place as one. Raises UserError when it cannot be written and
    BundleError when it fails its checks; the old bundle then stays as it was.
    """
    folder = bundle.folder.resolve()
    text = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).is_file() else None
    if card:
        text = card(text if text is not None else model_card.write(info, {}))
    try:
        with scratch(folder) as building:
            for entry in (*info.graphs.values(), *info.files.values()):
                if entry.file not in files:
                    shutil.copyfile(folder / entry.file, building / entry.file)
            for name, data in files.items():
                (building / name).write_bytes(data)
            if text is not None:
                (building / CARD).write_text(text, encoding="utf-8")
            write_index(building, info)
            updated = read(building)
            BundleRunner(updated).check()
            put_in_place(building, folder, bundle.info)
    except OSError as problem:
        raise UserError(f"Could not write {folder}: {problem.strerror or problem}.") from problem
    return replace(updated, folder=folder)


def set_runtime_comparison(folder: Path, found: RuntimeComparison) -> None:
    """Stores how other runtimes run the graphs in the index and the card of a bundle. Raises as `update` does."""
    bundle = read(folder)
    info = bundle.info.model_copy(update={"runtime_comparison": found})
    update(bundle, info, {}, lambda text: model_card.with_runtime_comparison(text, found))

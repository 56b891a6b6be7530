"""Directions of classes by linear support vector machines: `python -m export directions BUNDLE`.

For each class a linear machine separates its latents from all others; the normal of that boundary is the direction in
which a picture becomes one of the class (Shen et al. 2020, InterFaceGAN, arXiv 1907.10786). Unlike the difference of
two means it leaves alone what the classes have in common. Latents are drawn by the bundle itself, so neither its run
nor its pictures are needed. The demo offers the directions as sliders in Explore.
"""

import io
from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.model import BundleModel, Model
from bundle.read import Bundle, read
from bundle.runner import BundleRunner
from bundle.write import entry, write_index

FILE = "latents.npz"
EACH = 400  # latents of each class
HELD_OUT = 0.25  # of them are only for the accuracy


def write(folder: Path) -> Bundle:
    """Writes the directions into the latents.npz of the bundle in `folder`; returns the index, which lists it anew.

    Raises UserError when the bundle has no classes or the disk refuses; the demo's BundleError when it cannot be
    opened.
    """
    bundle = read(folder)
    bundle_model = BundleModel(BundleRunner(bundle))
    if bundle_model.classes < 2:
        raise UserError(f"{folder} has no classes, so there is nothing to separate.")
    arrays = dict(bundle.latents)
    for model in bundle_model.models:
        if model == "gan" and not bundle_model.styled:
            continue
        name = "svm_w" if model == "gan" else "svm_code"
        arrays[name], arrays[f"{name}_accuracy"] = normals(*drawn(bundle_model, model))
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    write_file(folder / FILE, packed.getvalue())
    files = bundle.info.files | {"latents": entry(folder / FILE)}
    info = bundle.info.model_copy(update={"files": files})
    write_index(folder, info)
    return info


def drawn(bundle_model: BundleModel, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Latents float32 [N, D] and the classes [N] that they were drawn for: w of the GAN, where every class already has
    been mapped to styles, and codes of the VAE's fitted prior, which knows the classes of the training codes."""
    seeds = np.arange(EACH * bundle_model.classes)
    if model == "vae":
        return bundle_model.codes(seeds.tolist()), seeds % bundle_model.classes
    most = bundle_model.info.max_batch
    parts = [bundle_model.styles(seeds[i : i + most].tolist()) for i in range(0, len(seeds), most)]
    return np.concatenate(parts)[:, 0], seeds % bundle_model.classes  # each stage has the same w


def normals(latents: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The directions float32 [K, D] of the classes 0 … K - 1, each as long as one standard deviation of the latents
    [N, D] along it, and the balanced accuracy [K] with which its boundary separates latents that were held out."""
    fitted, others, fitted_labels, other_labels = train_test_split(
        latents.astype(np.float64), labels, test_size=HELD_OUT, random_state=0, stratify=labels
    )
    scale = StandardScaler().fit(fitted)
    moves, right = [], []
    for k in np.unique(labels):
        machine = LinearSVC(C=0.1, dual=False, class_weight="balanced", random_state=0)
        machine.fit(scale.transform(fitted), fitted_labels == k)
        normal = machine.coef_[0] / scale.scale_
        normal /= np.linalg.norm(normal)
        moves.append(normal * (fitted @ normal).std())
        right.append(balanced_accuracy_score(other_labels == k, machine.predict(scale.transform(others))))
    return np.array(moves, np.float32), np.array(right, np.float32)


def accuracies(folder: Path) -> dict[str, np.ndarray]:
    """The accuracies [K] of the boundaries in a bundle, by the name of the array with their normals."""
    ending = "_accuracy"
    return {key.removesuffix(ending): array for key, array in read(folder).latents.items() if key.endswith(ending)}

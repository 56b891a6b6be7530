"""Directions of classes by linear support vector machines: `python -m export class-directions BUNDLE`.

For each class a linear machine separates its latents from all others. The normal of that boundary is the direction in
which a picture becomes one of the class (Shen et al. 2020, InterFaceGAN, arXiv 1907.10786); unlike the difference of
two means it leaves alone what the classes have in common. The graphs themselves draw the latents, so neither the run
nor its pictures are needed. The demo offers the directions as sliders in Explore.
"""

from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from bundle.array_files import LATENTS
from bundle.errors import UserError
from bundle.latents import seed_class
from bundle.read import read
from bundle.runner import BundleRunner
from bundle.trial_inputs import TrialInputs
from bundle.write import add_file, npz_bytes

EACH = 400  # latents of each class …
MOST = 20_000  # … and at most so many in all: each class has a machine that learns from all of them
LEAST_EACH = 40  # … but not fewer of each
HELD_OUT = 0.25  # share of them that only measures the accuracy


def add(folder: Path) -> dict[str, np.ndarray]:
    """Writes the directions into latents.npz of the bundle in `folder`; returns the accuracies [K] by `svm_w`,
    `svm_code`.

    Raises UserError when the bundle has no classes or cannot be written, BundleError when it cannot be opened.
    """
    bundle = read(folder)
    classes = len(bundle.info.dataset.classes)
    if classes < 2:
        raise UserError(f"{folder} has no classes, so there is nothing to separate.")
    if not {"mapping", "decoder"} & set(bundle.info.graphs):
        raise UserError(f"The generator of {folder} was made elsewhere: it has no styles to find directions in.")
    found = directions(TrialInputs.of_bundle(bundle, BundleRunner(bundle).run), classes)
    add_file(bundle, "latents", LATENTS, npz_bytes(bundle.latents | found))
    ending = "_accuracy"
    return {name.removesuffix(ending): values for name, values in found.items() if name.endswith(ending)}


def directions(inputs: TrialInputs, classes: int) -> dict[str, np.ndarray]:
    """The arrays that latents.npz keeps of them: `svm_w` of a GAN with styles, `svm_code` of a VAE, and for each the
    accuracy of its boundaries (see `normals`)."""
    arrays: dict[str, np.ndarray] = {}
    seeds = range(min(EACH * classes, max(MOST, LEAST_EACH * classes)))
    labels = np.array([seed_class(seed, classes) for seed in seeds])
    if "mapping" in inputs.graphs:
        w = inputs.run("mapping", inputs.seed_rows("mapping", seeds))["w"]
        arrays["svm_w"], arrays["svm_w_accuracy"] = normals(w[:, 0], labels)  # each stage gets the same w
    if "decoder" in inputs.graphs:
        codes = inputs.seed_rows("decoder", seeds)["z"]
        arrays["svm_code"], arrays["svm_code_accuracy"] = normals(codes, labels)
    return arrays


def normals(latents: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions float32 [K, D] of the classes 0 … K - 1, each as long as one standard deviation of the latents [N, D]
    along it, and the balanced accuracy float32 [K] in [0, 1] with which its boundary separates held-out latents."""
    fitted, others, fitted_labels, other_labels = train_test_split(
        latents.astype(np.float64), labels, test_size=HELD_OUT, random_state=0, stratify=labels
    )
    scale = StandardScaler().fit(fitted)
    directions, right = [], []
    for k in np.unique(labels):
        machine = LinearSVC(C=0.1, dual=False, class_weight="balanced", random_state=0)
        machine.fit(scale.transform(fitted), fitted_labels == k)
        normal = machine.coef_[0] / scale.scale_
        normal /= np.linalg.norm(normal)
        directions.append(normal * (fitted @ normal).std())
        right.append(balanced_accuracy_score(other_labels == k, machine.predict(scale.transform(others))))
    return np.array(directions, np.float32), np.array(right, np.float32)

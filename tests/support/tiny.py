"""A complete, valid bundle of tiny random graphs, built in a blink: for tests, without any training."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from bundle.images import png, sheet, to_uint8
from bundle.latents import Mixture, from_normal, seed_latent
from bundle.schema import SCHEMA_VERSION, USUAL_GRAPHS, Prior
from tests.support.tiny_graphs import CODE, FEATURES, LATENT, OPSET, STAGES, W_DIM, Form, graph

__all__ = ["CODE", "FEATURES", "LATENT", "STAGES", "W_DIM", "add_snapshots", "build", "drawn", "latents", "load_index",
           "npz", "redraw", "replace_graph", "save_index", "write"]  # fmt: skip

COMPONENTS = 20  # of the mixture over the codes
TILES, COLUMNS = 24, 8  # of the sample sheet
EXAMPLES = 24
RANDOM = 7
FRECHET = {"name": "gan.frechet", "label": "Fréchet", "value": 2.0, "floor": 0.5, "unit": "", "better": "lower"}
TRADED = {"precision": 0.75, "recall": 0.5, "precision_at_0.8": 0.88, "recall_at_0.8": 0.25}


def build(
    folder: Path, name: str = "tiny", classes: int = 10, channels: int = 1, height: int = 32, width: int = 32
) -> Path:
    """Writes the bundle into `folder` (made if need be) and returns it. `classes=0` is unconditional."""
    folder.mkdir(parents=True, exist_ok=True)
    form, rng = Form(classes, channels, height, width), np.random.default_rng(RANDOM)
    graphs = {name: _graph_entry(folder, name, form, rng) for name in USUAL_GRAPHS}
    pictures = rng.integers(0, 256, (EXAMPLES, height, width, channels), dtype=np.uint8)
    labels = np.arange(EXAMPLES, dtype=np.int64) % classes if classes else np.full(EXAMPLES, -1, dtype=np.int64)
    files = {
        "latents": write(folder / "latents.npz", npz(**latents(max(classes, 1), rng))),
        "examples": write(folder / "examples.npz", npz(images=pictures, labels=labels)),
        "sheet": write(folder / "sheet.png", png(sheet(drawn(folder, "generator", classes), COLUMNS))),
    }
    save_index(folder, _index(name, form, graphs, files))
    (folder / "README.md").write_text("# Random\n", encoding="utf-8")
    return folder


def add_snapshots(folder: Path, moments: int = 3, alarms: tuple[str, ...] = ("collapse",)) -> None:
    """Gives a built bundle snapshots of both models at 100, 200, 400, … pictures; the last of them have `alarms`."""
    index, rng = load_index(folder), np.random.default_rng(RANDOM)
    image = index["image"]
    for model, pictures, more in (("gan", 16, 0), ("vae", 4, 1)):
        shape = ((moments + more) * pictures, image["height"], image["width"], image["channels"])
        data = png(sheet(rng.integers(0, 256, shape, dtype=np.uint8), pictures))
        index["files"][f"{model}_snapshots"] = write(folder / f"{model}-snapshots.png", data)
        taken = [{"images": 100 * 2**i, "seconds": 10.0 * 2**i, "alarms": []} for i in range(moments)]
        taken[-1]["alarms"] = list(alarms)
        curve = {"images": [200, 400], "series": {"variety_distance": [0.9, 0.3], "loss": [2.0, 1.0]}}
        told = {"command": "", "seconds": 40.0, "images": 400, "hardware": "", "curve": curve}
        index["training"][model] = told | {"snapshots": {"pictures": pictures, "taken": taken}}
    save_index(folder, index)


def drawn(folder: Path, graph: str, classes: int, prior: Prior = "normal") -> np.ndarray:
    """Seeds 0 to 23, uint8 [24, H, W, C], by the generator or the decoder."""
    session = ort.InferenceSession(folder / f"{graph}.onnx", providers=["CPUExecutionProvider"])
    weights = np.eye(max(classes, 1), dtype=np.float32)[[seed % max(classes, 1) for seed in range(TILES)]]
    if graph == "generator":
        z = from_normal(np.stack([seed_latent(seed, LATENT) for seed in range(TILES)]), prior)
        feed = {"z": z, "classes": weights} if classes else {"z": z}
    else:
        with np.load(folder / "latents.npz") as arrays:
            mixture = Mixture.from_latents(dict(arrays))
        rows = weights if classes else [None] * TILES
        feed = {"z": np.stack([mixture.sample(seed, row) for seed, row in enumerate(rows)])}
    return to_uint8(session.run(["image"], feed)[0])


def redraw(folder: Path) -> None:
    """Makes the sheet anew after a change of the graphs, with its right checksum."""
    index = load_index(folder)
    graph = "generator" if index["gan"] else "decoder"
    prior: Prior = index["gan"]["prior"] if index["gan"] else "normal"
    pictures = drawn(folder, graph, len(index["dataset"]["classes"]), prior)
    index["files"]["sheet"] = write(folder / "sheet.png", png(sheet(pictures, COLUMNS)))
    save_index(folder, index)


def replace_graph(folder: Path, graph: str, factor: float) -> None:
    """Multiplies a graph's first output by `factor`, which may be NaN; the checksum fits."""
    model = onnx.load(folder / f"{graph}.onnx")
    output = model.graph.output[0].name
    for node in model.graph.node:
        for i, name in enumerate(node.output):
            if name == output:
                node.output[i] = "before_change"
    model.graph.initializer.append(numpy_helper.from_array(np.array(factor, np.float32), "change"))
    model.graph.node.append(helper.make_node("Mul", ["before_change", "change"], [output]))
    index = load_index(folder)
    index["graphs"][graph] |= write(folder / f"{graph}.onnx", model.SerializeToString())
    save_index(folder, index)


def write(path: Path, data: bytes) -> dict[str, object]:
    """Writes a file and returns its entry for bundle.json."""
    path.write_bytes(data)
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def load_index(folder: Path) -> dict:
    """The index of a bundle as plain data, to be changed and saved."""
    return json.loads((folder / "bundle.json").read_text(encoding="utf-8"))


def save_index(folder: Path, index: dict) -> None:
    """Writes bundle.json, whatever it says."""
    (folder / "bundle.json").write_text(json.dumps(index, indent=1, ensure_ascii=False), encoding="utf-8")


def npz(**arrays: np.ndarray) -> bytes:
    """The bytes of an .npz file with these arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def latents(classes: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The arrays of latents.npz: the components of the mixture belong to the classes in turn."""
    lower = np.tril(rng.normal(0, 0.2, (COMPONENTS, CODE, CODE)))
    lower[:, np.arange(CODE), np.arange(CODE)] = rng.uniform(0.3, 0.8, (COMPONENTS, CODE))
    share = np.full((COMPONENTS, classes), 0.1 / classes)
    share[np.arange(COMPONENTS), np.arange(COMPONENTS) % classes] += 0.9
    arrays = {
        "w_mean": rng.normal(0, 0.3, (classes, W_DIM)),
        "mixture_weights": rng.dirichlet(np.full(COMPONENTS, 5.0)),
        "mixture_means": rng.normal(0, 1.5, (COMPONENTS, CODE)),
        "mixture_cholesky": lower,
        "mixture_classes": share,
        "code_mean": rng.normal(0, 0.2, CODE),
        "code_std": rng.uniform(0.8, 1.6, CODE),
        "code_kl": np.sort(rng.uniform(0.1, 3.0, CODE))[::-1],
    }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def _graph_entry(folder: Path, name: str, form: Form, rng: np.random.Generator) -> dict[str, object]:
    """Writes one graph; its entry for bundle.json."""
    data, parameters = graph(name, form, rng)
    inputs, outputs = (
        [{"name": tensor, "shape": ["batch", *shape]} for tensor, shape in tensors.items()]
        for tensors in form.tensors(name)
    )
    entry = {"opset": OPSET, "precision": "fp32", "parameters": parameters, "inputs": inputs, "outputs": outputs}
    return write(folder / f"{name}.onnx", data) | entry


def _index(name: str, form: Form, graphs: dict, files: dict) -> dict:
    """What bundle.json says."""
    higher = {"floor": 0.9, "unit": "", "better": "higher"}
    traded = [{"name": f"gan.{key}", "label": key, "value": value} | higher for key, value in TRADED.items()]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "title": f"{name} (random)",
        "created": "2026-11-21T12:00:00Z",
        "dataset": {
            "source": "random numbers",
            "licence": "CC0-1.0",
            "classes": [str(k) for k in range(form.classes)],
            "train_images": 100,
            "test_images": EXAMPLES,
        },
        "image": {"channels": form.channels, "height": form.height, "width": form.width},
        "max_batch": 256,
        "graphs": graphs,
        "files": files,
        "gan": {"latent_dim": LATENT, "w_dim": W_DIM, "stages": STAGES, "prior": "normal"},
        "vae": {"latent_dim": CODE, "sigma": 0.1},
        "quality": {"command": "python -m train evaluate", "samples": 24, "figures": [FRECHET, *traded]},
        "training": {"gan": {"command": "none", "seconds": 1.0, "images": 1, "hardware": "none"}},
    }

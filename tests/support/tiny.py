"""A complete, valid bundle of tiny random graphs, built in a blink: for tests, without any training.

The pictures are soft blobs that react to latents and classes. Every graph obeys the names and shapes of
bundle.read.GRAPHS; nothing in it is good at its task.
"""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

from bundle.images import png, sheet, to_uint8
from bundle.latents import Mixture, from_normal, seed_latent
from bundle.read import GRAPHS
from bundle.schema import SCHEMA_VERSION

LATENT, W_DIM, STAGES, CODE, COMPONENTS, FEATURES = 8, 8, 4, 6, 20, 12
OPSET = 18
TILES = 24
TRADED = {"precision": 0.75, "recall": 0.5, "precision_at_0.8": 0.88, "recall_at_0.8": 0.25}


def build(folder: Path, name: str = "tiny", classes: int = 10, channels: int = 1, size: int = 32) -> Path:
    """Write the bundle into `folder` (made if need be) and return it. `classes=0` is unconditional."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    graphs = {}
    for graph, names in GRAPHS.items():
        shapes = _shapes(graph, classes, channels, size)
        inputs = [n for n in names.inputs if n != "classes" or classes]
        nodes, weights = _body(graph, bool(classes), channels, size, classes, rng)
        outputs = list(names.outputs)
        data = _model(graph, nodes, weights, [(n, shapes[n]) for n in inputs], [(n, shapes[n]) for n in outputs])
        graphs[graph] = write(folder / f"{graph}.onnx", data) | {
            "opset": OPSET,
            "precision": "fp32",
            "parameters": int(sum(w.size for w in weights.values() if w.dtype == np.float32)),
            "inputs": [{"name": n, "shape": ["batch", *shapes[n]]} for n in inputs],
            "outputs": [{"name": n, "shape": ["batch", *shapes[n]]} for n in outputs],
        }
    pictures = rng.integers(0, 256, (24, size, size, channels), dtype=np.uint8)
    labels = np.arange(24, dtype=np.int64) % classes if classes else np.full(24, -1, dtype=np.int64)
    index = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "title": f"{name} (random)",
        "created": "2026-11-21T12:00:00Z",
        "dataset": {
            "source": "random numbers",
            "licence": "CC0-1.0",
            "classes": [str(k) for k in range(classes)],
            "train_images": 100,
            "test_images": 24,
        },
        "image": {"channels": channels, "size": size},
        "max_batch": 256,
        "graphs": graphs,
        "files": {
            "latents": write(folder / "latents.npz", npz(**latents(max(classes, 1), rng))),
            "examples": write(folder / "examples.npz", npz(images=pictures, labels=labels)),
            "sheet": write(folder / "sheet.png", png(sheet(drawn(folder, "generator", classes), 8))),
        },
        "gan": {"latent_dim": LATENT, "w_dim": W_DIM, "stages": STAGES, "prior": "normal"},
        "vae": {"latent_dim": CODE, "sigma": 0.1},
        "quality": {
            "command": "python -m benchmarks.quality",
            "samples": 24,
            "figures": [
                {
                    "name": "gan.frechet",
                    "label": "Fréchet",
                    "value": 2.0,
                    "floor": 0.5,
                    "unit": "",
                    "better": "lower",
                },
                *(
                    {"name": f"gan.{name}", "label": name, "value": value, "floor": 0.9, "unit": "", "better": "higher"}
                    for name, value in TRADED.items()
                ),
            ],
        },
        "training": {"gan": {"command": "none", "seconds": 1.0, "images": 1, "hardware": "none"}},
    }
    save_index(folder, index)
    (folder / "README.md").write_text("# Random\n", encoding="utf-8")
    return folder


def drawn(folder: Path, graph: str, classes: int, prior: str = "normal") -> np.ndarray:
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
    """Make the sheet anew after a change of the graphs, with a right checksum."""
    index = load_index(folder)
    graph = "generator" if index["gan"] else "decoder"
    prior = index["gan"]["prior"] if index["gan"] else "normal"
    pictures = drawn(folder, graph, len(index["dataset"]["classes"]), prior)
    index["files"]["sheet"] = write(folder / "sheet.png", png(sheet(pictures, 8)))
    save_index(folder, index)


def write(path: Path, data: bytes) -> dict:
    """Write a file and return its entry for bundle.json."""
    path.write_bytes(data)
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def load_index(folder: Path) -> dict:
    return json.loads((folder / "bundle.json").read_text(encoding="utf-8"))


def save_index(folder: Path, index: dict) -> None:
    (folder / "bundle.json").write_text(json.dumps(index, indent=1, ensure_ascii=False), encoding="utf-8")


def replace_graph(folder: Path, graph: str, change) -> None:
    """Multiply a graph's first output by `change` (a number, or NaN), with a right checksum."""
    import onnx

    model = onnx.load(folder / f"{graph}.onnx")
    output = model.graph.output[0].name
    for node in model.graph.node:
        for i, out in enumerate(node.output):
            if out == output:
                node.output[i] = "before_change"
    model.graph.initializer.append(numpy_helper.from_array(np.float32(change), "change"))
    model.graph.node.append(helper.make_node("Mul", ["before_change", "change"], [output]))
    index = load_index(folder)
    index["graphs"][graph] |= write(folder / f"{graph}.onnx", model.SerializeToString())
    save_index(folder, index)


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def latents(classes: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The arrays of latents.npz: two mixture components for each of the first ten classes."""
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


def _shapes(graph: str, classes: int, channels: int, size: int) -> dict[str, list[int]]:
    return {
        "z": [CODE if graph == "decoder" else LATENT],
        "classes": [classes],
        "w": [STAGES, W_DIM],
        "image": [channels, size, size],
        "mask": [1, size, size],
        "score": [1],
        "mean": [CODE],
        "logvar": [CODE],
        "logits": [max(classes, 1)],
        "features": [FEATURES],
    }


def _body(graph: str, conditional: bool, channels: int, size: int, classes: int, rng: np.random.Generator):
    """Nodes and weights of one graph. Latents → a matrix of blobs → a sigmoid; images → a matrix."""
    pixels = channels * size * size
    flat_w = STAGES * W_DIM
    weights: dict[str, np.ndarray] = {
        "to_w": np.array([-1, STAGES, W_DIM], dtype=np.int64),
        "to_image": np.array([-1, channels, size, size], dtype=np.int64),
    }
    # Fixed seeds, so that `generator` is exactly `mapping` followed by `synthesis`.
    mapping = np.random.default_rng(1).normal(0, 0.6, (LATENT + (classes if conditional else 0), flat_w))
    synthesis = _blobs(np.random.default_rng(2), flat_w, channels, size)
    z_classes = _join(["z", "classes"], "zc") if conditional else [helper.make_node("Identity", ["z"], ["zc"])]
    map_nodes = [*z_classes, _matmul("zc", "mapping", "flat_w"), _node("Reshape", ["flat_w", "to_w"], "w")]
    draw_nodes = [
        _node("Flatten", ["w"], "w_rows"),
        _matmul("w_rows", "synthesis", "drawn"),
        _node("Sigmoid", ["drawn"], "rows"),
        _node("Reshape", ["rows", "to_image"], "image"),
    ]
    image_mask = [
        _node("Flatten", ["image"], "image_rows"),
        _node("Flatten", ["mask"], "mask_rows"),
        *_join(["image_rows", "mask_rows"], "both"),
    ]
    if graph in ("generator", "mapping", "synthesis"):
        nodes = {"generator": map_nodes + draw_nodes, "mapping": map_nodes, "synthesis": draw_nodes}[graph]
        weights |= {"mapping": mapping, "synthesis": synthesis}
    elif graph == "decoder":
        nodes = [
            _matmul("z", "decoder", "drawn"),
            _node("Sigmoid", ["drawn"], "rows"),
            _node("Reshape", ["rows", "to_image"], "image"),
        ]
        weights["decoder"] = _blobs(rng, CODE, channels, size)
    elif graph == "critic":
        rows = ["image_rows", *(["classes"] if conditional else [])]
        nodes = [
            _node("Flatten", ["image"], "image_rows"),
            *_join(rows, "all"),
            _matmul("all", "critic", "score"),
        ]
        weights["critic"] = rng.normal(0, 0.05, (pixels + (classes if conditional else 0), 1))
    elif graph == "inverter":
        nodes = [
            *image_mask,
            _matmul("both", "inverter", "flat_w"),
            _node("Reshape", ["flat_w", "to_w"], "w"),
        ]
        weights["inverter"] = rng.normal(0, 0.02, (pixels + size * size, flat_w))
    else:
        sizes = {"encoder": (CODE, CODE), "repair": (CODE, CODE), "classifier": (max(classes, 1), FEATURES)}[graph]
        rows = "both" if graph == "repair" else "image_rows"
        head = image_mask if graph == "repair" else image_mask[:1]
        width = pixels + (size * size if graph == "repair" else 0)
        outputs = GRAPHS[graph].outputs
        nodes = [*head, *(_matmul(rows, f"to_{out}", out) for out in outputs)]
        weights |= {f"to_{out}": rng.normal(0, 0.03, (width, n)) for out, n in zip(outputs, sizes, strict=True)}
    used = {name for node in nodes for name in node.input}
    kept = {name: array for name, array in weights.items() if name in used}
    return nodes, {n: a if a.dtype == np.int64 else a.astype(np.float32) for n, a in kept.items()}


def _blobs(rng: np.random.Generator, rows: int, channels: int, size: int) -> np.ndarray:
    """Each latent number lights one soft spot: [rows, channels * size * size]."""
    grid = np.arange(size) / size
    x, y = rng.uniform(0.2, 0.8, (2, rows, channels, 1))
    spot = np.exp(-((grid - y) ** 2) / 0.02)[..., :, None] * np.exp(-((grid - x) ** 2) / 0.02)[..., None, :]
    return (3 * spot).reshape(rows, -1)


def _node(op: str, inputs: list[str], output: str):
    return helper.make_node(op, inputs, [output])


def _matmul(rows: str, weight: str, output: str):
    return _node("MatMul", [rows, weight], output)


def _join(inputs: list[str], output: str):
    return [helper.make_node("Concat", inputs, [output], axis=1)]


def _model(name: str, nodes, weights, inputs, outputs) -> bytes:
    def values(pairs):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", *s]) for n, s in pairs]

    graph = helper.make_graph(
        nodes,
        name,
        values(inputs),
        values(outputs),
        [numpy_helper.from_array(a, n) for n, a in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()

"""The runtimes that graphs are compared in, behind one interface: is it installed, which version, load, run.

A runtime that is not installed is no error: `gap` says why, and how to get it.
"""

import functools
import importlib.metadata
import importlib.util
import json
import math
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import onnx
import onnxruntime as ort
from onnx.reference import ReferenceEvaluator
from onnx.reference.ops.op_batch_normalization import BatchNormalization_14
from onnx.reference.ops.op_dequantize_linear import DequantizeLinear_19
from onnx.reference.ops.op_quantize_linear import QuantizeLinear_19

from bundle import on_device
from bundle.errors import RuntimeUnavailable
from bundle.feeds import Feed, GraphFunction
from bundle.onnx_outline import ONNX_DOMAINS
from bundle.processors import usable_cores
from bundle.sessions import choose_provider, open_session
from export import parity
from export.targets.places import RUNTIME_HOME

RuntimeName = Literal["reference", "onnxruntime", "openvino", "openvino-bf16", "opencv", "web", "cuda"]
NCNN_PIP = "pip install --no-deps ncnn==1.0.20261020 pnnx==20261020"  # their dependencies bring a second OpenCV
PIP = "pip install -r requirements.txt"
RUNNER = Path(__file__).with_name("runtimes.mjs")


@dataclass(frozen=True)
class Runtime:
    """One runtime.

    `gap`: why it cannot be tried here and how to get it; empty where it can. `load`: a graph's bytes and the names of
    its outputs -> a context that gives a function from inputs by name to outputs in that order; it raises whatever the
    runtime raises for a graph that it cannot read or run. `exact`: it calculates in float32."""

    name: RuntimeName | Literal["ncnn"]
    label: str
    gap: Callable[[], str]
    version: Callable[[], str]
    load: Callable[[bytes, Sequence[str]], AbstractContextManager[GraphFunction]]
    exact: bool = True


# --- ONNX's own evaluator, in NumPy ------------------------------------------------------------------


# The evaluator lacks the first two before opset 19; their arithmetic on integers has not changed since. The third it
# takes from the batch before opset 14. It passes an attribute that a node leaves out as None.


class DequantizeLinear(DequantizeLinear_19):
    """DequantizeLinear of opsets 13 to 18."""

    op_domain = ""

    def _run(self, x: Any, x_scale: Any, x_zero_point: Any = None, axis: int | None = None, *_: Any, **__: Any) -> Any:
        return super()._run(x, x_scale, x_zero_point, axis=1 if axis is None else axis)


class QuantizeLinear(QuantizeLinear_19):
    """QuantizeLinear of opsets 13 to 18."""

    op_domain = ""

    def _run(self, x: Any, y_scale: Any, zero_point: Any = None, axis: int | None = None, *_: Any, **__: Any) -> Any:
        return super()._run(x, y_scale, zero_point, axis=1 if axis is None else axis)


class BatchNormalization(BatchNormalization_14):
    """BatchNormalization of opsets 9 to 18, by the mean and variance that the graph holds."""

    op_domain = ""

    def _run(
        self, x: Any, scale: Any, bias: Any, mean: Any, var: Any, epsilon: float | None = None, *_: Any, **__: Any
    ) -> Any:
        return super()._run(x, scale, bias, mean, var, 1e-5 if epsilon is None else epsilon, training_mode=0)


ADDED = [DequantizeLinear, QuantizeLinear, BatchNormalization]


def _short_domains(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with ONNX's own domain written as "", which some exporters write out: the evaluator takes it for
    another."""
    for entry in (*model.graph.node, *model.opset_import):
        if entry.domain in ONNX_DOMAINS:
            entry.domain = ""
    return model


@contextmanager
def reference(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in ONNX's own evaluator, which is slow and exact: what the other runtimes are compared with."""
    evaluator = ReferenceEvaluator(_short_domains(onnx.load_from_string(data)), new_ops=ADDED)

    def run(feed: Feed) -> list[np.ndarray]:
        with np.errstate(over="ignore"):  # 1 / (1 + exp(-x)) of a large x is 0 all the same
            found = evaluator.run(list(outputs), dict(feed))
        return found if isinstance(found, list) else [found[name] for name in outputs]

    yield run


# --- onnxruntime -------------------------------------------------------------------------------------


@contextmanager
def onnxruntime_cpu(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in onnxruntime on the CPU."""
    session = parity.session(data)
    yield lambda feed: session.run(list(outputs), dict(feed))


@contextmanager
def onnxruntime_cuda(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in onnxruntime on the GPU, without TF32. Raises RuntimeUnavailable where CUDA does not work."""
    session = open_session(data, choose_provider("cuda"))
    yield lambda feed: session.run(list(outputs), dict(feed))


def cuda_gap() -> str:
    """Why CUDA cannot be tried; empty where it can."""
    try:
        choose_provider("cuda")
    except RuntimeUnavailable as problem:
        return str(problem)
    return ""


# --- OpenVINO ----------------------------------------------------------------------------------------


@functools.cache
def openvino_core() -> Any:
    """The one openvino.Core of this process.

    Each Core sets the stack on which Python's signal handlers run and restores the one before when it is deleted. Of
    two that overlap, the last restores a stack that is gone, and Ctrl-C then crashes."""
    from openvino import Core

    return Core()


def openvino(
    precision: Literal["f32", "bf16"],
) -> Callable[[bytes, Sequence[str]], AbstractContextManager[GraphFunction]]:
    """`load` of OpenVINO on the CPU, with this precision of its arithmetic."""

    @contextmanager
    def load(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
        core = openvino_core()
        settings = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": str(usable_cores())}
        compiled = core.compile_model(core.read_model(data), "CPU", settings)
        request = compiled.create_infer_request()

        def run(feed: Feed) -> list[np.ndarray]:
            request.infer(dict(feed))
            return [request.get_tensor(name).data.copy() for name in outputs]

        yield run

    return load


def openvino_gap() -> str:
    """Why OpenVINO cannot be tried; empty where it can."""
    return "" if importlib.util.find_spec("openvino") else f"OpenVINO is not installed; {PIP}."


def bfloat16_gap() -> str:
    """Why bfloat16 is not tried: on older processors OpenVINO emulates it, slowly and inexactly."""
    if gap := openvino_gap():
        return gap
    if "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return ""
    return "This processor has no bfloat16 arithmetic; Intel's from Sapphire Rapids and AMD's from Zen 4 on have."


# --- OpenCV ------------------------------------------------------------------------------------------


@contextmanager
def opencv(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in the dnn module of OpenCV."""
    import cv2

    cv2.setNumThreads(usable_cores())
    net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))

    def run(feed: Feed) -> list[np.ndarray]:
        for name, values in feed.items():
            net.setInput(np.ascontiguousarray(values), name)
        return [values.copy() for values in net.forward(list(outputs))]

    yield run


def opencv_gap() -> str:
    """Why OpenCV cannot be tried; empty where it can."""
    if not importlib.util.find_spec("cv2"):
        return f"OpenCV is not installed; {PIP}."
    import cv2

    if int(cv2.__version__.split(".")[0]) < 5:
        return f"OpenCV {cv2.__version__} reads ONNX with an older importer, which lacks operators; {PIP}."
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    return ""


def opencv_version() -> str:
    """The installed version of OpenCV."""
    import cv2

    return cv2.__version__


# --- ncnn, by way of pnnx ----------------------------------------------------------------------------


@contextmanager
def ncnn(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in ncnn, which has no batches: one picture after another. Raises RuntimeError for a graph with layers
    that ncnn lacks."""
    import ncnn
    import pnnx

    graph = onnx.load_from_string(data).graph
    names = [value.name for value in graph.input]
    kept = [[value.name for value in graph.output].index(name) for name in outputs]
    sides = [[1, *(side.dim_value for side in value.type.tensor_type.shape.dim[1:])] for value in graph.input]
    shapes = ",".join(f"[{','.join(map(str, shape))}]f32" for shape in sides)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "graph.onnx").write_bytes(data)
        command = [pnnx.EXEC_PATH, "graph.onnx", f"inputshape={shapes}", "fp16=0"]
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
        layers = {line.split()[0] for line in Path(folder, "graph.ncnn.param").read_text().splitlines()[2:]}
        if unknown := sorted(layer for layer in layers if "." in layer or ":" in layer):
            raise RuntimeError(f"ncnn has no layer {', '.join(unknown)}")
        net = ncnn.Net()
        net.opt.num_threads = usable_cores()
        for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
            setattr(net.opt, option, False)
        net.load_param(f"{folder}/graph.ncnn.param")
        net.load_model(f"{folder}/graph.ncnn.bin")

    def one(feed: Feed, row: int) -> list[np.ndarray]:
        extractor = net.create_extractor()
        arrays = [np.ascontiguousarray(feed[name][row]) for name in names]
        for number, values in enumerate(arrays):
            extractor.input(f"in{number}", ncnn.Mat(values))
        return [np.array(extractor.extract(f"out{number}")[1]) for number in kept]

    def run(feed: Feed) -> list[np.ndarray]:
        rows = [one(feed, row) for row in range(len(feed[names[0]]))]
        return [np.stack(values) for values in zip(*rows, strict=True)]

    yield run


def ncnn_gap() -> str:
    """Why ncnn cannot be tried; empty where it can."""
    here = importlib.util.find_spec("ncnn") and importlib.util.find_spec("pnnx")
    return "" if here else f"ncnn is not installed; {NCNN_PIP}."


def ncnn_version() -> str:
    """The installed versions of ncnn and of pnnx, which translates graphs for it."""
    return " by pnnx ".join(importlib.metadata.version(name) for name in ("ncnn", "pnnx"))


# --- onnxruntime-web, in Node ------------------------------------------------------------------------


@contextmanager
def web(data: bytes, outputs: Sequence[str]) -> Iterator[GraphFunction]:
    """A graph in onnxruntime-web, which runs in a Node process; runtimes.mjs describes the exchange over its pipes."""
    # Code given with --eval finds its packages from the working folder.
    command = ["node", "--input-type=module", "--eval", RUNNER.read_text(encoding="utf-8")]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, cwd=RUNTIME_HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as node,
    ):
        to_node, from_node = node.stdin, node.stdout
        assert to_node and from_node  # both are pipes
        try:
            _send(to_node, {"bytes": len(data)}, data)
            _receive(from_node, errors)

            def run(feed: Feed) -> list[np.ndarray]:
                head = {"inputs": [{"name": n, "dims": a.shape, "type": a.dtype.name} for n, a in feed.items()]}
                _send(to_node, head, *(np.ascontiguousarray(values).tobytes() for values in feed.values()))
                found = {}
                for entry in _receive(from_node, errors)["outputs"]:
                    kind = np.dtype(entry["type"])
                    raw = from_node.read(kind.itemsize * math.prod(entry["dims"]))
                    found[entry["name"]] = np.frombuffer(raw, kind).reshape(entry["dims"])
                return [found[name] for name in outputs]

            yield run
        finally:
            node.kill()
            with suppress(BrokenPipeError):  # what it did not read, if it ended by itself
                to_node.close()


def _send(pipe: IO[bytes], head: dict, *arrays: bytes) -> None:
    """Writes the length of a JSON head, the head, and raw arrays."""
    text = json.dumps(head).encode()
    try:
        pipe.write(b"".join([struct.pack("<I", len(text)), text, *arrays]))
        pipe.flush()
    except BrokenPipeError:
        pass  # Node has ended; _receive reads what it said last


def _receive(pipe: IO[bytes], errors: IO[bytes]) -> dict:
    """Node's next answer. Raises RuntimeError with its message when it fails."""
    if len(length := pipe.read(4)) < 4:
        errors.seek(0)
        lines = [line for line in errors.read().decode(errors="replace").splitlines() if "Error" in line]
        raise RuntimeError(lines[0] if lines else "Node ended without a word")
    head = json.loads(pipe.read(struct.unpack("<I", length)[0]))
    if "error" in head:
        raise RuntimeError(head["error"])
    return head


def web_gap() -> str:
    """Why onnxruntime-web cannot be tried; empty where it can."""
    if not shutil.which("node"):
        return "Node.js is not installed; apt-get install nodejs npm, then python -m demo.web."
    if on_device.installed(RUNTIME_HOME) is None:
        return f"onnxruntime-web is not installed; {on_device.HOW_TO_GET_IT}."
    return ""


def web_version() -> str:
    """The installed version of onnxruntime-web."""
    found = on_device.installed(RUNTIME_HOME)
    return f"{found.version} (WebAssembly, one thread)" if found else ""


# --- all of them -------------------------------------------------------------------------------------

RUNTIMES: tuple[Runtime, ...] = (
    Runtime("reference", "ONNX reference", lambda: "", lambda: onnx.__version__, reference),
    Runtime("onnxruntime", "onnxruntime CPU", lambda: "", lambda: ort.__version__, onnxruntime_cpu),
    Runtime("openvino", "OpenVINO f32", openvino_gap, lambda: importlib.metadata.version("openvino"), openvino("f32")),
    Runtime("openvino-bf16", "OpenVINO bf16", bfloat16_gap, lambda: importlib.metadata.version("openvino"),
            openvino("bf16"), exact=False),
    Runtime("opencv", "OpenCV dnn", opencv_gap, opencv_version, opencv),
    Runtime("web", "onnxruntime-web", web_gap, web_version, web),
    Runtime("cuda", "onnxruntime CUDA", cuda_gap, lambda: ort.__version__, onnxruntime_cuda),
)  # fmt: skip
# Measured beside them, and no part of `export check`: it lacks layers that whole generators need.
NCNN = Runtime("ncnn", "ncnn", ncnn_gap, ncnn_version, ncnn)

"""Which processor runs a bundle: the choice and its reasons, its arithmetic, its buckets."""

import base64
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from bundle import sessions
from bundle.errors import BundleError, InputError, RuntimeUnavailable
from bundle.read import OpenBundle, graph_bytes, read
from bundle.sessions import CPU, CUDA, PROBE, Provider, choose_provider
from demo.serving import engine as engine_module
from demo.serving.batching import TimedGraphFunction
from demo.serving.cuda_graphs import CudaGraphSession
from demo.serving.engine import Engine
from tests.support import tiny


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path) -> Engine:
    return Engine(read(tiny_bundle), choose_provider("cpu"))


def codes(count: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, tiny.CODE)).astype(np.float32)


def test_cpu_when_asked_for(engine: Engine):
    assert engine.active == "CPUExecutionProvider" == engine.provider.name
    assert engine.reason == "CPU: asked for."


def test_auto_says_why_it_is_the_cpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "_cuda_problem", lambda: "libcublasLt.so.13 not found")
    monkeypatch.setattr(sessions, "_openvino_problem", lambda: "its plug-in is not installed")
    provider = choose_provider("auto")
    assert provider.name == "CPUExecutionProvider" and provider.requested == "auto"
    assert provider.reason.startswith("CPU: no usable CUDA device (libcublasLt.so.13 not found); pip install -r demo/")


@pytest.mark.parametrize("word", ["cuda", "openvino"])
def test_a_demanded_processor_that_is_missing_is_an_error_with_the_cure(monkeypatch: pytest.MonkeyPatch, word: str):
    monkeypatch.setattr(sessions, f"_{word}_problem", lambda: "it is not there")
    with pytest.raises(RuntimeUnavailable, match=r"it is not there; pip install"):
        choose_provider(word)


def test_auto_prefers_cuda_then_openvino(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sessions, "_openvino_problem", lambda: None)
    monkeypatch.setattr(sessions, "_cuda_problem", lambda: None)
    assert choose_provider("auto").name == "CUDAExecutionProvider"
    monkeypatch.setattr(sessions, "_cuda_problem", lambda: "no")
    assert choose_provider("auto").name == "OpenVINOExecutionProvider"


def test_unknown_processor():
    with pytest.raises(InputError, match="auto, cpu, cuda, openvino"):
        choose_provider("tpu")


def test_auto_is_silent_without_a_gpu():
    """onnxruntime's own fallback fills stderr; the cheap checks come first."""
    code = "from bundle.sessions import choose_provider as c; p = c('auto'); assert p.reason; print(p.name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "" and done.stdout.strip().endswith("ExecutionProvider")


def test_a_silent_fallback_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    """onnxruntime falls back to the CPU without an error; here a CUDA session is really a CPU session."""
    real = ort.InferenceSession

    def without_cuda(model: bytes, options: ort.SessionOptions, providers: list) -> ort.InferenceSession:
        return real(model, options, providers=providers[1:])

    monkeypatch.setattr(sessions.ort, "InferenceSession", without_cuda)
    fallen = Engine(engine.bundle, Provider("auto", "CUDAExecutionProvider", "CUDA works."))
    assert fallen.active == "CPUExecutionProvider" and "could not use CUDA" in fallen.reason
    strict = Engine(engine.bundle, Provider("cuda", "CUDAExecutionProvider", "CUDA works."))
    with pytest.raises(RuntimeUnavailable):
        strict.run("decoder", {"z": codes(1)})
    assert sessions.probe_problem("CUDAExecutionProvider") == "onnxruntime fell back to the CPU"


def test_the_probe_runs_and_is_what_it_says():
    def value(name: str):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, 4, 4])

    kernel = helper.make_tensor("k", TensorProto.FLOAT, [1, 1, 3, 3], [1.0] * 9)
    node = helper.make_node("Conv", ["x", "k"], ["y"], pads=[1, 1, 1, 1])
    graph = helper.make_graph([node], "probe", [value("x")], [value("y")], [kernel])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    assert onnx.load_from_string(PROBE) == model, base64.b64encode(model.SerializeToString())
    assert sessions.probe_problem("CPUExecutionProvider") is None


def test_telemetry_is_off_before_onnxruntime_is_imported():
    code = (
        "import os, sys; os.environ.pop('ORT_DISABLE_TELEMETRY', None)\n"
        "os.environ['ORT_LOAD_CONFIG_FROM_MODEL'] = '1'\n"
        "import demo; assert 'onnxruntime' not in sys.modules\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'], 'ORT_LOAD_CONFIG_FROM_MODEL' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["1", "False"]


def test_fast_arithmetic_that_changes_the_pictures_gives_way_to_the_careful_one(
    tiny_bundle: Path, broken_bundle: Path, monkeypatch: pytest.MonkeyPatch
):
    """Here the fast way of a processor makes everything darker."""
    tiny.replace_graph(broken_bundle, "synthesis", 0.5)
    dark, bundle, ways = (broken_bundle / "synthesis.onnx").read_bytes(), read(tiny_bundle), []
    right = graph_bytes(bundle, "synthesis")

    def open_one(data: bytes, provider: Provider, careful: bool, *_: object, **__: object) -> ort.InferenceSession:
        ways.append(careful)
        return sessions.open_session(dark if data == right and not careful else data, choose_provider("cpu"))

    monkeypatch.setattr(engine_module, "open_session", open_one)
    engine = Engine(bundle, Provider("auto", "CUDAExecutionProvider", "CUDA works."))
    engine.ensure_checked()
    assert engine.fault is None and ways[0] is False and ways[-1] is True
    drawn = engine.run("synthesis", {"w": np.zeros((1, tiny.STAGES, tiny.W_DIM), np.float32)})["image"]
    assert drawn.mean() == pytest.approx(0.5, abs=1e-6)


def test_arithmetic_that_depends_on_who_else_draws_is_found(tiny_bundle: Path):
    """As bfloat16 does on some processors."""
    bundle, cpu = read(tiny_bundle), choose_provider("cpu")

    def opener(bundle: OpenBundle, graph: str) -> TimedGraphFunction:
        session = sessions.open_session(graph_bytes(bundle, graph), cpu)
        names = [tensor.name for tensor in bundle.info.graphs[graph].outputs]
        return lambda feed, until: [v * (0.99 if len(v) > 1 else 1) for v in session.run(names, dict(feed))]

    with pytest.raises(BundleError, match="depends on the other rows of its batch"):
        Engine(bundle, cpu, opener=opener).check()


@pytest.mark.parametrize(("flags", "has"), [("fpu avx512_bf16 amx_bf16 amx_tile", True), ("fpu avx512_bf16", False)])
def test_bfloat16_only_on_processors_with_units_for_it(tmp_path: Path, flags: str, has: bool):
    (tmp_path / "cpuinfo").write_text(f"model name\t: any\nflags\t\t: {flags}\n")
    assert sessions.has_bfloat16_units(tmp_path / "cpuinfo") is has
    assert sessions.has_bfloat16_units(tmp_path / "none") is False
    assert '"f32"' in sessions.openvino_options(careful=True)["load_config"]


def test_buckets_pad_and_cut(engine: Engine):
    """On the CPU the buffers are the same, only without a captured graph."""
    entry = engine.bundle.info.graphs["generator"]
    session = sessions.open_session(graph_bytes(engine.bundle, "generator"), choose_provider("cpu"))
    buckets, rng = CudaGraphSession(session, entry.inputs, entry.outputs, "cpu"), np.random.default_rng(1)
    for rows in (64, 1, 3, 4, 5, 16, 17, 1):
        feed = {
            "z": rng.normal(size=(rows, tiny.LATENT)).astype(np.float32),
            "classes": np.eye(10, dtype=np.float32)[rng.integers(10, size=rows)],
        }
        (drawn,) = buckets.run(feed, ort.RunOptions())
        kept = drawn.copy()
        assert drawn.shape[0] == rows and np.array_equal(drawn, session.run(["image"], feed)[0])
        buckets.run({name: array[:1] for name, array in feed.items()}, ort.RunOptions())
        assert np.array_equal(drawn, kept)  # what was given out is not overwritten by the next run


@pytest.mark.parametrize(
    ("name", "side", "rows"),
    [(CPU, 28, 64), (CPU, 32, 64), (CPU, 48, 28), (CPU, 64, 16), (CPU, 512, 16), (CUDA, 512, 64)],
)
def test_small_pictures_run_many_at_once(name: str, side: int, rows: int):
    assert Provider("auto", name, "").max_rows(side * side) == rows

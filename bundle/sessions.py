"""Finds out which processor can run the graphs, and opens onnxruntime sessions on it.

onnxruntime lists CUDA as available wherever its GPU wheel is installed, and silently falls back to the CPU. So a
processor counts as usable only after a tiny convolution ran on it.
"""

import base64
import contextlib
import ctypes
import functools
import importlib.util
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from bundle.errors import InputError, RuntimeUnavailable, first_line
from bundle.processors import usable_cores

CPU, CUDA, OPENVINO = "CPUExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider"
CHOICES = ("auto", "cpu", "cuda", "openvino")
CUDA_PIP = "pip install -r demo/requirements-cuda.txt"
OPENVINO_PIP = "pip install -r demo/requirements-openvino.txt"

# HEURISTIC: the default search stalls half a second at every new batch size. The fast ways, TF32, channels last and
# CUDA graphs, round differently or may be refused: the engine checks their pictures against the sample sheet, and
# uses the careful ones where they fail.
CUDA_CAREFUL = {
    "cudnn_conv_algo_search": "HEURISTIC",
    "use_tf32": "0",
    "arena_extend_strategy": "kSameAsRequested",
}
CUDA_FAST = CUDA_CAREFUL | {"use_tf32": "1", "prefer_nhwc": "1", "enable_cuda_graph": "1"}

MOST_ROWS = 64  # pictures in one run …
CPU_ROWS, CPU_PIXELS = 16, 16 * 64 * 64  # … on a CPU so many, and of small ones more, up to so many pixels
SPIN = "300"  # microseconds, see _session_options

# y = Conv(x [n, 1, 4, 4], nine ones, padding 1), opset 18; the test rebuilds it from onnx.helper.
PROBE = base64.b64decode(
    "CAo6nAEKIgoBeAoBaxIBeSIEQ29udioRCgRwYWRzQAFAAUABQAGgAQcSBXByb2JlKjMIAQgBCAMIAxABIiQAAIA/AACAPwAAgD8A"
    "AIA/AACAPwAAgD8AAIA/AACAPwAAgD9CAWtaHAoBeBIXChUIARIRCgMSAW4KAggBCgIIBAoCCARiHAoBeRIXChUIARIRCgMSAW4K"
    "AggBCgIIBAoCCARCBAoAEBI="
)


@dataclass(frozen=True)
class Provider:
    """A processor: what was `requested`, onnxruntime's `name` for what is used, and the `reason` why."""

    requested: str
    name: str
    reason: str

    def max_rows(self, pixels: int) -> int:
        """Most pictures of so many pixels in one run. On a CPU large ones are slower together, visitors wait for the
        run's end, and onnxruntime never gives back its peak of memory."""
        return MOST_ROWS if self.name != CPU else min(max(CPU_PIXELS // pixels, CPU_ROWS), MOST_ROWS)


ON_CPU = Provider("cpu", CPU, "CPU: asked for.")


def choose_provider(requested: str = "auto") -> Provider:
    """The processor for "auto" (CUDA, else OpenVINO, else CPU), "cpu", "cuda" or "openvino".

    RuntimeUnavailable when one is demanded that does not work here; "auto" never raises. InputError for
    another word.
    """
    if requested not in CHOICES:
        raise InputError(f"Unknown processor '{requested}': choose one of {', '.join(CHOICES)}.")
    if requested == "cpu":
        return ON_CPU
    if requested in ("auto", "cuda"):
        cuda_problem = _cuda_problem()
        if cuda_problem is None:
            return Provider(requested, CUDA, "CUDA: a test convolution ran on the GPU.")
        if requested == "cuda":
            raise RuntimeUnavailable(
                f"CUDA cannot be used: {cuda_problem}; {CUDA_PIP} on a machine with an NVIDIA GPU."
            )
    openvino_problem = _openvino_problem()
    if openvino_problem is None:
        return Provider(requested, OPENVINO, "OpenVINO: its plug-in is installed and ran a test convolution.")
    if requested == "openvino":
        raise RuntimeUnavailable(
            f"OpenVINO cannot be used: {openvino_problem}; {OPENVINO_PIP} on a machine with an Intel processor."
        )
    reason = f"CPU: no usable CUDA device ({cuda_problem}); {CUDA_PIP} on a machine with an NVIDIA GPU."
    return Provider(requested, CPU, reason)


def open_session(
    model: bytes,
    provider: Provider = ON_CPU,
    careful: bool = True,
    threads: int | None = None,
    patterns: bool = False,
) -> ort.InferenceSession:
    """A session for a model given as bytes (so it can name no other file), on a provider.

    `careful`: float32 arithmetic, the numbers of a CPU; else what is fastest there, to be validated by the caller.
    `threads`: of one run on a CPU; by default `default_threads()`. `patterns`: memory is planned for each batch size,
    which saves a single picture 3 % of its time; for many sizes the plans double the memory.

    RuntimeUnavailable when CUDA or OpenVINO was demanded by name and onnxruntime fell back to the CPU;
    onnxruntime's own errors for a bad model.
    """
    options = _session_options(threads or default_threads())
    options.enable_mem_pattern = patterns
    if provider.name == OPENVINO:
        options.add_provider_for_devices([_openvino_device()], openvino_options(careful))
        session = ort.InferenceSession(model, options)
    elif provider.name == CUDA:
        settings = CUDA_CAREFUL if careful else CUDA_FAST
        session = ort.InferenceSession(model, options, providers=[(CUDA, settings), CPU])
    else:
        session = ort.InferenceSession(model, options, providers=[CPU])
    if provider.name not in session.get_providers() and provider.requested != "auto":
        raise RuntimeUnavailable(f"onnxruntime did not accept {provider.name}; try --provider auto.")
    return session


@functools.cache
def default_threads() -> int:
    """The threads of one run on a CPU unless others are asked for: the cores that this process may use, at most 4.

    onnxruntime counts the cores of the host; in a container that many threads are many times slower.
    """
    return min(usable_cores(), 4)


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors only
    # Threads wait awake for so long, between two operators and between a run and the next one of a visitor who drags:
    # waking them takes as long as a part of a small network. With onnxruntime's own, longer time idle threads burn a
    # core and run into each other in a container.
    options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN)
    return options


# --- what works here -----------------------------------------------------------------------------


@functools.cache
def _cuda_problem() -> str | None:
    """Why CUDA cannot be used; None if it can. Cheap checks first: onnxruntime's own failure is noisy."""
    if CUDA not in ort.get_available_providers():
        return "the installed onnxruntime was built without CUDA"
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        cuda = ctypes.CDLL(driver)
    except OSError:
        return f"no NVIDIA driver: {driver} not found"
    devices = ctypes.c_int(0)
    if cuda.cuInit(0) != 0 or cuda.cuDeviceGetCount(ctypes.byref(devices)) != 0 or devices.value < 1:
        return "the NVIDIA driver reports no device"
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it misses; the loop below says it better
        ort.preload_dlls()
    if sys.platform == "linux":
        for library in (f"libcublasLt.so.{ort.cuda_version.split('.')[0]}", "libcudnn.so.9"):
            try:
                ctypes.CDLL(library)
            except OSError:
                return f"{library} not found"
    return probe_problem(CUDA)


@functools.cache
def _openvino_problem() -> str | None:
    if importlib.util.find_spec("onnxruntime_ep_openvino") is None:
        return "its plug-in is not installed"
    try:
        if _openvino_device() is None:
            return "its plug-in knows no processor of this machine (it needs one from Intel)"
    except Exception as error:  # onnxruntime's errors share no base class
        return f"its plug-in cannot be loaded ({first_line(error)})"
    return probe_problem(OPENVINO)


def probe_problem(name: str) -> str | None:
    """Run the test convolution on a provider; None if it ran there and gave the right numbers."""
    try:
        session = open_session(PROBE, Provider("auto", name, ""))
        (result,) = session.run(None, {"x": np.ones((1, 1, 4, 4), np.float32)})
    except Exception as error:  # onnxruntime's errors share no base class
        return f"a test convolution failed ({first_line(error)})"
    if name not in session.get_providers():
        return "onnxruntime fell back to the CPU"
    return None if result[0, 0, 1, 1] == 9 and result[0, 0, 0, 0] == 4 else "a test convolution gave wrong numbers"


@functools.cache
def _openvino_device() -> "ort.OrtEpDevice | None":
    """The plug-in's CPU device; registering the library twice in one process is an error, hence the cache."""
    plugin = importlib.import_module("onnxruntime_ep_openvino")
    ort.register_execution_provider_library("openvino", plugin.get_library_path())
    for device in ort.get_ep_devices():
        if device.ep_name == OPENVINO and device.ep_metadata.get("ov_device") == "CPU":
            return device
    return None


def openvino_options(careful: bool) -> dict[str, str]:
    """The plug-in's settings: bfloat16 only where the processor has matrix units for it; elsewhere it is slower."""
    precision = "f32" if careful or not has_bfloat16_units() else "bf16"
    settings = f'"INFERENCE_NUM_THREADS": "{default_threads()}", "INFERENCE_PRECISION_HINT": "{precision}"'
    return {"load_config": f'{{"CPU": {{{settings}}}}}'}


@functools.cache
def has_bfloat16_units(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor has AMX for bfloat16; False where /proc/cpuinfo cannot be read."""
    with contextlib.suppress(OSError):
        return "amx_bf16" in cpuinfo.read_text(encoding="utf-8").split()
    return False

"""A bundle becomes a model repository for NVIDIA Triton: one model for each graph, served in batches.

    {bundle}_{graph}/config.pbtxt
    {bundle}_{graph}/1/model.onnx      and 1/model.py for Triton's python backend

Several bundles may share a repository; writing a bundle again replaces only its own models.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bundle.atomic_files import replace_folder, scratch
from bundle.errors import UserError
from bundle.read import read
from bundle.schema import BundleIndex, Tensor
from bundle.write import CARD
from export.conventional import conventional

Device = Literal["auto", "cpu", "gpu"]
Backend = Literal["onnxruntime", "python"]
CONFIG = "config.pbtxt"
PROGRAM = Path(__file__).with_name("triton_model.py")
QUEUE_DELAY = 2000  # microseconds that a request waits for others to join its batch
PREFERRED = (4, 16, 64)  # the batch sizes that Triton aims at

# CUDA as the demo sets it: 1 = HEURISTIC (the default stalls at every new batch size), 1 = kSameAsRequested; TF32 off
# for the same pictures as on a CPU. The first two must be parameters of the model: without them the backend's defaults
# override those of the accelerator.
CUDA_PARAMETERS = {"cudnn_conv_algo_search": "1", "arena_extend_strategy": "1"}
CUDA_ACCELERATOR = """optimization {
  execution_accelerators {
    gpu_execution_accelerator [ { name: "cuda" parameters { key: "use_tf32" value: "0" } } ]
  }
}
"""

README = """# Model repository for NVIDIA Triton

Written by `python -m export triton`. Every folder is one ONNX graph of a Twofold bundle, named after both; licence and
origin stand in each graph's metadata.

    tritonserver --model-repository=.
    python demo/app.py --bundles BUNDLE --inference-server http://localhost:8000
"""


@dataclass(frozen=True)
class Serving:
    """How Triton runs the graphs: device, backend, CPU threads of one run (0 = all cores), copies of each graph."""

    device: Device = "auto"
    backend: Backend = "onnxruntime"
    threads: int = 1
    instances: int = 1


def write(source: Path, target: Path, serving: Serving) -> list[str]:
    """Writes the models of the bundle in `source` into the repository `target`; returns their names.

    The bundle's older models there are replaced, all at once; everything else in the repository stays. A generator that
    was exported elsewhere takes and gives there what the format says. Raises UserError when the target is no repository
    or such a generator cannot be brought to that, and BundleError when the bundle cannot be opened.
    """
    if serving.threads < 0 or serving.instances < 1:
        raise UserError("--threads takes 0 (as many as there are cores) or more, --instances 1 or more.")
    made, target = conventional(read(source)), target.resolve()
    info = made.bundle.info
    older = models(target)
    names = {graph: f"{info.name}_{graph}" for graph in info.graphs}
    for name in names.values():
        if (target / name).exists() and name not in older:
            raise UserError(f"{target / name} was not written by this command: move it away, or choose another folder.")
    try:
        with scratch(target) as building:
            for graph, name in names.items():
                version = building / name / "1"
                version.mkdir(parents=True)
                (version / "model.onnx").write_bytes(made.graph_bytes(graph))
                if serving.backend == "python":
                    shutil.copyfile(PROGRAM, version / "model.py")
                (building / name / CONFIG).write_text(config(info, graph, serving), encoding="utf-8")
            if not (target / CARD).exists():  # its owner may have written one
                (building / CARD).write_text(README, encoding="utf-8")
            replace_folder(building, target, ours=())
            for name in outdated(older, info.name, set(names.values())):
                shutil.rmtree(target / name)
    except OSError as problem:
        raise UserError(f"Could not write {target}: {problem.strerror or problem}.") from problem
    return list(names.values())


def models(target: Path) -> dict[str, str]:
    """The models in a repository that this command wrote: name -> name of its bundle; none for a new folder.

    Raises UserError when the folder holds files but no such model.
    """
    if not target.exists():
        return {}
    if not target.is_dir():
        raise UserError(f"{target} is a file, not a folder.")
    found = {path.parent.name: bundle for path in target.glob(f"*/{CONFIG}") if (bundle := owner(path))}
    if not found and any(target.iterdir()):
        raise UserError(f"{target} holds files but no models of Twofold: choose an empty folder.")
    return found


def owner(path: Path) -> str | None:
    """The name of the bundle that a config.pbtxt belongs to, from its first line; None when it is not ours."""
    first = path.read_text(encoding="utf-8", errors="replace").partition("\n")[0].split()
    return first[4] if first[:4] == ["#", "Twofold:", "of", "bundle"] and len(first) == 5 else None


def outdated(older: dict[str, str], bundle: str, written: set[str]) -> Iterator[str]:
    """The older models of a bundle for graphs that it no longer has."""
    return (name for name, of in older.items() if of == bundle and name not in written)


def config(info: BundleIndex, graph: str, serving: Serving) -> str:
    """The config.pbtxt of one graph: protobuf text of Triton's ModelConfig."""
    entry = info.graphs[graph]
    sizes = ", ".join(str(size) for size in PREFERRED if size <= info.max_batch)
    preferred = f" preferred_batch_size: [ {sizes} ]" if sizes else ""
    parameters = {
        "intra_op_thread_count": str(serving.threads),
        "inter_op_thread_count": "1",
        "execution_mode": "0",  # one operator after the other
        "enable_mem_pattern": "0",  # patterns are kept per batch size and double the memory
    }
    cuda = serving.device != "cpu"
    if serving.backend == "python":
        parameters["device"] = serving.device
    elif cuda:
        parameters |= CUDA_PARAMETERS
    lines = [
        f"# Twofold: of bundle {info.name}",
        f'name: "{info.name}_{graph}"',
        f'backend: "{serving.backend}"',
        f"max_batch_size: {info.max_batch}",
        *(f"input [ {tensor_text(tensor)} ]" for tensor in entry.inputs),
        *(f"output [ {tensor_text(tensor)} ]" for tensor in entry.outputs),
        f"dynamic_batching {{ max_queue_delay_microseconds: {QUEUE_DELAY}{preferred} }}",
        f"instance_group [ {{ kind: KIND_{serving.device.upper()} count: {serving.instances} }} ]",
        *(f'parameters {{ key: "{k}" value: {{ string_value: "{v}" }} }}' for k, v in parameters.items()),
    ]
    accelerator = CUDA_ACCELERATOR if cuda and serving.backend == "onnxruntime" else ""
    return "\n".join(lines) + "\n" + accelerator


def tensor_text(tensor: Tensor) -> str:
    """One input or output; without the batch, which Triton adds."""
    dims = ", ".join(str(length) for length in tensor.shape[1:])
    return f'{{ name: "{tensor.name}" data_type: TYPE_FP32 dims: [ {dims} ] }}'

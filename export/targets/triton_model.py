"""Triton's python backend: runs the model.onnx beside this file through onnxruntime, several requests in one run.

Written by `python -m export triton … --python-backend`. The Python that Triton starts needs numpy and onnxruntime
(onnxruntime-gpu for a GPU): install them there with pip, or name their folder in PYTHONPATH.
"""

import json
import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when onnxruntime is first imported

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0", "arena_extend_strategy": "kSameAsRequested"}
CPU_ROWS = 16  # rows of one run on a CPU, where more at once are slower; rows do not depend on each other


class TritonPythonModel:
    """One copy of the model; Triton calls `initialize` once and then `execute` for each batch of requests."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the session; `args` is Triton's, with the configuration of the model as JSON."""
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config["parameters"].items()}
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]
        path = Path(args["model_repository"], args["model_version"], "model.onnx")
        options = ort.SessionOptions()
        options.intra_op_num_threads = int(parameters["intra_op_thread_count"])
        options.inter_op_num_threads = int(parameters["inter_op_thread_count"])
        options.enable_mem_pattern = parameters["enable_mem_pattern"] == "1"
        options.log_severity_level = 3  # errors only
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        gpu = args["model_instance_kind"] == "GPU"
        cuda = (CUDA, CUDA_OPTIONS | {"device_id": args["model_instance_device_id"]})
        self.session = ort.InferenceSession(path.read_bytes(), options, providers=[cuda, CPU] if gpu else [CPU])
        if gpu and CUDA not in self.session.get_providers():  # onnxruntime falls back to the CPU silently
            trouble = f"{config['name']}: onnxruntime cannot use the GPU; pip install 'onnxruntime-gpu[cuda,cudnn]'"
            if parameters["device"] == "gpu":
                raise pb_utils.TritonModelException(trouble)
            pb_utils.Logger.log_warn(trouble)
        self.rows = config["max_batch_size"] if CUDA in self.session.get_providers() else CPU_ROWS

    def execute(self, requests: list) -> list:
        """Runs the rows of all requests together; returns a response for each."""
        # DLPack both ways: as_numpy() and Tensor(array) of older Tritons pass empty tensors with numpy 2.
        named = pb_utils.get_input_tensor_by_name
        parts = [[np.from_dlpack(named(request, name)) for name in self.inputs] for request in requests]
        joined = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
        runs = []
        for start in range(0, len(joined[0]), self.rows):
            rows = (array[start : start + self.rows] for array in joined)
            runs.append(self.session.run(self.outputs, dict(zip(self.inputs, rows, strict=True))))
        results = [np.concatenate(arrays) for arrays in zip(*runs, strict=True)]
        ends = np.cumsum([len(arrays[0]) for arrays in parts])[:-1]
        pieces = zip(*(np.split(result, ends) for result in results), strict=True)
        tensor = pb_utils.Tensor.from_dlpack
        return [pb_utils.InferenceResponse(list(map(tensor, self.outputs, piece))) for piece in pieces]

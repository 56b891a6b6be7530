"""What this machine has: the device that trains, processor threads, bfloat16, and its name for the record."""

import os
import platform
from pathlib import Path
from typing import Literal

import torch


def training_device() -> torch.device:
    """The GPU where there is one (CUDA, ROCm, or Apple's), unless `accelerate launch --cpu` asked for the processor.

    Operators that Apple's lacks run on the processor: train/__main__.py sets PYTORCH_ENABLE_MPS_FALLBACK.
    """
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"):
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def emulates_bf16(device: torch.device) -> bool:
    """Whether bfloat16 convolutions run without support by the processor: oneDNN needs AVX-512 or Arm's bf16."""
    if device.type == "cuda":
        return not torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def computes_bf16(device: torch.device) -> bool:
    """Whether the processor or GPU has instructions for bfloat16, so that it is the faster choice. With AVX-512 alone,
    oneDNN converts to fp32 and back, which gains nothing."""
    if device.type == "cpu":
        return not emulates_bf16(device) and "bf16" in cpu_features()
    return device.type == "cuda" and not emulates_bf16(device)


def cpu_features() -> str:
    """The instruction sets that the processor says it has, as Linux lists them; "" on other systems."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    return next((line for line in lines if line.lower().startswith(("flags", "features"))), "")


def fastest_precision(device: torch.device | None = None) -> Literal["fp32", "bf16"]:
    """bf16 where this machine (or this device of it) trains faster in it."""
    return "bf16" if computes_bf16(device or training_device()) else "fp32"


def measuring_device() -> torch.device:
    """The device that measures: as for training, but never Apple's GPU."""
    device = training_device()
    return torch.device("cpu") if device.type == "mps" else device


def hardware(processes: int = 1, device: torch.device | None = None) -> str:
    """The processor or GPU in words, e.g. "2 processes on AMD EPYC, 1 thread(s)". `device`: by default the one that
    trains."""
    several = f"{processes} processes on " if processes > 1 else ""
    device = device or training_device()
    if device.type == "cuda":
        return several + torch.cuda.get_device_name()
    if device.type == "mps":
        return f"{several}GPU of {processor()}"
    return f"{several}{processor()}, {torch.get_num_threads()} thread(s)"


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that the machine or its GPU has too little memory, in the words of any system."""
    says = ("can't allocate memory", "not enough memory", "out of memory")  # Linux, Windows, GPUs
    return isinstance(problem, MemoryError | torch.OutOfMemoryError) or any(words in str(problem) for words in says)


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()

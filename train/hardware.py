"""What this machine has: processor threads, bfloat16, and its name for the record."""

import os
import platform
from pathlib import Path
from typing import Literal

import torch


def usable_threads() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def emulates_bf16(device: torch.device) -> bool:
    """Whether bfloat16 convolutions run without support by the processor: oneDNN needs AVX-512 or Arm's bf16."""
    if device.type != "cpu":
        return False
    return not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def fastest_precision() -> Literal["fp32", "bf16"]:
    """bf16 where this machine trains faster in it."""
    return "fp32" if emulates_bf16(torch.device("cuda" if torch.cuda.is_available() else "cpu")) else "bf16"


def hardware(processes: int = 1) -> str:
    """The processor or GPU in words, e.g. "2 processes on AMD EPYC, 1 thread(s)"."""
    several = f"{processes} processes on " if processes > 1 else ""
    if torch.cuda.is_available():
        return several + torch.cuda.get_device_name()
    return f"{several}{processor()}, {torch.get_num_threads()} thread(s)"


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()

"""Which device, precision and processes: machines imitated."""

import subprocess
import sys

import pytest
import torch

from train import distributed, hardware
from train.hardware import computes_bf16, fastest_precision, training_device


@pytest.fixture
def apple(monkeypatch) -> None:
    """A computer with Apple's GPU and no other."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


def test_apples_gpu_is_used_in_fp32_unless_the_processor_is_asked_for(apple, monkeypatch):
    assert training_device().type == "mps"
    assert fastest_precision() == "fp32"
    assert hardware.hardware().startswith("GPU of ")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    assert training_device().type == "cpu"


def test_operators_that_apples_gpu_lacks_fall_back_before_pytorch_is_imported(monkeypatch):
    """PyTorch reads the variable when it is imported: the command sets it first, and importing the command does not
    import PyTorch."""
    code = (
        "import sys, os, train.__main__ as m; m.run = lambda words: 0; m.main(['x']);"
        "assert os.environ['PYTORCH_ENABLE_MPS_FALLBACK'] == '1' and 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_cuda_comes_before_apples_gpu(apple, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert training_device().type == "cuda"


@pytest.mark.parametrize(
    ("features", "bf16"),
    [
        ("flags : fpu avx512f avx512bw avx512_bf16", True),
        ("flags : fpu avx512f avx512bw", False),
        ("Features : fp asimd bf16", True),
        ("", False),
    ],
)
def test_auto_takes_bf16_where_the_processor_has_instructions_for_it(monkeypatch, features, bf16):
    monkeypatch.setattr(hardware, "emulates_bf16", lambda device: False)
    monkeypatch.setattr(hardware, "cpu_features", lambda: features)
    assert computes_bf16(torch.device("cpu")) is bf16


def test_a_launch_that_starts_one_process_says_how_to_start_two(monkeypatch, capsys):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "MASTER_ADDR", "ACCELERATE_USE_CPU"):
        monkeypatch.delenv(name, raising=False)
    distributed.warn_of_lost_processes()
    assert not capsys.readouterr().err
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    distributed.warn_of_lost_processes()
    assert "torchrun --nproc-per-node 2 -m train" in capsys.readouterr().err
    monkeypatch.setenv("WORLD_SIZE", "2")
    distributed.warn_of_lost_processes()
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("problem", "small"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_every_system_s_words_for_too_little_memory_are_known(problem: Exception, small: bool):
    assert hardware.is_out_of_memory(problem) is small


def test_what_measures_is_named_not_what_trains(apple):
    assert hardware.measuring_device().type == "cpu"
    assert hardware.hardware(device=torch.device("cpu")).endswith("thread(s)")

"""What a server starts with: libraries of PyTorch are told by their files, not by the folders around them."""

from pathlib import Path

import pytest

from benchmarks import start

MAPS = """7f0000000000-7f0000001000 r-xp 00000000 08:01 1 /home/me/pytorch-env/lib/numpy/_multiarray_umath.so
7f0000001000-7f0000002000 r-xp 00000000 08:01 2 /home/me/my env/lib/torch/lib/libc10.so
7f0000002000-7f0000003000 r-xp 00000000 08:01 3 /usr/lib/libtorch_cpu.so
7f0000003000-7f0000004000 rw-p 00000000 00:00 0
"""


def test_only_files_of_pytorch_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: MAPS)
    assert start.torch_in(1) == ["libc10.so", "libtorch_cpu.so"]

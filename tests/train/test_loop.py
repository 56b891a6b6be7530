"""Where the pictures of a training are while it lasts."""

import numpy as np
import pytest
import torch

from train import loop
from train.data.dataset import Pictures
from train.data.mapped_images import MappedImages
from train.loop import copied, placed

CPU = torch.device("cpu")


@pytest.fixture
def in_files(tmp_path) -> MappedImages:
    """Ten pictures, in another order than in their two files."""
    generator = torch.Generator().manual_seed(0)
    for name, count in (("one", 7), ("two", 3)):
        pixels = torch.randint(0, 256, (count, 3, 4, 4), dtype=torch.uint8, generator=generator)
        pixels.numpy().tofile(tmp_path / name)
    parts = [MappedImages.of_file(tmp_path / name, (count, 3, 4, 4), torch.arange(count))
             for name, count in (("one", 7), ("two", 3))]  # fmt: skip
    return parts[0].and_then(parts[1]).chosen(torch.randperm(10, generator=generator))


def test_pictures_go_from_files_to_a_gpu_a_part_at_a_time(in_files, monkeypatch):
    read: list[int] = []
    get = MappedImages.__getitem__

    def counted(images: MappedImages, which: torch.Tensor | slice) -> torch.Tensor:
        part = get(images, which)
        read.append(len(part))
        return part

    whole = in_files[:]
    monkeypatch.setattr(loop, "COPIED", 4)
    monkeypatch.setattr(MappedImages, "__getitem__", counted)
    assert torch.equal(copied(in_files, CPU), whole) and read == [4, 4, 2]


def test_a_processor_reads_from_files_and_trains_on_what_is_in_memory(in_files):
    labels = torch.arange(10)
    assert placed(Pictures(in_files, labels), CPU).images is in_files
    kept = placed(Pictures(in_files[:], labels), CPU)
    assert isinstance(kept.images, torch.Tensor) and np.array_equal(kept.pixels, in_files[:].numpy())

"""Which training pictures are measured on: parts of one random order, each read once."""

import numpy as np
import pytest
import torch

from train.data.dataset import Pictures
from train.data.mapped_images import MappedImages
from train.data.splits import random_subset
from train.evaluate.evaluation import choose_training


@pytest.mark.parametrize(
    ("count", "searched", "read"), [(10, 60, 60), (10, 15, 20), (30, 60, 60), (40, 50, 50), (10, 0, 20), (70, 90, 60)]
)
def test_each_is_read_once(count: int, searched: int, read: int, tmp_path, monkeypatch: pytest.MonkeyPatch):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 1, 4, 4), dtype=np.uint8)
    pixels.tofile(tmp_path / "train")
    images = MappedImages.of_file(tmp_path / "train", pixels.shape, torch.arange(60))
    seen: list[int] = []
    get = MappedImages.__getitem__

    def counted(images: MappedImages, which: torch.Tensor | slice) -> torch.Tensor:
        found = get(images, which)
        seen.append(len(found))
        return found

    monkeypatch.setattr(MappedImages, "__getitem__", counted)
    train = Pictures(images, torch.arange(60))
    found = choose_training(train, count, searched)
    assert sum(seen) == read
    assert np.array_equal(found.reference.pixels, random_subset(train, count).pixels)
    assert np.array_equal(found.searched, random_subset(train, searched).pixels)
    assert torch.equal(found.reference.labels, random_subset(train, count).labels)
    if 2 * count > 60:
        assert found.others is None
    else:
        assert np.array_equal(found.others, random_subset(train, 2 * count).pixels[count:])

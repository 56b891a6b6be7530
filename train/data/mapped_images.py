"""Pictures that stay in files until they are looked at: those of a set larger than memory."""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class MappedImages:
    """Pictures uint8 [N, C, H, W], of which a slice or an index gives those asked for, in memory.

    Choosing others, or another order (`chosen`), and putting two of them together (`and_then`) copies no picture.
    """

    def __init__(self, files: Sequence[Tensor], rows: Tensor):
        """files: pictures uint8 [M, C, H, W] each, mapped into memory. rows: which of them, int64 [N], as if the files
        were one behind the other."""
        self.files, self.rows = tuple(files), rows

    @staticmethod
    def of_file(path: Path, shape: Sequence[int], rows: Tensor) -> "MappedImages":
        """These rows of a file of bytes, whose pictures have the shape [M, C, H, W]. Writing to what comes out does not
        change the file. Raises OSError or ValueError when the file is shorter."""
        if not shape[0]:  # no file can be mapped that is empty
            return MappedImages([torch.empty(*shape, dtype=torch.uint8)], rows)
        return MappedImages([torch.from_numpy(np.memmap(path, np.uint8, "c", shape=tuple(shape)))], rows)

    @property
    def shape(self) -> torch.Size:
        """[N, C, H, W]."""
        return torch.Size([len(self.rows), *self.files[0].shape[1:]])

    @property
    def nbytes(self) -> int:
        """Bytes of all pictures."""
        return prod(self.shape)

    @property
    def device(self) -> torch.device:
        """Where the pictures are once they are read."""
        return torch.device("cpu")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: Tensor | slice) -> Tensor:
        """The pictures of these rows (int64 [M]) or of a slice, uint8 [M, C, H, W]."""
        rows = self.rows[which]
        if len(self.files) == 1:
            return self.files[0][rows]
        found = torch.empty(len(rows), *self.shape[1:], dtype=torch.uint8)
        before = 0
        for file in self.files:
            here = (rows >= before) & (rows < before + len(file))
            found[here] = file[rows[here] - before]
            before += len(file)
        return found

    def split(self, size: int) -> Iterator[Tensor]:
        """All of them in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def chosen(self, which: Tensor | slice) -> "MappedImages":
        """The pictures of these rows, int64 [M], or of a slice, in their files."""
        return MappedImages(self.files, self.rows[which])

    def and_then(self, others: "MappedImages") -> "MappedImages":
        """These pictures and behind them the others."""
        behind = sum(map(len, self.files))
        return MappedImages((*self.files, *others.files), torch.cat([self.rows, others.rows + behind]))


Images = Tensor | MappedImages
"""Pictures uint8 [N, C, H, W], in memory or in files."""

"""Sample sheets: many pictures in one PNG."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor


def save_sheet(path: Path, images: Tensor, columns: int = 8) -> None:
    """Pictures [N, C, S, S] in [0, 1] -> one PNG, row by row."""
    rows = -(-len(images) // columns)
    n, c, s, _ = images.shape
    grid = torch.zeros(rows * columns, c, s, s)
    grid[:n] = images.float().cpu().clamp(0, 1)
    grid = grid.view(rows, columns, c, s, s).permute(0, 3, 1, 4, 2).reshape(rows * s, columns * s, c)
    array = (grid * 255).round().to(torch.uint8).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array[:, :, 0] if c == 1 else array).save(path)

"""Sheets of pictures to look at, beside the figures."""

from pathlib import Path

import numpy as np

from bundle import images
from bundle.atomic_files import write_file
from bundle.marks import COMPOSITE, Mark, formats

PictureSheet = tuple[np.ndarray, int]
"""Pictures uint8 [N, C, H, W], and how many stand in a row."""


def triples(*three: np.ndarray) -> PictureSheet:
    """Three sets of pictures as a sheet, four triples a row, a grey tile after each."""
    grey = np.full_like(three[0], 128)
    return np.stack([*three, grey], axis=1).reshape(-1, *grey.shape[1:]), 16


def save_sheet(path: Path, sheet: PictureSheet) -> None:
    """Writes a sheet, of generated pictures among others, as a PNG. Raises UserError when the disk refuses."""
    pictures, columns = sheet
    shown = images.sheet(pictures.transpose(0, 2, 3, 1), columns)
    write_file(path, formats.png(shown, Mark(source=COMPOSITE), level=9))

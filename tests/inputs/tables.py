"""Tables: which columns hold what."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.inputs.cases import case, said

tables = partial(case, "Tables")


def parquet(folder: Path, name: str = "train", **columns: object) -> Path:
    """Writes a parquet file of these columns; returns its folder."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def ramps(count: int = 120) -> list:
    """Pictures as lists, 16 x 16 in [0, 1], each with another first pixel."""
    values = np.tile(np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16), (count, 1, 1))
    values[:, 0, 0] = np.linspace(0, 1, count)
    return list(values.tolist())


@tables("parquet with a column of pictures and one of labels")
def plain(home: Path) -> str:
    return said(parquet(home, image=ramps(), label=[i % 2 for i in range(120)]))


@tables("parquet without pictures")
def without_pictures(home: Path) -> str:
    return said(parquet(home, label=["cat"] * 120))

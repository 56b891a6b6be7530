"""What benchmarks of a served bundle take on their command line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class ServedSettings:
    """Which bundle is served, and where its graphs run."""

    bundle: Annotated[Path, tyro.conf.Positional]
    """Folder of the bundle."""
    provider: str = "auto"
    """Processor of the server: auto, cpu, cuda, openvino."""

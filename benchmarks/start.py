"""How fast the server starts, and how much memory it needs: `python -m benchmarks.start artifacts`.

Times `import gradio` alone and `python demo/app.py` up to its printed address, in turn, several times. Then measures
resident memory with at least five bundles, all checked and one in use; a folder with fewer is filled up with copies.
Linux only. Stored in benchmarks/results/start.json.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import tyro

from benchmarks import results
from benchmarks.browser import served
from bundle.errors import UserError
from bundle.read import INDEX, discover

BUNDLES = 5
PATIENCE = 120  # seconds


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    root: Annotated[Path, tyro.conf.Positional] = Path("artifacts")
    """Folder of the bundles."""
    rounds: int = 7
    """How often each start is timed."""
    provider: str = "cpu"
    """Processor of the server."""


def at_least_five(root: Path, folder: Path) -> Path:
    """A folder with five bundles or more: those of `root`, and copies under other names. Raises UserError where there
    is none."""
    bundles, _ = discover(root)
    if not bundles:
        raise UserError(f"There is no bundle in {root}.")
    for number in range(max(BUNDLES, len(bundles))):
        bundle = bundles[number % len(bundles)]
        target = folder / f"bundle{number}"
        shutil.copytree(bundle.folder, target)
        index = json.loads((target / INDEX).read_text(encoding="utf-8"))
        (target / INDEX).write_text(json.dumps(index | {"name": target.name}), encoding="utf-8")
    return folder


def gradio_alone() -> float:
    """Seconds of a Python that imports gradio and nothing else."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import gradio"], check=True)
    return time.perf_counter() - began


def to_address(root: Path, provider: str) -> float:
    """Seconds from the command to the printed address."""
    began = time.perf_counter()
    with served(root, provider):
        return time.perf_counter() - began


def resident(pid: int) -> float:
    """Resident memory of a process, MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:"))) * 1024 / 1e6


def torch_in(pid: int) -> list[str]:
    """The libraries of PyTorch that a process has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines()
    mapped = {Path(words[5]) for line in lines if len(words := line.split(maxsplit=5)) == 6}
    return sorted({path.name for path in mapped if "torch" in path.parts or path.name.startswith("libtorch")})


def memory_in_use(root: Path, provider: str) -> tuple[float, list[str]]:
    """Resident MB once all bundles are checked and one has drawn, and what of PyTorch the process has loaded."""
    with served(root, provider) as server, httpx.Client(base_url=server.address, timeout=PATIENCE) as client:
        until = time.monotonic() + PATIENCE
        while True:
            health = client.get("/healthz").json()
            if all(bundle["checked"] for bundle in health["bundles"].values()):
                break
            if time.monotonic() > until:
                raise UserError("The bundles were not checked in time.")
            time.sleep(0.2)
        first = next(iter(health["bundles"]))
        for x in range(200):
            client.get(f"/live/{first}", params={"x": x}).raise_for_status()
        return resident(server.pid), torch_in(server.pid)


def measure(settings: Settings) -> dict:
    """Measures everything. Raises UserError."""
    with tempfile.TemporaryDirectory() as scratch:
        root = at_least_five(settings.root, Path(scratch))
        alone, server = [], []
        for _ in range(settings.rounds):
            alone.append(gradio_alone())
            server.append(to_address(root, settings.provider))
        listed = len(list(root.iterdir()))
        memory, torch = memory_in_use(root, settings.provider)
    gradio, address = statistics.median(alone), statistics.median(server)
    print(f"import gradio {gradio:.2f} s, address {address:.2f} s: {address / gradio:.2f} times")
    print(f"{memory:.0f} MB resident with {listed} bundles listed and one in use; of PyTorch: {torch or 'nothing'}")
    return {
        "hardware": results.hardware(),
        "import_gradio_s": round(gradio, 3),
        "address_s": round(address, 3),
        "ratio": round(address / gradio, 3),
        "resident_mb": round(memory, 1),
        "torch": torch,
    }


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("start", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

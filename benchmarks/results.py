"""What the benchmarks share: how a run was trained, what machine this is, and where results are stored."""

from collections.abc import Callable
from pathlib import Path

from bundle.exit_codes import exit_code
from bundle.processors import usable_cores
from bundle.public_command import public_command
from train import run_folder
from train.evaluate.report import Report
from train.hardware import processor
from train.run_folder import Run

FOLDER = Path(__file__).parent / "results"


def provenance(folder: Path, stage: str) -> dict:
    """How a stage was trained. Raises UserError when it was not."""
    run = Run.open(folder)
    record, settings = run.record(stage), run.settings(stage)
    return {
        "run": folder.name,
        "seed": settings.seed,
        "images": record.images,
        "minutes": round(record.seconds / 60, 1),
        "finished": record.finished,
        "hardware": record.hardware,
        "command": public_command(record.command),
    }


def chosen_figures(report: Report, names: tuple[str, ...]) -> dict[str, dict[str, float | None]]:
    """Value, floor and standard error of the figures that the report has among `names`."""
    found = [figure for figure in report.figures if figure.name in names]
    return {
        f.name: {"value": round(f.value, 5), "floor": f.floor and round(f.floor, 5), "error": f.error} for f in found
    }


def hardware() -> str:
    """This machine's processor and how many of its cores this process may use, e.g. "AMD EPYC, 2 cores"."""
    return f"{processor()}, {usable_cores()} cores"


def write(name: str, content: dict) -> Path:
    """Stores benchmarks/results/NAME.json; returns its path. Raises UserError when the disk refuses."""
    path = FOLDER / f"{name}.json"
    run_folder.write_json(path, content)
    return path


def measure_and_store(name: str, measure: Callable[[], dict]) -> int:
    """Measures, and stores what `measure` returns as benchmarks/results/NAME.json.

    Exit code: 0 done, 2 a mistake of the user, which is printed, 130 stopped by Ctrl-C.
    """
    return exit_code(lambda: print(f"Stored in {write(name, measure())}."), "Stopped; nothing was stored.")

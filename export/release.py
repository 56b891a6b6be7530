"""Trains, exports and measures the released bundles: one command, to be stopped and repeated at any point.

    python -m export.release --data-root data
    python -m export.release --data-root data --only fashion mnist
    python -m export.release --preset gpu --total-minutes 25 --data-root data

Each stage is the command that the model card quotes. Finished stages are skipped, begun ones are resumed. When one
bundle fails, the others are made all the same, and the failures are named at the end. With --total-minutes the time is
divided among the sets: the GAN of each is run for some seconds first, and a set gets as much time as its pictures need
at the speed that was measured. With --preset gpu each bundle is then held against PyTorch on the GPU and timed.
The recipes: export/release_recipes.py.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Annotated, Literal

import tyro

from bundle.errors import UserError
from bundle.exit_codes import exit_code
from bundle.shell_line import shell_line
from export.precision import Precision
from export.release_parts import write_parts
from export.release_recipes import RECIPES
from train import run_folder
from train.hardware import fastest_precision
from train.help_texts import reflowed

PROBE_MINUTES = 0.15
FINISHING_MINUTES = 0.75  # for the export and the figures of a bundle on a GPU, within --total-minutes
# Stage -> folder of the run in which it leaves its checkpoint; the small GAN and the control have runs of their own.
FOLDERS = {
    "classifier": "classifier",
    "small": "gan",
    "gan": "gan",
    "vae": "vae",
    "attributes": "attributes",
    "inverter": "inverter",
    "repair": "repair",
    "control": "dcgan",
}
OWN_RUNS = ("small", "control")


@reflowed
@dataclass(frozen=True)
class Settings:
    """Which bundles to make, and how."""

    data_root: Path | None = None
    """Folder with the data sets, in folders such as mnist and fashion_mnist: one that is missing is named. Default: the
    Hugging Face Hub, for those that are there."""
    data: tuple[str, ...] = ()
    """Where the pictures of single bundles are, as NAME=PLACE: a folder, a file, or an id on the Hub."""
    only: tuple[str, ...] = tuple(name for name, recipe in RECIPES.items() if recipe.released)
    """Bundles to make; those that are not released, only when they are named. A name that is unknown lists them all."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Preset of every stage."""
    total_minutes: float | None = None
    """Time of everything together, of which at least half is training; default: what each is known to need on a CPU."""
    precision: Annotated[Precision, tyro.conf.arg(aliases=("--form",))] = "fp16-stored"
    """Precision of the bundles."""
    jobs: int = 1
    """Bundles made at the same time; with several, each writes its output to release.log in its run folder."""
    threads: int | None = None
    """Processor threads per job; default: all that this process may use."""
    runs: Path = Path("runs")
    """Folder of the run folders."""
    out: Path = Path("artifacts")
    """Folder of the bundles."""
    parts: Path | None = None
    """Folder for copies of each bundle and its checkpoints in files under 16 MiB, for a machine that gives back no
    larger ones."""
    timing_rounds: int = 5
    """Rounds in which the bundles of --preset gpu are timed; 0: not at all."""
    compile: bool = True
    """Time torch.compile too, which takes half a minute a bundle."""


def run_of(settings: Settings, name: str, stage: str) -> Path:
    """The run folder of a stage."""
    return settings.runs / (f"{name}-{stage}" if stage in OWN_RUNS else name)


def source(settings: Settings, name: str) -> str:
    """Where the pictures of a bundle are. Raises UserError when they are nowhere."""
    recipe, places = RECIPES[name], dict(place.partition("=")[::2] for place in settings.data)
    if name in places:
        return places[name]
    if settings.data_root:
        folder = settings.data_root / recipe.folder
        if not folder.is_dir():
            raise UserError(f"{folder} is not there: {name} needs its pictures.")
        return str(folder)
    if recipe.hub is None:
        raise UserError(
            f"{name} has no data set on the Hub: name the folder of its pictures with --data-root, or "
            f"with --data {name}=FOLDER."
        )
    return recipe.hub


def stage_command(settings: Settings, name: str, stage: str, minutes: float) -> list[str]:
    """The words after `python -m` that train one stage, from the beginning or from where it stopped."""
    recipe, control = RECIPES[name], stage == "control"
    run = run_of(settings, name, stage)
    words = ["benchmarks.dcgan", str(run)] if control else ["train", stage, str(run)]
    if stage == "small":
        words = ["train", "gan", str(run)]
    if stage in ("inverter", "repair"):
        words = ["train", "inverse", str(run), "--target", "gan" if stage == "inverter" else "vae"]
    words += ["--data", source(settings, name), "--minutes", f"{minutes:.6g}"]
    if settings.threads:
        words += ["--threads", str(settings.threads)]
    if (run / FOLDERS[stage] / "state.safetensors").exists():
        return [*words, "--resume"]
    words += ["--size", str(size_of(settings, name, stage)), "--precision", fastest_precision()]
    if stage in ("classifier", "attributes") and recipe.attributes:
        words += ["--attributes", ",".join(recipe.attributes)]
    if stage == "gan" and recipe.grown_from:
        words += ["--start-from", str(run_of(settings, name, "small"))]
    if not control and settings.preset != "cpu":
        words += ["--preset", settings.preset]
    words += recipe.flags.get(stage, ())
    return words + list((recipe.on_cpu if settings.preset == "cpu" else recipe.on_gpu).get(stage, ()))


def size_of(settings: Settings, name: str, stage: str) -> int | None:
    """Pixels a side of the pictures that a stage learns from."""
    recipe = RECIPES[name]
    size, grown_from = recipe.size, recipe.grown_from
    if settings.preset == "gpu":
        size, grown_from = recipe.gpu_size or size, recipe.gpu_grown_from or grown_from
    return grown_from if stage == "small" else size


def finished(settings: Settings, name: str, stage: str, minutes: float) -> bool:
    """Whether a stage has had its minutes: what was kept for measuring at its end may not all have been used."""
    path = run_of(settings, name, stage) / FOLDERS[stage] / "record.json"
    if not path.is_file():
        return False
    record = run_folder.read_json(path)
    given = 60 * record.get("config", {}).get("minutes", 0.0)
    return bool(record["finished"]) and max(record["seconds"], given) >= 59 * minutes


def commands(settings: Settings, name: str, minutes: dict[str, float]) -> Iterator[list[str]]:
    """What is left to do for one bundle: the words after `python -m`, command by command."""
    run, target = settings.runs / name, settings.out / name
    left = [stage for stage, own in minutes.items() if not finished(settings, name, stage, own)]
    for stage in left:
        yield stage_command(settings, name, stage, minutes[stage])
    if not left and measured(target):
        return
    data = ["--data", source(settings, name)]
    yield ["export", "bundle", str(run), str(target), *data, "--precision", settings.precision]
    control = ["--control", str(run_of(settings, name, "control"))] if "control" in minutes else []
    threads = ["--threads", str(settings.threads)] if settings.threads else []
    yield ["train", "evaluate", str(target), *data, *control, *threads, "--store", str(target)]


def measured(bundle: Path) -> bool:
    """Whether a bundle has figures; exporting other networks drops them."""
    return (bundle / "bundle.json").is_file() and run_folder.read_json(bundle / "bundle.json")["quality"] is not None


def timing_commands(settings: Settings, name: str) -> list[list[str]]:
    """How a bundle made with --preset gpu is timed, and held against PyTorch on the GPU. Without one, the CPU's figures
    take their place, and the missing GPU is named."""
    if settings.preset != "gpu" or not settings.timing_rounds:
        return []
    bundle, run = str(settings.out / name), str(settings.runs / name)
    stored = settings.runs.resolve() / name / "serve"
    timed = ["benchmarks.serve", bundle, run, "--rounds", str(settings.timing_rounds), "--store", str(stored)]
    compile_ = [] if settings.compile else ["--no-compile"]
    return [["export", "check", bundle, "--runtimes", "onnxruntime", "cuda"], [*timed, *compile_]]


def probe(settings: Settings, name: str) -> float:
    """Pictures per second of a bundle's GAN, over some seconds of training that are thrown away."""
    stage = "small" if RECIPES[name].grown_from else "gan"
    with tempfile.TemporaryDirectory() as folder:
        own = replace(settings, runs=Path(folder))
        call(stage_command(own, name, stage, PROBE_MINUTES), None)
        record = run_folder.read_json(run_of(own, name, stage) / FOLDERS[stage] / "record.json")
    return record["images"] / record["seconds"]


def budgets(names: tuple[str, ...], speeds: dict[str, float], total: float) -> dict[str, dict[str, float]]:
    """Minutes by bundle and stage, `total` together. A bundle's share is the time that its GAN needs for its pictures;
    within a bundle, stages keep the proportions that they have on a CPU."""
    needs = {name: RECIPES[name].pictures / speeds[name] for name in names}
    found = {}
    for name in names:
        whole, own = total * needs[name] / sum(needs.values()), RECIPES[name].minutes
        found[name] = {stage: whole * minutes / sum(own.values()) for stage, minutes in own.items()}
    return found


def minutes_by_bundle(settings: Settings, failures: "Failures") -> dict[str, dict[str, float]]:
    """Minutes by bundle and stage, of those bundles whose GAN can be trained. Measured speeds are kept in plan.json, so
    that a repeat follows the same plan; with other flags, by which minutes or speeds are others, it makes a new one."""
    if settings.total_minutes is None:
        return {name: RECIPES[name].minutes for name in settings.only}
    path = settings.runs / "plan.json"
    key = {name: getattr(settings, name) for name in ("preset", "total_minutes", "jobs", "threads")}
    key["only"] = list(settings.only)
    if path.is_file():
        plan = run_folder.read_json(path)
        if {name: plan.get(name) for name in key} == key:
            return plan["minutes"]
    began = time.monotonic()
    speeds: dict[str, float] = {}
    for name in settings.only:
        with failures.of(name):
            speeds[name] = probe(settings, name)
    spent = (time.monotonic() - began) / 60 + FINISHING_MINUTES * len(speeds) / settings.jobs
    training = max(settings.total_minutes - spent, settings.total_minutes / 2) * settings.jobs
    plan = key | {"images_per_second": speeds, "minutes": budgets(tuple(speeds), speeds, training)}
    print(json.dumps(plan, indent=1), flush=True)
    if len(speeds) == len(settings.only):  # else a repeat measures again
        run_folder.write_json(path, plan)
    return plan["minutes"]


class Failures:
    """What failed, in words: the bundle, and why."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """A UserError inside is said and kept, and goes no further."""
        try:
            yield
        except UserError as problem:
            print(f"{name}: {problem}", file=sys.stderr, flush=True)
            self.found.setdefault(name, []).append(str(problem))


def call(words: list[str], log: Path | None) -> None:
    """Runs `python -m WORDS`. Raises UserError when it fails, KeyboardInterrupt when it was stopped."""
    print("$ python -m " + shell_line(words), flush=True)
    with ExitStack() as stack:
        file = None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(log.open("ab"))
        code = subprocess.run([sys.executable, "-m", *words], stdout=file, stderr=file, check=False).returncode
    if code in (130, -signal.SIGINT):
        raise KeyboardInterrupt
    if code:
        seen = "" if log is None else f"; see {log}"
        raise UserError(f"`python -m {shell_line(words)}` ended with {code}{seen}.")


def check(settings: Settings) -> None:
    """Raises UserError for what cannot be done."""
    if unknown := set(settings.only) - set(RECIPES):
        raise UserError(f"--only {', '.join(sorted(unknown))} is unknown; there are {', '.join(RECIPES)}.")
    if len(set(settings.only)) < len(settings.only):
        raise UserError("--only names a bundle twice.")
    if settings.jobs < 1:
        raise UserError(f"--jobs must be positive, not {settings.jobs}.")
    if settings.total_minutes is not None and not settings.total_minutes > 0:
        raise UserError(f"--total-minutes must be positive, not {settings.total_minutes:g}.")
    for place in settings.data:
        if place.partition("=")[0] not in RECIPES or not place.partition("=")[2]:
            raise UserError(f"--data takes NAME=PLACE, not '{place}'; the names: {', '.join(RECIPES)}.")
    if settings.timing_rounds < 0:
        raise UserError(f"--timing-rounds must be at least 0, not {settings.timing_rounds}.")
    for name in settings.only:
        source(settings, name)


def make(settings: Settings, name: str, minutes: dict[str, float], stopped: Event, failures: Failures) -> None:
    """Makes one bundle. What fails is said and kept in `failures`; whatever there is by then is copied to the parts."""
    log = settings.runs / name / "release.log" if settings.jobs > 1 else None
    try:
        with failures.of(name):
            for words in commands(settings, name, minutes):
                if stopped.is_set():
                    return
                call(words, log)
        copy_to_parts(settings, name, minutes, failures)
    except BaseException:
        stopped.set()  # here: this thread may take up the next bundle before anybody hears of it
        raise


def copy_to_parts(settings: Settings, name: str, minutes: dict[str, float], failures: Failures) -> None:
    """Copies a bundle and its runs, as far as they are there, to --parts."""
    if settings.parts:
        runs = dict.fromkeys(run_of(settings, name, stage) for stage in minutes)
        with failures.of(name):
            write_parts(name, [settings.out / name, *runs], settings.parts)


def release(settings: Settings) -> None:
    """Everything, then the check of what was released. A bundle that fails does not stop the others.

    Raises UserError at the end when something failed. After Ctrl-C those that run beside it may end, and no other is
    begun."""
    check(settings)
    failures, stopped = Failures(), Event()
    plan = minutes_by_bundle(settings, failures)
    with ThreadPoolExecutor(settings.jobs) as pool:
        try:
            for done in as_completed(
                [pool.submit(make, settings, name, plan[name], stopped, failures) for name in plan]
            ):
                done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    made = [name for name in plan if measured(settings.out / name) and name not in failures.found]
    for name in made:  # alone on the machine
        for words in timing_commands(settings, name):
            with failures.of(name):
                call(words, None)
        copy_to_parts(settings, name, plan[name], failures)
    if made:
        for words in (
            ["export", "report", str(settings.out)],
            ["benchmarks.released", str(settings.out), "--only", *made],
        ):
            with failures.of("the report"):
                call(words, None)
    if failures.found:
        lines = [f"{name}: {' '.join(reasons)}" for name, reasons in failures.found.items()]
        raise UserError("Not everything worked; the same command goes on from here.\n" + "\n".join(lines))


def main(argv: list[str]) -> int:
    """Exit code: 0 done, 2 a mistake of the user or something that failed, 130 stopped by Ctrl-C."""
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: release(settings), "Stopped; the same command goes on from here.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

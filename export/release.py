"""Trains, exports and measures the released bundles: one command, to be stopped and repeated at any point.

    python -m export.release --data-root data --only fashion emoji
    python -m export.release --preset gpu --total-minutes 25 --data-root data

Each stage is the command that the model card quotes. Finished stages are skipped, begun ones are resumed. With
--total-minutes the time is divided among the sets: the GAN of each is run for some seconds first, and a set gets as
much time as its pictures need at the speed that was measured.
"""

import json
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Annotated, Literal

import tyro

from bundle.command_line import exit_code
from bundle.errors import UserError
from export.precision import Precision
from train import run_folder
from train.hardware import fastest_precision
from train.help_texts import reflowed

PROBE_MINUTES = 0.15
# Stage -> folder of the run in which it leaves its checkpoint; the control has a run of its own.
FOLDERS = {
    "classifier": "classifier",
    "gan": "gan",
    "vae": "vae",
    "inverter": "inverter",
    "repair": "repair",
    "control": "dcgan",
}


@dataclass(frozen=True)
class Recipe:
    """How one bundle is made.

    `hub`: id of its data set on the Hugging Face Hub, None where it has none; `folder`: its name under --data-root;
    `size`: pixels a side; `minutes`: by stage, on one thread of a CPU; `pictures`: how many the GAN should see on a
    GPU; `flags`: by stage, beyond the preset."""

    hub: str | None
    folder: str
    size: int
    minutes: dict[str, float]
    pictures: int
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def minutes(classifier: float, gan: float, vae: float, inverse: float) -> dict[str, float]:
    """Minutes by stage. The control gets as many as the GAN; pictures without classes have no classifier (0)."""
    found = {"classifier": classifier, "gan": gan, "vae": vae, "inverter": inverse, "repair": inverse, "control": gan}
    return {stage: value for stage, value in found.items() if value}


# Fewer units behind the smallest maps, where most parameters lie: so a bundle stays under 12 MB, five under 45.
SMALL = ("--hidden", "128")
ENCODERS = {"inverter": SMALL, "repair": SMALL}
# With these, recall of the three sets rose from 0.33 to 0.4 to more than 0.5. The released CIFAR-10 was then trained on
# for half an hour without --minibatch-stddev, which traded some of it for precision.
VARIED = ("--minibatch-stddev", "--mismatch-weight", "0.1")
NARROW = ("--batch", "32", "--width", "64")
# Some hundred components hold most of the differences between aligned scans, and of what 32 x 32 pixels show.
SHARP = ("--body", "principal", *NARROW, "--components", "1")
RECIPES: dict[str, Recipe] = {
    "mnist": Recipe("ylecun/mnist", "mnist", 32, minutes(8, 56, 25, 12), 3_000_000, ENCODERS),
    "fashion": Recipe(
        "zalando-datasets/fashion_mnist", "fashion_mnist", 32, minutes(15, 112, 25, 12), 3_000_000,
        {"classifier": ("--mirror", "--rotate", "5"), "gan": VARIED, "vae": SMALL} | ENCODERS,
    ),
    "mednist": Recipe(
        None, "mednist", 64, minutes(8, 60, 45, 15) | {"repair": 20}, 1_500_000,
        {
            "gan": ("--gamma", "1", "0.1", *VARIED), "vae": (*SHARP, "--hidden", "96", "--latent-dim", "384"),
            "inverter": SMALL, "repair": ("--batch", "32", "--hidden", "160"),
        },
    ),
    "emoji": Recipe(
        None, "noto_emoji", 64, minutes(0, 60, 25, 15), 1_500_000,
        {"gan": ("--gamma", "1", "0.1"), "vae": SMALL} | ENCODERS,
    ),
    "cifar10": Recipe(
        "uoft-cs/cifar10", "cifar10", 32, minutes(11, 58, 30, 10), 6_000_000,
        {
            "classifier": ("--mirror", "--rotate", "5"), "gan": ("--gamma", "1", "0.1", *VARIED),
            "vae": (*SHARP, "--hidden", "128", "--latent-dim", "256"),
            "inverter": SMALL, "repair": ("--batch", "32", *SMALL),
        },
    ),
}  # fmt: skip


@reflowed
@dataclass(frozen=True)
class Settings:
    """Which bundles to make, and how."""

    data_root: Path | None = None
    """Folder with the data sets mnist, fashion_mnist, mednist, noto_emoji, cifar10; default: the Hugging Face Hub, for
    those that are there."""
    only: tuple[str, ...] = tuple(RECIPES)
    """Bundles to make."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Preset of every stage."""
    total_minutes: float | None = None
    """Training time of all together; default: what each is known to need on a CPU."""
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


def source(settings: Settings, name: str) -> str:
    """Where the pictures of a bundle are. Raises UserError when they are nowhere."""
    recipe = RECIPES[name]
    if settings.data_root:
        folder = settings.data_root / recipe.folder
        if not folder.is_dir():
            raise UserError(f"{folder} is not there: {name} needs its pictures.")
        return str(folder)
    if recipe.hub is None:
        raise UserError(f"{name} has no data set on the Hub: name the folder of its pictures with --data-root.")
    return recipe.hub


def stage_command(settings: Settings, name: str, stage: str, time: float) -> list[str]:
    """The words after `python -m` that train one stage, from the beginning or from where it stopped."""
    recipe, control = RECIPES[name], stage == "control"
    run = settings.runs / (f"{name}-control" if control else name)
    words = ["benchmarks.dcgan", str(run)] if control else ["train", stage, str(run)]
    if stage in ("inverter", "repair"):
        words = ["train", "inverse", str(run), "--target", "gan" if stage == "inverter" else "vae"]
    words += ["--data", source(settings, name), "--minutes", f"{time:g}"]
    if settings.threads:
        words += ["--threads", str(settings.threads)]
    if (run / FOLDERS[stage] / "state.safetensors").exists():
        return [*words, "--resume"]
    words += ["--size", str(recipe.size), "--precision", fastest_precision()]
    if not control and settings.preset != "cpu":
        words += ["--preset", settings.preset]
    return words + list(recipe.flags.get(stage, ()))


def finished(settings: Settings, name: str, stage: str, time: float) -> bool:
    """Whether a stage has had its minutes: what was kept for measuring at its end may not all have been used."""
    run = settings.runs / (f"{name}-control" if stage == "control" else name)
    path = run / FOLDERS[stage] / "record.json"
    if not path.is_file():
        return False
    record = run_folder.read_json(path)
    given = 60 * record.get("config", {}).get("minutes", 0.0)
    return bool(record["finished"]) and max(record["seconds"], given) >= 59 * time


def commands(settings: Settings, name: str, share: dict[str, float]) -> Iterator[list[str]]:
    """What is left to do for one bundle: the words after `python -m`, command by command."""
    run, target = settings.runs / name, settings.out / name
    left = [stage for stage, time in share.items() if not finished(settings, name, stage, time)]
    for stage in left:
        yield stage_command(settings, name, stage, share[stage])
    if not left and measured(target):
        return
    data = ["--data", source(settings, name)]
    yield ["export", "bundle", str(run), str(target), *data, "--precision", settings.precision]
    control = ["--control", str(settings.runs / f"{name}-control")] if "control" in share else []
    threads = ["--threads", str(settings.threads)] if settings.threads else []
    yield ["train", "evaluate", str(target), *data, *control, *threads, "--store", str(target)]


def measured(bundle: Path) -> bool:
    """Whether a bundle has figures; exporting other networks drops them."""
    return (bundle / "bundle.json").is_file() and run_folder.read_json(bundle / "bundle.json")["quality"] is not None


def probe(settings: Settings, name: str) -> float:
    """Pictures per second of a bundle's GAN, over some seconds of training that are thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        own = replace(settings, runs=Path(folder))
        call(stage_command(own, name, "gan", PROBE_MINUTES), None)
        record = run_folder.read_json(Path(folder) / name / "gan" / "record.json")
    return record["images"] / record["seconds"]


def budgets(names: tuple[str, ...], speeds: dict[str, float], total: float) -> dict[str, dict[str, float]]:
    """Minutes by bundle and stage, `total` together. A bundle's share is the time that its GAN needs for its pictures;
    within a bundle, stages keep the proportions that they have on a CPU."""
    needs = {name: RECIPES[name].pictures / speeds[name] for name in names}
    found = {}
    for name in names:
        whole, own = total * needs[name] / sum(needs.values()), RECIPES[name].minutes
        found[name] = {stage: whole * time / sum(own.values()) for stage, time in own.items()}
    return found


def shares(settings: Settings) -> dict[str, dict[str, float]]:
    """Minutes by bundle and stage. Measured speeds are kept in plan.json, so that a repeat follows the same plan."""
    if settings.total_minutes is None:
        return {name: RECIPES[name].minutes for name in settings.only}
    path = settings.runs / "plan.json"
    key = {"only": list(settings.only), "preset": settings.preset, "total_minutes": settings.total_minutes}
    if path.is_file():
        plan = run_folder.read_json(path)
        if {name: plan[name] for name in key} == key:
            return plan["minutes"]
    speeds = {name: probe(settings, name) for name in settings.only}
    plan = key | {"images_per_second": speeds, "minutes": budgets(settings.only, speeds, settings.total_minutes)}
    run_folder.write_json(path, plan)
    print(json.dumps(plan, indent=1))
    return plan["minutes"]


def call(words: list[str], log: Path | None) -> None:
    """Runs `python -m WORDS`. Raises UserError when it fails, KeyboardInterrupt when it was stopped."""
    print("$ python -m " + shlex.join(words), flush=True)
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
        raise UserError(f"`python -m {shlex.join(words)}` ended with {code}{seen}.")


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
    for name in settings.only:
        source(settings, name)


def release(settings: Settings) -> None:
    """Everything, then the check of what was released. When a command fails, those that run beside it may end, no other
    is begun, and a UserError is raised."""
    check(settings)
    plan, stopped = shares(settings), Event()

    def make(name: str) -> None:
        log = settings.runs / name / "release.log" if settings.jobs > 1 else None
        try:
            for words in commands(settings, name, plan[name]):
                if stopped.is_set():
                    return
                call(words, log)
        except BaseException:
            stopped.set()  # here: this thread may take up the next bundle before anybody hears of it
            raise

    with ThreadPoolExecutor(settings.jobs) as pool:
        try:
            for done in as_completed([pool.submit(make, name) for name in settings.only]):
                done.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    call(["export", "report", str(settings.out)], None)
    call(["benchmarks.released", str(settings.out), "--only", *settings.only], None)


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return exit_code(lambda: release(settings), "Stopped; the same command goes on from here.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The one training loop: schedule, averages, checkpoints and exact resume, sheets, metrics, progress.

Everything random in a step follows from (seed, step), and everything scheduled from pictures seen and planned,
so a resumed run repeats the uninterrupted one bit for bit on the same machine and threads.
"""

import json
import math
import os
import platform
import shlex
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from PIL import Image
from torch import Tensor, nn
from tqdm import tqdm

from train import runs
from train.config import Settings
from train.data import Pictures, batch_indices
from train.errors import UserError
from train.schedules import ema_decay

SHEETS = 16  # a run leaves about this many sample sheets and …
LINES = 100  # … this many lines of metrics
CHECKPOINT_SECONDS = 120.0


class Stage:
    """What the loop trains. A subclass holds networks and optimizers and knows one step."""

    name: str
    module: str = "train"  # what `python -m` starts
    networks: nn.ModuleDict
    optimizers: dict[str, torch.optim.Optimizer]
    ema_images: float = 10_000

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        """One update. images float32 [N, C, S, S] in [0, 1]; progress in [0, 1]. Returns scalars to show."""
        raise NotImplementedError

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        """Pictures [N, C, S, S] in [0, 1] for a sheet, drawn by the averaged networks from the same latents or the
        same held-out `pictures` [32, C, S, S] each time."""
        raise NotImplementedError

    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """What is measured once at the end, stored as latents.safetensors."""
        return {}


@dataclass
class Progress:
    """Where a run stands; the metadata of its checkpoint."""

    step: int = 0
    images: int = 0
    planned: int = 0
    seconds: float = 0.0
    finished: bool = False

    @property
    def share(self) -> float:
        return min(self.images / self.planned, 1.0) if self.planned else 0.0


def hardware() -> str:
    """Processor or GPU, in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {torch.get_num_threads()} thread(s)"


def command_line(module: str, settings: Settings, source: str) -> str:
    """The command that repeats this run, with the data by name rather than by a local path."""
    words = sys.argv[1:]
    for i, word in enumerate(words):
        if word == str(settings.data):
            words[i] = source
        elif word.startswith("--data="):
            words[i] = f"--data={source}"
    return shlex.join(["python", "-m", module, *words])


def save_sheet(path: Path, images: Tensor, columns: int = 8) -> None:
    """Pictures [N, C, S, S] in [0, 1] -> one PNG."""
    rows = -(-len(images) // columns)
    n, c, s, _ = images.shape
    grid = torch.zeros(rows * columns, c, s, s)
    grid[:n] = images.float().cpu().clamp(0, 1)
    grid = grid.view(rows, columns, c, s, s).permute(0, 3, 1, 4, 2).reshape(rows * s, columns * s, c)
    array = (grid * 255).round().to(torch.uint8).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array[:, :, 0] if c == 1 else array).save(path)


@contextmanager
def graceful_stop():
    """Turns Ctrl-C and SIGTERM into a flag that is read between two steps; a second one stops at once."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if asked:
            signal.default_int_handler(number, frame)
        asked.append(number)

    previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@torch.no_grad()
def update_averages(averages: nn.ModuleDict, networks: nn.ModuleDict, decay: float) -> None:
    """averages <- decay * averages + (1 - decay) * networks for parameters; buffers are copied."""
    torch._foreach_lerp_(list(averages.parameters()), list(networks.parameters()), 1 - decay)
    for target, source in zip(averages.buffers(), networks.buffers(), strict=True):
        target.copy_(source)


def train(
    stage: Stage, averages: nn.ModuleDict, settings: Settings, source: str, train_set: Pictures, test_set: Pictures
) -> bool:
    """Runs a stage to the end of its plan or to Ctrl-C. Returns whether it finished and was not asked to stop.

    Raises UserError when the losses stop being finite or the disk refuses; the last checkpoint is kept.
    """
    folder = settings.run / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    progress = Progress()
    if settings.resume:
        tensors, facts = runs.load_tensors(folder / "state.safetensors")
        runs.restore_modules("networks", stage.networks, tensors)
        runs.restore_modules("averages", averages, tensors)
        for name, optimizer in stage.optimizers.items():
            runs.restore_optimizer(name, optimizer, tensors)
        progress = Progress(**facts)
    record_path = folder / "record.json"
    begun = command_line(stage.module, settings, source)
    if settings.resume and record_path.exists():
        stored = runs.read_json(record_path)
        budget = {"minutes": settings.minutes, "images": settings.images}
        # A resumed run keeps the command that began it; a new budget is part of how it came about.
        same = all(stored["config"][name] == value for name, value in budget.items())
        begun = stored["command"] if same else f"{stored['command']} && {begun}"
    batch = min(settings.batch, len(train_set))
    if settings.images is not None:
        progress.planned = settings.images
        more = progress.images < settings.images
    else:
        more = progress.seconds < 0.98 * settings.minutes * 60
    if progress.finished and not more:
        return True
    progress.finished, first = False, progress.step

    device = next(stage.networks.parameters()).device
    images, labels = train_set.images.to(device), train_set.labels.to(device)
    held_out = test_set.images[:32].to(device).float() / 255
    clock = time.monotonic() - progress.seconds
    last_line = last_sheet = progress.share
    last_save = time.monotonic()
    bar = tqdm(total=progress.planned or None, initial=progress.images, unit=" img", desc=stage.name,
               smoothing=0.05, dynamic_ncols=True, mininterval=1.0)  # fmt: skip

    def checkpoint() -> None:
        if not all(bool(torch.isfinite(weight).all()) for weight in stage.networks.parameters()):
            raise diverged(stage.name, progress, "weights")
        tensors = runs.module_tensors("networks", stage.networks) | runs.module_tensors("averages", averages)
        for name, optimizer in stage.optimizers.items():
            tensors |= runs.optimizer_tensors(name, optimizer)
        runs.save_tensors(folder / "state.safetensors", tensors, vars(progress))
        record = runs.StageRecord(
            command=begun,
            seconds=round(progress.seconds, 1),
            images=progress.images,
            finished=progress.finished,
            hardware=hardware(),
            config=runs.settings_json(settings),
        )
        runs.write_json(record_path, vars(record))

    with graceful_stop() as asked, (folder / "metrics.jsonl").open("a") as metrics, bar:
        while not asked:
            if settings.images is None and (progress.step - first < 20 or progress.step % 50 == 0):
                progress.planned = plan(progress, settings.minutes * 60, batch)
                bar.total = progress.planned
            if progress.images >= progress.planned:
                break
            picked = batch_indices(len(images), batch, progress.step, settings.seed).to(device)
            torch.manual_seed(settings.seed * 1_000_003 + progress.step)
            shown = stage.step(images[picked].float() / 255, labels[picked], progress.share)
            progress.step += 1
            progress.images += batch
            update_averages(averages, stage.networks, ema_decay(batch, progress.images, stage.ema_images))
            progress.seconds = time.monotonic() - clock
            bar.update(batch)
            if progress.step > 20 and progress.share - last_line >= 1 / LINES:
                last_line = progress.share
                values = {name: round(float(value), 6) for name, value in shown.items()}
                if not all(math.isfinite(value) for value in values.values()):
                    raise diverged(stage.name, progress, ", ".join(values))
                bar.set_postfix({k: f"{v:.3g}" for k, v in values.items()}, refresh=False)
                rate = round(progress.images / progress.seconds, 1)
                line = {"images": progress.images, "seconds": round(progress.seconds, 1), "images_per_second": rate}
                metrics.write(json.dumps(line | values) + "\n")
                metrics.flush()
            if progress.step > 20 and progress.share - last_sheet >= 1 / SHEETS:
                last_sheet = progress.share
                sheet(folder, stage, averages, progress, held_out)
            if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                last_save = time.monotonic()
                checkpoint()
        checkpoint()
        if not asked:
            sheet(folder, stage, averages, progress, held_out)
            bar.set_description(f"{stage.name}: measuring")
            averages.eval()
            latents = stage.finish(averages, train_set, test_set)
            if latents:
                runs.save_tensors(folder / "latents.safetensors", latents, {})
            progress.finished = True
            checkpoint()
    if asked:
        print(f"Stopped after {progress.images} pictures; everything is in {folder}. Add --resume to go on.")
    return progress.finished and not asked


def diverged(stage: str, progress: Progress, what: str) -> UserError:
    """What to say when training left the finite numbers."""
    return UserError(
        f"{stage}: {what} not finite after {progress.images} pictures. The last good checkpoint is kept; "
        "try a lower --lr."
    )


def plan(progress: Progress, budget: float, batch: int) -> int:
    """How many pictures fit into the budget (seconds) at the speed so far; whole batches, at least one more."""
    if progress.step < 5:
        return max(progress.planned, 1_000 * batch)
    left = max(budget - progress.seconds, 0.0)
    rate = progress.images / max(progress.seconds, 1e-9)
    return progress.images + int(left * rate) // batch * batch


@torch.no_grad()
def sheet(folder: Path, stage: Stage, averages: nn.ModuleDict, progress: Progress, pictures: Tensor) -> None:
    """A sample sheet of the averaged networks."""
    averages.eval()
    save_sheet(folder / "samples" / f"{progress.images:09d}.png", stage.preview(averages, pictures))


def usable_threads() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

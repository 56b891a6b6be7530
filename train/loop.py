"""The one training loop: schedule, averages, checkpoints and exact resume, sheets, metrics, progress.

Everything random in a step follows from (seed, step), and everything scheduled from pictures seen and planned, so a
resumed run repeats the uninterrupted one bit for bit on the same machine and threads.
"""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from bundle.errors import UserError
from train.checkpoints import load_tensors, restore_modules, restore_optimizer, save_tensors
from train.data.dataset import Pictures
from train.data.splits import batch_indices
from train.distributed import accelerator_for, agreed
from train.hardware import emulates_bf16
from train.recorder import Progress, Recorder, diverged
from train.schedules import ema_decay
from train.settings import Settings
from train.stages.stage import Stage
from train.stored_settings import flat

SHEETS = 16  # a run leaves about this many sample sheets and …
LINES = 100  # … this many lines of metrics, neither before …
FIRST_STEPS = 20  # … so many steps, which also say little about the speed
CHECKPOINT_SECONDS = 120.0
PATIENCE = 10  # skipped steps in a row before a run stops
CHECK_STEPS = 10  # steps from one agreement of several processes, or question to a GPU, to the next
PLAN_STEPS = 50  # steps from one estimate of the speed to the next


def train(
    stage: Stage, averages: nn.Module, settings: Settings, source: str, train_set: Pictures, test_set: Pictures
) -> bool:
    """Trains a stage to the end of its plan or to Ctrl-C. Returns whether it finished and was not asked to stop.

    source: the data set by name, for the record. Raises UserError when steps keep being not finite or the disk
    refuses; the last checkpoint is kept.
    """
    folder = settings.run / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = accelerator_for(settings.track, folder)
    stage.updates.accelerator = accelerator
    progress = restored(stage, averages, folder) if settings.resume else Progress()
    train_set = stage.training_pictures(train_set)
    recorder = Recorder(stage, averages, settings, source, progress, accelerator)
    loop = Loop(stage, averages, settings, progress, recorder, accelerator, train_set)
    if progress.finished and not loop.has_more():
        return True
    progress.finished = False
    if recorder.writes:
        warn_of_slow_bf16(stage, settings)
    if settings.track:
        accelerator.init_trackers(stage.name, config=flat(settings))
    on_device = Pictures(*(split.to(loop.device) for split in (test_set.images[:256], test_set.labels[:256])))
    stage.held_out = on_device.images[:32].float() / 255
    stage.begin(loop.pictures, on_device)
    bar = tqdm(total=progress.planned or None, initial=progress.images, unit=" img", desc=stage.name,
               smoothing=0.05, dynamic_ncols=True, mininterval=1.0, disable=not recorder.writes)  # fmt: skip
    with stop_requests() as asked, bar:
        stopped = loop.run(asked, bar)
        recorder.checkpoint()
        if not stopped:
            recorder.sheet()
            bar.set_description(f"{stage.name}: measuring")
            finish(stage, averages, train_set, test_set, recorder)
            stopped, _ = agreed(accelerator, bool(asked), progress.planned)  # the stage is done, but no other begins
    if settings.track:
        accelerator.end_training()
    accelerator.wait_for_everyone()
    if stopped and recorder.writes:
        print(f"Stopped after {progress.images} pictures; everything is in {folder}. Add --resume to go on.")
    return progress.finished and not stopped


class Loop:
    """The steps of one stage, from where `progress` stands to the end of the plan."""

    def __init__(
        self,
        stage: Stage,
        averages: nn.Module,
        settings: Settings,
        progress: Progress,
        recorder: Recorder,
        accelerator: Accelerator,
        train_set: Pictures,
    ):
        self.stage, self.averages, self.settings, self.progress = stage, averages, settings, progress
        self.recorder, self.accelerator = recorder, accelerator
        self.device = next(stage.networks.parameters()).device
        self.pictures = placed(train_set, self.device)
        processes = accelerator.num_processes
        self.batch = min(settings.batch * settings.accumulate, len(train_set) // processes) * processes
        self.first_step = progress.step
        if settings.images is not None:
            progress.planned = settings.images

    def has_more(self) -> bool:
        """Whether the plan goes beyond the pictures seen."""
        return self.plan() > self.progress.images

    def plan(self) -> int:
        """How many pictures to train on in all, at the speed so far."""
        if self.settings.images is not None:
            return self.settings.images
        return plan(self.progress, self.settings.minutes * 60, self.batch)

    def run(self, asked: list[int], bar: tqdm) -> bool:
        """Takes steps until the plan is done or `asked` is filled; returns whether it was stopped."""
        progress, recorder = self.progress, self.recorder
        clock = time.monotonic() - progress.seconds
        last_line = last_sheet = progress.images
        last_save = time.monotonic()
        stopped = False
        while True:
            if self.is_time_to_check():
                self.replan()
                stopped, progress.planned = agreed(self.accelerator, bool(asked), progress.planned)
                self.check_streak()
                bar.total = progress.planned
            if stopped or progress.images >= progress.planned:
                return stopped
            shown = self.step()
            progress.seconds = time.monotonic() - clock
            bar.update(self.batch)
            if progress.step > FIRST_STEPS and progress.images - last_line >= progress.planned / LINES:
                last_line = progress.images
                recorder.line(shown, bar)
            if progress.step > FIRST_STEPS and progress.images - last_sheet >= progress.planned / SHEETS:
                last_sheet = progress.images
                recorder.sheet()
            if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                last_save = time.monotonic()
                recorder.checkpoint()

    def step(self) -> dict[str, Tensor]:
        """One step on the next batch, which (seed, step) determine; returns scalars to show."""
        stage, progress, accelerator = self.stage, self.progress, self.accelerator
        picked = batch_indices(len(self.pictures), self.batch, progress.step, self.settings.seed)
        picked = picked.chunk(accelerator.num_processes)[accelerator.process_index].to(self.device)
        seed = self.settings.seed * 1_000_003 + progress.step
        torch.manual_seed(seed * accelerator.num_processes + accelerator.process_index)  # each process draws its own
        source = self.pictures.images
        images = (source[picked.to(source.device)].to(self.device).float() / 255).contiguous(
            memory_format=torch.channels_last
        )
        stage.steps_done = progress.step
        shown = stage.step(images, self.pictures.labels[picked], progress.share)
        progress.step += 1
        progress.images += self.batch
        update_averages(self.averages, stage.networks, ema_decay(self.batch, progress.images, stage.ema_images))
        return shown

    def is_time_to_check(self) -> bool:
        """Whether to look at the plan, at stop requests and at skipped steps: always on a CPU, now and then where that
        means waiting for other processes or for a GPU."""
        waits = self.accelerator.num_processes > 1 or self.device.type != "cpu"
        done = self.progress.step - self.first_step
        return done % (CHECK_STEPS if waits else 1) == 0 or self.progress.images >= self.progress.planned

    def replan(self) -> None:
        """Estimates anew what fits into the time budget: at first in each step, then now and then."""
        done = self.progress.step - self.first_step
        if done < FIRST_STEPS or done % PLAN_STEPS == 0 or self.progress.images >= self.progress.planned:
            self.progress.planned = self.plan()

    def check_streak(self) -> None:
        """Raises UserError when too many steps in a row were skipped."""
        name, streak = self.stage.updates.worst_streak()
        if streak >= PATIENCE:
            cause = f"{streak} steps of the {name} in a row were"
            raise UserError(diverged(self.stage.name, self.progress, cause, self.settings.precision))


def placed(pictures: Pictures, device: torch.device) -> Pictures:
    """The pictures on the device; where they would fill more than half of what a GPU has free, only their labels."""
    labels = pictures.labels.to(device)
    if device.type == "cuda" and pictures.images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return Pictures(pictures.images, labels)
    return Pictures(pictures.images.to(device), labels)


def plan(progress: Progress, budget: float, batch: int) -> int:
    """How many pictures fit into the budget (seconds) at the speed so far; whole batches, at least one more."""
    if progress.step < 5:
        return max(progress.planned, 1_000 * batch)
    left = max(budget - progress.seconds, 0.0)
    rate = progress.images / max(progress.seconds, 1e-9)
    return progress.images + int(left * rate) // batch * batch


@torch.no_grad()
def update_averages(averages: nn.Module, networks: nn.Module, decay: float) -> None:
    """averages <- decay * averages + (1 - decay) * networks for parameters; buffers are copied."""
    torch._foreach_lerp_(list(averages.parameters()), list(networks.parameters()), 1 - decay)
    for target, source in zip(averages.buffers(), networks.buffers(), strict=True):
        target.copy_(source)


def restored(stage: Stage, averages: nn.Module, folder: Path) -> Progress:
    """Restores networks, averages and optimizers from the checkpoint in `folder`; returns where it stood.

    Raises UserError for a stage unpacked from a bundle whose batch normalisation is lost.
    """
    tensors, facts = load_tensors(folder / "state.safetensors")
    if not any(key.startswith("networks/") for key in tensors):
        raise UserError(
            f"The {stage.name} in {folder.parent} came out of a bundle, where batch normalisation is folded into "
            f"weights: it can be measured, exported and built upon, but not trained. To train it anew, remove {folder}."
        )
    restore_modules("networks", stage.networks, tensors)
    restore_modules("averages", averages, tensors)
    for name, optimizer in stage.optimizers.items():
        restore_optimizer(name, optimizer, tensors)
    progress = Progress(**facts)
    if progress.stage:
        stage.restore(progress.stage)
    return progress


def finish(stage: Stage, averages: nn.Module, train_set: Pictures, test_set: Pictures, recorder: Recorder) -> None:
    """Measures what the finished stage knows about its latent space, and stores it with the last checkpoint."""
    averages.eval()
    latents = stage.finish(averages, train_set, test_set) if recorder.writes else {}
    if latents:
        save_tensors(recorder.folder / "latents.safetensors", latents, {})
    recorder.progress.finished = True
    recorder.checkpoint()


def warn_of_slow_bf16(stage: Stage, settings: Settings) -> None:
    """Prints a warning where bf16 would be many times slower than fp32."""
    if settings.precision == "bf16" and emulates_bf16(next(stage.networks.parameters()).device):
        tqdm.write(f"{stage.name}: warning: this processor emulates bf16, about ten times slower than fp32. Begin with "
                   "--precision fp32, or stop with Ctrl-C and go on with --resume --precision fp32.",
                   file=sys.stderr)  # fmt: skip


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list that Ctrl-C and SIGTERM fill, to be read between two steps; a second Ctrl-C stops at once."""
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

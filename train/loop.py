"""The one training loop: schedule, averages, checkpoints and exact resume, sheets, metrics, progress.

Everything random in a step follows from (seed, step), and everything scheduled from pictures seen and planned, so a
resumed run repeats the uninterrupted one bit for bit on the same machine, threads and precision.
"""

import math
import os
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

from bundle.errors import UserError
from bundle.exit_codes import end_signals, handled, let_go_of_terminal
from bundle.training_status import Expected, RunState, Status
from train.augment import MOST_APART
from train.budget import Slot, spoken
from train.checkpoints import load_tensors, restore_modules, restore_optimizer, save_tensors
from train.data.dataset import Pictures
from train.data.mapped_images import MappedImages
from train.data.splits import batch_indices, spread_rows
from train.distributed import accelerator_for, agreed
from train.hardware import emulates_bf16, processor
from train.outlook import Outlook
from train.pace import FIRST_STEPS, LEAST_STEPS, Pace, timed_steps
from train.pauses import Pauses
from train.progress_bar import ProgressBar, progress_bar, say
from train.recorder import Progress, Recorder, diverged
from train.schedules import ema_decay
from train.settings import Settings
from train.stages.stage import Stage
from train.status import StatusFile
from train.stored_settings import RENAMED_PROGRESS, flat
from train.threads import ThreadTrial, first_threads

SHOWN = 32  # held-out pictures of the sample sheets
SHEET_COUNT = 16  # about so many sample sheets in a stage, none in its FIRST_STEPS (train/pace.py)
LINES = 100  # about so many lines of metrics, none in its FIRST_STEPS
CHECKPOINT_SECONDS = 120.0
PATIENCE = 10  # skipped steps in a row before a run stops
CHECK_STEPS = 10  # steps from one agreement of several processes, or question to a GPU, to the next
COPIED = 1024  # pictures that are copied from files to a GPU at a time
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} pictures, {left}{postfix}"


def train(
    stage: Stage,
    averages: nn.Module,
    settings: Settings,
    source: str,
    train_set: Pictures,
    test_set: Pictures,
    slot: Slot | None = None,
    pauses: Pauses | None = None,
) -> bool:
    """Trains a stage to the end of its plan or to Ctrl-C. Returns whether it finished and was not asked to stop.

    source: the data set by name, for the record. slot: its place among the stages of the command, with its time.
    pauses: gathers those of the command. Raises UserError when steps keep being not finite or the disk refuses; the
    last checkpoint is kept.
    """
    began, slot = time.monotonic(), slot or Slot()
    folder = settings.run / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = accelerator_for(settings.track, settings.run)
    stage.updates.accelerator = accelerator
    progress = restored(stage, averages, folder) if settings.resume else Progress()
    train_set = stage.training_pictures(train_set)
    recorder = Recorder(stage, averages, settings, source, progress, accelerator, len(train_set))
    pauses = pauses or Pauses()
    pauses.begin_stage()
    loop = Loop(stage, averages, settings, progress, recorder, accelerator, train_set, len(test_set), slot=slot,
                began=began, pauses=pauses)  # fmt: skip
    title = f"{stage.name}{slot.title}"
    if progress.finished and not loop.pace.has_more():
        if recorder.writes:
            more = "--images" if settings.images is not None else "--minutes"
            say(f"{title}: finished before, nothing is left to do; --resume with more {more} goes on.")
        return True
    progress.finished = False
    if recorder.writes:
        warn_of_slow_bf16(stage, settings)
    if settings.track:
        accelerator.init_trackers(stage.name, config=flat(settings))
    few = test_set.images[:MOST_APART], test_set.labels[:MOST_APART]
    on_device = Pictures(*(column.to(loop.device) for column in few))
    shown = test_set.images[spread_rows(len(test_set), SHOWN).to(test_set.images.device)]
    stage.held_out = shown.to(loop.device).float() / 255
    stage.begin(loop.pictures, on_device)
    bar = progress_bar(title, progress.planned or None, "pictures", initial=progress.images, smoothing=0.05,
                       dynamic_ncols=True, mininterval=1.0, leave=True, bar_format=BAR,
                       disable=not recorder.writes)  # fmt: skip
    with stop_requests() as asked, bar:
        stopped = loop.run(asked, bar)
        recorder.checkpoint()
        if stopped:
            loop.write_status("stopped")
        else:
            recorder.sheet()
            recorder.snapshot(last=True)
            bar.set_description(f"{title}: measuring")
            loop.write_status("measuring")
            finish(stage, averages, train_set, test_set, recorder, loop)
            loop.write_status("finished")
            stopped, _ = agreed(accelerator, bool(asked), progress.planned)  # the stage is done, but no other begins
    if settings.track:
        accelerator.end_training()
    accelerator.wait_for_everyone()
    if stopped and recorder.writes:
        say(f"Stopped after {progress.images} pictures; everything is in {folder}. Add --resume to go on.")
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
        test_images: int,
        *,
        slot: Slot,
        began: float,
        pauses: Pauses,
    ):
        """test_images: how many are held out. began: time.monotonic() from which the stage's time counts."""
        self.stage, self.averages, self.settings, self.progress = stage, averages, settings, progress
        self.recorder, self.accelerator = recorder, accelerator
        self.device = next(stage.networks.parameters()).device
        self.pictures = placed(train_set, self.device)
        processes = accelerator.num_processes
        self.batch = min(settings.batch * settings.accumulate, len(train_set) // processes) * processes
        counts = len(train_set), test_images
        self.pace = Pace(
            settings, slot, progress, self.batch, began, lambda rate: stage.measuring_seconds(*counts, rate)
        )
        self.pauses = pauses
        self.status = StatusFile(settings.run, recorder.writes)
        self.trial = self.begin_threads()
        self.timed = timed_steps(self.trial.steps if self.trial is not None else 0, cycle_of(settings))
        self.timed_from = 0.0  # when the steps began that say what the speed is
        self.outlook = Outlook(stage.name, settings, math.sqrt(math.prod(train_set.images.shape[2:])), self.device)
        self.expected: Expected | None = None  # not before the steps that say what the speed is

    def begin_threads(self) -> ThreadTrial | None:
        """Sets the processor threads. Returns the trial that finds their number, where it is not known yet."""
        progress = self.progress
        known = progress.threads if progress.processor == processor() else 0
        threads = first_threads(self.settings.threads, known)
        torch.set_num_threads(threads)
        tries = self.device.type == "cpu" and self.accelerator.num_processes == 1 and threads > 1
        if self.settings.threads == "auto" and not known and tries:
            return ThreadTrial(threads, cycle_of(self.settings))
        return None

    def write_status(self, state: RunState) -> None:
        """Tells whoever watches the run where it stands."""
        progress, pace = self.progress, self.pace
        status = Status(
            stage=self.stage.name,
            number=pace.slot.number,
            of=pace.slot.of,
            state=state,
            images=progress.images,
            planned=progress.planned,
            rate=pace.rate() if pace.done >= LEAST_STEPS else None,
            seconds=progress.seconds,
            left=pace.left(),
            left_for_all=pace.left_for_all(),
            warnings=dict(self.recorder.warned),
            expected=self.expected,
            pid=os.getpid(),
        )
        self.status.write(status)

    def run(self, asked: list[int], bar: ProgressBar) -> bool:
        """Takes steps until the plan is done or `asked` is filled; returns whether it was stopped."""
        progress, recorder = self.progress, self.recorder
        last_line = last_sheet = progress.images
        self.pace.steps_began = last_save = time.monotonic()
        stopped = False
        while True:
            if self.is_time_to_check():
                self.pace.replan()
                stopped, progress.planned = agreed(self.accelerator, bool(asked), progress.planned)
                self.check_streak()
                bar.total = progress.planned if progress.step >= LEAST_STEPS else None
                bar.left = self.pace.left_in_words()
            if stopped or progress.images >= progress.planned:
                return stopped
            metrics = self.step()
            bar.update(self.batch)
            recorder.snapshot()
            if progress.step > FIRST_STEPS and progress.images - last_line >= progress.planned / LINES:
                last_line = progress.images
                recorder.line(metrics, bar)
            if progress.step > FIRST_STEPS and progress.images - last_sheet >= progress.planned / SHEET_COUNT:
                last_sheet = progress.images
                recorder.sheet()
            if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                last_save = time.monotonic()
                recorder.checkpoint()
            if self.status.is_due(self.progress.seconds):
                self.write_status("training")
                if self.status.takes_request():
                    last_save = time.monotonic()
                    recorder.checkpoint()
                    recorder.sheet()

    def step(self) -> dict[str, Tensor]:
        """One timed step; returns its metrics."""
        began = time.monotonic()
        metrics = self.update()
        now = time.monotonic()
        pause = self.pauses.took(now - began)
        if pause:
            self.leave_out(pause)
        self.progress.seconds = now - self.pace.clock
        if self.trial is not None and (best := self.trial.took(now - began - pause)):
            self.progress.threads, self.progress.processor, self.trial = best, processor(), None
        before, after = self.timed
        if self.pace.done == before:
            self.timed_from = now
        if self.pace.done == after:
            self.say_outlook((after - before) * self.batch / max(now - self.timed_from, 1e-9))
        return metrics

    def leave_out(self, pause: float) -> None:
        """Counts none of the seconds of a pause, and says so."""
        self.pace.leave_out(pause)
        self.timed_from += pause
        if self.recorder.writes:
            say(f"{self.stage.name}: note: the training was paused for {spoken(pause)}, which its time does not count.")

    def say_outlook(self, rate: float) -> None:
        """Says what the budget is going to show and what that is enough for."""
        progress, seconds, images = self.progress, None, self.progress.planned
        if self.settings.images is None:
            seconds = self.pace.seconds
            images = progress.images + int(max(seconds - progress.seconds, 0) * rate)
        self.expected = self.outlook.expected(images)
        if self.recorder.writes:
            say(self.outlook.sentence(self.expected, rate, seconds, max(images - progress.images, 0)))

    def update(self) -> dict[str, Tensor]:
        """One step on the next batch, which (seed, step) determine; returns its metrics."""
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
        metrics = stage.step(images, self.pictures.labels[picked], progress.share)
        progress.step += 1
        progress.images += self.batch
        update_averages(self.averages, stage.networks, ema_decay(self.batch, progress.images, stage.ema_images))
        return metrics

    def is_time_to_check(self) -> bool:
        """Whether to look at the plan, at stop requests and at skipped steps: always on a CPU, now and then where that
        means waiting for other processes or for a GPU."""
        waits = self.accelerator.num_processes > 1 or self.device.type != "cpu"
        return self.pace.done % (CHECK_STEPS if waits else 1) == 0 or self.progress.images >= self.progress.planned

    def check_streak(self) -> None:
        """Raises UserError when too many steps in a row were skipped."""
        name, streak = self.stage.updates.worst_streak()
        if streak >= PATIENCE:
            cause = f"{streak} steps of the {name} in a row were"
            raise UserError(diverged(self.recorder.folder, self.progress, cause, self.settings.precision))


def cycle_of(settings: Settings) -> int:
    """Steps after which the cost of steps repeats: the interval of a GAN's penalties."""
    return int(getattr(settings, "lazy_reg_interval", 1))


def placed(pictures: Pictures, device: torch.device) -> Pictures:
    """The pictures on the device. Only their labels, where pictures would fill more than half of what a GPU has free,
    and where they are in files but there is no GPU with a memory of its own (Apple's shares the main memory)."""
    labels, images = pictures.labels.to(device), pictures.images
    if device.type == "cuda" and images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return Pictures(images, labels)
    if isinstance(images, MappedImages):
        return Pictures(copied(images, device) if device.type == "cuda" else images, labels)
    return Pictures(images.to(device), labels)


def copied(images: MappedImages, device: torch.device) -> Tensor:
    """Pictures uint8 [N, C, H, W] on the device, a part at a time: the main memory need not hold them all."""
    found = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for part, place in zip(images.split(COPIED), found.split(COPIED), strict=True):
        place.copy_(part)
    return found


@torch.no_grad()
def update_averages(averages: nn.Module, networks: nn.Module, decay: float) -> None:
    """averages <- decay * averages + (1 - decay) * networks for parameters; buffers are copied."""
    torch._foreach_lerp_(list(averages.parameters()), list(networks.parameters()), 1 - decay)
    for target, source in zip(averages.buffers(), networks.buffers(), strict=True):
        target.copy_(source)


def restored(stage: Stage, averages: nn.Module, folder: Path) -> Progress:
    """Restores networks, averages and optimizers from the checkpoint in `folder`; returns where it stood.

    Raises UserError for a stage unpacked from a bundle whose batch normalisation is lost, and for a checkpoint of other
    networks.
    """
    tensors, facts = load_tensors(folder / "state.safetensors")
    if not any(key.startswith("networks/") for key in tensors):
        raise UserError(
            f"The {stage.name} in {folder.parent} came out of a bundle, where batch normalisation is folded into "
            f"weights: it can be measured, exported and built upon, but not trained. To train it anew, remove {folder}."
        )
    try:
        restore_modules("networks", stage.networks, tensors)
        restore_modules("averages", averages, tensors)
        for name, optimizer in stage.optimizers.items():
            restore_optimizer(name, optimizer, tensors)
    except (RuntimeError, ValueError, TypeError) as problem:
        raise UserError(
            f"{folder / 'state.safetensors'} does not fit the settings of the stage (config.json): its networks have "
            f"other sizes. Put back the file that belongs to it, or remove {folder} to train it anew."
        ) from problem
    try:
        progress = Progress(**{RENAMED_PROGRESS.get(name, name): value for name, value in facts.items()})
    except TypeError as problem:  # facts that this version does not know
        raise UserError(
            f"{folder / 'state.safetensors'} was written by another version of Twofold: go on with that one, or remove "
            f"{folder} to train it anew."
        ) from problem
    if progress.stage_state:
        stage.restore(progress.stage_state)
    return progress


def finish(
    stage: Stage, averages: nn.Module, train_set: Pictures, test_set: Pictures, recorder: Recorder, loop: Loop
) -> None:
    """Measures what the finished stage knows about its latent space, and stores it with the last checkpoint."""
    averages.eval()
    latents = stage.finish(averages, train_set, test_set) if recorder.writes else {}
    if latents:
        save_tensors(recorder.folder / "latents.safetensors", latents, {})
    progress, settings = recorder.progress, loop.settings
    progress.finished, progress.seconds = True, loop.pace.elapsed()
    progress.budget = settings.minutes * 60 if settings.images is None else 0.0
    recorder.checkpoint()


def warn_of_slow_bf16(stage: Stage, settings: Settings) -> None:
    """Prints a warning where bf16 would be many times slower than fp32."""
    if settings.precision == "bf16" and emulates_bf16(next(stage.networks.parameters()).device):
        say(f"{stage.name}: warning: this processor emulates bf16, about ten times slower than fp32. Begin with "
            "--precision fp32, or stop with Ctrl-C and go on with --resume --precision fp32.", sys.stderr)  # fmt: skip


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list that Ctrl-C, SIGTERM and SIGHUP fill, to be read between two steps; a second Ctrl-C stops at once."""
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        let_go_of_terminal(number)
        if asked and number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        asked.append(number)

    with handled([signal.SIGINT, *end_signals()], note):
        yield asked

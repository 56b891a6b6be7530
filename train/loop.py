"""The one training loop: schedule, averages, checkpoints and exact resume, sheets, metrics, progress.

Everything random in a step follows from (seed, step), and everything scheduled from pictures seen and planned,
so a resumed run repeats the uninterrupted one bit for bit on the same machine and threads.
"""

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

import torch
from torch import nn
from tqdm import tqdm

from bundle.errors import UserError
from train import run_folder
from train.data.dataset import Pictures
from train.data.splits import batch_indices
from train.distributed import accelerator_for, agreed
from train.recorder import Progress, Recorder, diverged
from train.schedules import ema_decay
from train.settings import Settings
from train.stages.stage import Stage

SHEETS = 16  # a run leaves about this many sample sheets and …
LINES = 100  # … this many lines of metrics
CHECKPOINT_SECONDS = 120.0
PATIENCE = 10  # so many steps in a row may be left out before a run stops
TALK_STEPS = 10  # several processes agree on the plan, and a GPU is asked how it fares, every so many steps


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


def restored(stage: Stage, averages: nn.ModuleDict, folder: Path) -> Progress:
    """Puts a checkpoint back into networks, averages, optimizers; where it stood.

    Raises UserError for a stage out of a bundle whose networks have lost their batch normalisation.
    """
    tensors, facts = run_folder.load_tensors(folder / "state.safetensors")
    if not any(key.startswith("networks/") for key in tensors):
        raise UserError(
            f"The {stage.name} in {folder.parent} came out of a bundle, where batch normalisation is folded into "
            f"weights: it can be measured, exported and built upon, not trained on. To train it anew, remove {folder}."
        )
    run_folder.restore_modules("networks", stage.networks, tensors)
    run_folder.restore_modules("averages", averages, tensors)
    for name, optimizer in stage.optimizers.items():
        run_folder.restore_optimizer(name, optimizer, tensors)
    progress = Progress(**facts)
    if progress.stage:
        stage.restore(progress.stage)
    return progress


def train(
    stage: Stage, averages: nn.ModuleDict, settings: Settings, source: str, train_set: Pictures, test_set: Pictures
) -> bool:
    """Runs a stage to the end of its plan or to Ctrl-C. Returns whether it finished and was not asked to stop.

    Raises UserError when steps keep being not finite or the disk refuses; the last checkpoint is kept.
    """
    folder = settings.run / stage.name
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = accelerator_for(settings.track, folder)
    stage.updates.accelerator = accelerator
    progress = restored(stage, averages, folder) if settings.resume else Progress()
    recorder = Recorder(stage, averages, settings, source, progress, accelerator)
    own = min(settings.batch * settings.accumulate, len(train_set) // accelerator.num_processes)
    batch = own * accelerator.num_processes
    if settings.images is not None:
        progress.planned = settings.images
        more = progress.images < settings.images
    else:
        more = plan(progress, settings.minutes * 60, batch) > progress.images
    if progress.finished and not more:
        return True
    progress.finished, first = False, progress.step

    device = next(stage.networks.parameters()).device
    if settings.precision == "bf16" and emulates_bf16(device) and recorder.writes:
        tqdm.write(f"{stage.name}: this processor has no bf16 and imitates it, about ten times slower than fp32: begin "
                   "with --precision fp32, or stop with Ctrl-C and go on with --resume --precision fp32.",
                   file=sys.stderr)  # fmt: skip
    images, labels = train_set.images.to(device), train_set.labels.to(device)
    stage.held_out = test_set.images[:32].to(device).float() / 255
    stage.begin(Pictures(images, labels), Pictures(test_set.images[:256].to(device), test_set.labels[:256].to(device)))
    if settings.track:
        accelerator.init_trackers(stage.name, config=run_folder.flat_settings(settings))
    clock = time.monotonic() - progress.seconds
    last_line = last_sheet = progress.images
    last_save = time.monotonic()
    talks = 1 if accelerator.num_processes == 1 and device.type == "cpu" else TALK_STEPS
    stop = False
    bar = tqdm(total=progress.planned or None, initial=progress.images, unit=" img", desc=stage.name,
               smoothing=0.05, dynamic_ncols=True, mininterval=1.0, disable=not recorder.writes)  # fmt: skip
    with graceful_stop() as asked, bar:
        while True:
            done = progress.step - first
            if done % talks == 0 or progress.images >= progress.planned:
                if settings.images is None and (done < 20 or done % 50 == 0 or progress.images >= progress.planned):
                    progress.planned = plan(progress, settings.minutes * 60, batch)
                stop, progress.planned = agreed(accelerator, bool(asked), progress.planned)
                name, streak = stage.updates.in_a_row()
                if streak >= PATIENCE:
                    cause = f"{streak} steps of the {name} in a row were"
                    raise UserError(diverged(stage.name, progress, cause, settings.precision))
                bar.total = progress.planned
            if stop or progress.images >= progress.planned:
                break
            picked = batch_indices(len(images), batch, progress.step, settings.seed)
            picked = picked.chunk(accelerator.num_processes)[accelerator.process_index].to(device)
            seed = settings.seed * 1_000_003 + progress.step  # and each process draws its own
            torch.manual_seed(seed * accelerator.num_processes + accelerator.process_index)
            pictures = (images[picked].float() / 255).contiguous(memory_format=torch.channels_last)
            stage.taken = progress.step
            shown = stage.step(pictures, labels[picked], progress.share)
            progress.step += 1
            progress.images += batch
            update_averages(averages, stage.networks, ema_decay(batch, progress.images, stage.ema_images))
            progress.seconds = time.monotonic() - clock
            bar.update(batch)
            if progress.step > 20 and progress.images - last_line >= progress.planned / LINES:
                last_line = progress.images
                recorder.line(shown, bar)
            if progress.step > 20 and progress.images - last_sheet >= progress.planned / SHEETS:
                last_sheet = progress.images
                recorder.sheet()
            if time.monotonic() - last_save > CHECKPOINT_SECONDS:
                last_save = time.monotonic()
                recorder.checkpoint()
        recorder.checkpoint()
        if not stop:
            recorder.sheet()
            bar.set_description(f"{stage.name}: measuring")
            averages.eval()
            latents = stage.finish(averages, train_set, test_set) if recorder.writes else {}
            if latents:
                run_folder.save_tensors(folder / "latents.safetensors", latents, {})
            progress.finished = True
            recorder.checkpoint()
            stop, _ = agreed(accelerator, bool(asked), progress.planned)  # this stage is whole, but no other begins
    if settings.track:
        accelerator.end_training()
    accelerator.wait_for_everyone()
    if stop and recorder.writes:
        print(f"Stopped after {progress.images} pictures; everything is in {folder}. Add --resume to go on.")
    return progress.finished and not stop


def plan(progress: Progress, budget: float, batch: int) -> int:
    """How many pictures fit into the budget (seconds) at the speed so far; whole batches, at least one more."""
    if progress.step < 5:
        return max(progress.planned, 1_000 * batch)
    left = max(budget - progress.seconds, 0.0)
    rate = progress.images / max(progress.seconds, 1e-9)
    return progress.images + int(left * rate) // batch * batch


def emulates_bf16(device: torch.device) -> bool:
    """Whether bfloat16 convolutions run without the processor's help: oneDNN wants AVX-512 or Arm's bf16 for them."""
    if device.type != "cpu":
        return False
    return not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def fastest_precision() -> Literal["fp32", "bf16"]:
    """bf16 where this machine trains faster in it."""
    return "fp32" if emulates_bf16(torch.device("cuda" if torch.cuda.is_available() else "cpu")) else "bf16"


def usable_threads() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

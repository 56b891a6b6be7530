"""What a run leaves behind while it trains: metrics, sheets, checkpoints, and how it came about."""

import json
import math
import platform
import shlex
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from bundle.errors import UserError
from train import run_folder
from train.settings import BUDGET, TUNABLE, Settings
from train.sheets import save_sheet
from train.stages.stage import Stage


@dataclass
class Progress:
    """Where a run stands; the metadata of its checkpoint."""

    step: int = 0
    images: int = 0
    planned: int = 0
    seconds: float = 0.0
    finished: bool = False
    stage: dict[str, float] = field(default_factory=dict)  # what the stage itself needs, see Stage.state

    @property
    def share(self) -> float:
        return min(self.images / self.planned, 1.0) if self.planned else 0.0


def hardware(processes: int = 1) -> str:
    """Processor or GPU, in words."""
    several = f"{processes} processes on " if processes > 1 else ""
    if torch.cuda.is_available():
        return several + torch.cuda.get_device_name()
    return f"{several}{processor()}, {torch.get_num_threads()} thread(s)"


def processor() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def command_line(module: str, settings: Settings, source: str) -> str:
    """The command that repeats this run, with the data by name rather than by a local path."""
    words = sys.argv[1:]
    for i, word in enumerate(words):
        if word == str(settings.data):
            words[i] = source
        elif word.startswith("--data="):
            words[i] = f"--data={source}"
    return shlex.join(["python", "-m", module, *words])


def diverged(stage: str, progress: Progress, what: str, precision: str = "fp32") -> str:
    """What to say when training left the finite numbers."""
    way_out = "try a lower --lr" + (" or --precision fp32" if precision != "fp32" else "")
    return f"{stage}: {what} not finite after {progress.images} pictures. The last good checkpoint is kept; {way_out}."


class Recorder:
    """Writes what a run leaves behind: metrics, sheets, checkpoints. Only the first process writes."""

    def __init__(self, stage: Stage, averages: nn.ModuleDict, settings: Settings, source: str, progress: Progress,
                 accelerator: Accelerator):  # fmt: skip
        self.stage, self.averages, self.settings, self.progress = stage, averages, settings, progress
        self.folder = settings.run / stage.name
        self.accelerator, self.writes = accelerator, accelerator.is_main_process
        self.variety: dict[str, float] = {}  # as the last sheet found it
        self.command = command_line(stage.module, settings, source)
        record_path = self.folder / "record.json"
        if settings.resume and record_path.exists():
            stored = run_folder.read_json(record_path)
            # A resumed run keeps the command that began it; a new budget and what was tuned are told as well.
            was = run_folder.settings_from_json(type(settings), stored["config"])
            same = all(getattr(was, f.name) == getattr(settings, f.name)
                       for f in fields(settings) if f.name in BUDGET | TUNABLE)  # fmt: skip
            self.command = stored["command"] if same else f"{stored['command']} && {self.command}"

    def checkpoint(self) -> None:
        """Raises UserError for weights that are not finite, and when the disk refuses."""
        if not self.writes:
            return
        stage, progress = self.stage, self.progress
        if not all(bool(torch.isfinite(weight).all()) for weight in stage.networks.parameters()):
            raise UserError(diverged(stage.name, progress, "the weights are"))
        tensors = run_folder.module_tensors("networks", stage.networks) | run_folder.module_tensors(
            "averages", self.averages
        )
        for name, optimizer in stage.optimizers.items():
            tensors |= run_folder.optimizer_tensors(name, optimizer)
        progress.stage = stage.state()
        run_folder.save_tensors(self.folder / "state.safetensors", tensors, vars(progress))
        record = run_folder.StageRecord(
            command=self.command,
            seconds=round(progress.seconds, 1),
            images=progress.images,
            finished=progress.finished,
            hardware=hardware(self.accelerator.num_processes),
            config=run_folder.settings_json(self.settings),
            target_images=stage.target_images,
        )
        run_folder.write_json(self.folder / "record.json", vars(record))

    def line(self, shown: dict[str, Tensor], bar: tqdm) -> None:
        """One line of metrics.jsonl, on the bar and for the trackers."""
        progress = self.progress
        values = {name: float(f"{float(value):.6g}") for name, value in shown.items()}
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        bar.set_postfix({k: f"{v:.3g}" for k, v in values.items()}, refresh=False)
        if skipped := int(self.stage.updates.skipped):
            values["skipped_steps"] = skipped
        facts = {"images": progress.images, "seconds": round(progress.seconds, 1),
                 "images_per_second": round(progress.images / progress.seconds, 1)}  # fmt: skip
        values |= self.variety
        if self.writes:
            with (self.folder / "metrics.jsonl").open("a") as metrics:
                metrics.write(json.dumps(facts | values) + "\n")
        self.accelerator.log(values, step=progress.images)

    @torch.no_grad()
    def sheet(self) -> None:
        """A sample sheet of the averaged networks, and an alarm when they draw less than half of the data's variety."""
        if not self.writes:
            return
        self.averages.eval()
        stage, images = self.stage, self.progress.images
        save_sheet(self.folder / "samples" / f"{images:09d}.png", stage.preview(self.averages, stage.held_out))
        shares = stage.watch(self.averages)
        low = {name: round(share, 3) for name, share in shares.items() if share < 0.5}
        # Early samples are all alike; an alarm means something once there has been time to spread out.
        if low and self.progress.share > 0.2:
            said = ", ".join(f"{name} {share:.0%}" for name, share in low.items())
            tqdm.write(f"{stage.name}: alarm: the samples are all alike ({said} of the data's) after {images} pictures")
        self.variety = {f"variety_{name}": round(share, 4) for name, share in shares.items()}

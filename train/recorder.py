"""What a run writes while it trains: metrics, sample sheets, checkpoints, and the record of how it was trained."""

import json
import math
import shlex
import sys
from dataclasses import dataclass, field, fields

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from tqdm import tqdm

from bundle import images
from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.printable import printable
from bundle.version import VERSION
from train.checkpoints import module_tensors, optimizer_tensors, save_tensors
from train.hardware import hardware
from train.run_folder import StageRecord, read_json, write_json
from train.settings import BUDGET, TUNABLE, Settings
from train.stages.stage import Stage
from train.stored_settings import from_dict, to_dict

SHEET_COLUMNS = 8
LEAST_VARIETY = 0.5  # as a share of the data's; below it a warning is printed, but not …
EARLY = 0.2  # … in the first part of a run, whose samples are all alike


@dataclass
class Progress:
    """Where a run stands; the metadata of its checkpoint."""

    step: int = 0
    images: int = 0
    planned: int = 0
    seconds: float = 0.0
    finished: bool = False
    stage: dict[str, float] = field(default_factory=dict)
    """What `Stage.state` returns."""

    @property
    def share(self) -> float:
        """How much of the plan is done, in [0, 1]."""
        return min(self.images / self.planned, 1.0) if self.planned else 0.0


class Recorder:
    """Writes what a run leaves behind. Only the first of several processes writes."""

    def __init__(self, stage: Stage, averages: nn.Module, settings: Settings, source: str, progress: Progress,
                 accelerator: Accelerator):  # fmt: skip
        self.stage, self.averages, self.settings, self.progress = stage, averages, settings, progress
        self.folder = settings.run / stage.name
        self.accelerator, self.writes = accelerator, accelerator.is_main_process
        self.variety: dict[str, float] = {}  # at the last sheet
        self.command = command_line(stage.module, settings, source)
        self.own_command = self.command
        self.began_at = progress.seconds, progress.images
        self.earlier_sessions: list[dict] = []
        record_path = self.folder / "record.json"
        if settings.resume and record_path.exists():
            record = read_json(record_path)
            self.command = resumed_command(record, settings, self.command)
            self.earlier_sessions = sessions_of(record)

    def checkpoint(self) -> None:
        """Raises UserError for weights that are not finite, and when the disk refuses."""
        if not self.writes:
            return
        stage, progress = self.stage, self.progress
        if not all(bool(torch.isfinite(weight).all()) for weight in stage.networks.parameters()):
            raise UserError(diverged(stage.name, progress, "the weights are", self.settings.precision))
        tensors = module_tensors("networks", stage.networks) | module_tensors("averages", self.averages)
        for name, optimizer in stage.optimizers.items():
            tensors |= optimizer_tensors(name, optimizer)
        progress.stage = stage.state()
        save_tensors(self.folder / "state.safetensors", tensors, vars(progress))
        record = StageRecord(
            command=self.command,
            seconds=round(progress.seconds, 1),
            images=progress.images,
            finished=progress.finished,
            hardware=hardware(self.accelerator.num_processes),
            config=to_dict(self.settings),
            target_images=stage.target_images,
            sessions=[*self.earlier_sessions, self.session()],
        )
        write_json(self.folder / "record.json", vars(record))

    def session(self) -> dict:
        """What this process has done so far, for the record."""
        seconds, images = self.began_at
        return {
            "command": self.own_command,
            "version": VERSION,
            "seconds": round(self.progress.seconds - seconds, 1),
            "images": self.progress.images - images,
            "hardware": hardware(self.accelerator.num_processes),
        }

    def line(self, shown: dict[str, Tensor], bar: tqdm) -> None:
        """One line of metrics: in metrics.jsonl, on the progress bar and for the tracker."""
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
            with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as metrics:
                metrics.write(json.dumps(facts | values) + "\n")
        self.accelerator.log(values, step=progress.images)

    @torch.no_grad()
    def sheet(self) -> None:
        """A sheet of samples by the averaged networks; a warning where they vary less than half as much as the data."""
        if not self.writes:
            return
        self.averages.eval()
        stage, progress = self.stage, self.progress
        samples = images.to_uint8(stage.preview(self.averages, stage.held_out).float().cpu().numpy())
        path = self.folder / "samples" / f"{progress.images:09d}.png"
        write_file(path, images.png(images.sheet(samples, SHEET_COLUMNS)))
        variety = stage.variety(self.averages)
        low = [f"{name} {share:.0%}" for name, share in variety.items() if share < LEAST_VARIETY]
        if low and progress.share > EARLY:
            tqdm.write(f"{stage.name}: warning: possible mode collapse after {progress.images} pictures: the samples "
                       f"vary much less than the data ({', '.join(low)} of the data's).")  # fmt: skip
        self.variety = {f"variety_{name}": round(share, 4) for name, share in variety.items()}


# ------------------------------------------------------------------------------------------- in words


def command_line(module: str, settings: Settings, source: str) -> str:
    """The command that repeats this run, with the data by name rather than by a local path."""
    words = sys.argv[1:]
    for i, word in enumerate(words):
        if word == str(settings.data):
            words[i] = source
        elif word.startswith("--data="):
            words[i] = f"--data={source}"
    return printable(shlex.join(["python", "-m", module, *words]))


def sessions_of(record: dict) -> list[dict]:
    """The sessions in a record; one of an older version is a single session."""
    whole = {name: record[name] for name in ("command", "seconds", "images", "hardware")}
    return record.get("sessions") or [whole | {"version": ""}]


def resumed_command(record: dict, settings: Settings, command: str) -> str:
    """The command of a resumed run: the one that began it, and `command` too where it changes what comes out."""
    was = from_dict(type(settings), record["config"])
    changes = BUDGET | TUNABLE
    same = all(getattr(was, f.name) == getattr(settings, f.name) for f in fields(settings) if f.name in changes)
    return record["command"] if same else f"{record['command']} && {command}"


def diverged(stage: str, progress: Progress, what: str, precision: str) -> str:
    """The error when `what` (a subject and its verb) stopped being finite."""
    way_out = "try a lower --lr" + (" or --precision fp32" if precision != "fp32" else "")
    return f"{stage}: {what} not finite after {progress.images} pictures. The last good checkpoint is kept; {way_out}."

"""What a stage writes while it trains: metrics, sample sheets, checkpoints, and the record of how it was trained."""

import json
import math
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from bundle import images
from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.marks import Mark, formats
from bundle.printable import printable
from bundle.version import VERSION
from train.checkpoints import module_tensors, optimizer_tensors, save_tensors
from train.hardware import hardware
from train.progress_bar import ProgressBar, say
from train.run_folder import StageRecord, read_json, write_json
from train.settings import BUDGET, TUNABLE, Settings
from train.snapshots import SnapshotTaker, remove_if_possible
from train.stages.stage import Stage
from train.stored_settings import from_dict, to_dict

SHEETS = "samples"  # their folder; a sheet is called by the pictures seen
SHEET_COLUMNS = 8
SHEET_OPTIONS = {"tensorboard": {"dataformats": "NHWC"}}
BF16 = ", bf16"
DEFAULT_DATA = Settings.data
LEAST_VARIETY = 0.5  # as a share of the data's: below it a warning is printed, once
MOST_ROUGHNESS = 2.5  # as a multiple of the data's: above it a warning is printed, once
EARLY, EARLY_STEPS = 0.2, 100  # share of the plan, and steps, without such warnings: early samples are all alike


@dataclass
class Progress:
    """Where the training of a stage stands; the metadata of its checkpoint."""

    step: int = 0
    images: int = 0
    planned: int = 0
    seconds: float = 0.0
    finished: bool = False
    budget: float = 0.0
    """Seconds that a finished stage had been given; 0 where a number of pictures was asked for."""
    threads: int = 0
    """Processor threads that a trial found to be fastest; 0 before there was one."""
    processor: str = ""
    """The processor on which it was made."""
    stage_state: dict[str, float] = field(default_factory=dict)
    """What `Stage.state` returns."""

    @property
    def share(self) -> float:
        """How much of the plan is done, in [0, 1]."""
        return min(self.images / self.planned, 1.0) if self.planned else 0.0


class Recorder:
    """Writes what the training of a stage leaves behind. Only the first of several processes writes."""

    def __init__(self, stage: Stage, averages: nn.Module, settings: Settings, source: str, progress: Progress,
                 accelerator: Accelerator, train_images: int):  # fmt: skip
        """train_images: how many pictures steps can see; said in the record, with each time that some were added."""
        self.stage, self.averages, self.settings, self.progress = stage, averages, settings, progress
        self.folder = settings.run / stage.name
        self.accelerator, self.writes = accelerator, accelerator.is_main_process
        self.sample_figures: dict[str, float] = {}  # variety and roughness at the last sheet
        self.command = repeating_command(stage.module, settings, source)
        self.own_command = self.command
        self.began_at = progress.seconds, progress.images
        self.earlier_sessions: list[dict] = []
        self.warned: dict[str, str] = {}  # kind -> what was said
        self.data = [[progress.images, train_images]]
        self.snapshots = SnapshotTaker(stage, self.folder, progress.images) if self.writes else None
        if self.writes:
            remove_sheets(self.folder, progress.images)
        record_path = self.folder / "record.json"
        if settings.resume and record_path.exists():
            record = read_json(record_path)
            self.command = resumed_command(record, settings, self.command)
            self.earlier_sessions = sessions_of(record)
            before = record.get("data") or []
            self.data = before if before and before[-1][1] == train_images else [*before, *self.data]

    def checkpoint(self) -> None:
        """Raises UserError for weights that are not finite, and when the disk refuses."""
        if not self.writes:
            return
        stage, progress = self.stage, self.progress
        if not all(bool(torch.isfinite(weight).all()) for weight in stage.networks.parameters()):
            raise UserError(diverged(self.folder, progress, "the weights are", self.settings.precision))
        tensors = module_tensors("networks", stage.networks) | module_tensors("averages", self.averages)
        for name, optimizer in stage.optimizers.items():
            tensors |= optimizer_tensors(name, optimizer)
        progress.stage_state = stage.state()
        record = StageRecord(
            command=self.command,
            seconds=round(progress.seconds, 1),
            images=progress.images,
            finished=progress.finished,
            hardware=self.hardware,
            config=to_dict(self.settings),
            target_images=stage.target_images,
            sessions=[*self.earlier_sessions, self.session()],
            data=self.data,
        )
        if not (self.folder / "record.json").exists():  # no stage is without a record once it has a checkpoint
            write_json(self.folder / "record.json", vars(record))
        save_tensors(self.folder / "state.safetensors", tensors, vars(progress))
        write_json(self.folder / "record.json", vars(record))

    @property
    def hardware(self) -> str:
        """What this process trains on, and whether in bf16."""
        return f"{hardware(self.accelerator.num_processes)}{BF16 if self.settings.precision == 'bf16' else ''}"

    def session(self) -> dict:
        """What this process has done so far, for the record."""
        seconds, images = self.began_at
        return {
            "command": self.own_command,
            "version": VERSION,
            "seconds": round(self.progress.seconds - seconds, 1),
            "images": self.progress.images - images,
            "hardware": self.hardware,
        }

    def line(self, metrics: dict[str, Tensor], bar: ProgressBar) -> None:
        """One line of metrics: in metrics.jsonl, on the progress bar and for the tracker."""
        progress = self.progress
        values = {name: float(f"{float(value):.6g}") for name, value in metrics.items()}
        values = {name: value for name, value in values.items() if math.isfinite(value)}
        bar.set_postfix({k: f"{v:.3g}" for k, v in values.items()}, refresh=False)
        if skipped := int(self.stage.updates.skipped):
            values["skipped_steps"] = skipped
        facts = {"images": progress.images, "seconds": round(progress.seconds, 1),
                 "images_per_second": round(progress.images / progress.seconds, 1)}  # fmt: skip
        values |= self.sample_figures
        if self.writes:
            try:
                with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(facts | values) + "\n")
            except OSError as problem:  # worth no training: a checkpoint that fails says so in time
                self.warn("metrics", f"metrics.jsonl cannot be written ({problem.strerror}); the training goes on.")
        self.accelerator.log(values, step=progress.images)

    def snapshot(self, last: bool = False) -> None:
        """Keeps what the networks draw now, where a moment to keep has come or the stage is done."""
        snapshots, progress = self.snapshots, self.progress
        if snapshots is None or not (last or snapshots.is_due(progress.images)):
            return
        self.averages.eval()
        try:
            snapshots.take(self.averages, progress.images, progress.seconds)
        except UserError as problem:  # worth no training, as the metrics
            self.snapshots = None
            self.warn("snapshots", f"{problem} No more snapshots are taken; the training goes on.")

    @torch.no_grad()
    def sheet(self) -> None:
        """A sheet of samples by the averaged networks, for the tracker too; warnings where they vary much less than the
        data, and where they are noise."""
        if not self.writes:
            return
        self.averages.eval()
        stage, progress = self.stage, self.progress
        samples = images.to_uint8(stage.preview(self.averages, stage.held_out).float().cpu().numpy())
        sheet = images.sheet(samples, SHEET_COLUMNS)
        png = formats.png(sheet, Mark(source=stage.sheet_shows)) if stage.sheet_shows else images.png(sheet)
        try:
            write_file(self.folder / SHEETS / f"{progress.images:09d}.png", png)
        except UserError as problem:  # worth no training, as the metrics
            self.warn("sheets", f"{problem} The training goes on without this sheet of samples.")
        self.track_sheet(np.asarray(sheet))
        variety = stage.variety(self.averages)
        roughness = stage.roughness(self.averages)
        self.sample_figures = {f"variety_{name}": round(share, 4) for name, share in variety.items()}
        if roughness is not None and math.isfinite(roughness):
            self.sample_figures["roughness"] = round(roughness, 4)
        if progress.share > EARLY and progress.step >= EARLY_STEPS:
            self.check_samples(variety, roughness)

    def check_samples(self, variety: dict[str, float], roughness: float | None) -> None:
        """Warns of samples that are all alike, and of samples that are noise."""
        low = [f"{name} {share:.0%}" for name, share in variety.items() if share < LEAST_VARIETY]
        after = f"after {self.progress.images} pictures"
        better = "If the next sheets are no better, stop with Ctrl-C and go on with --resume"
        if low:
            text = f"possible mode collapse {after}: the samples vary much less than the data ({', '.join(low)} of the "
            self.warn("collapse", f"{text}data's). {better} --minibatch-stddev, or with a lower --gamma.")
        if roughness is not None and not roughness < MOST_ROUGHNESS:
            text = (
                f"the samples look like noise {after}: neighbouring pixels differ {roughness:.1f} times as much as in "
            )
            self.warn("noise", f"{text}the data. {better} and a higher --gamma, or begin again with a lower --lr.")

    def warn(self, kind: str, text: str) -> None:
        """Prints a warning, the first time that there is one of its kind."""
        if kind not in self.warned:
            self.warned[kind] = text
            say(f"{self.stage.name}: warning: {text}")

    def track_sheet(self, sheet: np.ndarray) -> None:
        """Sends a sheet, uint8 [H, W, C], to those trackers that take pictures."""
        picture = sheet if sheet.ndim == 3 else sheet[:, :, None].repeat(3, axis=2)
        for tracker in self.accelerator.trackers:
            with suppress(AttributeError, NotImplementedError):
                log_images = tracker.log_images
                log_images({"samples": picture[None]}, step=self.progress.images, **SHEET_OPTIONS.get(tracker.name, {}))


def remove_sheets(folder: Path, seen: int) -> None:
    """Removes those sheets of a stage's folder that are of more than `seen` pictures, those at its checkpoint: they
    belong to steps that are repeated or to a training that was begun anew, and would pass for the newest."""
    for path in (folder / SHEETS).glob("*.png"):
        if path.stem.isdecimal() and int(path.stem) > seen:
            remove_if_possible(path)


# ------------------------------------------------------------------------------------------- in words


def repeating_command(module: str, settings: Settings, source: str) -> str:
    """The command that repeats the training of a stage. It names the data, and what it starts from, and no local path
    of either."""
    words, named = sys.argv[1:], False
    start = getattr(settings, "start_from", None)
    start = start and start.resolve()
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if (flag == "--data" and equals) or (not flag and i and words[i - 1] == "--data"):
            words[i], named = flag + equals + source, True
        elif not flag and i and Path(value) == settings.run == Path(settings.data):  # a run folder among its pictures
            words[i] = source
        elif start is not None and value and Path(value).resolve() == start:  # however it is written
            words[i] = flag + equals + start.name
    if not named and source != DEFAULT_DATA:
        words += ["--data", source]
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


def diverged(folder: Path, progress: Progress, what: str, precision: str) -> str:
    """The error when `what` (a subject and its verb) stopped being finite in the stage of `folder`. A resumed stage
    keeps its --lr, and repeats what it did unless something else is changed."""
    to_fp32 = ["--precision fp32"] if precision != "fp32" else []
    text = f"{folder.name}: {what} not finite after {progress.images} pictures."
    if not (folder / "state.safetensors").exists():
        return f"{text} Nothing was stored; {' or '.join(['try a lower --lr', *to_fp32])}."
    changes = to_fp32 + (["a higher --gamma"] if folder.name == "gan" else [])
    go_on = f"go on from it with --resume and {' or '.join(changes)}, or " if changes else ""
    return f"{text} The last good checkpoint is kept: {go_on}begin another run with a lower --lr."

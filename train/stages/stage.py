"""What the loop trains: a stage holds networks and optimizers, and knows how to take one step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from bundle.marks import COMPOSITE
from bundle.marks.mark import DigitalSource
from train.data.dataset import Pictures
from train.distributed import average_over_processes
from train.settings import Settings

Networks = TypeVar("Networks", bound=nn.Module)
StageSettings = TypeVar("StageSettings", bound=Settings)


class Updates:
    """From gradients to optimizer steps: averaged over processes; skipped and counted where they are not finite.

    Nothing here waits for the device: whether a step is skipped is decided there (`found_inf` of a fused optimizer).
    """

    def __init__(self, networks: nn.Module, optimizers: Mapping[str, torch.optim.Optimizer]):
        self.networks, self.optimizers = networks, optimizers
        self.accelerator: Accelerator | None = None
        device = next(networks.parameters()).device
        self.skipped = torch.zeros((), device=device)
        self.skipped_in_a_row = {name: torch.zeros((), device=device) for name in optimizers}
        self._buffers = [b for b in networks.buffers() if b.is_floating_point()]
        self._kept: list[Tensor] = []

    def begin(self) -> None:
        """Before a step: remember running statistics, which a skipped step must not change."""
        self._kept = [b.clone() for b in self._buffers]

    def apply(self, name: str, clip: float | None = None) -> None:
        """One step of optimizer `name` with the gradients that `backward` left, cleared afterwards.

        clip: largest norm of all gradients together.
        """
        optimizer = self.optimizers[name]
        weights = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        gradients = [p.grad for p in weights]
        if self.accelerator is not None and self.accelerator.num_processes > 1:
            average_over_processes(self.accelerator, gradients + (self._buffers if self._kept else []))
        norm = nn.utils.get_total_norm(gradients)
        bad = (~norm.isfinite()).float()
        if clip is not None:
            nn.utils.clip_grads_with_norm_(weights, clip, norm)
        vars(optimizer).update(found_inf=bad, grad_scale=None)  # as torch.amp.GradScaler tells fused optimizers
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        for buffer, kept in zip(self._buffers, self._kept, strict=False):
            buffer.data.copy_(torch.where(bad > 0, kept, buffer))  # .data: graphs of this step may still hold it
        self._kept = []
        self.skipped += bad
        self.skipped_in_a_row[name] = (self.skipped_in_a_row[name] + bad) * bad

    def worst_streak(self) -> tuple[str, int]:
        """(optimizer, how many of its last steps were skipped), of the optimizer with most. Waits for the device."""
        name = max(self.skipped_in_a_row, key=lambda n: float(self.skipped_in_a_row[n]))
        return name, int(self.skipped_in_a_row[name])


class Stage(ABC, Generic[Networks, StageSettings]):
    """One kind of training: networks, optimizers, and a step."""

    name: ClassVar[str]
    """Folder of the stage in the run."""
    module: ClassVar[str] = "train"
    """Module that `python -m` starts."""
    held_out: Tensor
    """At most 32 held-out pictures for the sample sheets, at even distances, float32 in [0, 1]; set by the loop."""
    sheet_shows: ClassVar[DigitalSource | None] = COMPOSITE
    """What the mark of a sample sheet says: samples, samples beside held-out pictures, or None for what is no
    picture."""
    snapshot_held_out: ClassVar[int] = 0
    """How many held-out pictures `snapshot` takes."""
    steps_done: int = 0
    """Steps before this one; set by the loop."""
    target_images: int | None = None
    """Of a mask encoder: pictures that the frozen network had been trained on."""

    def __init__(
        self,
        networks: Networks,
        optimizers: Mapping[str, torch.optim.Optimizer],
        settings: StageSettings,
        ema_images: float,
    ):
        """ema_images: half-life of the averages, in pictures."""
        self.networks, self.optimizers, self.settings, self.ema_images = networks, optimizers, settings, ema_images
        self.updates = Updates(networks, optimizers)

    # ---------------------------------------------------------------------------- what the loop calls

    def training_pictures(self, train: Pictures) -> Pictures:
        """Those of the training pictures that steps may see; called once, before `begin`."""
        return train

    def begin(self, train: Pictures, test: Pictures) -> None:
        """Called once, before the first step, with the first held-out pictures, `augment.MOST_APART` at most, on the
        device, and all training pictures, on the device if they fit there."""

    @abstractmethod
    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        """One update. images float32 [N, C, H, W] in [0, 1]; labels int64 [N]; progress in [0, 1].

        Returns its metrics, scalars by name."""

    @abstractmethod
    def preview(self, averages: Networks, pictures: Tensor) -> Tensor:
        """Pictures [N, C, H, W] in [0, 1] for a sample sheet, drawn by the averaged networks from the same latents or
        the same held-out `pictures` [N, C, H, W] each time."""

    def snapshot(self, averages: Networks, pictures: Tensor) -> Tensor | None:
        """Pictures [N, C, H, W] in [0, 1] of the same latents each time, or of these held-out `pictures`; None for a
        stage that shows nothing. Nothing in it is drawn at random."""
        return None

    def variety(self, averages: Networks) -> dict[str, float]:
        """How varied the samples are, each figure as a share of the data's; under 0.5 a warning is printed."""
        return {}

    def roughness(self, averages: Networks) -> float | None:
        """How much neighbouring pixels of samples differ, as a multiple of the data's; far above 1 they are noise. None
        for a stage that draws no samples."""
        return None

    def measuring_seconds(self, train: int, test: int, rate: float) -> float:
        """How long `finish` takes with so many pictures of each split, roughly; `rate`: those trained on a second."""
        return 0.0

    def finish(self, averages: Networks, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """What is measured once at the end, stored as latents.safetensors."""
        return {}

    def state(self) -> dict[str, float]:
        """Numbers besides weights and moments that resuming needs."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Inverse of `state`."""

    # ------------------------------------------------------------------------------ what steps share

    def parts(self, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
        """The tensors cut alike into `--accumulate` parts, to need less memory."""
        return list(zip(*(t.chunk(self.settings.accumulate) for t in tensors), strict=True))

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return self.updates.accelerator.num_processes if self.updates.accelerator is not None else 1

    def own_rows(self, everyone: Tensor) -> Tensor:
        """This process's rows of as many as all processes need. Seeded alike, two processes repeat one with twice the
        batch; the loop gives each a seed of its own."""
        accelerator = self.updates.accelerator
        return everyone if accelerator is None else everyone.chunk(self.processes)[accelerator.process_index]

    def autocast(self, device: torch.device) -> torch.autocast:
        """bfloat16 where `--precision bf16` asks for it."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")


def channels_last(networks: nn.Module) -> None:
    """Convolutions in channels-last memory: training is up to 1.6 times as fast, on CPU and GPU.

    As `networks.to(memory_format=…)`, whose strides for maps of one channel or one pixel decide the last bits of a run.
    """
    for tensor in (*networks.parameters(), *networks.buffers()):
        if tensor.dim() == 4:
            tensor.data = tensor.data.to(memory_format=torch.channels_last)

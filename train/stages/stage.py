"""What the loop trains: a stage holds networks and optimizers and knows one step."""

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from train.data.dataset import Pictures


class Updates:
    """From gradients to optimizer steps: averaged over processes, left out and counted where they are not finite.

    Nothing here waits for the device: a step that is left out is decided there (fused Adam's `found_inf`).
    """

    def __init__(self, networks: nn.ModuleDict, optimizers: dict[str, torch.optim.Optimizer]):
        self.networks, self.optimizers = networks, optimizers
        self.accelerator: Accelerator | None = None
        device = next(networks.parameters()).device
        self.skipped = torch.zeros((), device=device)
        self.causes = {name: torch.zeros((), device=device) for name in optimizers}
        self._buffers = [b for b in networks.buffers() if b.is_floating_point()]
        self._kept: list[Tensor] = []

    def begin(self) -> None:
        """Before a step: remember running statistics, which a step that is left out must not change."""
        self._kept = [b.clone() for b in self._buffers]

    def apply(self, name: str, clip: float | None = None) -> None:
        """One step of optimizer `name` from the gradients that `backward` left. `clip`: largest norm of them all."""
        optimizer = self.optimizers[name]
        weights = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if self.accelerator is not None and self.accelerator.num_processes > 1:
            self._average([p.grad for p in weights] + (self._buffers if self._kept else []))
        norm = nn.utils.get_total_norm([p.grad for p in weights])
        bad = (~norm.isfinite()).float()
        if clip is not None:
            nn.utils.clip_grads_with_norm_(weights, clip, norm)
        optimizer.found_inf, optimizer.grad_scale = bad, None
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        for buffer, kept in zip(self._buffers, self._kept, strict=False):
            buffer.data.copy_(torch.where(bad > 0, kept, buffer))  # .data: graphs of this step may still hold it
        self._kept = []
        self.skipped += bad
        self.causes[name] = (self.causes[name] + bad) * bad

    def in_a_row(self) -> tuple[str, int]:
        """(optimizer, how many of its last steps were left out), the worst one. Waits for the device."""
        name = max(self.causes, key=lambda n: float(self.causes[n]))
        return name, int(self.causes[name])

    def _average(self, tensors: list[Tensor]) -> None:
        """Replaces tensors by their means over all processes, in one message."""
        flat = self.accelerator.reduce(torch.cat([t.flatten().float() for t in tensors]), reduction="mean")
        for tensor, mean in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.data.copy_(mean.view_as(tensor))


class Stage:
    """One kind of training: networks, optimizers, and a step."""

    name: str
    module: str = "train"  # what `python -m` starts
    ema_images: float = 10_000
    held_out: Tensor  # 32 pictures of the test split for the sheets, set by the loop
    accumulate: int = 1  # parts into which `step` cuts its batch, to need less memory
    taken: int = 0  # steps before this one, set by the loop
    target_images: int | None = None  # pictures that the frozen network had seen, where there is one

    def __init__(self, networks: nn.ModuleDict, optimizers: dict[str, torch.optim.Optimizer]):
        self.networks, self.optimizers = networks, optimizers
        self.updates = Updates(networks, optimizers)

    def begin(self, train: Pictures, test: Pictures) -> None:
        """Called once with the pictures, on the device, before the first step."""

    def step(self, images: Tensor, labels: Tensor, progress: float) -> dict[str, Tensor]:
        """One update. images float32 [N, C, S, S] in [0, 1]; progress in [0, 1]. Returns scalars to show."""
        raise NotImplementedError

    def parts(self, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
        """The same rows of each tensor, in `accumulate` parts."""
        return list(zip(*(t.chunk(self.accumulate) for t in tensors), strict=True))

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return self.updates.accelerator.num_processes if self.updates.accelerator is not None else 1

    def own(self, everyone: Tensor) -> Tensor:
        """This process's rows of what was drawn for all: so two processes repeat one with twice the batch."""
        accelerator = self.updates.accelerator
        return everyone if accelerator is None else everyone.chunk(self.processes)[accelerator.process_index]

    def watch(self, averages: nn.ModuleDict) -> dict[str, float]:
        """How varied the results are, each as a share of the data's own variety: an alarm rings under a half."""
        return {}

    def state(self) -> dict[str, float]:
        """Numbers besides weights and moments that resuming needs."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Inverse of `state`."""

    def preview(self, averages: nn.ModuleDict, pictures: Tensor) -> Tensor:
        """Pictures [N, C, S, S] in [0, 1] for a sheet, drawn by the averaged networks from the same latents or the
        same held-out `pictures` [32, C, S, S] each time."""
        raise NotImplementedError

    def finish(self, averages: nn.ModuleDict, train: Pictures, test: Pictures) -> dict[str, Tensor]:
        """What is measured once at the end, stored as latents.safetensors."""
        return {}

"""Trainings of seconds: the flags of small networks, and acting on one at a certain step."""

import os
import signal
from collections.abc import Callable

from train import loop

SMALL = ["--threads", "1", "--precision", "fp32", "--batch", "16"]
NARROW = {
    "classifier": (),
    "gan": ("--width", "16", "--latent-dim", "8", "--w-dim", "8"),
    "vae": ("--width", "16", "--latent-dim", "4", "--components", "2"),
    "inverse": ("--width", "16", "--hidden", "16"),
}
STAGES = {
    "classifier": [*NARROW["classifier"]],
    "gan": [*NARROW["gan"]],
    "vae": [*NARROW["vae"]],
    "inverter": [*NARROW["inverse"], "--target", "gan"],
    "repair": [*NARROW["inverse"], "--target", "vae"],
}


def at_step(monkeypatch, number: int, act: Callable[[], None]) -> None:
    """Calls `act` while step `number` is taken, counted from 1."""
    taken = []
    original = loop.update_averages

    def counted(*arguments) -> None:
        original(*arguments)
        taken.append(1)
        if len(taken) == number:
            act()

    monkeypatch.setattr(loop, "update_averages", counted)


def interrupt() -> None:
    """A real Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)

"""How fast this machine trains: noted by each training, so that the next one can be told what to expect."""

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from bundle.atomic_files import write_file
from bundle.errors import UserError
from bundle.training_outlook import ENOUGH, PIXEL_POWER, SMALL
from bundle.training_status import Status

FILE = "speed.json"
CHANGED = 0.1  # a speed that differs by less is the same


class Machine:
    """The speeds of the stages in pictures of SMALL px a second, in a file beside the projects."""

    def __init__(self, home: Path):
        self.file = home / FILE
        self._lock = threading.Lock()

    def speeds(self) -> dict[str, float]:
        """Stage -> pictures a second; empty before anything was trained."""
        try:
            found = json.loads(self.file.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {stage: value for stage, value in found.items() if isinstance(value, int | float) and value > 0}

    def note(self, said: Status, pixels: int) -> None:
        """Notes how fast a stage trains on pictures of so many pixels, once that is known."""
        if said.expected is None or not said.rate:
            return
        with self._lock:
            known = self.speeds()
            of_small = float(f"{said.rate * (pixels / SMALL**2) ** PIXEL_POWER:.3g}")
            if abs(of_small - known.get(said.stage, 0.0)) > CHANGED * of_small:
                with suppress(UserError):  # a disk that is full is said elsewhere
                    write_file(self.file, json.dumps(known | {said.stage: of_small}).encode())

    def facts(self) -> dict[str, Any]:
        """What the page needs to say what so many minutes come to."""
        levels = {stage: [[None if most == float("inf") else most, words] for most, words in found]
                  for stage, found in ENOUGH.items()}  # fmt: skip
        return {"speeds": self.speeds(), "small": SMALL, "power": PIXEL_POWER, "levels": levels}

"""How much memory the container of this process leaves free, where it is in one with a limit."""

from contextlib import suppress
from pathlib import Path

from bundle.processors import CGROUP

RECLAIMABLE = {"inactive_file", "active_file"}  # what the system keeps of files, until somebody needs the memory


def free_in_container(root: Path = CGROUP) -> int | None:
    """Bytes that the processes of this container may still take; None without a limit. Reads cgroup v2."""
    with suppress(OSError, ValueError):  # "max" is no number: no limit
        most, used = (int((root / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
        lines = (line.split() for line in (root / "memory.stat").read_text(encoding="ascii").splitlines())
        files = sum(int(count) for name, count in lines if name in RECLAIMABLE)
        return max(most - used + files, 0)
    return None

"""How much memory there is for a set of pictures."""

from pathlib import Path

import psutil

SHARE = 0.25  # of the free memory that a set may fill; dividing it takes as much again
CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Bytes that this process may still take, also where a container allows less than the machine has."""
    free = psutil.virtual_memory().available
    try:
        limit = (CGROUP / "memory.max").read_text().strip()
        if limit.isdigit():
            free = min(free, int(limit) - int((CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        pass
    return max(free, 0)


def fits_in_memory(needed: int) -> bool:
    """Whether a set of so many bytes leaves enough memory for all else."""
    return needed <= SHARE * free_memory()

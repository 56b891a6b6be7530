"""How much memory there is for a set of pictures."""

import psutil

from bundle.container_memory import free_in_container

SHARE = 0.25  # of the free memory that a set may fill; dividing it takes as much again


def free_memory() -> int:
    """Bytes that this process may still take, also where a container allows less than the machine has."""
    free, in_container = psutil.virtual_memory().available, free_in_container()
    return free if in_container is None else min(free, in_container)


def fits_in_memory(needed: int) -> bool:
    """Whether a set of so many bytes leaves enough memory for all else."""
    return needed <= SHARE * free_memory()

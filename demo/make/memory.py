"""How much memory is free, for what is kept in it."""

import os
from contextlib import suppress
from pathlib import Path

from bundle.container_memory import free_in_container

LINUX = Path("/proc/meminfo")


def free_memory() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not say."""
    known = [found for found in (_of_the_machine(), free_in_container()) if found is not None]
    return min(known, default=None)


def _of_the_machine() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in LINUX.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    with suppress(OSError, ValueError, AttributeError):  # not on Windows
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None

"""How many processor cores this process may use: fewer than the machine has, where it is bound to some or a container
has a quota."""

import os
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The cores that this process may use, from its affinity and its cgroup quota; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(cores, cgroup_quota(CGROUP) or cores), 1)


def cgroup_quota(root: Path) -> int | None:
    """The CPU quota in whole cores, rounded up; None without a limit. Reads cgroup v2, then v1."""
    with suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else -(-int(quota) // int(period))
    with suppress(OSError, ValueError):
        limit, interval = (int((root / "cpu" / f"cpu.cfs_{n}_us").read_text()) for n in ("quota", "period"))
        return None if limit <= 0 else -(-limit // interval)
    return None

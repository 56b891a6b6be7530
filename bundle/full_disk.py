"""Whether an error of the system means that the disk, or somebody's share of it, is full."""

import errno


def is_disk_full(error: BaseException) -> bool:
    """Whether this is an OSError of a disk without room."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)

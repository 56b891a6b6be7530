"""The threads in which Make works, so that others are served meanwhile.

They are its own: whatever waits here, the models and Gradio have theirs. Each kind of work has some, so that what waits
holds up nothing that is quick.
"""

from collections.abc import Callable
from typing import Any

import anyio

QUICK = anyio.CapacityLimiter(8)
WAITING = anyio.CapacityLimiter(4)  # for an export, or the end of a training
STORING = anyio.CapacityLimiter(4)  # files that have arrived, one at a time of a project
DECODING = anyio.CapacityLimiter(2)  # whole pictures, which take a lot of memory each


async def in_thread(work: Callable[..., Any], *arguments: Any, limiter: anyio.CapacityLimiter = QUICK) -> Any:
    """What `work` returns or raises."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=limiter)

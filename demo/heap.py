"""The C library's memory, where it is glibc: a server that runs for weeks must not keep what it does not use.

glibc gives threads heaps of their own, eight for each core, and each keeps its largest extent for ever. Pictures come
and go in dozens of threads, so that adds up to a hundred megabytes, which no Python object holds.
"""

import contextlib
import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h
ARENAS = 2


def few_heaps() -> None:
    """From now on at most ARENAS heaps; before threads are started. Does nothing where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Unused memory goes back to the system. Does nothing where there is no glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)

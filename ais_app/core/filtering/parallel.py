"""Compiled loops on all cores, from any thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_MOST = 16  # threads; to start more takes longer than the work on a slice


def in_parallel(work: Callable[[int, int], object], count: int) -> None:
    """Call ``work(low, high)`` for parts of ``range(count)`` in threads; the loops inside must let go of the GIL.

    numba's own parallel loops are not used: on some systems two threads must not be in them at once, and slices are
    filtered in several.
    """
    cores = min(count, _MOST, os.cpu_count() or 1)
    if cores <= 1:
        work(0, count)
        return
    bounds = [count * part // cores for part in range(cores + 1)]
    with ThreadPoolExecutor(cores - 1) as pool:
        others = pool.map(work, bounds[1:-1], bounds[2:])
        work(bounds[0], bounds[1])  # this thread has nothing else to do, and need not be started
        list(others)

"""All cores of a CPU: for compiled loops, and for work that is made of many small steps in torch.

torch shares every single step among its threads and lets them wait for each other after it: with cubes of forty voxels
two threads take longer than one. So each thread here does whole pieces of work, alone on its core.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from threading import Lock, Thread, local
from typing import ParamSpec, TypeVar

from ais_app.core.jobs import Job

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

_setting = Lock()
_MOST = 16  # threads for a loop; to start more takes longer than the work on a slice


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


class OneThreadEach:
    """Lets torch take one thread for each step of this thread, as a context; gives the number that it took before.

    Threads that begin meanwhile, such as a training's, have as many as ever: torch gives a new thread the number that
    was set last, anywhere, and it keeps that for good.
    """

    _own = local()

    def __enter__(self) -> int:
        import torch

        self._is_outer = not hasattr(self._own, "before")
        if self._is_outer:
            self._own.before = torch.get_num_threads()
            _set_threads(1, self._own.before)
        return int(self._own.before)

    def __exit__(self, *_: object) -> None:
        if self._is_outer:
            _set_threads(self._own.before, self._own.before)
            del self._own.before


def one_core_each(threads: int) -> ThreadPoolExecutor:
    """Return threads, as many as `OneThreadEach` says, in each of which torch takes one core for a step."""
    return ThreadPoolExecutor(threads, initializer=_set_threads, initargs=(1, threads))


def _set_threads(here: int, elsewhere: int) -> None:
    """Set how many threads torch takes in this thread, and in those that begin from now on."""
    import torch

    with _setting:
        torch.get_num_threads()  # a new thread asks for its number once, and would forget what was set before
        torch.set_num_threads(here)
        if here != elsewhere:
            other = Thread(target=torch.set_num_threads, args=(elsewhere,))
            other.start()
            other.join()


def spread(work: Callable[[T], R], pieces: Sequence[T]) -> list[R]:
    """Return what the work gives for each piece, in their order, with a core for each piece while there are some.

    The work must let go of the GIL for most of its time, as torch and numpy do. Results do not depend on the number
    of cores, as long as the pieces do not.
    """
    with OneThreadEach() as threads:
        if min(threads, len(pieces)) <= 1:
            return [work(piece) for piece in pieces]
        with one_core_each(threads) as pool:
            return list(pool.map(work, pieces))


def small_steps(job: Callable[P, Job[R]]) -> Callable[P, Job[R]]:
    """Mark a job as made of steps that are too small to be shared: torch takes one thread for each of them."""

    @wraps(job)
    def marked(*args: P.args, **kwargs: P.kwargs) -> Job[R]:
        with OneThreadEach():
            return (yield from job(*args, **kwargs))

    return marked

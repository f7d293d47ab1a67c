"""Long work in steps: generators that yield nothing, pause after some million voxels, and return their result.

Whoever runs one shows the progress at each pause, and can end it there:

    result = yield from shown(steps, Progress(3, 10, "searching"))      # in a job
    result = run(steps)                                                 # in a test
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ais_app.core.jobs import Job, Progress
from ais_app.core.parallel import OneThreadEach, one_core_each

R = TypeVar("R")
Steps = Generator[None, None, R]
AT_ONCE = 2**22  # voxels read, written or transformed along an axis or two between two pauses: some tenths of a second


def shown(steps: Steps[R], progress: Progress) -> Job[R]:
    """Do the steps as a job that stands where it is meanwhile."""
    try:
        while True:
            next(steps)
            yield progress
    except StopIteration as finished:
        result: R = finished.value
        return result
    finally:
        steps.close()


def slabs(length: int, voxels: int, at_once: int | None = None) -> Iterator[slice]:
    """Yield parts of an axis whose slices have so many voxels each, of `AT_ONCE` voxels together at most."""
    step = max(1, (at_once or AT_ONCE) // max(1, voxels))
    for first in range(0, length, step):
        yield slice(first, min(length, first + step))


class Workers:
    """Threads that each compute on one core, kept for the many rounds of a search (see `ais_app.core.parallel`).

    Used as a context; the result of `steps` does not depend on how many there are: `count`, torch's number.
    """

    count = 1
    _pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Workers:
        self._alone = OneThreadEach()
        self.count = self._alone.__enter__()
        self._pool = one_core_each(self.count) if self.count > 1 else None
        return self

    def __exit__(self, *raised: object) -> None:
        self._alone.__exit__(*raised)
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def map(self, work: Callable[[int], R], items: Sequence[int]) -> list[R]:
        """Return what the work gives for each, in their order."""
        return list(map(work, items) if self._pool is None else self._pool.map(work, items))

    def steps(self, work: Callable[[int], R], items: Sequence[int], voxels: int) -> Steps[list[R]]:
        """Return what the work gives for each, in their order; pauses after items of `AT_ONCE` voxels together.

        Parameters
        ----------
        work, items
            As for `map`.
        voxels
            Of one item.
        """
        together = max(self.count, AT_ONCE // max(1, voxels))
        found: list[R] = []
        for low in range(0, len(items), together):
            if low:
                yield
            found += self.map(work, items[low : low + together])
        return found

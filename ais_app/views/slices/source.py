"""Where planes come from: a bounded cache, and one thread that reads what is not in it.

    needed(jobs) ──► all cached? ──► True: show them
                        └─ no ─────► Latest ─► read, into the cache ─► arrived ─► ask again

One thread means that a file has one reader; the newest request comes first, an older one that is under way stops
between two planes, and what it has read so far stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from ais_app.views.slices.cache import PlaneCache
from ais_app.workers.latest import Latest

MOST_BYTES = 192 * 2**20  # some 50 slices of 1000 × 1000 float32


@dataclass(frozen=True)
class PlaneJob:
    """A plane to be read.

    Parameters
    ----------
    key
        What it is called in the cache; a plane under the same key is the same.
    read
        Reads it, on another thread.
    """

    key: Hashable
    read: Callable[[], np.ndarray]


class PlaneSource(QObject):
    """Planes, read in order of the newest request.

    Parameters
    ----------
    parent
        The Qt object it belongs to; call `close` before that goes.
    most_bytes
        Bound of the cache, unless a single view needs more.
    """

    arrived = pyqtSignal()  # something that was asked for is in the cache
    failed = pyqtSignal(object, object)  # key, the exception

    def __init__(self, parent: QObject, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(parent)
        self.most_bytes = most_bytes
        self.cache = PlaneCache(most_bytes)
        self._latest = Latest("slices", self)
        self._asked: tuple[Hashable, ...] = ()
        self._failed: set[Hashable] = set()

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._latest.busy

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return a plane from the cache."""
        return self.cache.get(key)

    def missing(self, jobs: Iterable[PlaneJob]) -> list[PlaneJob]:
        """Return the jobs whose planes are not in the cache and have not failed."""
        return [job for job in jobs if job.key not in self.cache and job.key not in self._failed]

    def has_failed(self, key: Hashable) -> bool:
        """Whether reading a plane has failed; it is tried again after `forget_failures`."""
        return key in self._failed

    def make_room(self, bytes: int) -> None:
        """See to it that planes of so many bytes fit in, however small the bound is."""
        self.cache.most_bytes = max(self.most_bytes, bytes)

    def read(self, jobs: list[PlaneJob]) -> None:
        """Read these now, in place of what was asked before."""
        keys = tuple(job.key for job in jobs)
        if self._latest.busy and keys == self._asked:
            return  # on its way
        self._asked = keys
        current: list[Hashable] = []
        epoch = self.cache.epoch

        def work(cancelled: Callable[[], bool]) -> None:
            for job in jobs:
                if cancelled():
                    return
                current[:] = [job.key]
                if job.key not in self.cache:  # what was asked before may have read it meanwhile
                    self.cache.put(job.key, job.read(), epoch)

        def fail(error: BaseException) -> None:
            self._failed.update(current)
            self.failed.emit(current[0], error)

        self._latest.request(work, lambda _: self.arrived.emit(), fail)

    def forget_failures(self) -> None:
        """Try again what has failed, when it is asked for next."""
        self._failed.clear()

    def clear(self) -> None:
        """Forget all planes, and what is being read."""
        self._latest.drop()
        self._failed.clear()
        self.cache.clear()

    def close(self) -> None:
        """End the thread."""
        self._latest.close()
        self.cache.clear()

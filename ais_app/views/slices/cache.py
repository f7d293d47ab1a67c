"""Planes that were read, newest use first, within a number of bytes; any thread may ask and put."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np


class PlaneCache:
    """A bounded memory of arrays.

    Parameters
    ----------
    most_bytes
        What all arrays together may take; the one put last always stays.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._planes: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0
        self._epoch = 0

    @property
    def bytes(self) -> int:
        """What the arrays take now."""
        return self._bytes

    @property
    def epoch(self) -> int:
        """Number that rises when everything is forgotten; hand it to `put` as it was when reading began."""
        return self._epoch

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return an array, or ``None`` when it is not here (any more)."""
        with self._lock:
            plane = self._planes.get(key)
            if plane is not None:
                self._planes.move_to_end(key)
            return plane

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._planes

    def put(self, key: Hashable, plane: np.ndarray, epoch: int | None = None) -> None:
        """Keep an array, unless everything was forgotten since `epoch`."""
        with self._lock:
            if epoch is not None and epoch != self._epoch:
                return
            self._remove(key)
            self._planes[key] = plane
            self._bytes += plane.nbytes
            while self._bytes > self.most_bytes and len(self._planes) > 1:
                self._remove(next(iter(self._planes)))

    def rename(self, change: Callable[[Hashable], Hashable | None]) -> None:
        """Give every array the key that `change` returns for its own; ``None`` drops it."""
        with self._lock:
            for key in list(self._planes):
                fresh = change(key)
                if fresh is None:
                    self._remove(key)
                elif fresh != key:
                    self._planes[fresh] = self._planes.pop(key)

    def clear(self) -> None:
        """Forget everything, also what is being read now."""
        with self._lock:
            self._planes.clear()
            self._bytes = 0
            self._epoch += 1

    def _remove(self, key: Hashable) -> None:
        plane = self._planes.pop(key, None)
        if plane is not None:
            self._bytes -= plane.nbytes

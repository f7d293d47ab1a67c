"""Planes that were computed once and may be wanted again: the last used ones, within a number of bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np


class PlaneCache:
    """Arrays by key; the ones not used for longest go when there are too many bytes. Any thread may call it.

    Parameters
    ----------
    memory_bytes
        Of all arrays together.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._limit = memory_bytes
        self._planes: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Bytes of the arrays that are kept."""
        return self._bytes

    def __contains__(self, key: Hashable) -> bool:
        return key in self._planes

    def get(self, key: Hashable) -> np.ndarray | None:
        """Return an array, which must not be changed, or ``None`` where it is not kept (any more)."""
        with self._lock:
            if key in self._planes:
                self._planes.move_to_end(key)
            return self._planes.get(key)

    def put(self, key: Hashable, plane: np.ndarray) -> np.ndarray:
        """Keep an array and return it; from here on it cannot be written to."""
        plane.setflags(write=False)
        with self._lock:
            self._bytes += plane.nbytes - self._drop(key)
            self._planes[key] = plane
            while self._bytes > self._limit:
                self._bytes -= self._drop(next(iter(self._planes)))
        return plane

    def discard(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Drop the arrays whose key is not wanted any more."""
        with self._lock:
            for key in [key for key in self._planes if unwanted(key)]:
                self._bytes -= self._drop(key)

    def _drop(self, key: Hashable) -> int:
        plane = self._planes.pop(key, None)
        return 0 if plane is None else plane.nbytes

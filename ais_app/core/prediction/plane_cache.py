"""Planes that were computed once and may be wanted again: the last used ones, within a number of bytes."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

from ais_app.core.tomogram import ZYX


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


class KeptDistances:
    """Distances to masks that remember: moving a radius computes none again, and a threshold set back neither.

    A mask is known by its content, so that also what an earlier interaction left of a parent is found again.
    """

    def __init__(self, cache: PlaneCache) -> None:
        self._cache = cache

    def __call__(self, mask: np.ndarray, spacing_zyx: ZYX) -> np.ndarray | None:
        """Return what `squared_distances` does: (y, x) float32, or ``None`` for an empty mask."""
        import edt

        if not mask.any():
            return None
        content = hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()
        key = ("distances", content, mask.shape, spacing_zyx[1:])
        found = self._cache.get(key)
        if found is None:
            # on all cores, as somebody waits for it; the number of threads changes no digit
            squares = edt.edtsq(~mask, anisotropy=spacing_zyx[1:], parallel=os.cpu_count() or 1)
            found = self._cache.put(key, squares)
        return found

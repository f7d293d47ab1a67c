"""The median of the known voxels around each voxel, compiled.

    128 voxels of a row at a time: one line per neighbour ──► sorting network over the lines ──► the middle line

The network (Batcher 1968, AFIPS 32, 307) is the same sequence of minima and maxima for every voxel, so that the
processor works on eight or more at once. Where voxels are missing, each voxel is sorted by itself.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from ais_app.core.filtering.neighbours import flat_offsets, padded
from ais_app.core.parallel import in_parallel

_PIECE = 128  # voxels; the lines of a large neighbourhood still fit into a core's own memory


def median(volume: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the median over a neighbourhood; beyond a face its voxels repeat.

    Parameters
    ----------
    volume
        (z, y, x) float32.
    offsets
        (n, 3) int64, z y x: the neighbourhood.

    Returns
    -------
    ndarray
        float32, a new array; the upper of two middle values where a number of voxels is even; NaN where the voxel
        itself is missing.
    """
    reach = np.abs(offsets).max(axis=0)
    source = padded(volume, reach)
    result = np.empty(volume.shape, np.float32)
    steps = flat_offsets(offsets, source.shape)
    first = int(flat_offsets(reach[None], source.shape)[0])
    flat, network = source.reshape(-1), sorting_network(len(offsets))
    strides = (source.shape[1] * source.shape[2], source.shape[2])

    def work(low: int, high: int) -> None:
        _median(flat, strides, first, steps, network, result, low, high)

    in_parallel(work, volume.shape[0] * volume.shape[1])
    return result


@lru_cache(maxsize=16)
def sorting_network(count: int) -> np.ndarray:
    """Return the steps of an odd-even merge sort that the middle value depends on.

    Returns
    -------
    ndarray
        (m, 2) int64: one after another, the lesser of the two goes to the first place, the greater to the second;
        then the value of rank ``count // 2`` is in that place.
    """
    steps = []
    block = 1
    while block < count:
        stride = block
        while stride >= 1:
            for start in range(stride % block, count - stride, 2 * stride):
                for low in range(start, min(start + stride, count - stride)):
                    if low // (2 * block) == (low + stride) // (2 * block):
                        steps.append((low, low + stride))
            stride //= 2
        block *= 2
    needed, kept = {count // 2}, []
    for pair in reversed(steps):
        if needed & set(pair):
            needed |= set(pair)
            kept.append(pair)
    return np.array(kept[::-1], dtype=np.int64).reshape(-1, 2)


@njit(cache=True, nogil=True)
def _median(flat, strides, first, steps, network, out, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    _, height, width = out.shape
    lines = np.empty((steps.size, _PIECE), np.float32)
    for number in range(low, high):
        z, y = number // height, number % height
        start = first + z * strides[0] + y * strides[1]
        for x in range(0, width, _PIECE):
            size = min(_PIECE, width - x)
            total = np.float32(0)
            for k in range(steps.size):
                lines[k, :size] = flat[start + x + steps[k] : start + x + steps[k] + size]
                total += lines[k, :size].sum()
            if np.isfinite(total):
                _sort(lines, network, size)
                out[z, y, x : x + size] = lines[steps.size // 2, :size]
            else:
                _one_by_one(lines, flat[start + x : start + x + size], out[z, y, x : x + size])


@njit(cache=True, nogil=True)
def _sort(lines, network, size):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for step in range(network.shape[0]):
        lesser, greater = lines[network[step, 0]], lines[network[step, 1]]
        for x in range(size):
            a, b = lesser[x], greater[x]
            lesser[x] = a if a < b else b
            greater[x] = b if a < b else a


@njit(cache=True, nogil=True)
def _one_by_one(lines, centres, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for x in range(out.size):
        around = lines[:, x]
        known = around[np.isfinite(around)]
        out[x] = np.sort(known)[known.size // 2] if np.isfinite(centres[x]) else np.nan

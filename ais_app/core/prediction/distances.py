"""How far every pixel of a slice is from a mask that may lie in this slice and in others.

A mask in another slice is as far as that slice is, and farther with the distance in the plane: the lower envelope of
cones, or of parabolas where distances are squared. One transform serves all the slices that are looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from ais_app.core.prediction.plane_cache import PlaneCache
from ais_app.core.tomogram import ZYX

Layers: TypeAlias = Sequence[tuple[int, np.ndarray]]
"""Masks, (y, x) bool, none of them empty, each with how many slices it is away; at least one."""

Distances: TypeAlias = Callable[[Layers, ZYX], np.ndarray]


def squared_distances(layers: Layers, spacing_zyx: ZYX) -> np.ndarray:
    """Return the squared distance of every pixel to the nearest pixel of any layer.

    Parameters
    ----------
    layers
        Masks with the slices they are away.
    spacing_zyx
        Size of a voxel.

    Returns
    -------
    ndarray
        (y, x) float32, in the square of the unit of `spacing_zyx`. Exact but for rounding (Felzenszwalb and
        Huttenlocher 2012, Theory of Computing 8, 415).
    """
    import edt

    if len(layers) == 1 and layers[0][0] == 0:
        squares: np.ndarray = edt.edtsq(~layers[0][1], anisotropy=spacing_zyx[1:], parallel=1)
        return squares
    from ais_app.core.prediction.envelope import lower_envelope

    heights = np.full(layers[0][1].shape, np.inf, np.float32)
    for away, mask in sorted(layers, key=lambda layer: -abs(layer[0])):  # the nearest is written last
        np.copyto(heights, np.float32((away * spacing_zyx[0]) ** 2), where=mask)
    return lower_envelope(heights, spacing_zyx[1], spacing_zyx[2])


class KeptDistances:
    """Distances that are remembered: moving a radius computes none again, and a threshold set back neither.

    Masks are known by their content, so that also what an earlier interaction left of a parent is found again.

    Parameters
    ----------
    cache
        Where they are kept.
    """

    def __init__(self, cache: PlaneCache) -> None:
        self._cache = cache

    def __call__(self, layers: Layers, spacing_zyx: ZYX) -> np.ndarray:
        """Return what `squared_distances` does; not to be written to."""
        content = tuple(
            (abs(away), hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()) for away, mask in layers
        )
        key = ("distances", content, layers[0][1].shape, spacing_zyx)
        found = self._cache.get(key)
        return self._cache.put(key, squared_distances(layers, spacing_zyx)) if found is None else found

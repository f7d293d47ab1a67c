"""Filters for the eye: one file each.

Every module here that defines ``FILTER`` is a filter; they do not know each other. A filter gets numbers, not files:

    (z, y, x) float32 ──► apply(volume, voxel_size_zyx, params) ──► (z, y, x) float32

Each works in 2D on every slice by itself unless its ``three_d`` says otherwise. What it gives for a voxel depends on
nothing farther away than ``margin``, so that a filtered slab is that slab of the filtered volume. Voxels that are no
number take no part and stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.params import Params
from ais_app.core.registry import named, plugins
from ais_app.core.tomogram import ZYX

__all__ = ["Filter", "filter_named", "filters", "in_voxels"]


@dataclass(frozen=True)
class Filter:
    """A way to make a tomogram easier to see.

    Parameters
    ----------
    name
        Short name: ``"gaussian"``.
    title
        Name for a person.
    params
        Dataclass of its parameters, lengths in Å.
    apply
        ``apply(volume, voxel_size_zyx, params) -> volume``: (z, y, x) float32 to a new array of that shape and type.
        `params` is an instance of ``params``.
    margin
        ``margin(params, voxel_size_zyx) -> (z, y, x)``: voxels around a region that its result depends on.
    """

    name: str
    title: str
    params: type[Params]
    apply: Callable[[np.ndarray, ZYX, Any], np.ndarray]
    margin: Callable[[Any, ZYX], tuple[int, int, int]]


def filters() -> dict[str, Filter]:
    """Return every known filter by its name."""
    return plugins("ais_app.core.filters", "FILTER")


def filter_named(name: str) -> Filter:
    """Return a filter.

    Raises
    ------
    ParameterProblem
        There is none of that name; the nearest is suggested.
    """
    return named(filters(), "filter", name)


def in_voxels(length: float, voxel_size_zyx: ZYX, three_d: bool) -> ZYX:
    """Return a length in Å as voxels along z, y, x; 0 along z for what acts on every slice by itself."""
    z, y, x = voxel_size_zyx
    return (length / z if three_d else 0.0, length / y, length / x)

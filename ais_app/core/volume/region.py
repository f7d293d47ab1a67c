"""Regions of a volume: as text, ``z0:z1,y0:y1,x0:x1`` in voxels, half open as in Python; and samples of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import Region

_PART = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*")


def parse_region(text: str, shape: Sequence[int], subject: str = "region") -> Region:
    """Read a region.

    Parameters
    ----------
    text
        ``"10:20,0:512,:"``; an end that is left out is the end of the volume, and so is one beyond it.
    shape
        (z, y, x) of the volume.
    subject
        Named in errors: the option or the file.

    Returns
    -------
    tuple of slice
        z, y, x with both bounds, inside the volume.

    Raises
    ------
    ParameterProblem
        The text is no region, or nothing of the volume lies in it.

    >>> parse_region("10:20, :512, :", (300, 1000, 900))
    (slice(10, 20, None), slice(0, 512, None), slice(0, 900, None))
    """
    parts = [_PART.fullmatch(part) for part in text.split(",")]
    if len(parts) != 3:
        raise ParameterProblem(subject, f"{text!r} has {len(parts)} parts", "write z0:z1,y0:y1,x0:x1 in voxels")
    bounds = []
    for axis, part, length in zip("zyx", parts, shape, strict=True):
        if part is None:
            raise ParameterProblem(subject, f"{text!r} is no region", "write z0:z1,y0:y1,x0:x1 in voxels")
        low, high = int(part[1] or 0), min(int(part[2] or length), length)
        if low >= high:
            problem = f"{text!r} holds nothing along {axis}, which has {length} voxels"
            raise ParameterProblem(subject, problem, f"choose from 0:{length}")
        bounds.append(slice(low, high))
    return bounds[0], bounds[1], bounds[2]


def sample_regions(shape: Sequence[int], side: int, count: int) -> list[Region]:
    """Return regions of one size spread evenly over a volume, at most `count`, the middle of the volume among them.

    Parameters
    ----------
    shape
        (z, y, x) voxels.
    side
        Of a region, voxels; less along axes that have less.
    count
        At most.
    """
    sides = [min(n, side) for n in shape]
    along = []
    for n, s in zip(shape, sides, strict=True):
        most = max(1, n // s)
        along.append(np.linspace(0, n - s, most).round().astype(int) if most > 1 else np.array([(n - s) // 2]))
    corners = np.stack(np.meshgrid(*along, indexing="ij"), axis=-1).reshape(-1, 3)
    away = np.linalg.norm(corners - (np.array(shape) - sides) / 2, axis=1)
    order = np.argsort(away, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)]
    return [tuple(slice(int(a), int(a) + s) for a, s in zip(corners[i], sides, strict=True)) for i in chosen]  # type: ignore[misc]

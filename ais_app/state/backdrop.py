"""What is shown of a coordinate file: where its points lie, on three slices of their tomogram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ais_app.core.display.contrast import auto_contrast, sample_of
from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.errors import AisAppError
from ais_app.core.particle_set import Particles
from ais_app.core.tomogram import Tomogram
from ais_app.state.conventions import described
from ais_app.state.readings import Placed, Reading, placed
from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session


@dataclass(frozen=True)
class Backdrop:
    """Three slices of a tomogram.

    Parameters
    ----------
    shape
        (z, y, x) voxels.
    index_zyx
        Which slices.
    planes
        Axis to (h, w) uint8, rows from low to high.
    """

    shape: tuple[int, int, int]
    index_zyx: tuple[int, int, int]
    planes: Mapping[str, np.ndarray]


def backdrop(volume: Tomogram, positions: np.ndarray) -> Backdrop:
    """Return slices through the middle of those of the points, (n, 3) voxels z y x, that are inside; takes a while."""
    shape = volume.shape
    inside = positions[((positions >= 0) & (positions <= np.array(shape) - 1)).all(axis=1)]
    middle = np.median(inside, axis=0) if len(inside) else (np.array(shape) - 1) / 2
    z, y, x = (int(round(value)) for value in middle)
    limits = auto_contrast(sample_of(volume))
    planes = {
        axis: limits.grey(read_slice(volume, SliceRequest(axis, index)))
        for axis, index in zip("zyx", (z, y, x), strict=True)
    }
    return Backdrop(shape, (z, y, x), planes)


@dataclass(frozen=True)
class Look:
    """What was found in a file: a reading, its particles by tomogram, the convention, slices by tomogram."""

    reading: Reading
    placed: Placed
    words: list[str]
    slices: dict[int, Backdrop]


def looked(
    reading: Reading, entries: list[TomogramEntry], entry: TomogramEntry, session: Session, known: dict[int, Backdrop]
) -> Look:
    """Work out what is shown of a reading; reads slices of tomograms that are not `known`, which takes a while."""
    found = placed(reading, entries, entry)
    by_id = {each.id: each for each in entries}
    slices = {}
    for id in list(found.parts)[:8] or [entry.id]:  # of a file of hundreds of tomograms the first ones will do
        volume = volume_or_none(session, id) if id not in known else None
        if volume is not None:
            slices[id] = backdrop(volume, voxels(found.parts.get(id), by_id[id]))
    return Look(reading, found, described(reading, entry), slices)


def volume_or_none(session: Session, id: int) -> Tomogram | None:
    """Return a volume, or ``None`` where its file is gone: points are shown on black then."""
    try:
        return session.volume(id)
    except AisAppError:
        return None


def voxels(part: Particles | None, entry: TomogramEntry) -> np.ndarray:
    """Return positions as (n, 3) voxel indices z, y, x of a tomogram."""
    if part is None:
        return np.empty((0, 3))
    size = entry.voxel_size_zyx or (part.voxel_size or 1.0,) * 3
    indices: np.ndarray = part.positions_zyx / np.array(size)
    return indices

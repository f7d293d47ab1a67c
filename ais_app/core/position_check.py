"""Do positions lie in their tomograms? The commonest slip in coordinate files is Å read as voxels, or the reverse."""

from __future__ import annotations

import numpy as np

from ais_app.core.particle_set import Particles

_FEW = 10  # particles, below which a guess about units means nothing


def outside(particles: Particles) -> np.ndarray:
    """Return a mask, (n,), of the particles beyond the border of their tomogram; false where its size is unknown."""
    beyond = np.zeros(len(particles), dtype=bool)
    for name in particles.names:
        rows = particles.tomograms == name
        box = _extent(particles, name)
        if box is not None:
            size = particles.voxel_size or 0.0
            where = particles.positions_zyx[rows]
            beyond[rows] = ((where < -0.5 * size) | (where > box - 0.5 * size)).any(axis=1)
    return beyond


def position_problems(particles: Particles) -> list[str]:
    """Return what is odd about positions, in words, with the remedy; one line a tomogram."""
    beyond = outside(particles)
    problems = []
    for name in particles.names:
        rows = particles.tomograms == name
        box, size = _extent(particles, name), particles.voxel_size
        if box is None or size is None:
            continue
        where, far = particles.positions_zyx[rows], int(beyond[rows].sum())
        text = _unit_guess(where, box, size, far)
        if far and not text:
            text = f"{far:,} of {rows.sum():,} particles lie outside the tomogram"
        if text:
            problems.append(f"{name or 'tomogram'}: {text}")
    return problems


def _unit_guess(where: np.ndarray, box: np.ndarray, size: float, far: int) -> str:
    fits_divided = bool((where / size <= box).all() and (where >= 0).all())
    if far > len(where) / 2 and fits_divided and size > 1.5:
        return "coordinates look like Å, not voxels: check the unit, or give --set-from unit=angstrom (csv, tsv)"
    if len(where) >= _FEW and size > 3 and (where >= 0).all() and (where <= box / size).all():
        return "coordinates look like voxels, not Å: all lie in one corner of the tomogram; check the unit"
    return ""


def _extent(particles: Particles, name: str) -> np.ndarray | None:
    shape = particles.shape_of(name)
    if shape is None or particles.voxel_size is None:
        return None
    return np.asarray(shape, dtype=float) * particles.voxel_size

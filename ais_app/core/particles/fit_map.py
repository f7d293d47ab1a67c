"""Maps made to fit the cubes of a stack: another voxel size, another box, the same centre."""

from __future__ import annotations

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.fourier import resampled


def fitted_map(
    density: np.ndarray, voxel_size: float, edge: int, to: float, *, background: float | None = None
) -> np.ndarray:
    """Return a map in a cube of `edge` voxels of size `to`, its centre at voxel ``edge // 2``.

    It is resampled by its Fourier series: detail that the new voxels cannot hold is left out.

    Parameters
    ----------
    density
        (z, y, x); voxel ``n // 2`` of each axis is its centre.
    voxel_size, to
        Å, before and after.
    edge
        Voxels.
    background
        What is around it; the mean of its surface if not given.

    Raises
    ------
    ParameterProblem
        It is no volume of numbers, or the voxel sizes differ more than 20-fold.
    """
    density = np.asarray(density, dtype=np.float32)
    if density.ndim != 3 or not np.isfinite(density).all():
        raise ParameterProblem("reference", f"is no volume of numbers (shape {density.shape})", "give a density map")
    if not 0.05 <= to / voxel_size <= 20:
        problem = f"has voxels of {voxel_size:g} Å, the stack of {to:g} Å"
        raise ParameterProblem("reference", problem, "give the right voxel size of both")
    cube = _in_cube(density, max(density.shape), background)
    if abs(to / voxel_size - 1) > 1e-3:
        cube = resampled(cube, to / voxel_size)
    return _in_cube(cube, edge, background)


def share_inside(density: np.ndarray, voxel_size: float, width: float) -> float:
    """Return how much of a map's power, 0 to 1, lies in a cube around its centre: 1 for a map of nothing.

    Parameters
    ----------
    density
        (z, y, x); its background is the mean of its surface, as in `fitted_map`.
    voxel_size
        Å.
    width
        Of the cube, Å.
    """
    half, background = width / voxel_size / 2, _background(density)
    lows = [max(0, round(n // 2 - half)) for n in density.shape]
    planes, rows, columns = (
        slice(low, max(low + 1, round(n // 2 + half))) for low, n in zip(lows, density.shape, strict=True)
    )
    total = inside = 0.0
    for number, plane in enumerate(density):  # a whole tomogram is no rare mistake
        power = np.square(plane - background, dtype=np.float64)
        total += float(power.sum())
        if planes.start <= number < planes.stop:
            inside += float(power[rows, columns].sum())
    return inside / total if total else 1.0


def _background(density: np.ndarray) -> float:
    return float(np.concatenate([face for axis in range(3) for face in _faces(density, axis)]).mean())


def _in_cube(density: np.ndarray, edge: int, background: float | None) -> np.ndarray:
    """Return a volume cut or padded with its background to a cube, its centre kept."""
    around = _background(density) if background is None else background
    cube = np.full((edge,) * 3, around, dtype=np.float32)
    into, out = [], []
    for count in density.shape:
        before = edge // 2 - count // 2
        into.append(slice(max(before, 0), min(before + count, edge)))
        out.append(slice(max(-before, 0), min(-before + edge, count)))
    cube[tuple(into)] = density[tuple(out)]
    return cube


def _faces(density: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    return density.take(0, axis).ravel(), density.take(-1, axis).ravel()

"""What the halves of an average are compared with: masks, filtered averages, one frame for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.fsc import HALF_MAPS, snr_of_fsc

if TYPE_CHECKING:
    from ais_app.core.particles.alignment import AlignParams
    from ais_app.core.particles.average_sums import Sums
    from ais_app.core.particles.fsc import ShellCorrelation
    from ais_app.core.particles.halves_params import AverageParams

_ROUNDING = 0.01  # by which a mask may leave 0 to 1, where it was resampled
_MISSING = 0.01  # share of the frequencies that a reference may lack before it is told so


def particle_mask(mask: np.ndarray | None, wanted: float | None, edge: int, voxel_size: float) -> np.ndarray:
    """Return what belongs to the particle, (e, e, e) float32, 0 to 1; `ParameterProblem` where it is nothing."""
    from ais_app.core.particles.fourier import soft_sphere

    if mask is None:
        radius = None if wanted is None else wanted / voxel_size
        if radius is not None and radius < 2:
            raise ParameterProblem("mask_radius", f"{wanted:g} Å are {radius:.1f} voxels", "give more")
        return soft_sphere(edge, None if radius is None else min(radius, (edge - 1) // 2))
    outline = np.array(mask, dtype=np.float32)
    if outline.shape != (edge,) * 3:
        shape = " × ".join(map(str, outline.shape))
        raise ParameterProblem("mask", f"has {shape} voxels, the cubes {edge}", f"give {edge}³")
    check_mask(outline)
    return outline.clip(0, 1)


def check_mask(mask: np.ndarray) -> None:
    """Raise `ParameterProblem` where something is no mask: 0 outside the particle, 1 inside, or between."""
    remedy = "give 0 outside the particle and 1 inside"
    low, high = float(mask.min()), float(mask.max())
    if not np.isfinite(low + high):
        raise ParameterProblem("mask", "holds values that are no numbers", remedy)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise ParameterProblem("mask", f"its values are {low:.3g} to {high:.3g}", remedy)
    if not high > 0:
        raise ParameterProblem("mask", "has nothing inside", remedy)


def checked_reference(reference: np.ndarray, edge: int) -> np.ndarray:
    """Return a reference that was given, or raise `ParameterProblem` where it does not fit the cubes."""
    cube = np.array(reference, dtype=np.float32)
    if cube.shape != (edge,) * 3:
        shape = " × ".join(map(str, cube.shape))
        raise ParameterProblem("reference", f"has {shape} voxels, the cubes {edge}", f"give {edge}³")
    if not np.isfinite(cube).all():
        raise ParameterProblem("reference", "holds values that are no numbers", "replace them by 0")
    return cube


def last_shell(params: AverageParams, edge: int, voxel_size: float) -> float:
    """Return the finest shell that is ever compared."""
    finest = float((edge - 1) // 2)
    if params.low_pass is None:
        return finest
    wanted = edge * voxel_size / params.low_pass
    if wanted < 1:
        problem = f"{params.low_pass:g} Å is more than the box of {edge * voxel_size:g} Å"
        raise ParameterProblem("low_pass", problem, "choose a smaller number")
    return min(finest, wanted)


def next_shell(shells: float, fsc: np.ndarray, params: AverageParams, found: ShellCorrelation | None) -> float:
    """Return the finest shell for the next iteration, given how well the halves agree."""
    if params.schedule == "step" or found is None:
        return shells + 1
    below = np.flatnonzero(fsc[1:] < HALF_MAPS)
    agreed = float(below[0]) if len(below) else float(len(fsc) - 1)
    # a little more than is agreed on, so that agreement can grow; never coarser than before
    return max(shells, min(agreed + 1, shells + 2))


def align_params(params: AverageParams, shells: float, voxel_size: float, near: bool) -> AlignParams:
    """Return what to search: everything, or what is near the present poses."""
    from ais_app.core.particles.alignment import AlignParams

    reach = None if params.max_shift is None else params.max_shift / voxel_size
    common: dict[str, Any] = {"low_pass": max(1.0, float(shells)), "symmetry": params.symmetry, "device": params.device}
    if not near:
        return AlignParams(angular_step=params.angular_step, shift=reach, **common)
    step = max(2.0, params.within / 2)
    return AlignParams(
        angular_step=step, within=params.within, shift=2.0 if reach is None else min(2.0, reach), **common
    )


def reference_of(sums: Sums, shells: float, outline: np.ndarray, fsc: np.ndarray | None = None) -> Any:
    """Return what particles are compared with: an average, masked, up to a shell; weaker where halves disagree."""
    from ais_app.core.particles.correlation import Reference

    cube = filtered(sums.average(None if fsc is None else snr_of_fsc(fsc, of_whole=False)), shells, outline)
    if not np.ptp(cube):
        problem = "is the same everywhere within the mask"
        raise ParameterProblem("average", problem, "look at the cubes, and at the mask if there is one")
    seen = np.asarray((sums.spectrum().abs() > 0).cpu(), dtype=np.float32)
    seen[0, 0, 0] = 1
    inside = _radii(sums.edge) <= shells
    return Reference(cube, seen if 1 - seen[inside].mean() > _MISSING else None)


def filtered(cube: np.ndarray, shells: float, outline: np.ndarray) -> np.ndarray:
    """Return a map without what is finer than a shell, and without what is outside the mask."""
    import torch

    from ais_app.core.particles.fourier import from_fourier, to_fourier

    edge = cube.shape[0]
    keep = torch.from_numpy(np.exp(-((_radii(edge) / (shells + 0.5)) ** 8)).astype(np.float32))
    spectrum = to_fourier(torch.as_tensor(np.require(cube, np.float32, "W"))) * keep
    result: np.ndarray = np.asarray(from_fourier(spectrum, edge)) * outline
    return result


def _radii(edge: int) -> np.ndarray:
    from ais_app.core.particles.fourier import radii

    return np.asarray(radii(edge))

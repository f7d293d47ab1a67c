"""Signal-to-noise ratios: of aligned subtomograms in a stack, of tomograms by their other half or their background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.half_snr import half_snr_job
from ais_app.core.particles.snr import PairParams, PairSnr, pair_snr_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.volume_snr import CUBE, VolumeSnr, volume_snr_job
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import sample_regions
from ais_app.operations.particle_lists import particles_of, read_lists
from ais_app.operations.per_file import input_files

_SIDE, _BLOCKS = 8 * CUBE, 32


@dataclass(frozen=True)
class SnrResult:
    """The signal-to-noise ratio of one file.

    Parameters
    ----------
    path
        A stack or a tomogram.
    pairs, volume
        Of aligned subtomograms, or of a tomogram; the other is ``None``.
    half
        The other half of the tomogram, by which it was measured; ``None`` where its background was looked at.
    error
        Why it failed; ``None`` when it did not.
    """

    path: Path
    pairs: PairSnr | None = None
    volume: VolumeSnr | None = None
    half: Path | None = None
    error: AisAppError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values."""
        if self.pairs is not None:
            found = self.pairs
            numbers = {"snr": found.snr, "low": found.low, "high": found.high, "pairs": len(found.correlations)}
            return {**numbers, "method": "pairs", "region": "sphere, both wedges", "file": str(self.path)}
        if self.volume is not None:
            one = self.volume
            numbers = {"snr": one.snr, "low": one.snr - one.error, "high": one.snr + one.error}
            how = {"method": "background"} if self.half is None else {"method": "halves", "half": str(self.half)}
            return {**numbers, "certain": one.certain, **how, "file": str(self.path)}
        return {"snr": None, "file": str(self.path), "error": str(self.error)}


def snr_job(
    inputs: Sequence[str | Path],
    params: PairParams | None = None,
    *,
    halves: Sequence[str | Path] = (),
    coordinates: Sequence[str | Path] = (),
    radius: float = 150.0,
    voxel_size: float | None = None,
) -> Job[list[SnrResult]]:
    """Estimate signal-to-noise ratios.

    Parameters
    ----------
    inputs
        Stacks of aligned subtomograms (``.zarr``), or tomograms.
    params
        How pairs of subtomograms are compared.
    halves
        Of each tomogram the other half, made of the other tilts or frames: one for each of `inputs`, in their order.
        Without them noise is looked for in the background.
    coordinates
        Particle lists: in tomograms only what is within `radius` of a pick counts, and noise is looked for elsewhere.
    radius
        Å.
    voxel_size
        Å; replaces what tomograms say.

    Returns
    -------
    list of SnrResult
        One per file; a failure is in its ``error``.

    Raises
    ------
    ParameterProblem
        `radius` is not positive, or there are not as many halves as inputs.
    """
    if not radius > 0:
        raise ParameterProblem("radius", f"{radius:g} Å", "give a positive number")
    results = []
    files, others = input_files(inputs), input_files(halves) if halves else []
    if others and len(others) != len(files):
        problem = f"{len(others)} for {len(files)} tomograms"
        raise ParameterProblem("halves", problem, "give the other half of each, in the same order")
    for number, path in enumerate(files):
        yield Progress(number, len(files), path.name)
        try:
            if (path / "wedges.json").exists():
                if others:
                    raise ParameterProblem("halves", f"{path} is a stack, not half a tomogram", "leave --half out")
                results.append(SnrResult(path, pairs=(yield from _of_stack(path, params))))
                continue
            tomogram = open_tomogram(path, voxel_size=voxel_size)
            other = open_tomogram(others[number], voxel_size=voxel_size) if others else None
            found = yield from _of_tomogram(tomogram, other, coordinates, radius)
            results.append(SnrResult(path, volume=found, half=others[number] if others else None))
        except AisAppError as error:
            if isinstance(error, ParameterProblem) and str(path) not in str(
                error
            ):  # said of an array, which has no name
                error = ParameterProblem(path, f"{error.subject}: {error.problem}", error.remedy)
            results.append(SnrResult(path, error=error))
    return results


snr = direct(snr_job)


def _of_stack(path: Path, params: PairParams | None) -> Job[PairSnr]:
    stack = SubtomogramStack.open(path)
    poses = stack.poses
    if len(poses) > 1 and np.allclose(poses.rotations, np.eye(3)) and not poses.shifts_zyx.any():
        problem = "its subtomograms have no orientations"
        raise ParameterProblem(path, problem, "align them first: ais-app subtomo align --save")
    return (yield from pair_snr_job(stack.cubes, poses, stack.wedges, stack.wedge_of, stack.classes, params))


def _of_tomogram(
    tomogram: Tomogram, other: Tomogram | None, coordinates: Sequence[str | Path], radius: float
) -> Job[VolumeSnr]:
    regions = sample_regions(tomogram.shape, _SIDE, _BLOCKS)
    near = [_near(tomogram, region, coordinates, radius) for region in regions] if coordinates else None
    if other is None:
        return (yield from volume_snr_job([_block(tomogram, region) for region in regions], near))
    if other.shape != tomogram.shape:
        problem = f"{other.path or other.name} has {other.shape} voxels, {tomogram.name} has {tomogram.shape}"
        raise ParameterProblem("halves", problem, "give two halves of one tomogram")
    pairs = ((_block(tomogram, region), _block(other, region)) for region in regions)
    return (yield from half_snr_job(pairs, near))


def _block(tomogram: Tomogram, region: tuple[slice, slice, slice]) -> np.ndarray:
    block = np.asarray(tomogram.data[region], dtype=np.float32)
    if not np.isfinite(block).all():
        raise ParameterProblem(tomogram.path or tomogram.name, "voxels are no number", "find what wrote them")
    return block


def _near(
    tomogram: Tomogram, region: tuple[slice, slice, slice], coordinates: Sequence[str | Path], radius: float
) -> np.ndarray:
    """Return which voxels of a region are within a radius of a pick."""
    sizes = np.array(tomogram.require_voxel_size_zyx())
    paths = [tomogram.path] if tomogram.path is not None else []
    listings = read_lists([str(path) for path in coordinates], tomograms=paths)
    for listing in listings:
        if listing.error is not None:
            raise listing.error
    found = particles_of(listings, tomogram.name)
    shape = tuple(part.stop - part.start for part in region)
    near = np.zeros(shape, bool)
    reach = np.ceil(radius / sizes).astype(int)
    grid = np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij", sparse=True)
    ball = sum((axis * size) ** 2 for axis, size in zip(grid, sizes, strict=True)) <= radius**2
    for place in np.round(found.positions_zyx / sizes).astype(int) - [part.start for part in region]:
        low, high = place - reach, place + reach + 1
        into = tuple(slice(max(0, a), max(0, min(n, b))) for a, b, n in zip(low, high, shape, strict=True))
        of = tuple(slice(s.start - a, s.stop - a) for s, a in zip(into, low, strict=True))
        if all(s.stop > s.start for s in into):
            near[into] |= np.asarray(ball)[of]
    return near

"""Signal-to-noise ratios: of aligned subtomograms in a stack, of tomograms by their other half or their background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.choice import without_empty
from ais_app.core.particles.half_snr import half_snr_job
from ais_app.core.particles.snr import PairParams, PairSnr, pair_snr_job
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.volume_snr import CUBE, VolumeSnr, volume_snr_job
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.region import sample_regions
from ais_app.core.volume.unknown import KnownVoxels, all_known
from ais_app.operations.particle_lists import check_told_apart
from ais_app.operations.per_file import input_files
from ais_app.operations.pick_sources import picks_of_one

_SIDE, _BLOCKS = 8 * CUBE, 32
_LEFT_OUT = "are left out"


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
        Stacks of aligned subtomograms (``.zarr``), whose empty cubes are left out, or tomograms.
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
        `radius` is not positive, there are not as many halves as inputs, or particle lists cannot tell the tomograms
        apart: two have one name.
    """
    if not radius > 0:
        raise ParameterProblem("radius", f"{radius:g} Å", "give a positive number")
    results = []
    files, others = input_files(inputs), input_files(halves) if halves else []
    if others and len(others) != len(files):
        problem = f"{len(others)} for {len(files)} tomograms"
        raise ParameterProblem("halves", problem, "give the other half of each, in the same order")
    if coordinates:
        check_told_apart(files)
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
            places = None
            if coordinates:
                picks = picks_of_one(path, coordinates, voxel_size, by_name=len(files) > 1)
                places = picks.positions_zyx / np.array(tomogram.require_voxel_size_zyx())
            found = yield from _of_tomogram(tomogram, other, places, radius)
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
    stack = without_empty(SubtomogramStack.open(path))
    poses = stack.poses
    if len(poses) > 1 and np.allclose(poses.rotations, np.eye(3)) and not poses.shifts_zyx.any():
        problem = "its subtomograms have no orientations"
        raise ParameterProblem(path, problem, "align them first: ais-app subtomo align --save")
    found = yield from pair_snr_job(stack.cubes, poses, stack.wedges, stack.wedge_of, stack.classes, params)
    return replace(found, pairs=stack.rows[found.pairs])


def _of_tomogram(
    tomogram: Tomogram, other: Tomogram | None, places: np.ndarray | None, radius: float
) -> Job[VolumeSnr]:
    """Return the ratio of a tomogram, by its other half if given; `places`, (n, 3) voxels, are those of picks."""
    regions, voxels = sample_regions(tomogram.shape, _SIDE, _BLOCKS), KnownVoxels(tomogram, constant=False)
    near = None if places is None else [_near(tomogram, region, places, radius) for region in regions]
    if other is None:
        blocks, known = zip(*(voxels.block(region) for region in regions), strict=True)
        voxels.say(_LEFT_OUT)
        return (yield from volume_snr_job(blocks, near, known))
    if other.shape != tomogram.shape:
        problem = f"{other.path or other.name} has {other.shape} voxels, {tomogram.name} has {tomogram.shape}"
        raise ParameterProblem("halves", problem, "give two halves of one tomogram")
    of_other, masks = KnownVoxels(other, constant=False), []
    for region in regions:  # what is known in both is found first: blocks are read again, not kept
        (block, one), (_, two) = voxels.block(region), of_other.block(region)
        masks.append(all_known([one, two], block))
    voxels.say(_LEFT_OUT)
    of_other.say(_LEFT_OUT)
    if near is not None:
        masks = [mask if known is None else mask & known for mask, known in zip(near, masks, strict=True)]
    pairs = ((voxels.block(region)[0], of_other.block(region)[0]) for region in regions)
    return (yield from half_snr_job(pairs, masks))


def _near(tomogram: Tomogram, region: tuple[slice, slice, slice], places: np.ndarray, radius: float) -> np.ndarray:
    """Return which voxels of a region are within a radius, Å, of a pick; `places` are in voxels."""
    sizes = np.array(tomogram.require_voxel_size_zyx())
    shape = tuple(part.stop - part.start for part in region)
    near = np.zeros(shape, bool)
    reach = np.ceil(radius / sizes).astype(int)
    grid = np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij", sparse=True)
    ball = sum((axis * size) ** 2 for axis, size in zip(grid, sizes, strict=True)) <= radius**2
    for place in np.round(places).astype(int) - [part.start for part in region]:
        low, high = place - reach, place + reach + 1
        into = tuple(slice(max(0, a), max(0, min(n, b))) for a, b, n in zip(low, high, shape, strict=True))
        of = tuple(slice(s.start - a, s.stop - a) for s, a in zip(into, low, strict=True))
        if all(s.stop > s.start for s in into):
            near[into] |= np.asarray(ball)[of]
    return near

"""What is searched: a tomogram, averaged and filtered as the parameters ask, with its mean and deviation."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.files import made_folder
from ais_app.core.jobs import Job, Progress
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.matching.steps import slabs
from ais_app.core.tomogram import LazyArray, Region, Tomogram
from ais_app.core.volume.moments import moments_job
from ais_app.core.volume.watched import no_numbers

_MOST_IN_MEMORY = 2**26  # voxels of a binned or filtered tomogram; larger ones lie in a file without a name
_SIDE = 96  # voxels: of the cubes that are filtered at a time, each with what the band takes from around it


def source_job(
    tomogram: Tomogram, params: MatchParams, folder: Path | None = None
) -> Job[tuple[LazyArray, float, float]]:
    """Return what is searched, (z, y, x), and the mean and the deviation of its voxels.

    Parameters
    ----------
    tomogram
        With a known voxel size.
    params
        Binning and band.
    folder
        Where a large volume that has to be computed is put for as long as it is used.

    Raises
    ------
    ParameterProblem
        It is the same everywhere, or holds no numbers.
    """
    from ais_app.core.volume.resample import binned

    small = binned(tomogram, params.binning)
    volume = small.data
    if params.binning > 1:
        height, width = small.shape[1:]
        whole = slice(0, height), slice(0, width)
        regions = [(part, *whole) for part in slabs(small.shape[0], height * width * params.binning**3)]
        volume = yield from _computed_job(volume, regions, folder, "averaging")
    if params.low_pass is not None or params.high_pass is not None:
        along_z, along_y, along_x = (list(slabs(length, 1, at_once=_SIDE)) for length in small.shape)
        cubes = list(product(along_z, along_y, along_x))
        volume = yield from _computed_job(_Filtered(volume, small, params), cubes, folder, "filtering")
    moments = yield from moments_job(volume)
    if not moments.deviation > 0:
        subject = tomogram.path or tomogram.name
        if not moments.count:
            raise no_numbers(subject)
        raise ParameterProblem(subject, "is the same everywhere", "nothing can be found in it")
    if moments.nans + moments.infinities:
        text = f"{tomogram.name}: {moments.nans + moments.infinities:,} voxels are no numbers and count as the mean"
        warnings.warn(DataWarning(text), stacklevel=2)
    return volume, moments.mean, moments.deviation


def _computed_job(volume: LazyArray, regions: Sequence[Region], folder: Path | None, message: str) -> Job[np.ndarray]:
    """Return a volume that is computed where it is read, region after region."""
    found = _empty(volume.shape, folder)
    for number, region in enumerate(regions):
        yield Progress(number, len(regions), message)
        found[region] = volume[region]
    return found


def _empty(shape: tuple[int, ...], folder: Path | None) -> np.ndarray:
    if np.prod(shape) <= _MOST_IN_MEMORY:
        return np.empty(shape, dtype=np.float32)
    if folder is not None:
        made_folder(folder)
    with tempfile.TemporaryFile(dir=folder) as file:  # the map holds it until it is let go
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)


class _Filtered:
    """A volume between two lengths, filtered where it is read."""

    def __init__(self, volume: LazyArray, tomogram: Tomogram, params: MatchParams) -> None:
        from ais_app.core.filtering.chain import FilterSetting

        self._volume, self._sizes = volume, tomogram.require_voxel_size_zyx()
        self.shape, self.dtype = tomogram.shape, np.dtype(np.float32)
        values = {"low_pass": params.low_pass, "high_pass": params.high_pass, "three_d": True}
        self._settings = [FilterSetting("band_pass", values)]

    def __getitem__(self, region: Region) -> np.ndarray:
        from ais_app.core.filtering.chain import filtered

        def read(wanted: Region) -> np.ndarray:
            return np.asarray(self._volume[wanted])

        return filtered(read, self.shape, self._sizes, self._settings, region)

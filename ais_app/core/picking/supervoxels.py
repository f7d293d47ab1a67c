"""Supervoxels of a volume and what each looks like: the mean answers of Gabor filters and a histogram.

    volume ──► smoothed, 0…1 ──► SLIC, block by block ──► labels ─┬─► mean of each Gabor filter ─┬─► (features, n)
                                                                   └─► histogram of grey values ──┘

Supervoxels: Achanta et al. (2012), IEEE Trans. Pattern Anal. Mach. Intell. 34, 2274. Gabor filters: Daugman (1985),
J. Opt. Soc. Am. A 2, 1160.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.tomogram import ZYX

# along the axes and between any two of them: four angles in each of three planes, each direction once
DIRECTIONS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, -1, 0), (1, 0, 1), (1, 0, -1), (0, 1, 1), (0, 1, -1))
BINS = 6
_ROUNDS = 5  # of SLIC; ten find the same particles
_COMPACT = 0.1  # for grey values of 0…1: supervoxels are as round as follows edges
_BLOCK = 8  # supervoxels along each side of a block
_MARGIN = 3.0  # sigma of a filter around the volume


@dataclass(frozen=True)
class Supervoxels:
    """A volume cut into pieces.

    Parameters
    ----------
    labels
        (z, y, x) int32: 0…n-1.
    sizes
        (n,) voxels.
    centroids_zyx
        (n, 3) voxels.
    """

    labels: np.ndarray
    sizes: np.ndarray
    centroids_zyx: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values (z, y, x) in each, (n,) float64."""
        totals: np.ndarray = np.bincount(self.labels.ravel(), values.ravel(), len(self)) / self.sizes
        return totals


def supervoxels_job(values: np.ndarray, edge_voxels_zyx: ZYX) -> Job[Supervoxels]:
    """Cut a volume into supervoxels; a job.

    Parameters
    ----------
    values
        (z, y, x) float32 from 0 to 1, smoothed.
    edge_voxels_zyx
        Mean side of a supervoxel, voxels.
    """
    from skimage.segmentation import slic

    labels, count = np.empty(values.shape, np.int32), 0
    spacing = tuple(min(edge_voxels_zyx) / edge for edge in edge_voxels_zyx)
    blocks = list(_blocks(values.shape, edge_voxels_zyx))
    for number, block in enumerate(blocks):
        yield Progress(number, len(blocks), "cutting into supervoxels")
        part = values[block]
        wanted = max(1, round(part.size / float(np.prod(edge_voxels_zyx))))
        own = (
            slic(part, wanted, _COMPACT, _ROUNDS, spacing=spacing, start_label=0, channel_axis=None)
            if wanted > 1
            else np.zeros(part.shape, np.int64)
        )
        labels[block] = own + count
        count += int(own.max()) + 1
    sizes = np.bincount(labels.ravel(), minlength=count)
    labels = (np.cumsum(sizes > 0) - 1).astype(np.int32)[labels]  # numbers that no voxel has are left out
    sizes = sizes[sizes > 0]
    flat = labels.ravel()
    axes = np.broadcast_arrays(*np.ogrid[tuple(slice(0, length) for length in values.shape)])
    centroids = np.stack([np.bincount(flat, axis.ravel(), len(sizes)) / sizes for axis in axes], axis=1)
    return Supervoxels(labels, sizes, centroids)


def _blocks(shape: tuple[int, ...], edge_voxels_zyx: ZYX) -> Iterator[tuple[slice, ...]]:
    """Give blocks of about equal size, of some supervoxels along each side."""
    bounds = []
    for length, edge in zip(shape, edge_voxels_zyx, strict=True):
        count = max(1, round(length / (_BLOCK * edge)))
        bounds.append([length * part // count for part in range(count + 1)])
    for index in np.ndindex(*(len(along) - 1 for along in bounds)):
        yield tuple(slice(along[i], along[i + 1]) for along, i in zip(bounds, index, strict=True))


def features_job(
    values: np.ndarray, scaled: np.ndarray, pieces: Supervoxels, waves: list[tuple[ZYX, ZYX]]
) -> Job[np.ndarray]:
    """Describe supervoxels; a job.

    Parameters
    ----------
    values
        (z, y, x) float32.
    scaled
        (z, y, x) from 0 to 1, whose histogram is taken.
    pieces
        Supervoxels of the same volume.
    waves
        Standard deviation and wavelength of Gabor filters along z, y, x, voxels.

    Returns
    -------
    ndarray
        (9 filters a wave + 6 bins, n) float64; each row has mean 0 and deviation 1, or is 0.
    """
    rows = []
    for number, (sigma, wavelength) in enumerate(waves):
        bank = _GaborBank(values, sigma, wavelength)
        for turn, direction in enumerate(DIRECTIONS):
            yield Progress(number * len(DIRECTIONS) + turn, len(waves) * len(DIRECTIONS), "features")
            rows.append(pieces.mean(bank.answer(direction)))
    which = np.minimum((scaled * BINS).astype(np.int64), BINS - 1)
    rows += [pieces.mean((which == number).astype(np.float32)) for number in range(BINS)]
    table = np.array(rows)
    table -= table.mean(axis=1, keepdims=True)
    spread = table.std(axis=1, keepdims=True)
    standard: np.ndarray = np.divide(table, spread, out=np.zeros_like(table), where=spread > 1e-9)
    return standard


class _GaborBank:
    """Convolves a volume with Gaussians times cosine waves of any direction, whose mean is zero.

    In Fourier space such a filter is two Gaussians, and what makes its mean zero a third. Beyond its faces the
    volume is reflected.
    """

    def __init__(self, values: np.ndarray, sigma: ZYX, wavelength: ZYX) -> None:
        from scipy import fft

        self._fft, self._wavelength, self._shape = fft, wavelength, values.shape
        self._sigma = np.array(sigma)
        self._margin = [min(int(np.ceil(_MARGIN * s)), n) for s, n in zip(sigma, values.shape, strict=True)]
        sides = [
            fft.next_fast_len(length + 2 * far, real=True)
            for length, far in zip(values.shape, self._margin, strict=True)
        ]
        pads = [(far, side - length - far) for far, side, length in zip(self._margin, sides, values.shape, strict=True)]
        wide = np.pad(values - np.float32(values.mean()), pads, mode="symmetric")
        self._sides = sides
        self._transform = fft.rfftn(wide, workers=os.cpu_count())
        self._frequencies = [fft.fftfreq(sides[0]), fft.fftfreq(sides[1]), fft.rfftfreq(sides[2])]

    def answer(self, direction: tuple[int, int, int]) -> np.ndarray:
        """Return the convolution, (z, y, x) float32."""
        unit = np.array(direction) / np.linalg.norm(direction)
        wave = unit / np.array(self._wavelength)
        share = np.exp(-2 * np.pi**2 * float(np.sum((self._sigma * wave) ** 2)))
        response = 0.5 * (self._gaussian(wave) + self._gaussian(-wave)) - share * self._gaussian(0 * wave)
        found = self._fft.irfftn(self._transform * response, s=self._sides, workers=os.cpu_count())
        near = tuple(slice(far, far + length) for far, length in zip(self._margin, self._shape, strict=True))
        return np.asarray(found[near], dtype=np.float32)

    def _gaussian(self, middle: np.ndarray) -> np.ndarray:
        z, y, x = (
            np.exp(-2 * (np.pi * sigma * (k - centre)) ** 2).astype(np.float32)
            for sigma, k, centre in zip(self._sigma, self._frequencies, middle, strict=True)
        )
        product: np.ndarray = z[:, None, None] * y[:, None] * x
        return product

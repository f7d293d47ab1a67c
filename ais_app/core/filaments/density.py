"""Centre a filament on the density of the tomogram itself.

A network marks roughly where a filament is; how exactly depends on its labels, and the missing wedge pulls the marked
body along the beam. The density knows better: cut across its true axis, a filament looks the same at every azimuth.

    sections across the curve ─► averaged along it ─► at every shift: how much of the variance within a radius does
    the azimuthal average explain? ─► best shift of every section ─► spline ─► again, averaged over half the length

The whole filament is shifted first, then its halves, its quarters, down to the length asked for: so a faint filament is
held by all of its length, and a particle beside it cannot draw a part of it away.

Nothing is assumed about the filament but a radius that holds it: no template, no sign of contrast. Where the wedge
weakens the walls above and below, it does so alike on both sides, so that the centre stays where it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ais_app.core.filaments.axis import BORDER, Filament
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.sections import Window, cross_sections, window_around
from ais_app.core.filaments.spline import fit_curve
from ais_app.core.params import Params, param
from ais_app.core.tomogram import ZYX, LazyArray

_ROUNDS = 3  # at the shortest length
_CLEAR = 2.5  # times what shifts explain elsewhere: the sections of all the filament together must show an axis so well
_FAINT = 0.1  # a lower symmetry than this is no better than the segmentation's axis


@dataclass(frozen=True)
class DensityParams(Params):
    """How a filament is centred on the density of the tomogram; lengths in Å."""

    radius: float | None = param(
        None, "Radius that holds the whole filament; 1.4 times that of the segmentation if not set", unit="Å", low=1.0
    )
    reach: float | None = param(
        None, "How far off the segmentation's axis may be; half of that radius if not set", unit="Å", low=1.0
    )
    averaged: float = param(
        200.0, "Sections are averaged along the axis over this length (full width at half maximum)", unit="Å", low=0.0
    )


def centre_on_density(
    filament: Filament,
    tomogram: LazyArray,
    voxel_size_zyx: ZYX,
    params: DensityParams,
    *,
    shift_zyx: np.ndarray | None = None,
    tolerance: float | None = None,
) -> Filament:
    """Move a filament's axis to where the density about it is most alike at every azimuth.

    Parameters
    ----------
    filament
        From `trace_filaments`.
    tomogram
        (z, y, x) grey values of any scale and sign; read only around the filament.
    voxel_size_zyx
        Å, of the tomogram.
    params
        Lengths in Å.
    shift_zyx
        What to add to the filament's positions to have them in the tomogram's frame, Å.
    tolerance
        Of the spline, Å; a quarter of a voxel where ``None``.

    Returns
    -------
    Filament
        With ``symmetry``: the share of the sections' variance within the radius that the azimuthal average explains,
        0…1, mean along the axis. Noise alone explains a few hundredths. The curve is the same object as before where
        the density shows no clear axis.
    """
    radius = params.radius or 1.4 * filament.radius
    step = min(voxel_size_zyx)
    shift = np.zeros(3) if shift_zyx is None else np.asarray(shift_zyx, dtype=float)
    # the corners of the square sections, and the axis may move
    around = filament.curve.points(filament.curve.steps(step)) + shift
    window = window_around(tomogram, voxel_size_zyx, around, 4 * radius, holes=np.nan)
    window = replace(window, origin_zyx=window.origin_zyx - shift)
    reach = min(params.reach or radius / 2, radius)
    curve, symmetry = filament.curve, 0.0
    for averaged in _lengths(curve.length, params.averaged):
        arc = curve.steps(step)
        found = _search(curve, arc, window, radius, reach, averaged)
        symmetry = found.symmetry
        if not found.clear:
            break
        moved = curve.points(arc) + np.einsum("na,nad->nd", found.shifts, found.vectors)
        allowed = step / 4 if tolerance is None else tolerance
        curve = fit_curve(moved, allowed, closed=curve.closed, weights=found.weights)
        if averaged == params.averaged:
            reach = max(reach / 2, 2 * step)  # what is left to go is short, and neighbours are kept out
    if curve is filament.curve or symmetry < _FAINT:
        return replace(filament, symmetry=symmetry)
    return replace(filament, curve=_to_the_faces(curve, filament.ends, window, radius), symmetry=symmetry)


def _lengths(longest: float, shortest: float) -> list[float]:
    """Return over which lengths to average, from all of the filament down: each finds what the one before left."""
    lengths = [2 * longest]
    while lengths[-1] > 2 * shortest:
        lengths.append(lengths[-1] / 2)
    return [*lengths, *[shortest] * _ROUNDS]


@dataclass(frozen=True)
class _Found:
    """What a search across the axis gives, section by section.

    Parameters
    ----------
    shifts, vectors
        (n, 2) Å across and up, and (n, 2, 3) these directions.
    weights
        (n,) how much each section is to be trusted.
    symmetry
        Share of variance explained on the axis as it was, mean over the sections.
    clear
        Whether the sections together show an axis.
    """

    shifts: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray
    symmetry: float
    clear: bool


def _to_the_faces(curve: Curve, ends: tuple[str, str], window: Window, reach: float) -> Curve:
    """Let ends at the border end there again: moved sideways, an oblique axis leaves the volume earlier or later."""
    if curve.closed:
        return curve
    step = min(window.voxel_size_zyx) / 4
    before, after = (reach if end == BORDER else 0.0 for end in ends)
    arc = np.arange(-before, curve.length + after + step / 2, step)
    inside = np.isfinite(window.sample(curve.points(arc)))
    middle = len(arc) // 2
    outside = np.flatnonzero(~inside)
    low = int(outside[outside < middle].max(initial=-1)) + 1
    high = int(outside[outside > middle].min(initial=len(arc)))
    return fit_curve(curve.points(arc[low:high:2]), step / 10) if high - low > 8 else curve


def _search(curve: Curve, arc: np.ndarray, window: Window, radius: float, reach: float, averaged: float) -> _Found:
    from scipy.ndimage import gaussian_filter1d

    step = min(window.voxel_size_zyx)
    inner, outer = int(np.ceil(radius / step)), int(np.ceil(reach / step))
    line = np.arange(-inner - outer, inner + outer + 1) * step
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    images, across, up = cross_sections(curve, arc, grid, window)
    known = np.isfinite(images)
    images = np.where(known, images - np.nanmean(window.values), 0.0)
    along = averaged / 2.355 / (curve.length / max(1, len(arc) - (not curve.closed)))
    mode = "wrap" if curve.closed else "nearest"
    # what lies outside the volume has no weight in the average
    total = gaussian_filter1d(images, along, axis=0, mode=mode)
    weight = gaussian_filter1d(known.astype(np.float32), along, axis=0, mode=mode)
    maps = _explained(total / np.maximum(weight, 0.05), inner)
    together = maps.mean(axis=0)
    usual = float(np.median(together))
    contrast = float(together.max()) - usual
    # far shifts cost up to half of the contrast, so that a weak section stays near the others; a shift made costs
    # nothing in the next round
    shift = np.arange(-outer, outer + 1) * step / reach
    distance = np.hypot(shift[:, None], shift)
    shifts, _ = _peaks(maps - 0.5 * contrast * distance**2)
    disc = np.hypot(grid[..., 0], grid[..., 1]) <= radius
    at = np.clip(np.rint(shifts.T).astype(int) + outer, 0, 2 * outer)
    trust = np.maximum(maps[(np.arange(len(arc)), at[0], at[1])] - usual, 0.05 * contrast)
    return _Found(
        shifts * step,
        np.stack([across, up], axis=1),
        trust * np.maximum(known[:, disc].mean(axis=1) ** 8, 0.05),
        float(together[outer, outer]),
        bool(
            together.max() > _CLEAR * usual and np.hypot(*(np.argwhere(together == together.max())[0] - outer)) < outer
        ),
    )


def _explained(images: np.ndarray, radius: int) -> np.ndarray:
    """Return, for every centre whose disc lies in the image, the share of variance the azimuthal average explains.

    Parameters
    ----------
    images
        (n, h, h).
    radius
        Of the disc, pixels.

    Returns
    -------
    ndarray
        (n, h - 2 radius, h - 2 radius), 0…1.
    """
    from scipy.signal import fftconvolve

    line = np.arange(-radius, radius + 1)
    distance = np.rint(np.hypot(*np.meshgrid(line, line, indexing="ij"))).astype(int)
    first = squares = between = 0.0
    pixels = np.count_nonzero(distance <= radius)
    for ring in range(radius + 1):
        kernel = (distance == ring).astype(float)
        total = fftconvolve(images, kernel[None], mode="valid", axes=(1, 2))
        first = first + total
        between = between + total**2 / kernel.sum()
    disc = (distance <= radius).astype(float)
    squares = fftconvolve(images**2, disc[None], mode="valid", axes=(1, 2))
    variance = squares - first**2 / pixels
    return (between - first**2 / pixels) / np.maximum(variance, 1e-6 * np.abs(squares).max())


def _peaks(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each map (n, m, m) is highest, from its middle, to a fraction of a pixel, and how high it is."""
    count, size, _ = maps.shape
    middle = size // 2
    flat = maps.reshape(count, -1).argmax(axis=1)
    rows, columns = np.unravel_index(flat, (size, size))
    n = np.arange(count)
    peak = np.stack([rows, columns], axis=1).astype(float)
    for axis, at in enumerate((rows, columns)):
        clipped = np.clip(at, 1, size - 2)
        index = [rows, columns]
        values = []
        for offset in (-1, 0, 1):
            index[axis] = clipped + offset
            values.append(maps[n, index[0], index[1]])
        low, mid, high = values
        bend = low - 2 * mid + high
        # a parabola through three points; at the rim of the map, or on a flat one, the pixel itself
        fraction = np.where(bend < -1e-12, (low - high) / (2 * np.where(bend < -1e-12, bend, -1.0)), 0.0)
        peak[:, axis] = np.where(at == clipped, at + np.clip(fraction, -0.5, 0.5), at)
    return peak - middle, maps[n, rows, columns]

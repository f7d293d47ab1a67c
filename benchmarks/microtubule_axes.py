"""Where the axes of the two real microtubules are, found without the program's own tracing, and how sure that is.

The published points are clicks from which a fit starts. Here the clicks start one too, by another criterion than the
program's: in sections across the axis, the density correlates best with itself turned by 180° about the axis. How well
an axis is placed shows in the lattice: tubulin repeats every 4.1 nm along the wall, and unrolled about the wrong axis
this layer line fades.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from ais_app import Tomogram
from ais_app.core.filaments.curve import Curve
from ais_app.core.filaments.sections import Window, cross_sections
from ais_app.core.filaments.spline import fit_curve

AVERAGED = 300.0  # Å along the axis, full width at half maximum
REACHES = (100.0, 40.0, 20.0, 20.0)  # Å, round after round


def clicks(path: Path) -> np.ndarray:
    """Return the published points of a crop, (3, 3) z y x, Å."""
    content = json.loads((path.parent / "clicks.json").read_text(encoding="utf-8"))
    return np.array(content[path.stem], dtype=float) * 10


def through_clicks(points: np.ndarray) -> Curve:
    """Return the parabola through three clicks."""
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    parabola = make_interp_spline(arc, points, k=2)
    return fit_curve(parabola(np.linspace(0, arc[-1], 100)), 0.01)


def reference_axis(tomogram: Tomogram, points: np.ndarray) -> Curve:
    """Return the axis of the tube at the clicks, from one face of the volume to the other."""
    size = tomogram.require_voxel_size_zyx()
    window = Window(tomogram.read().astype(np.float32), size, np.zeros(3))
    first, last = points[0], points[-1]
    along = (last - first) / np.linalg.norm(last - first)
    arc = np.arange(-3000.0, 3000.0, size[0])
    curve = fit_curve(_inside(first + arc[:, None] * along, tomogram), 1.0)
    for reach in REACHES:
        arc = curve.steps(size[0])
        shifts, vectors = _twofold_shifts(curve, arc, window, reach)
        curve = fit_curve(curve.points(arc) + np.einsum("na,nad->nd", shifts, vectors), 3.0)
        beyond = np.arange(-300.0, curve.length + 300.0, size[0] / 2)
        curve = fit_curve(_inside(curve.points(beyond), tomogram), 0.1)
    return curve


def _inside(points: np.ndarray, tomogram: Tomogram) -> np.ndarray:
    last = (np.array(tomogram.shape) - 1) * tomogram.require_voxel_size_zyx()
    return points[((points >= 0) & (points <= last)).all(axis=1)]


def _twofold_shifts(curve: Curve, arc: np.ndarray, window: Window, reach: float) -> tuple[np.ndarray, np.ndarray]:
    step, half = 5.0, 150.0
    line = np.arange(-half - reach, half + reach + step / 2, step)
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1)
    images, across, up = cross_sections(curve, arc, grid, window)
    images = gaussian_filter1d(np.nan_to_num(images - window.values.mean()), AVERAGED / 2.355 / (arc[1] - arc[0]), 0)
    images *= np.hypot(*np.moveaxis(grid, -1, 0)) <= half + reach / 2
    # an image convolved with itself peaks at twice the position of its centre of symmetry
    doubled = fftconvolve(images, images, mode="same", axes=(1, 2))
    middle, far = len(line) // 2, int(2 * reach / step)
    allowed = doubled[:, middle - far : middle + far + 1, middle - far : middle + far + 1]
    flat = allowed.reshape(len(arc), -1).argmax(axis=1)
    peak = np.stack(np.unravel_index(flat, allowed.shape[1:]), axis=1) - far
    return peak * step / 2, np.stack([across, up], axis=1)


def layer_line(tomogram: Tomogram, curve: Curve) -> tuple[float, float]:
    """Return how far the layer line stands out of the noise when the wall is unrolled about a curve, and its spacing.

    Returns
    -------
    contrast, spacing
        Power at the highest peak between 39 and 43 Å over the median between 25 and 60 Å; Å.
    """
    step, angles = 5.0, np.arange(96) / 96 * 2 * np.pi
    window = Window(tomogram.read().astype(np.float32), tomogram.require_voxel_size_zyx(), np.zeros(3))
    arc = np.arange(0.0, curve.length, step)
    power = 0.0
    for radius in np.arange(95.0, 125.0, 5.0):
        wall = radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        values = np.nan_to_num(cross_sections(curve, arc, wall, window)[0] - window.values.mean())
        power = power + np.abs(np.fft.fft2(values * np.hanning(len(arc))[:, None], s=(4096, 96))) ** 2
    spacing = 1 / np.maximum(np.fft.fftfreq(4096, step), 1e-9)
    low_orders = np.r_[0:6, 91:96]  # the 3-start helix turns the line away from the meridian
    lattice, around = (spacing > 39) & (spacing < 43), (spacing > 25) & (spacing < 60)
    strongest = power[:, low_orders].max(axis=1)
    best = int(np.argmax(np.where(lattice, strongest, 0)))
    return float(strongest[best] / np.median(power[around])), float(spacing[best])

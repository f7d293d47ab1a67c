"""Particles of three kinds made of Gaussians, scattered in a tomogram with a missing wedge and noise."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

EDGE = 24  # voxels, of the box of a particle


@dataclass(frozen=True)
class Scattered:
    """`volume` (z, y, x), dark particles in noise; their `centres` (n, 3) z y x voxels; the `signal` alone."""

    volume: np.ndarray
    centres: np.ndarray
    signal: np.ndarray


def scattered(
    seed: int, snr: float, shape=(64, 160, 160), count: int = 60, kinds: int = 3, apart: float = 20.0
) -> Scattered:
    """Scatter particles of which no two centres are closer than `apart` voxels.

    `snr` is the variance of the signal over that of the noise in the boxes of the particles, after the wedge.
    """
    random, half = np.random.default_rng(seed), EDGE // 2
    centres = np.empty((0, 3))
    while len(centres) < count:
        one = random.uniform([half] * 3, np.array(shape) - half - 1)
        if not len(centres) or np.linalg.norm(centres - one, axis=1).min() >= apart:
            centres = np.vstack([centres, one])
    particles = [_gaussians(random) for _ in range(kinds)]
    signal = np.zeros(shape, np.float32)
    for number, centre in enumerate(centres):
        turn = Rotation.from_quat(random.normal(size=4)).as_matrix()
        corner = np.round(centre).astype(int) - half
        places, widths = particles[number % kinds]
        cube = _cube(places @ turn.T + (centre - corner), widths)
        signal[_box(corner)] += cube
    seen, noise = _with_wedge(signal), _with_wedge(random.normal(size=shape))
    corners = np.round(centres).astype(int) - half
    power = np.mean([seen[_box(corner)].var() for corner in corners])
    volume = -(seen + noise * np.sqrt(power / (snr * noise.var())))
    return Scattered(volume.astype(np.float32), centres, signal)


def f1(found: np.ndarray, truth: np.ndarray, within: float) -> float:
    """Return the harmonic mean of recall and precision; a particle is found once, `within` voxels of its centre."""
    if not len(found):
        return 0.0
    away = np.linalg.norm(found[:, None] - truth, axis=2)
    rows, columns = linear_sum_assignment(np.where(away <= within, away, 1e6))
    return float(2 * (away[rows, columns] <= within).sum() / (len(found) + len(truth)))


def _gaussians(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    directions = random.normal(size=(12, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = directions * (0.3 * EDGE * random.uniform(0.1, 1, size=(12, 1)) ** (1 / 3))
    widths = random.uniform(1.3, 2.5, size=12)
    return places - np.average(places, axis=0, weights=widths**3), widths


def _cube(places: np.ndarray, widths: np.ndarray) -> np.ndarray:
    z, y, x = (np.exp(-0.5 * ((np.arange(EDGE) - p[:, None]) / widths[:, None]) ** 2) for p in places.T)
    return np.einsum("nz,ny,nx->zyx", z, y, x, optimize=True)


def _box(corner: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(start, start + EDGE) for start in corner)


def _with_wedge(volume: np.ndarray) -> np.ndarray:
    """Leave out what a series of tilts of -60 to 60 degrees about y does not measure."""
    z = np.abs(np.fft.fftfreq(volume.shape[0]))[:, None, None]
    x = np.fft.rfftfreq(volume.shape[2])[None, None, :]
    measured = z <= np.tan(np.radians(60)) * x
    measured[0, :, 0] = True
    transform = np.fft.rfftn(volume) * measured
    return np.fft.irfftn(transform, s=volume.shape, axes=(0, 1, 2))

"""Volumes with particles at known places, and correlations written out as sums."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import affine_transform
from subtomogram_phantoms import phantom

from ais_app.core.particles.orientations import random_rotations
from ais_app.core.particles.poses import turned
from ais_app.core.particles.wedge import Wedge

FULL = Wedge(-90.0, 90.0)
SIZE = 10.0  # Å


def lump():
    """Return a map of 12³ voxels without symmetry."""
    density = np.zeros((12, 12, 12), dtype=np.float32)
    density[3:8, 4:8, 3:7] = 1
    density[7, 8, 5:7] = 1
    return density


def filtered_by(volume, wedge):
    """Return a volume without what the wedge misses, by its definition; tilts about y."""
    k = np.stack(np.meshgrid(*[np.fft.fftfreq(n) for n in volume.shape], indexing="ij"))
    angle = np.degrees(np.arctan(np.divide(k[0], k[2], out=np.full_like(k[0], np.inf), where=k[2] != 0)))
    kept = (angle >= wedge.tilt_min - 1e-3) & (angle <= wedge.tilt_max + 1e-3) | (k[0] == 0) & (k[2] == 0)
    return np.fft.ifftn(np.fft.fftn(volume) * kept).real


def coefficient(window, reference, mask):
    """Return the correlation coefficient of two cubes weighted with a mask: sums, nothing else."""
    weight = mask.astype(float)
    a = window - (window * weight).sum() / weight.sum()
    b = reference - (reference * weight).sum() / weight.sum()
    return (weight * a * b).sum() / np.sqrt((weight * a * a).sum() * (weight * b * b).sum())


def turned_by_scipy(density, rotation, edge):
    """Return a map turned in a cube of `edge` voxels, by nothing of the program; its central voxel is n // 2."""
    turn = rotation[::-1, ::-1].T  # x y z columns to z y x, and from what is made to the map
    offset = np.array(density.shape) // 2 - turn @ np.full(3, edge // 2)
    return affine_transform(density.astype(float), turn, offset, (edge,) * 3, order=3)


def around(volume, at, edge):
    return volume[tuple(slice(c - edge // 2, c - edge // 2 + edge) for c in at)]


def particles_in(shape, maps, places, rotations, which):
    """Return a volume with maps put at whole voxels."""
    volume = np.zeros(shape, dtype=np.float32)
    for at, rotation, number in zip(places, rotations, which, strict=True):
        cube = turned(torch.from_numpy(maps[number]), torch.from_numpy(rotation[None]), fine=True)[0].numpy()
        around(volume, at, cube.shape[0])[...] += cube
    return volume


def apart(shape, count, distance, margin, rng):
    """Return whole voxels at least `distance` apart."""
    places = []
    while len(places) < count:
        at = rng.integers(margin, np.array(shape) - margin)
        if all(np.linalg.norm(at - other) >= distance for other in places):
            places.append(at)
    return np.array(places)


@dataclass(frozen=True)
class Crowd:
    """T9: a structure among two others, noise and tilts to 60 degrees; places (n, 3) z y x, which (n,) 0, 1 or 2."""

    volume: np.ndarray
    maps: list[np.ndarray]
    places: np.ndarray
    rotations: np.ndarray
    which: np.ndarray
    wedge: Wedge


def crowd(shape, each, snr=0.1, seed=9):
    """Return `each` particles of three structures; SNR in boxes of 32."""
    rng = np.random.default_rng(seed)
    maps = [phantom(number, 32) for number in (1, 2, 3)]
    maps = [cube.astype(np.float32) / np.float32(np.sqrt((cube**2).sum())) for cube in maps]
    places = apart(shape, 3 * each, 20, 17, rng)
    which = np.repeat([0, 1, 2], each)
    rotations = random_rotations(3 * each, rng)
    wedge = Wedge(-60.0, 60.0)
    signal = filtered_by(particles_in(shape, maps, places, rotations, which), wedge)
    inside = np.zeros(shape, dtype=bool)
    for at in places:
        around(inside, at, 32)[...] = True
    noise = filtered_by(rng.normal(size=shape), wedge)
    volume = signal + noise * np.sqrt(signal[inside].var() / snr / noise.var())
    return Crowd(volume.astype(np.float32), maps, places, rotations, which, wedge)

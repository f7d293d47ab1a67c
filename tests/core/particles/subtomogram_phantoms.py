"""Particles made of Gaussians, exact in every orientation, and subtomograms of them with a missing wedge and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ais_app.core.particles.fourier import from_fourier, to_fourier
from ais_app.core.particles.orientations import symmetry_rotations
from ais_app.core.particles.poses import Poses, turned
from ais_app.core.particles.wedge import Wedge


@dataclass(frozen=True)
class Blobs:
    """Gaussians of height 1: places (n, 3) x y z in voxels from the central voxel, widths (n,) in voxels."""

    places: np.ndarray
    widths: np.ndarray

    def cube(self, edge: int, rotation: np.ndarray | None = None, shift_zyx: np.ndarray | None = None) -> np.ndarray:
        """The particle, (edge, edge, edge) float32, turned and moved without any interpolation."""
        places = self.places if rotation is None else self.places @ rotation.T
        if shift_zyx is not None:
            places = places + np.asarray(shift_zyx)[::-1]
        along = np.arange(edge) - edge // 2
        # a Gaussian is a product of three: (n, e) along each axis
        x, y, z = (
            np.exp(-((along[None] - places[:, [i]]) ** 2) / (2 * self.widths[:, None] ** 2)).astype(np.float32)
            for i in range(3)
        )
        return np.einsum("nz,ny,nx->zyx", z, y, x, optimize=True)

    def cubes(self, edge: int, poses: Poses) -> np.ndarray:
        """The particle in each pose, (n, edge, edge, edge) float32."""
        return np.stack([self.cube(edge, r, t) for r, t in zip(poses.rotations, poses.shifts_zyx, strict=True)])


def blobs(
    seed: int,
    edge: int,
    count: int = 12,
    radius: float = 0.3,
    widths: tuple[float, float] = (1.3, 2.5),
    symmetry: str = "C1",
) -> Blobs:
    """A particle for cubes of `edge` voxels: `count` Gaussians within `radius` edges of its centre of mass.

    With a symmetry there are `count` Gaussians in each of its units.
    """
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = directions * (radius * edge * random.uniform(0.1, 1, size=(count, 1)) ** (1 / 3))
    sizes = random.uniform(*widths, size=count)
    places = np.concatenate([places @ turn.T for turn in symmetry_rotations(symmetry)])
    sizes = np.tile(sizes, len(places) // count)
    mass = sizes**3
    return Blobs(places - (places * mass[:, None]).sum(axis=0) / mass.sum(), sizes)


def phantom(
    seed: int,
    edge: int,
    *,
    rotation: np.ndarray | None = None,
    shift_zyx: np.ndarray | None = None,
    count: int = 12,
    radius: float = 0.3,
    widths: tuple[float, float] = (1.3, 2.5),
    symmetry: str = "C1",
) -> np.ndarray:
    """The particle `blobs(seed, edge, ...)` as a cube, (edge, edge, edge) float32; each seed is one particle."""
    return blobs(seed, edge, count, radius, widths, symmetry).cube(edge, rotation, shift_zyx)


def simple_subtomograms(
    reference: np.ndarray | Blobs,
    poses: Poses,
    wedge: Wedge | Sequence[Wedge],
    snr: float,
    random: np.random.Generator,
    edge: int | None = None,
) -> np.ndarray:
    """Subtomograms, (n, e, e, e) float32: the particle turned and moved, and white noise, both without the wedge.

    Parameters
    ----------
    reference
        A cube (turned with interpolation) or `Blobs` (turned exactly; needs `edge`).
    poses
        One a subtomogram.
    wedge
        One, or one a subtomogram.
    snr
        Variance of the signal over that of the noise, both in the whole box and after the wedge; `np.inf` for no noise.
    random
        Of the noise.
    edge
        Voxels, with `Blobs`.
    """
    if isinstance(reference, Blobs):
        assert edge is not None
        clean = torch.from_numpy(reference.cubes(edge, poses))
    else:
        edge = reference.shape[-1]
        whole = torch.from_numpy(np.asarray(reference, dtype=np.float32))
        clean = turned(whole, torch.from_numpy(poses.rotations), torch.from_numpy(poses.shifts_zyx), fine=True)
    wedges = [wedge] * len(poses) if isinstance(wedge, Wedge) else list(wedge)
    masks = {one: one.mask(edge) for one in set(wedges)}
    cubes = []
    for cube, own in zip(clean, wedges, strict=True):
        signal = from_fourier(to_fourier(cube) * masks[own], edge)
        if np.isfinite(snr):
            white = torch.from_numpy(random.normal(size=(edge,) * 3).astype(np.float32))
            noise = from_fourier(to_fourier(white) * masks[own], edge)
            signal = signal + noise * torch.sqrt(signal.var() / (snr * noise.var()))
        cubes.append(signal)
    return torch.stack(cubes).numpy()

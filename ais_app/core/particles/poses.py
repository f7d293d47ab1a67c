"""Poses: how the reference is turned and moved to become what is in each cube.

cube(r) = reference(R^T (r - c - t) + c),   c the central voxel, n // 2 of each axis
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem

if TYPE_CHECKING:
    import torch

    from ais_app.core.particle_set import Particles


@dataclass(frozen=True)
class Poses:
    """Where the reference is found in cubes.

    Parameters
    ----------
    rotations
        (n, 3, 3) float64, active, on x y z columns.
    shifts_zyx
        (n, 3) float64, voxels.
    scores
        (n,) float64, how well it fits there: a correlation, at most 1; zeros where not known.
    """

    rotations: np.ndarray
    shifts_zyx: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.rotations) == len(self.shifts_zyx) == len(self.scores):
            problem = f"{len(self.rotations)} rotations, {len(self.shifts_zyx)} shifts, {len(self.scores)} scores"
            raise ParameterProblem("poses", problem, "give as many of each")

    def __len__(self) -> int:
        return len(self.rotations)

    def __getitem__(self, chosen: np.ndarray | slice) -> Poses:
        return Poses(self.rotations[chosen], self.shifts_zyx[chosen], self.scores[chosen])

    @staticmethod
    def of(rotations: np.ndarray, shifts_zyx: np.ndarray | None = None) -> Poses:
        """Return poses with no scores, and by default no shifts."""
        shifts = np.zeros((len(rotations), 3)) if shifts_zyx is None else np.asarray(shifts_zyx, dtype=float)
        return Poses(np.asarray(rotations, dtype=float), shifts, np.zeros(len(rotations)))

    @staticmethod
    def unturned(count: int) -> Poses:
        """Return poses that leave the reference as it is."""
        return Poses.of(np.tile(np.eye(3), (count, 1, 1)))

    def inverse(self) -> Poses:
        """Return the poses that lead back: those of the cubes in the frame of the reference."""
        back = np.swapaxes(self.rotations, 1, 2)
        moved = np.einsum("nij,nj->ni", back, -self.shifts_zyx[:, ::-1])[:, ::-1]
        return Poses(np.ascontiguousarray(back), np.ascontiguousarray(moved), self.scores)

    def after(self, rotation: np.ndarray, shift_zyx: np.ndarray | None = None) -> Poses:
        """Return the poses of another reference, which must be turned and moved first to become the present one."""
        shift = np.zeros(3) if shift_zyx is None else np.asarray(shift_zyx, dtype=float)
        moved = np.einsum("nij,j->ni", self.rotations, shift[::-1])[:, ::-1]
        return replace(self, rotations=self.rotations @ rotation, shifts_zyx=self.shifts_zyx + moved)

    def of_particles(self, particles: Particles, voxel_size: float) -> Particles:
        """Return the particles with these poses: their positions moved to the centre of the reference.

        Parameters
        ----------
        particles
            Whose positions are the central voxels of the cubes.
        voxel_size
            Å, of the cubes.
        """
        positions = particles.positions_zyx + self.shifts_zyx * voxel_size
        return replace(particles, positions_zyx=positions, rotations=self.rotations, scores=self.scores)


def turned(
    cubes: torch.Tensor, rotations: torch.Tensor, shifts_zyx: torch.Tensor | None = None, *, fine: bool = False
) -> torch.Tensor:
    """Turn cubes about their central voxels, then move them.

    Parameters
    ----------
    cubes
        (n, e, e, e) or, one for all rotations, (1, e, e, e) or (e, e, e); float32, z y x. What comes from outside is 0.
    rotations
        (n, 3, 3) on x y z columns.
    shifts_zyx
        (n, 3) voxels; none if not given.
    fine
        Sample the cubes twice as finely first, in Fourier space: keeps detail that linear interpolation smears, and
        takes some five times as long.

    Returns
    -------
    Tensor
        (n, e, e, e); differentiable in cubes, rotations and shifts.
    """
    import torch
    import torch.nn.functional as F  # noqa: N812 - torch's own name for it

    from ais_app.core.particles.fourier import from_fourier, resized, to_fourier

    edge = cubes.shape[-1]
    cubes = cubes.reshape(-1, edge, edge, edge)
    if fine:
        cubes = from_fourier(resized(to_fourier(cubes), edge, 2 * edge), 2 * edge)
    rotations = rotations.to(cubes)
    along = torch.arange(edge, dtype=cubes.dtype, device=cubes.device) - edge // 2
    z, y, x = torch.meshgrid(along, along, along, indexing="ij")
    places = torch.stack((x, y, z), dim=-1).reshape(1, -1, 3)
    if shifts_zyx is not None:
        places = places - shifts_zyx.to(cubes).flip(-1)[:, None]
    # rows times R are columns times its transpose, which is its inverse
    side = cubes.shape[-1]
    source = torch.matmul(places, rotations) * (side // edge) + side // 2
    where = (source * (2 / (side - 1)) - 1).reshape(len(rotations), edge, edge, edge, 3)
    cubes = cubes.expand(len(rotations), side, side, side)
    return F.grid_sample(cubes[:, None], where, mode="bilinear", padding_mode="zeros", align_corners=True)[:, 0]

"""Apply the symmetry of a particle to its map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.particles.orientations import symmetry_rotations

if TYPE_CHECKING:
    import torch


def symmetrised(cube: np.ndarray, symmetry: str) -> np.ndarray:
    """Return the mean of a map over the rotations of its symmetry.

    Parameters
    ----------
    cube
        (n, n, n) float32, z y x; axes of symmetry pass through voxel ``n // 2``.
    symmetry
        C1, C2 ... about z, D2, D3 ... about z and x.

    Raises
    ------
    ParameterProblem
        The symmetry is not known.
    """
    import torch

    return np.asarray(symmetric_mean(torch.as_tensor(np.require(cube, np.float32, "W")), symmetry).cpu())


def symmetric_mean(cube: torch.Tensor, symmetry: str) -> torch.Tensor:
    """Return the same of a tensor, (n, n, n), on its device."""
    import torch

    from ais_app.core.particles.poses import turned

    rotations = symmetry_rotations(symmetry)
    if len(rotations) == 1:
        return cube
    total = torch.zeros_like(cube)
    for rotation in torch.from_numpy(rotations).to(cube.device):
        total += turned(cube, rotation[None], fine=True)[0]
    return total / len(rotations)

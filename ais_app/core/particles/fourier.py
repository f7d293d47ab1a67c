"""Fourier transforms of cubes: one layout for everything that works on subtomograms.

Cubes are (..., n, n, n) z y x with their centre at voxel ``n // 2``; transforms are (..., n, n, n // 2 + 1) with the
origin of phase at that centre and frequency 0 first, so that turning a cube about its centre turns its transform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem

if TYPE_CHECKING:
    import torch

AXES_ZYX = (-3, -2, -1)


def to_fourier(cubes: torch.Tensor) -> torch.Tensor:
    """Return the transforms, (..., n, n, n // 2 + 1) complex, of real cubes, (..., n, n, n)."""
    import torch

    return torch.fft.rfftn(torch.fft.ifftshift(cubes, dim=AXES_ZYX), dim=AXES_ZYX)


def from_fourier(transforms: torch.Tensor, edge: int) -> torch.Tensor:
    """Return the cubes, (..., edge, edge, edge), of transforms: the inverse of `to_fourier`."""
    import torch

    return torch.fft.fftshift(torch.fft.irfftn(transforms, s=(edge,) * 3, dim=AXES_ZYX), dim=AXES_ZYX)


def frequencies_xyz(edge: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return the frequency of each place of a transform, (n, n, n // 2 + 1, 3) float32, x y z, in waves per cube."""
    import torch

    full = torch.fft.fftfreq(edge, 1 / edge, device=device)
    half = torch.fft.rfftfreq(edge, 1 / edge, device=device)
    z, y, x = torch.meshgrid(full, full, half, indexing="ij")
    return torch.stack((x, y, z), dim=-1)


def radii(edge: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return the distance of each place of a transform from frequency 0, (n, n, n // 2 + 1) float32."""
    return frequencies_xyz(edge, device).norm(dim=-1)


def multiplicity(edge: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return how often each column of a transform occurs in the whole of Fourier space, (n // 2 + 1,) 1 or 2."""
    import torch

    count = torch.full((edge // 2 + 1,), 2.0, device=device)
    count[0] = 1
    if edge % 2 == 0:
        count[-1] = 1
    return count


def resized(transforms: torch.Tensor, edge: int, to: int) -> torch.Tensor:
    """Return transforms of cubes of `to` voxels: finer frequencies cut away, or zeros for those that are added.

    The grey values of the cubes stay the same (an average over the voxels, not a sum). Cubes shrink or grow about
    their centres. The highest frequency of an even cube, which has no partner, is left out.

    Parameters
    ----------
    transforms
        (..., edge, edge, edge // 2 + 1) complex.
    edge, to
        Voxels of the cubes before and after.
    """
    import torch

    if to == edge:
        return transforms
    low = (min(edge, to) - 1) // 2
    kept = [*range(low + 1), *range(-low, 0)] if low else [0]
    source = torch.tensor([k % edge for k in kept], device=transforms.device)
    target = torch.tensor([k % to for k in kept], device=transforms.device)
    result = transforms.new_zeros((*transforms.shape[:-3], to, to, to // 2 + 1))
    part = transforms.index_select(-3, source).index_select(-2, source)[..., : low + 1]
    rows = result[..., : low + 1]
    rows[..., target[:, None], target[None, :], :] = part * (to / edge) ** 3
    return result


def resampled(cube: np.ndarray, step: float) -> np.ndarray:
    """Return a cube on voxels `step` times as large, about the same centre, by its Fourier series.

    Works for any step, unlike cutting a transform (`resized`). What is band-limited comes out exactly. Detail that
    larger voxels cannot hold is left out: waves fade between 0.9 and 1 of the highest frequency that they can.

    Parameters
    ----------
    cube
        (n, n, n), its centre at voxel ``n // 2``; beyond its faces it is continued by itself.
    step
        Of the new voxels, in old ones.

    Returns
    -------
    ndarray
        (m, m, m) of the cube's type, m the whole number of new voxels that fit into it, at least 3; centre at
        ``m // 2``.
    """
    n = cube.shape[0]
    if abs(step - 1) < 1e-6:
        return cube
    edge = max(3, int(n / step + 1e-6))
    place = (np.arange(edge) - edge // 2) * step + n // 2
    limit = (n - 1) // 2 if step <= 1 else max(1, int(n / (2 * step)))
    wave = np.arange(1, limit + 1)
    fade = np.clip((wave / limit - 0.9) / 0.1, 0, 1) if step > 1 else np.zeros(limit)
    phase = 2 * np.pi / n * (place[:, None] - np.arange(n))
    matrix = (1 + 2 * np.tensordot(np.cos(phase[..., None] * wave), 0.5 + 0.5 * np.cos(np.pi * fade), axes=1)) / n
    matrix = matrix.astype(np.result_type(cube.dtype, np.float32))
    for _ in range(3):  # each axis in turn; after three they stand as before
        cube = np.moveaxis(np.tensordot(matrix, cube, axes=(1, 0)), 0, 2)
    return cube


def shifted(transforms: torch.Tensor, shifts_zyx: torch.Tensor, edge: int) -> torch.Tensor:
    """Return the transforms of cubes moved by `shifts_zyx`, (..., 3) voxels, which may be fractions."""
    import torch

    k = frequencies_xyz(edge, transforms.device)
    shifts = shifts_zyx.to(device=transforms.device, dtype=k.dtype).flip(-1)
    phase = torch.einsum("zyxi,...i->...zyx", k, shifts) * (-2 * torch.pi / edge)
    return transforms * torch.polar(torch.ones_like(phase), phase)


def soft_sphere(edge: int, radius: float | None = None, soft: float = 3.0) -> np.ndarray:
    """Return a ball about the centre, (edge, edge, edge) float32: 1 inside, falling to 0 as a cosine.

    Parameters
    ----------
    edge
        Voxels.
    radius
        Where it has reached 0, voxels; the largest that fits if not given.
    soft
        Width of the fall, voxels.

    Raises
    ------
    ParameterProblem
        The ball has no voxel.
    """
    outer = (edge - 1) // 2 if radius is None else radius
    if outer <= 0:
        raise ParameterProblem("radius", f"{outer:g} voxels hold nothing", "give a larger radius or box")
    along = np.arange(edge, dtype=np.float32) - edge // 2
    distance = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2)
    fall = np.clip((distance - (outer - soft)) / max(soft, 1e-6), 0, 1)
    ball: np.ndarray = (0.5 + 0.5 * np.cos(np.pi * fall)).astype(np.float32)
    return ball

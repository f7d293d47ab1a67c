"""From a density map to what is correlated: on the tomogram's voxels, turned, without the missing wedge, normalised.

A kernel of rotation R is ``m (T - mean) / sqrt(sum m (T - mean)²)``, where T is the turned map multiplied by the wedge
in Fourier space, in the frame of the tomogram, m the mask, and the mean is weighted with it. Its correlation with a
tomogram, divided by ``sqrt(sum m) s``, s the local deviation weighted with m, is a correlation coefficient: -1 ... 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.matching.parameters import MatchParams
from ais_app.core.particles.fourier import resampled, soft_sphere

if TYPE_CHECKING:
    import torch

    from ais_app.core.particles.wedge import Wedge

SOFT = 2.0  # voxels over which a spherical mask falls to 0, half of it at its radius
_WITHIN = 0.99  # of the power of a map lies within its radius
_FINE = 2  # maps are sampled this much finer before they are turned, so that linear interpolation loses little
_ROOM = 1.4  # cubes in which the wedge is applied, in diameters: its streaks must not come in again at the other side
SMALLEST = 2.0  # voxels: a smaller radius leaves nothing to correlate


@dataclass(frozen=True)
class Template:
    """A map ready to be turned.

    Parameters
    ----------
    fine
        (f, f, f) float32, bright, sampled twice as finely as the tomogram; centre at ``f // 2``.
    mask
        (n, n, n) float32, 0 ... 1, n odd; centre at ``n // 2``.
    turns
        Whether the mask is turned with the map; a sphere need not be.
    weights
        (e, e, e // 2 + 1) float32: what every frequency is multiplied with, the wedge among it.
    radius
        Voxels: of the sphere, or of what the mask reaches.
    """

    fine: torch.Tensor
    mask: np.ndarray
    turns: bool
    weights: torch.Tensor
    radius: float

    @property
    def support(self) -> int:
        """Edge of the kernels, voxels."""
        return int(self.mask.shape[0])

    @property
    def weight(self) -> float:
        """Sum of the mask."""
        return float(self.mask.sum(dtype=np.float64))

    def to(self, device: torch.device) -> Template:
        """Return it with its maps on a device."""
        return Template(self.fine.to(device), self.mask, self.turns, self.weights.to(device), self.radius)

    def images(self, rotations: np.ndarray) -> torch.Tensor:
        """Return the turned maps as the wedge leaves them, (k, n, n, n) float32."""
        import torch

        turns = torch.as_tensor(np.ascontiguousarray(rotations), dtype=torch.float32, device=self.fine.device)
        edge = self.weights.shape[0]
        maps = _sampled(self.fine, _FINE, turns, min(edge, self.fine.shape[0] // _FINE))
        return _centred(_filtered(_centred(maps, edge), self.weights), self.support)

    def kernels(self, rotations: np.ndarray) -> torch.Tensor:
        """Return the kernels of rotations, (k, 3, 3): (k, n, n, n) float32."""
        return self.kernels_and_masks(rotations)[0]

    def kernels_and_masks(self, rotations: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the kernels, (k, n, n, n), and their masks, (1, n, n, n) where these are not turned."""
        import torch

        turns = torch.as_tensor(np.ascontiguousarray(rotations), dtype=torch.float32, device=self.fine.device)
        mask = torch.from_numpy(self.mask).to(self.fine.device)[None]
        if self.turns:
            mask = _sampled(mask[0], 1, turns, self.support)
            mask = torch.where(mask < 0.01, torch.zeros_like(mask), mask)
        maps = self.images(rotations)
        total = mask.sum(dim=(1, 2, 3), keepdim=True)
        maps = maps - (maps * mask).sum(dim=(1, 2, 3), keepdim=True) / total
        power = (maps * maps * mask).sum(dim=(1, 2, 3), keepdim=True)
        return maps * mask / power.clamp(min=1e-30).sqrt(), mask


def prepare(
    density: np.ndarray,
    map_voxel_size: float,
    voxel_size: float,
    wedge: Wedge,
    params: MatchParams,
    mask: np.ndarray | None = None,
) -> Template:
    """Bring a map to the voxels of a tomogram.

    Parameters
    ----------
    density
        (z, y, x); voxel ``n // 2`` of each axis is the centre of the particle. What is around it is taken for empty:
        the median of the faces is subtracted.
    map_voxel_size, voxel_size
        Å, of the map and of the tomogram (after binning).
    wedge
        Of the tomogram.
    params
        Radius of the mask, band, contrast transfer.
    mask
        On the voxels of the map, 0 ... 1; a sphere if not given.

    Raises
    ------
    ParameterProblem
        The map or the mask has not three axes, holds no numbers or nothing at all, or is too small on these voxels.
    """
    import torch

    _check(density, "template")
    faces = [np.take(density, index, axis) for axis in range(3) for index in (0, -1)]
    density = density.astype(np.float64) - np.median(np.concatenate([face.ravel() for face in faces]))
    step = voxel_size / map_voxel_size
    fine = resampled(_cube(density), step / _FINE)
    extent = _extent(fine) / _FINE
    if mask is not None:
        _check(mask, "mask")
        if mask.shape != density.shape:
            raise ParameterProblem("mask", f"{mask.shape} voxels, the template has {density.shape}", "give them alike")
        own = _own_mask(np.clip(resampled(_cube(mask.astype(np.float64)), step), 0, 1))
        radius = float((own.shape[0] - 1) / 2)
    else:
        radius = extent + SOFT if params.mask_radius is None else params.mask_radius / voxel_size
        if radius < SMALLEST:
            problem = f"its radius is {radius:.2g} voxels of {voxel_size:g} Å; nothing can be told apart in so few"
            raise ParameterProblem("template", problem, "give a larger mask radius or a smaller binning")
        outer = radius + SOFT / 2
        own = soft_sphere(2 * int(np.ceil(outer)) - 1, outer, SOFT)
    room = int(np.ceil(max(2 * extent + 1, own.shape[0]) * _ROOM))
    edge = fast_size(room, even=True)
    fine = _fitted(fine, _FINE * min(edge, fast_size(int(2 * 1.5 * extent) + 4, even=True)))
    weights = torch.from_numpy(_response(edge, voxel_size, params)) * wedge.mask(edge)
    return Template(torch.from_numpy(fine.astype(np.float32)), own, mask is not None, weights, radius)


def fast_size(least: int, *, even: bool = False) -> int:
    """Return the next size that has no prime factors but 2, 3, 5 and 7: those that Fourier transforms are quick for."""
    size = max(1, least)
    while _largest_factor(size) > 7 or (even and size % 2):
        size += 1
    return size


def _largest_factor(number: int) -> int:
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number


def _check(density: np.ndarray, what: str) -> None:
    if density.ndim != 3 or min(density.shape) < 3:
        raise ParameterProblem(what, f"has the shape {density.shape}", "give a volume (z, y, x)")
    if not np.isfinite(density).all():
        raise ParameterProblem(what, "holds values that are no number", "replace them by 0")
    if not np.ptp(density):
        raise ParameterProblem(what, "is the same everywhere", "give a density map")


def _cube(density: np.ndarray) -> np.ndarray:
    """Return the map in a cube, zeros added, its centre at the middle of it."""
    edge = max(density.shape)
    before = [edge // 2 - n // 2 for n in density.shape]
    return np.pad(density, [(b, edge - n - b) for b, n in zip(before, density.shape, strict=True)])


def _fitted(cube: np.ndarray, edge: int) -> np.ndarray:
    """Return a cube cut or padded with zeros to another edge, its centre kept."""
    n = cube.shape[0]
    if n < edge:
        before = edge // 2 - n // 2
        return np.pad(cube, [(before, edge - n - before)] * 3)
    first = n // 2 - edge // 2
    return cube[first : first + edge, first : first + edge, first : first + edge]


def _extent(cube: np.ndarray) -> float:
    """Return the radius, voxels, that holds nearly all the power of a map."""
    n = cube.shape[0]
    along = np.arange(n) - n // 2
    shell = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2).round().astype(int)
    power = np.cumsum(np.bincount(shell.ravel(), (cube**2).ravel()))
    return float(np.searchsorted(power, _WITHIN * power[-1]))


def _own_mask(mask: np.ndarray) -> np.ndarray:
    """Return a mask cut to what it reaches, in any orientation; its edge is odd."""
    n = mask.shape[0]
    there = np.argwhere(mask >= 0.01) - n // 2
    if not len(there):
        raise ParameterProblem("mask", "is empty", "give a mask of 0 ... 1")
    reach = int(np.ceil(np.linalg.norm(there, axis=1).max()))
    if reach < SMALLEST:
        raise ParameterProblem("mask", f"reaches {reach} voxels", "give a larger mask or a smaller binning")
    return np.ascontiguousarray(_fitted(mask, 2 * reach + 1), dtype=np.float32)


def _response(edge: int, voxel_size: float, params: MatchParams) -> np.ndarray:
    """Return what the band and the contrast transfer leave of each frequency, (e, e, e // 2 + 1) float32."""
    from ais_app.core.simulate.optics import contrast_transfer
    from ais_app.core.simulate.parameters import SimulateParams

    full, half = np.fft.fftfreq(edge, voxel_size), np.fft.rfftfreq(edge, voxel_size)
    k = np.sqrt(full[:, None, None] ** 2 + full[:, None] ** 2 + half**2)
    weights = _low_pass(k, params.low_pass)
    if params.high_pass is not None:
        weights = weights - _low_pass(k, params.high_pass)
    if params.defocus is not None:
        transfer = contrast_transfer(k, SimulateParams(defocus=params.defocus, voltage=params.voltage))
        weights = weights * (np.abs(transfer) if params.phase_flipped else -transfer)
    return np.asarray(weights, dtype=np.float32)


def _low_pass(k: np.ndarray, length: float | None) -> np.ndarray:
    """Return the response of core/filters/band_pass's low-pass: one half at the length, Å."""
    if length is None:
        return np.ones_like(k)
    gaussian = (1 - np.sqrt(0.5)) ** (np.square(k * length))
    return np.asarray(2 * gaussian - gaussian**2)


def _filtered(cubes: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return cubes whose frequencies, counted from voxel 0, are multiplied by real weights."""
    import torch

    # real weights move nothing, so the origin of phase does not matter
    edge = cubes.shape[-1]
    return torch.fft.irfftn(torch.fft.rfftn(cubes, dim=(1, 2, 3)) * weights, s=(edge,) * 3, dim=(1, 2, 3))


def _centred(cubes: torch.Tensor, edge: int) -> torch.Tensor:
    """Return cubes, (k, n, n, n), cut or padded with zeros to another edge, their centres kept."""
    import torch

    n = cubes.shape[-1]
    before = edge // 2 - n // 2
    after = edge - n - before
    return torch.nn.functional.pad(cubes, (before, after) * 3)


def _sampled(cube: torch.Tensor, fine: int, rotations: torch.Tensor, edge: int) -> torch.Tensor:
    """Return a cube turned, (k, edge, edge, edge), of voxels `fine` times as large as the cube's."""
    import torch
    import torch.nn.functional as F  # noqa: N812 - torch's own name for it

    along = torch.arange(edge, dtype=torch.float32, device=cube.device) - edge // 2
    z, y, x = torch.meshgrid(along, along, along, indexing="ij")
    places = torch.stack((x, y, z), dim=-1).reshape(1, -1, 3)
    side = cube.shape[-1]
    # rows times R are columns times its transpose, which is its inverse
    source = torch.matmul(places, rotations) * fine + side // 2
    where = (source * (2 / (side - 1)) - 1).reshape(len(rotations), edge, edge, edge, 3)
    cubes = cube.expand(len(rotations), 1, side, side, side)
    return F.grid_sample(cubes, where, mode="bilinear", padding_mode="zeros", align_corners=True)[:, 0]

"""Subtomograms added up in Fourier space, each where it has measured.

    sums_job(cubes, poses, wedges, wedge_of, groups) ─► Sums of each group ─► first + second ─► .average()

Each cube is turned back into the frame of the reference, and so is the part of Fourier space that its tilt series has
seen; the average is the sum of the transforms over the sum of these parts, as in Förster et al. (2005), PNAS 102, 4729.
Without that division an average is blurred wherever wedges point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, Progress
from ais_app.core.particles.orientations import symmetry_rotations

if TYPE_CHECKING:
    import torch

    from ais_app.core.particles.poses import Poses
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray

_HARDLY = 0.05  # share of the cubes that must have measured a frequency, else it stays empty
_ROUNDING = 1e-3  # share by which sums of weights in float32 may fall short
_NEGLIGIBLE = 1e-6  # of the largest weight: sums in float32 do not hold it
_SMALLEST = 1e-30  # far above where float32 runs out of digits: sums over less would be 0 over 0
_VOXELS_AT_ONCE = 2**20  # of a batch: all its arrays together stay far below 1 GB


@dataclass(frozen=True)
class Sums:
    """Cubes added up in the frame of the reference; sums of disjoint sets are joined with ``+``.

    Parameters
    ----------
    transform
        (n, n, n // 2 + 1) complex64, as of `ais_app.core.particles.fourier`: what was measured.
    weight
        (n, n, n // 2 + 1) float32: how many times.
    count
        Cubes, or what their weights add up to; each counts once for every rotation of the symmetry.
    """

    transform: torch.Tensor
    weight: torch.Tensor
    count: float

    @property
    def edge(self) -> int:
        """Voxels of the cube."""
        return int(self.transform.shape[0])

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.transform + other.transform, self.weight + other.weight, self.count + other.count)

    def spectrum(self, snr: np.ndarray | None = None) -> torch.Tensor:
        """Return the transform of the average.

        0 where fewer than one cube, or one in twenty, has measured.

        Parameters
        ----------
        snr
            (n // 2 + 1,) signal-to-noise ratio of the average shell by shell, as `fsc.snr_of_fsc`
            returns it: frequencies that are mostly noise are made weaker, as by Wiener. The noise is taken to be
            that of the mean weight of the shell, so that directions measured more often are kept better.
        """
        import torch

        least = max(min(1.0, self.count), _HARDLY * self.count) * (1 - _ROUNDING)
        enough = (self.weight > 0) & (self.weight >= least)
        added = torch.zeros_like(self.weight) if snr is None else self._noise_weight(snr)
        divisor = torch.where(enough, self.weight + added, torch.ones_like(self.weight))
        return torch.where(enough, self.transform / divisor, torch.zeros_like(self.transform))

    def average(self, snr: np.ndarray | None = None) -> np.ndarray:
        """Return the average, (n, n, n) float32, of mean 0; `snr` as of `spectrum`."""
        from ais_app.core.particles.fourier import from_fourier

        return np.asarray(from_fourier(self.spectrum(snr), self.edge).cpu())

    def _noise_weight(self, snr: np.ndarray) -> torch.Tensor:
        import torch

        from ais_app.core.particles.fourier import radii
        from ais_app.core.particles.shells import sum_by_shell

        places = sum_by_shell(torch.ones_like(self.weight), self.edge)
        mean = sum_by_shell(self.weight, self.edge) / places
        tau = mean / np.maximum(np.asarray(snr, dtype=float), 1e-3)
        shells = radii(self.edge, self.weight.device).round().long().clamp(max=self.edge // 2)
        return torch.as_tensor(tau, dtype=torch.float32, device=self.weight.device)[shells]


def sums_job(
    cubes: np.ndarray | LazyArray,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    count: int = 2,
    weights: np.ndarray | None = None,
    symmetry: str = "C1",
    fine: bool = False,
    device: str = "auto",
) -> Job[list[Sums]]:
    """Add up cubes in the frame of the reference, group by group, reading each cube once; a job.

    Parameters
    ----------
    cubes, poses, wedges, wedge_of, symmetry, fine, device
        As of `average_now`.
    weights
        As of `average_now`; less than a millionth of the largest counts as 0.
    groups
        (n,) int: which sum each cube goes to; negative for none. All to one if not given.
    count
        Groups.

    Returns
    -------
    list of Sums
        One for each group; with a count of 0 where it has no cube.

    Raises
    ------
    ParameterProblem
        As of `average_now`.
    """
    import torch

    from ais_app.core.particles.correlation import compute_device

    edge = check_cubes(cubes, poses, wedges, wedge_of)
    into = np.zeros(len(poses), np.int64) if groups is None else np.asarray(groups)
    count = 1 if groups is None else count
    counts = np.ones(len(poses)) if weights is None else _without_negligible(weights)
    if not len(into) == len(counts) == len(poses):
        raise ParameterProblem("groups", f"{len(into)} groups, {len(counts)} weights for {len(poses)} cubes")
    where = compute_device(device)
    turns = symmetry_rotations(symmetry)
    totals = [_nothing(edge, where) for _ in range(count)]
    for rows in batches(len(poses), edge, fine=fine):
        yield Progress(rows.start, len(poses), "averaging")
        read = cubes_tensor(cubes, rows).to(where)
        spectra, masks = back_turned(read, poses[rows], wedges, np.asarray(wedge_of)[rows], turns, fine=fine)
        each = torch.as_tensor(counts[rows], dtype=torch.float32, device=where)
        for group in range(count):
            share = each * torch.as_tensor(into[rows] == group, device=where)
            if float(share.sum()) > 0:
                totals[group] += _weighted(spectra, masks, share, len(turns))
    if len(turns) > 1:
        totals = [_symmetric(total, symmetry, len(turns)) for total in totals]
    return totals


def back_turned(
    cubes: torch.Tensor,
    poses: Poses,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    turns: np.ndarray | None = None,
    *,
    fine: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return transforms of cubes in the frame of the reference, 0 where they have not measured, and where they have.

    Parameters
    ----------
    cubes
        (k, e, e, e), on the device to compute on; their mean is taken away.
    poses, wedge_of
        Of these cubes.
    turns
        (s, 3, 3) rotations of the symmetry: the masks are then the sums over them, the transforms as without.

    Returns
    -------
    tuple of Tensor
        (k, e, e, e // 2 + 1) complex64 and float32.
    """
    import torch

    from ais_app.core.particles.fourier import to_fourier
    from ais_app.core.particles.poses import turned

    back = poses.inverse()
    flat = cubes - cubes.mean(dim=(1, 2, 3), keepdim=True)
    turn, move = (torch.from_numpy(np.ascontiguousarray(part)) for part in (back.rotations, back.shifts_zyx))
    spectra = to_fourier(turned(flat, turn, move, fine=fine))
    spectra[:, 0, 0, 0] = 0
    rotations = np.asarray(poses.rotations, dtype=float)
    seen = reference_masks(wedges, wedge_of, rotations, cubes.shape[-1], cubes.device)
    spectra = spectra * seen
    for turn in turns[1:] if turns is not None else ():
        seen = seen + reference_masks(wedges, wedge_of, rotations @ turn, cubes.shape[-1], cubes.device)
    return spectra, seen


def reference_masks(
    wedges: Sequence[Wedge], wedge_of: np.ndarray, rotations: np.ndarray, edge: int, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Return what each cube has measured in the frame of the reference, (k, e, e, e // 2 + 1) float32, 0 or 1."""
    import torch

    result = torch.ones((len(rotations), edge, edge, edge // 2 + 1), device=device)
    for number in np.unique(wedge_of):
        rows = np.flatnonzero(np.asarray(wedge_of) == number)
        if not wedges[number].is_full:
            result[torch.from_numpy(rows).to(device)] = wedges[number].mask(
                edge, torch.from_numpy(np.asarray(rotations)[rows]), device
            )
    return result


def check_cubes(cubes: np.ndarray | LazyArray, poses: Poses, wedges: Sequence[Wedge], wedge_of: np.ndarray) -> int:
    """Return the edge of cubes, or raise `ParameterProblem` where they, their poses and wedges do not fit."""
    shape = tuple(int(side) for side in cubes.shape)
    if len(shape) != 4 or len(set(shape[1:])) != 1:
        raise ParameterProblem("cubes", f"have the shape {shape}", "give (n, edge, edge, edge)")
    if not shape[0]:
        raise ParameterProblem("cubes", "there are none", "extract some first")
    if not shape[0] == len(poses) == len(wedge_of):
        raise ParameterProblem("cubes", f"{shape[0]} with {len(poses)} poses and {len(wedge_of)} wedges")
    chosen = np.asarray(wedge_of)
    if not wedges or chosen.min() < 0 or chosen.max() >= len(wedges):
        raise ParameterProblem("wedge_of", f"names a wedge that is not among the {len(wedges)} given")
    return shape[1]


def cubes_tensor(cubes: np.ndarray | LazyArray, rows: slice) -> torch.Tensor:
    """Return some cubes as float32; raise `ParameterProblem` where voxels are no number."""
    import torch

    block = np.ascontiguousarray(np.asarray(cubes[rows]), dtype=np.float32)
    wrong = np.flatnonzero(~np.isfinite(block.reshape(len(block), -1).sum(axis=1)))
    if len(wrong):
        number = rows.start + int(wrong[0])
        raise ParameterProblem(f"cube {number}", "has voxels that are no number", "leave it out, or extract it again")
    return torch.from_numpy(block)


def batches(count: int, edge: int, *, fine: bool = False) -> list[slice]:
    """Return the batches in which cubes are read and worked on."""
    size = max(1, _VOXELS_AT_ONCE // ((8 if fine else 1) * edge**3))
    return [slice(low, min(count, low + size)) for low in range(0, count, size)]


def _without_negligible(weights: np.ndarray | Sequence[float]) -> np.ndarray:
    given = np.asarray(weights, dtype=float)
    if not np.isfinite(given).all():
        raise ParameterProblem("weights", "some are no number", "give 0 to cubes that are not to count")
    return np.where(given > max(_NEGLIGIBLE * given.max(initial=0), _SMALLEST), given, 0)


def _nothing(edge: int, device: torch.device) -> Sums:
    import torch

    shape = (edge, edge, edge // 2 + 1)
    return Sums(torch.zeros(shape, dtype=torch.complex64, device=device), torch.zeros(shape, device=device), 0.0)


def _weighted(spectra: torch.Tensor, masks: torch.Tensor, share: torch.Tensor, turns: int) -> Sums:
    chosen = share > 0
    each = share[chosen, None, None, None]
    count = float(share.double().sum()) * turns
    return Sums((spectra[chosen] * each).sum(dim=0), (masks[chosen] * each).sum(dim=0), count)


def _symmetric(total: Sums, symmetry: str, turns: int) -> Sums:
    from ais_app.core.particles.fourier import from_fourier, to_fourier
    from ais_app.core.particles.symmetrise import symmetric_mean

    mean = symmetric_mean(from_fourier(total.transform, total.edge), symmetry)
    return Sums(to_fourier(mean) * turns, total.weight, total.count)

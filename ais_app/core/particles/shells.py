"""Sums over shells of frequency, and what they tell: how two transforms agree, how the members of an average differ.

A shell holds the frequencies k with ``round(|k|) = shell``; of a half transform each place counts as often as it occurs
in the whole of Fourier space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def sum_by_shell(values: torch.Tensor, edge: int) -> np.ndarray:
    """Add up values on the grid of half transforms, shell by shell.

    Parameters
    ----------
    values
        (edge, edge, edge // 2 + 1), real.
    edge
        Of the cubes, voxels.

    Returns
    -------
    ndarray
        (edge // 2 + 1,) float64; the corners beyond the last shell are left out.
    """
    from ais_app.core.particles.fourier import multiplicity, radii

    shells = radii(edge).round().long().numpy().ravel()
    weighted = (values.detach().cpu().double() * multiplicity(edge).double()).numpy().ravel()
    total: np.ndarray = np.bincount(shells, weighted, minlength=edge // 2 + 1)[: edge // 2 + 1]
    return total


def correlation_by_shell(first: torch.Tensor, second: torch.Tensor, edge: int) -> np.ndarray:
    """Return the correlation of two transforms shell by shell, (edge // 2 + 1,) float64.

    Parameters
    ----------
    first, second
        (edge, edge, edge // 2 + 1) complex, of `ais_app.core.particles.fourier.to_fourier`; where a wedge has left one
        of them empty, nothing is added.
    edge
        Of the cubes, voxels.

    Returns
    -------
    ndarray
        1 at shell 0; 0 at shells where one of the two is empty.
    """
    common = (first * second.conj()).real
    both, ones, others = (sum_by_shell(part, edge) for part in (common, first.abs() ** 2, second.abs() ** 2))
    norm = np.sqrt(ones * others)
    result = np.divide(both, norm, out=np.zeros_like(both), where=norm > 0)
    result[0] = 1
    return result


def snr_by_shell(total: torch.Tensor, power: torch.Tensor, count: torch.Tensor, edge: int) -> np.ndarray:
    """Return the spectral signal-to-noise ratio of an average, from how much its members differ.

    ``Σ n |mean|² / Σ variance - 1`` over the places that two members or more have measured (Penczek 2002, J. Struct.
    Biol. 138, 34); the 1 is what noise alone would give.

    Parameters
    ----------
    total
        (edge, edge, edge // 2 + 1) complex: sum of the transforms of the members, in the frame of the average.
    power
        Sum of their squared magnitudes.
    count
        How many members have measured each place.
    edge
        Of the cubes, voxels.

    Returns
    -------
    ndarray
        (edge // 2 + 1,) float64, at least 0; 0 at shells that fewer than two members have measured.
    """
    import torch

    seen = count >= 2
    members = torch.where(seen, count, torch.ones_like(count)).double()
    of_mean = total.abs().double() ** 2 / members
    variance = (power.double() - of_mean) / (members - 1).clamp(min=1)
    signal, noise = (sum_by_shell(part * seen, edge) for part in (of_mean, variance.clamp(min=0)))
    ratio = np.divide(signal, noise, out=np.zeros_like(signal), where=noise > 0)
    return np.clip(ratio - 1, 0, None)

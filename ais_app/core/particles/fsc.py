"""Fourier shell correlation: down to which detail two maps agree.

fourier_shell_correlation(half1, half2, voxel_size, mask) ─► ShellCorrelation ─► .resolution(0.143), .write_csv
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import write_text
from ais_app.core.particles.shells import correlation_by_shell

if TYPE_CHECKING:
    import torch

HALF_MAPS = 0.143  # Rosenthal & Henderson 2003, J. Mol. Biol. 333, 721: two halves of the data
AGAINST_TRUTH = 0.5  # a map against one without noise
_RANDOM_BELOW = 0.8  # correlation from which phases are randomised, and two shells further the correction begins
_SMALLEST_EDGE = 4


@dataclass(frozen=True)
class ShellCorrelation:
    """Fourier shell correlation of two cubes.

    Parameters
    ----------
    edge
        Of the cubes, voxels.
    voxel_size
        Å.
    fsc
        (edge // 2 + 1,) float64, without a mask; 1 at shell 0.
    fsc_masked
        The same after multiplication by the mask; ``None`` where no mask was given, as the next two.
    fsc_random
        The same with the mask, of maps with random phases where they agree less than 0.8: what the mask alone makes.
    corrected
        ``(fsc_masked - fsc_random) / (1 - fsc_random)``; ``fsc_masked`` below where phases were randomised.
    """

    edge: int
    voxel_size: float
    fsc: np.ndarray
    fsc_masked: np.ndarray | None = None
    fsc_random: np.ndarray | None = None
    corrected: np.ndarray | None = None

    @property
    def shells(self) -> np.ndarray:
        """(m,) int64, 0 to ``edge // 2``."""
        return np.arange(len(self.fsc))

    @property
    def frequency(self) -> np.ndarray:
        """(m,) float64, 1/Å."""
        return self.shells / (self.edge * self.voxel_size)

    @property
    def best(self) -> np.ndarray:
        """The curve to judge by: the corrected one where there is a mask."""
        return self.fsc if self.corrected is None else self.corrected

    def resolution(self, threshold: float = HALF_MAPS) -> float:
        """Return the detail, Å, down to which `best` stays above a threshold; see `resolution_of`."""
        return resolution_of(self.best, self.edge, self.voxel_size, threshold)

    def write_csv(self, path: str | Path) -> Path:
        """Write one line a shell: ``shell,frequency,resolution,fsc`` and, with a mask, the three other curves."""
        columns = {"fsc": self.fsc, "fsc_masked": self.fsc_masked}
        columns |= {"fsc_random": self.fsc_random, "corrected": self.corrected}
        given = {name: values for name, values in columns.items() if values is not None}
        lines = [",".join(("shell", "frequency", "resolution", *given))]
        for shell, frequency in zip(self.shells.tolist(), self.frequency.tolist(), strict=True):
            detail = f"{1 / frequency:.4f}" if shell else "inf"
            values = [f"{values[shell]:.6f}" for values in given.values()]
            lines.append(",".join((str(shell), f"{frequency:.8f}", detail, *values)))
        return write_text(path, "\n".join(lines) + "\n")


def fourier_shell_correlation(
    first: np.ndarray, second: np.ndarray, voxel_size: float, mask: np.ndarray | None = None, *, seed: int = 0
) -> ShellCorrelation:
    """Compare two cubes shell by shell.

    With a mask, the correlation that the mask itself makes is measured on maps whose phases were randomised, and
    taken away (Chen et al. 2013, Ultramicroscopy 135, 24).

    Parameters
    ----------
    first, second
        (n, n, n) float32, z y x, in one frame.
    voxel_size
        Å.
    mask
        (n, n, n), 0 to 1, with a soft edge.
    seed
        Of the random phases.

    Raises
    ------
    ParameterProblem
        They are no cubes of one size, hold voxels that are no number, or nothing is left of them.
    """
    import torch

    from ais_app.core.particles.fourier import to_fourier

    edge = _edge_of(first, second)
    if not voxel_size > 0:
        raise ParameterProblem("voxel_size", f"{voxel_size:g} Å", "give a positive number")
    maps = [torch.as_tensor(np.asarray(cube, dtype=np.float64)) for cube in (first, second)]
    spectra = [to_fourier(cube) for cube in maps]
    plain = correlation_by_shell(spectra[0], spectra[1], edge)
    if mask is None:
        return ShellCorrelation(edge, voxel_size, plain)
    outline = _checked_mask(mask, edge)
    masked = correlation_by_shell(to_fourier(maps[0] * outline), to_fourier(maps[1] * outline), edge)
    low = np.flatnonzero(plain < _RANDOM_BELOW)
    start = int(low[0]) if len(low) else len(plain)
    mixed = [_randomised(spectrum, edge, start, (seed, number)) * outline for number, spectrum in enumerate(spectra)]
    random = correlation_by_shell(to_fourier(mixed[0]), to_fourier(mixed[1]), edge)
    return ShellCorrelation(edge, voxel_size, plain, masked, random, _corrected(masked, random, start + 2))


def resolution_of(fsc: np.ndarray, edge: int, voxel_size: float, threshold: float = HALF_MAPS) -> float:
    """Return the detail, Å, at which a curve falls below a threshold for the first time.

    Between shells the curve is a straight line. Twice the voxel size where it never falls below, infinity where it
    is below from the first shell on.

    Parameters
    ----------
    fsc
        (edge // 2 + 1,).
    edge
        Of the cubes, voxels.
    voxel_size
        Å.
    threshold
        0.143 for two halves of the data, 0.5 against a map without noise.
    """
    if not 0 < threshold < 1:
        raise ParameterProblem("threshold", f"{threshold:g} is no correlation", "give 0.143 or 0.5")
    below = np.flatnonzero(~(fsc[1:] >= threshold)) + 1
    if not len(below):
        return 2 * voxel_size
    after = int(below[0])
    if after == 1:
        return float("inf")
    high, low = float(fsc[after - 1]), float(fsc[after])
    crossing = after - 1 + (high - threshold) / (high - low)
    return edge * voxel_size / crossing


def snr_of_fsc(fsc: np.ndarray, *, of_whole: bool = True) -> np.ndarray:
    """Return the spectral signal-to-noise ratio that a correlation of two halves means.

    ``2 FSC / (1 - FSC)`` for the average of both halves, ``FSC / (1 - FSC)`` for each of them; infinite at 1 and
    0 where the correlation is negative (Frank & Al-Ali 1975, Nature 256, 376).
    """
    kept = np.clip(np.asarray(fsc, dtype=float), 0, 1)
    ratio = np.divide(kept, 1 - kept, out=np.full_like(kept, np.inf), where=kept < 1)
    return ratio * (2 if of_whole else 1)


def fsc_of_snr(snr: np.ndarray) -> np.ndarray:
    """Return the correlation of two halves, ``SNR / (2 + SNR)``, from the ratio of the average of both."""
    ratio = np.asarray(snr, dtype=float)
    finite = np.where(np.isfinite(ratio), ratio, 0)
    return np.where(np.isfinite(ratio), finite / (2 + finite), 1.0)


def _edge_of(first: np.ndarray, second: np.ndarray) -> int:
    shapes = np.shape(first), np.shape(second)
    edge = shapes[0][0] if shapes[0] else 0
    if shapes[0] != shapes[1] or shapes[0] != (edge,) * 3 or edge < _SMALLEST_EDGE:
        shown = " and ".join(" × ".join(map(str, shape)) or "a number" for shape in shapes)
        raise ParameterProblem(
            "maps", f"{shown} voxels", f"give two cubes of one size, {_SMALLEST_EDGE} voxels or more"
        )
    for number, cube in enumerate((first, second), start=1):
        if not np.isfinite(cube).all():
            raise ParameterProblem(f"map {number}", "voxels are no number", "find what wrote them")
        if not np.ptp(cube):
            raise ParameterProblem(f"map {number}", "all voxels are the same", "give maps that hold something")
    return edge


def _checked_mask(mask: np.ndarray, edge: int) -> torch.Tensor:
    import torch

    outline = np.asarray(mask, dtype=np.float64)
    if outline.shape != (edge,) * 3:
        shown = " × ".join(map(str, outline.shape))
        raise ParameterProblem("mask", f"{shown} voxels for maps of {edge}", "make it on the grid of the maps")
    if not np.isfinite(outline).all() or outline.max() <= 0:
        raise ParameterProblem("mask", "nothing is inside", "give a mask of 0 to 1")
    return torch.from_numpy(outline)


def _randomised(spectrum: torch.Tensor, edge: int, start: int, seed: tuple[int, int]) -> torch.Tensor:
    """Return the cube of a transform with random phases from shell `start` on, its amplitudes as they were."""
    import torch

    from ais_app.core.particles.fourier import from_fourier, radii, to_fourier

    noise = np.random.default_rng((*seed, 7)).standard_normal((edge,) * 3)
    phases = to_fourier(torch.from_numpy(noise))  # of a real cube, so that partners agree
    phases = phases / phases.abs().clamp(min=1e-12)
    fine = radii(edge).round() >= start
    return from_fourier(torch.where(fine, spectrum.abs() * phases, spectrum), edge)


def _corrected(masked: np.ndarray, random: np.ndarray, start: int) -> np.ndarray:
    result = masked.copy()
    rest = 1 - random[start:]
    result[start:] = np.divide(masked[start:] - random[start:], rest, out=np.zeros_like(rest), where=rest > 1e-6)
    return result

"""What is expected of a cube in which the average lies: the average itself, a little stronger, turned or moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Expected:
    """The average, and what small turns and shifts would change in it.

    Each cube has a contrast of its own, and lies a little beside the pose that it is thought to have. What these
    explain sets no cube apart, but where particles differ little it is the strongest difference there is.

    Parameters
    ----------
    columns
        (7 or 1, small, small, small // 2 + 1) complex64, each of length 1: the average, and how it changes with each
        part of a rotation vector and of a shift.
    """

    columns: torch.Tensor

    @staticmethod
    def of(mean: torch.Tensor, small: int, *, moving: bool = True) -> Expected:
        """Return them for an average, (small, small, small // 2 + 1) complex64, on a grid of `small` voxels.

        Without `moving`, the average alone.
        """
        import torch

        from ais_app.core.particles.fourier import from_fourier, to_fourier

        waves = torch.fft.fftfreq(small, device=mean.device)
        k = (waves[:, None, None], waves[:, None], torch.fft.rfftfreq(small, device=mean.device))
        moves = [mean * (2j * torch.pi * one) for one in k]
        # a shift changes a map by its slope s, a turn by r × s
        slope = from_fourier(torch.stack(moves), small)
        along = torch.arange(small, device=mean.device) - small // 2
        place = (along[:, None, None], along[:, None], along)
        around = [place[i] * slope[j] - place[j] * slope[i] for i, j in ((0, 1), (1, 2), (2, 0))]
        turns = to_fourier(torch.stack(around)) * (mean != 0)
        columns = torch.stack([mean, *turns, *moves] if moving else [mean])
        return Expected(columns / columns.abs().square().sum(dim=(1, 2, 3), keepdim=True).sqrt().clamp_min(1e-20))

    def compared(self, spectra: torch.Tensor, seen: torch.Tensor, features: str) -> torch.Tensor:
        """Return what sets cubes apart where they have measured; `imputed`, with the average elsewhere."""
        import torch

        columns = torch.view_as_real(self.columns).flatten(1)
        measured = seen[..., None].expand(*seen.shape, 2).flatten(1)
        own = torch.view_as_real(spectra).flatten(1) * measured
        matrix = torch.einsum("iv,jv,kv->kij", columns, columns, measured**2)
        level = 1e-6 * torch.eye(len(columns), device=own.device)
        fit = torch.linalg.solve((matrix + level).double(), (own @ columns.T).double()).to(own.dtype)
        fit = fit * (fit[:, :1] > 0)
        found = spectra - torch.einsum("ki,izyx->kzyx", fit.to(spectra.dtype), self.columns) * seen
        if features == "imputed":
            found = found + self.columns[0] * fit[:, 0, None, None, None]
        return found

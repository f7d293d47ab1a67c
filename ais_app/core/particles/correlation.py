"""The constrained correlation: how well a turned reference fits a subtomogram, where both were measured.

    CC(R, t) = Σ_k Re(F_k conj(G_k)) / sqrt(Σ_k |F_k|² Σ_k |G_k|²),   G_k = G(R^T k) exp(-2πi k·t / n)

over the frequencies that the wedge of the subtomogram and, turned with it, the mask of the reference have in common
(Förster, Pruggnaller, Seybert & Frangakis, 2008, Journal of Structural Biology 161, 276). Frequency 0 is left out.

References are turned by sampling their transform at the turned frequencies, so that only those frequencies are
computed that are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it

from ais_app.core.errors import ParameterProblem
from ais_app.core.particles.fourier import AXES_ZYX, frequencies_xyz, soft_sphere, to_fourier
from ais_app.core.particles.sampling import sampled

OVERSAMPLING = 2


@dataclass(frozen=True)
class Reference:
    """What subtomograms are compared with.

    Parameters
    ----------
    cube
        (e, e, e) float32, density bright; its centre is voxel ``e // 2``.
    measured
        (e, e, e // 2 + 1), 1 where Fourier space is known (as `Wedge.mask` gives it), 0 where not; all known if not
        given.
    """

    cube: np.ndarray
    measured: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.cube)
        if len(shape) != 3 or len(set(shape)) != 1:
            raise ParameterProblem("reference", f"its shape is {shape}", "give a cube")
        if not np.isfinite(np.asarray(self.cube)).all():
            raise ParameterProblem("reference", "holds values that are no numbers", "make it again")
        if float(np.ptp(np.asarray(self.cube))) == 0:
            raise ParameterProblem("reference", "is the same everywhere", "give a map with a particle in it")
        edge = shape[0]
        if self.measured is not None and np.shape(self.measured) != (edge, edge, edge // 2 + 1):
            problem = f"its mask has the shape {np.shape(self.measured)}"
            raise ParameterProblem("reference", problem, f"give {(edge, edge, edge // 2 + 1)}")


@dataclass(frozen=True)
class Band:
    """The frequencies that are compared, one of each pair k and -k.

    Parameters
    ----------
    edge
        Of the cubes, voxels.
    index
        (m,) places in flattened transforms, (edge, edge, edge // 2 + 1).
    k
        (m, 3) float32, x y z, waves per cube.
    """

    edge: int
    index: torch.Tensor
    k: torch.Tensor

    @staticmethod
    def up_to(
        edge: int, shells: float, measured: torch.Tensor | None = None, device: torch.device | str = "cpu"
    ) -> Band:
        """Return all frequencies of at most `shells` waves per cube, but 0, of those that are measured if given.

        Raises
        ------
        ParameterProblem
            None are left.
        """
        k = frequencies_xyz(edge, device)
        radius = k.norm(dim=-1)
        x, y, z = k.unbind(dim=-1)
        # of the plane of x = 0 transforms hold both of each pair
        once = (x > 0) | (y > 0) | ((y == 0) & (z > 0))
        inside = (radius > 0) & (radius <= min(shells, (edge - 1) // 2)) & once
        if measured is not None:
            inside &= measured.to(k.device) > 0
        index = inside.flatten().nonzero()[:, 0]
        if len(index) == 0:
            raise ParameterProblem("wedge", f"nothing is measured up to shell {shells:g}", "widen the range of tilts")
        return Band(edge, index, k.reshape(-1, 3)[index])

    def of(self, transforms: torch.Tensor) -> torch.Tensor:
        """Return the chosen frequencies, (..., m), of transforms (..., edge, edge, edge // 2 + 1)."""
        return transforms.flatten(-3).index_select(-1, self.index)

    def phases(self, shifts_xyz: torch.Tensor) -> torch.Tensor:
        """Return what moves by shifts, (..., 3) voxels, x y z, multiply these frequencies by: (..., m) complex."""
        angle = (shifts_xyz @ self.k.T) * (-2 * torch.pi / self.edge)
        return torch.polar(torch.ones_like(angle), angle)


class Sampled:
    """The transform of a reference, to be sampled anywhere up to some shell.

    The transform of the cube in empty surroundings, sampled twice as finely, is interpolated linearly; the cube was
    divided before by what linear interpolation multiplies it with (gridding correction).

    Parameters
    ----------
    reference
        It is multiplied by a soft ball, after the density near the surface of that ball was taken as background.
    shells
        Highest frequency asked for, waves per cube.
    slopes
        Whether the derivatives by the frequency are asked for too.
    device
        Of torch.
    """

    def __init__(
        self, reference: Reference, shells: float, *, slopes: bool = False, device: torch.device | str = "cpu"
    ) -> None:
        cube = prepared(reference)
        edge = self.edge = cube.shape[-1]
        fine = OVERSAMPLING * edge
        self._reach = min(OVERSAMPLING * int(shells + 1), fine // 2 - 2) + 1
        along = torch.arange(edge, dtype=torch.float32) - edge // 2
        smear = torch.sinc(along / fine) ** 2
        cube = cube / (smear[:, None, None] * smear[:, None] * smear)
        volumes = [cube]
        if slopes:
            position = torch.meshgrid(along, along, along, indexing="ij")[::-1]
            volumes += [cube * p * (2 * torch.pi / edge) for p in position]
        grid = torch.cat([self._places(volume, fine, i) for i, volume in enumerate(volumes)], dim=-1)
        self._channels = len(volumes)
        self.has_mask = reference.measured is not None
        if reference.measured is not None:
            known = self._known(torch.as_tensor(np.asarray(reference.measured), dtype=torch.float32))
            grid = torch.cat([grid, known], dim=-1)
        self._table = grid.reshape(-1, grid.shape[-1]).contiguous().to(device)

    def _wanted(self) -> torch.Tensor:
        return torch.arange(-self._reach, self._reach + 1)

    def _places(self, volume: torch.Tensor, fine: int, which: int) -> torch.Tensor:
        """Return real and imaginary parts around frequency 0, (w, w, w, 2)."""
        low = fine // 2 - self.edge // 2
        high = fine - self.edge - low
        transform = torch.fft.fftn(torch.fft.ifftshift(F.pad(volume, (low, high) * 3), dim=AXES_ZYX))
        wanted = self._wanted() % fine
        part = transform[wanted][:, wanted][:, :, wanted]
        return torch.view_as_real(part if which == 0 else part * -1j)

    def _known(self, measured: torch.Tensor) -> torch.Tensor:
        """Return the mask of the reference on the same places, (w, w, w, 1)."""
        edge, half = self.edge, (self.edge - 1) // 2
        k = torch.round(self._wanted() / OVERSAMPLING).long().clamp(-half, half)
        z, y, x = torch.meshgrid(k, k, k, indexing="ij")
        sign = torch.where(x < 0, -1, 1)
        return measured[(z * sign) % edge, (y * sign) % edge, x * sign][..., None]

    def __call__(self, rotations: torch.Tensor, k: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the turned transform, (n, m) complex, and the turned mask, (n, m) or none if all is known.

        Parameters
        ----------
        rotations
            (n, 3, 3) on x y z columns, float32.
        k
            (m, 3), x y z, of at most the shells asked for.
        """
        rows = self._rows(rotations, k)
        mask = (rows[..., -1] > 0.5).float() if self.has_mask else None
        turned = torch.view_as_complex(rows[..., :2].contiguous())
        return (turned if mask is None else turned * mask), mask

    def with_slopes(
        self, rotations: torch.Tensor, k: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the turned transform (n, m), its derivatives in the frame of the reference (n, 3, m), and the mask."""
        assert self._channels == 4
        rows = self._rows(rotations, k)
        mask = (rows[..., -1] > 0.5).float() if self.has_mask else None
        values = torch.view_as_complex(rows[..., :8].unflatten(-1, (4, 2)).contiguous())
        if mask is not None:
            values = values * mask[..., None]
        return values[..., 0], values[..., 1:].transpose(1, 2), mask

    def _rows(self, rotations: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return sampled(self._table, 2 * self._reach + 1, OVERSAMPLING, rotations, k)


def prepared(reference: Reference) -> torch.Tensor:
    """Return the cube of a reference within the largest ball, its background 0, its mean square 1.

    The background is the median near the surface of the ball. The ball falls off over two voxels only: what it takes
    from a particle that fills its box, subtomograms still have, and poses would be wrong by a degree.
    """
    cube = torch.as_tensor(np.require(reference.cube, np.float32, "W"))  # those of a file are read only: a copy
    edge = cube.shape[-1]
    ball = torch.from_numpy(soft_sphere(edge, edge / 2, 2.0))
    cube = (cube - cube[(ball > 0) & (ball < 1)].median()) * ball
    return cube / cube.square().mean().sqrt().clamp_min(1e-20)


def references_of(references: Reference | np.ndarray | Sequence[Reference | np.ndarray]) -> list[Reference]:
    """Return references from one cube, several cubes, or what is one already.

    Raises
    ------
    ParameterProblem
        There is none, they differ in size, or one is no cube of numbers.
    """
    if isinstance(references, Reference):
        return [references]
    if isinstance(references, np.ndarray) and references.ndim == 3:
        return [Reference(references)]
    all_of_them = [one if isinstance(one, Reference) else Reference(np.asarray(one)) for one in references]
    sizes = sorted({one.cube.shape[0] for one in all_of_them})
    if len(sizes) != 1:
        problem = "there is none" if not sizes else f"their edges differ: {', '.join(map(str, sizes))} voxels"
        raise ParameterProblem("reference", problem, "give cubes of the size of the subtomograms")
    return all_of_them


def compute_device(name: str) -> torch.device:
    """Return where to compute: "cpu", "cuda", or "auto" for a GPU if there is one.

    Raises
    ------
    ParameterProblem
        There is no such device.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ParameterProblem("device", "cuda is not available on this machine", "choose auto")
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def transforms_of(cubes: np.ndarray, device: torch.device) -> torch.Tensor:
    """Return the transforms of subtomograms, (n, e, e, e // 2 + 1), each scaled to a variance of 1.

    Raises
    ------
    ParameterProblem
        One holds values that are no numbers.
    """
    values = torch.as_tensor(np.require(cubes, np.float32, "W"), device=device)
    if not bool(torch.isfinite(values).all()):
        rows = (~torch.isfinite(values).flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
        raise ParameterProblem("subtomogram", f"{len(rows)} hold values that are no numbers", "extract them again")
    spread = values.flatten(1).std(dim=1).clamp_min(1e-20)
    return to_fourier(values / spread[:, None, None, None])

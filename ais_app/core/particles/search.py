"""The coarse search of an alignment: every rotation of a grid, for each all shifts at once.

A few shells of Fourier space are enough to find a particle to within the step of the grid, and they hold most of what
little signal there is at a low signal-to-noise ratio. The cubes are cropped to these shells, and one small inverse
transform a rotation gives the constrained correlation at all shifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ais_app.core.particles.correlation import Band, Sampled
from ais_app.core.particles.refine import POINTS, Fit

VOXELS = {"cpu": 2**19, "cuda": 2**26}
"""Correlations, at all rotations and shifts, that are computed at once."""


def coarse_shells(step: float, highest: float) -> int:
    """Return how many shells to search a grid of `step` degrees with: finer ones change between its rotations."""
    return int(max(1, min(highest, 12, round(1.5 + 1.9 / math.radians(step)))))


@dataclass(frozen=True)
class Shifts:
    """The shifts at which the correlation is looked at: a grid as fine as the shells need.

    Parameters
    ----------
    band
        The frequencies compared.
    edge
        Points of the grid along each axis of the cube.
    places
        (m + pairs,) where the frequencies belong in its transform.
    pairs
        Those of the band whose partner the transform holds too.
    outside
        (edge³,) shifts that are too large.
    steps
        (edge³, 3) voxels, x y z.
    """

    band: Band
    edge: int
    places: torch.Tensor
    pairs: torch.Tensor
    outside: torch.Tensor
    steps: torch.Tensor

    @staticmethod
    def up_to(farthest: float, band: Band) -> Shifts:
        """Return the grid of all shifts of at most `farthest` voxels."""
        k = band.k.long()
        edge = 2 * int(k.abs().max()) + 2
        edge += next(extra for extra in range(edge) if _is_quick(edge + extra))
        pairs = (k[:, 0] == 0).nonzero()[:, 0]
        k = torch.cat([k, -k[pairs]])
        places = ((k[:, 2] % edge) * edge + k[:, 1] % edge) * (edge // 2 + 1) + k[:, 0]
        along = torch.arange(edge, device=k.device)
        along = ((along + edge // 2) % edge - edge // 2) * (band.edge / edge)
        z, y, x = torch.meshgrid(along, along, along, indexing="ij")
        steps = torch.stack((x, y, z), dim=-1).reshape(-1, 3)
        # the nearest point of the grid may be half a step farther out
        outside = steps.norm(dim=1) > farthest + 0.5 * band.edge / edge
        return Shifts(band, edge, places, pairs, outside, steps)

    def spread(self, values: torch.Tensor) -> torch.Tensor:
        """Return values (..., m) of the band with those of the partners."""
        return torch.cat([values, values.index_select(-1, self.pairs).conj()], dim=-1)

    def best(self, transforms: torch.Tensor, references: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the largest correlation over all shifts, (...,), and which shift it is, of what `spread` gave."""
        products = transforms * references.conj()
        shape = products.shape[:-1]
        grid = products.new_zeros((*shape, self.edge * self.edge * (self.edge // 2 + 1)))
        grid[..., self.places] = products
        grid = grid.unflatten(-1, (self.edge, self.edge, self.edge // 2 + 1))
        found = torch.fft.irfftn(grid, s=(self.edge,) * 3, dim=(-3, -2, -1), norm="forward").flatten(-3)
        found[..., self.outside] = -torch.inf
        values, which = found.max(dim=-1)
        return values / 2, which


def _is_quick(size: int) -> bool:
    for prime in (2, 3, 5):
        while size % prime == 0:
            size //= prime
    return size == 1


@dataclass
class Grid:
    """A reference in all the orientations of a grid.

    Parameters
    ----------
    rotations
        (k, 3, 3) float32.
    values
        (k, m + pairs) complex, of unit length over the band.
    mask
        (k, m) or none, where the turned reference is known.
    """

    rotations: torch.Tensor
    values: torch.Tensor
    mask: torch.Tensor | None


def turned_grid(reference: Sampled, rotations: torch.Tensor, shifts: Shifts) -> Grid:
    """Return a reference in orientations, (k, 3, 3)."""
    size = max(1, POINTS[rotations.device.type] // len(shifts.band.index))
    parts = [reference(rotations[i : i + size], shifts.band.k) for i in range(0, len(rotations), size)]
    values = torch.cat([values for values, _ in parts])
    length = values.abs().square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-20)
    masks = [mask for _, mask in parts if mask is not None]
    return Grid(rotations, shifts.spread(values / length), torch.cat(masks) if masks else None)


def search(transforms: torch.Tensor, shifts: Shifts, grid: Grid, count: int, apart: float) -> tuple[Fit, torch.Tensor]:
    """Return the best orientations of a grid for each subtomogram.

    Parameters
    ----------
    transforms
        (p, m) complex, at the frequencies of the band.
    shifts, grid
        What to try.
    count
        Orientations for each.
    apart
        Degrees between them.

    Returns
    -------
    Fit
        (p * count) poses, those of a subtomogram one after the other, best first.
    Tensor
        (p * count,) which subtomogram each belongs to.
    """
    power = transforms.abs().square()
    length = power.sum(dim=1, keepdim=True) if grid.mask is None else power @ grid.mask.T
    length = length.sqrt().clamp_min(1e-20)
    spread = shifts.spread(transforms)
    size = max(1, VOXELS[transforms.device.type] // shifts.edge**3)
    scores = transforms.real.new_empty((len(transforms), len(grid.rotations)))
    which = torch.empty(scores.shape, dtype=torch.long, device=scores.device)
    together = max(1, size // len(grid.rotations))
    for row in range(0, len(transforms), together):
        part = slice(row, row + together)
        for column in range(0, len(grid.rotations), size):
            columns = slice(column, column + size)
            scores[part, columns], which[part, columns] = shifts.best(spread[part, None], grid.values[None, columns])
    scores = scores / length
    rows = torch.arange(len(scores), device=scores.device)[:, None]
    places = distinct(scores, grid.rotations.expand(len(scores), -1, -1, -1), count, apart)
    turned, moved = grid.rotations[places].flatten(0, 1), shifts.steps[which[rows, places]].flatten(0, 1)
    return Fit(turned, moved, scores[rows, places].flatten()), rows[:, 0].repeat_interleave(count)


def search_near(
    transforms: torch.Tensor,
    shifts: Shifts,
    reference: Sampled,
    rotations: torch.Tensor,
    count: int,
    apart: float,
) -> tuple[Fit, torch.Tensor]:
    """Return the best of each subtomogram's own orientations, (p, k, 3, 3); otherwise as `search`."""
    parts = []
    for row in range(len(transforms)):
        grid = turned_grid(reference, rotations[row], shifts)
        parts.append(search(transforms[row : row + 1], shifts, grid, count, apart)[0])
    fit = Fit(*(torch.cat([getattr(part, name) for part in parts]) for name in ("rotations", "shifts", "scores")))
    return fit, torch.arange(len(transforms), device=transforms.device).repeat_interleave(count)


def distinct(scores: torch.Tensor, rotations: torch.Tensor, count: int, apart: float) -> torch.Tensor:
    """Return which rotations, (p, k, 3, 3), score highest and lie `apart` degrees or more from better ones: (p, count).

    Where fewer than `count` do, the first of all fill up.
    """
    flat = rotations.flatten(2)
    rows = torch.arange(len(scores), device=scores.device)
    left, chosen = scores.clone(), []
    limit = 1 + 2 * math.cos(math.radians(apart)) - 1e-6
    for _ in range(count):
        best = left.argmax(dim=1)
        chosen.append(best)
        # the trace of a difference of rotations is 1 + 2 cos of its angle
        traces = torch.einsum("pki,pi->pk", flat, flat[rows, best])
        left = left.masked_fill(traces > limit, -torch.inf)
    return torch.stack(chosen, dim=1)

"""Local refinement of poses: the steepest way up the constrained correlation, many particles at a time.

Rotation and shift are refined together. At every pose the transform of the reference and its six derivatives (by a
rotation vector and a shift) are sampled at the frequencies compared. What maximises the correlation is the
least-squares fit of the reference, times a free factor, to the subtomogram; its damped Gauss-Newton steps (Levenberg,
1944; Marquardt, 1963) take some six evaluations where a gradient method takes twenty. The objective, and refining many
particles at once, are those of Xu & Alber (2012), Journal of Structural Biology 178, 152.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ais_app.core.particles.correlation import Band, Sampled

POINTS = {"cpu": 2**16, "cuda": 2**22}
"""Frequencies, times particles, that are worked on at once: bounds memory, and on CPUs keeps to the cache."""


@dataclass
class Fit:
    """Poses during refinement, as tensors of float32.

    Parameters
    ----------
    rotations
        (n, 3, 3).
    shifts
        (n, 3) voxels, x y z.
    scores
        (n,) constrained correlation.
    """

    rotations: torch.Tensor
    shifts: torch.Tensor
    scores: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | slice) -> Fit:
        return Fit(self.rotations[rows], self.shifts[rows], self.scores[rows])


@dataclass(frozen=True)
class _Limits:
    """When to stop; the angle in radians."""

    steps: int
    farthest: float
    turn: bool
    angle: float
    shift: float


@dataclass
class _Look:
    """What the reference looks like at some poses: the score there, and how to improve on it."""

    scores: torch.Tensor
    curvature: torch.Tensor
    slope: torch.Tensor


def refine(
    reference: Sampled,
    transforms: torch.Tensor,
    of: torch.Tensor,
    band: Band,
    start: Fit,
    *,
    steps: int = 20,
    farthest: float = float("inf"),
    about: torch.Tensor | None = None,
    turn: bool = True,
    angle: float = 0.05,
    shift: float = 0.01,
) -> Fit:
    """Return poses at the nearest maximum of the constrained correlation.

    Parameters
    ----------
    reference
        With slopes, up to the shells of the band.
    transforms
        (p, m) complex, of subtomograms, at the frequencies of the band.
    of
        (n,) which of them each pose belongs to.
    band
        The frequencies that the subtomograms have measured.
    start
        n poses; their scores are not used.
    steps
        At most.
    farthest
        Voxels, the largest shift; a pose beyond is not taken.
    about
        (p, 3) voxels, x y z: shifts that this largest shift is counted from.
    turn
        Whether to refine the rotation too.
    angle, shift
        Degrees and voxels: a pose that moves by less is done.
    """
    size = max(1, POINTS[transforms.device.type] // len(band.index))
    centre = torch.zeros_like(start.shifts) if about is None else about[of]
    limits = _Limits(steps, farthest + 0.5, turn, math.radians(angle), shift)
    parts = [
        _refine(reference, transforms[of[rows]], band, start[rows], centre[rows], limits)
        for rows in (slice(i, i + size) for i in range(0, len(of), size))
    ]
    return Fit(*(torch.cat([getattr(part, name) for part in parts]) for name in ("rotations", "shifts", "scores")))


def _refine(
    reference: Sampled,
    transforms: torch.Tensor,
    band: Band,
    start: Fit,
    about: torch.Tensor,
    limits: _Limits,
) -> Fit:
    rotations, shifts = start.rotations.clone(), start.shifts.clone()
    look = _look(reference, transforms, band, rotations, shifts)
    damping = torch.full_like(look.scores, 1e-2)
    going = torch.arange(len(look.scores), device=look.scores.device)
    for _ in range(limits.steps):
        if len(going) == 0:
            break
        move = _solve(look.curvature[going], look.slope[going], damping[going], turn=limits.turn)
        # a step beyond 20 degrees or a few voxels is beyond what was looked at
        far = torch.maximum(move[:, :3].norm(dim=1) / 0.35, move[:, 3:].norm(dim=1) / 3)
        move = move / far.clamp_min(1)[:, None]
        asked = Fit(_rotation(move[:, :3]) @ rotations[going], shifts[going] + move[:, 3:], look.scores[going])
        new = _look(reference, transforms[going], band, asked.rotations, asked.shifts)
        near = (asked.shifts - about[going]).norm(dim=1) <= limits.farthest
        better = (new.scores > asked.scores) & near
        rows = going[better]
        rotations[rows], shifts[rows] = asked.rotations[better], asked.shifts[better]
        for name in ("scores", "curvature", "slope"):
            getattr(look, name)[rows] = getattr(new, name)[better]
        damping[going] = torch.where(better, damping[going] * 0.2, damping[going] * 6)
        done = (move[:, :3].norm(dim=1) < limits.angle) & (move[:, 3:].norm(dim=1) < limits.shift)
        going = going[~done]
    return Fit(rotations, shifts, look.scores)


def _look(
    reference: Sampled, transforms: torch.Tensor, band: Band, rotations: torch.Tensor, shifts: torch.Tensor
) -> _Look:
    """Return the score, curvature (n, 6, 6) and slope (n, 6) by rotation vector and shift."""
    values, slopes, mask = reference.with_slopes(rotations, band.k)
    moved = transforms * band.phases(-shifts)
    if mask is not None:
        moved = moved * mask
    tilted = torch.matmul(rotations.to(slopes.dtype), slopes)
    k = band.k.T
    x, y, z = tilted.unbind(dim=1)
    # by the rotation vector: (R grad) x k; by the shift: -2πi k / n
    along = k * (-2 * torch.pi / band.edge)
    turning = (y * k[2] - z * k[1], z * k[0] - x * k[2], x * k[1] - y * k[0])
    columns = torch.stack([*turning, *(values * (1j * one) for one in along), values, moved], dim=1)
    flat = torch.view_as_real(columns).flatten(2)
    products = flat @ flat.transpose(1, 2)
    power, fit = products[:, 6, 6], products[:, 6, 7]
    own, cross = products[:, :6, 6], products[:, :6, 7]
    scores = fit / torch.sqrt(power * products[:, 7, 7]).clamp_min(1e-20)
    power = power.clamp_min(1e-20)
    curvature = products[:, :6, :6] - own[:, :, None] * own[:, None, :] / power[:, None, None]
    factor = (fit / power).clamp_min(1e-6 * torch.sqrt(products[:, 7, 7] / power)) + 1e-12
    slope = (cross - own * (fit / power)[:, None]) / factor[:, None]
    return _Look(scores, curvature, slope)


def _solve(curvature: torch.Tensor, slope: torch.Tensor, damping: torch.Tensor, *, turn: bool) -> torch.Tensor:
    if not turn:
        moved = _solve(curvature[:, 3:, 3:], slope[:, 3:], damping, turn=True)
        return torch.cat([torch.zeros_like(moved), moved], dim=1)
    diagonal = torch.diagonal(curvature, dim1=1, dim2=2)
    floor = 1e-6 * diagonal.mean(dim=1, keepdim=True) + 1e-20
    damped = curvature + torch.diag_embed(diagonal * damping[:, None] + floor)
    move = torch.linalg.solve(damped, slope)
    return move


def _rotation(vectors: torch.Tensor) -> torch.Tensor:
    """Return (n, 3, 3) of rotation vectors (n, 3), radians."""
    x, y, z = vectors.unbind(dim=1)
    zero = torch.zeros_like(x)
    skew = torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), dim=1).reshape(-1, 3, 3)
    return torch.linalg.matrix_exp(skew)

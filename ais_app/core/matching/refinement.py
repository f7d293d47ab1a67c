"""Finer rotations around those that a search found, each place for itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.jobs import Job, Progress
from ais_app.core.matching.correlation import inverse_deviation
from ais_app.core.matching.steps import Steps, Workers
from ais_app.core.matching.template import Template
from ais_app.core.particles.orientations import rotations_near
from ais_app.core.tomogram import LazyArray

if TYPE_CHECKING:
    import torch

# spacing of the rotations and how far they reach, in steps of the search, round after round
_ROUNDS = ((0.34, 0.8), (0.13, 0.22), (0.055, 0.09))
_TOGETHER = 2**21  # voxels of kernels made at a time
_WINDOWS = 16  # places whose contrast is measured between two steps


@dataclass(frozen=True)
class Found:
    """Places with rotations.

    Parameters
    ----------
    positions_zyx
        (n, 3) float64, voxels.
    rotations
        (n, 3, 3).
    scores
        (n,) float64.
    """

    positions_zyx: np.ndarray
    rotations: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, rows: np.ndarray) -> Found:
        return Found(self.positions_zyx[rows], self.rotations[rows], self.scores[rows])


def refine_job(
    volume: LazyArray, mean: float, deviation: float, template: Template, found: Found, step: float
) -> Job[Found]:
    """Try rotations around each, ever finer, and move each by up to a voxel in each round.

    Parameters
    ----------
    volume, mean, deviation, template
        As for `search.search_job`; the template with the sign that fits.
    found
        Of the search.
    step
        Degrees between the rotations of the search. What is left is about a tenth of it, where the noise allows.

    Yields
    ------
    Progress
        In places.
    """
    places, turns, scores = found.positions_zyx.copy(), found.rotations.copy(), found.scores.copy()
    rounds = [rotations_near(max(0.05, step * apart), step * within) for apart, within in _ROUNDS]

    def one(row: int) -> Steps[None]:
        for near in rounds:
            tried = near @ turns[row]
            place, best, score = yield from _best(volume, mean, deviation, template, places[row], tried)
            places[row], turns[row], scores[row] = place, tried[best], score
            yield

    with Workers() as workers:
        for row in range(0, len(found), workers.count):
            yield Progress(row, len(found), "finer rotations")
            running = [one(at) for at in range(row, min(len(found), row + workers.count))]
            while running:
                going = workers.map(partial(_goes_on, running), range(len(running)))
                running = [steps for steps, goes in zip(running, going, strict=True) if goes]
                yield Progress(row, len(found), "finer rotations")
    yield Progress(len(found), len(found), "finer rotations")
    return Found(places, turns, scores)


def _goes_on(running: list[Steps[None]], at: int) -> bool:
    """Do one step of one of them; say whether there was one to do."""
    return next(running[at], True) is None


def _best(
    volume: LazyArray, mean: float, deviation: float, template: Template, place: np.ndarray, rotations: np.ndarray
) -> Steps[tuple[np.ndarray, int, float]]:
    """Return the best place within a voxel, the number of its rotation, and the score."""
    import torch

    centre = np.round(place).astype(int)
    windows = _windows(volume, mean, deviation, centre, template.support).to(template.fine.device)
    together = max(1, _TOGETHER // max(template.support, template.weights.shape[0]) ** 3)
    parts = []
    for low in range(0, len(rotations), together):
        if low:
            yield
        kernels, masks = template.kernels_and_masks(rotations[low : low + together])
        flat = masks.flatten(1)
        weight = flat.sum(dim=1)
        level, square = windows @ flat.T / weight, windows.square() @ flat.T / weight
        parts.append(windows @ kernels.flatten(1).T * inverse_deviation(square - level * level, weight))
    scores = torch.cat(parts, dim=1).cpu().numpy()  # (27, rotations)
    at, best = np.unravel_index(np.argmax(scores), scores.shape)
    shift = np.array(np.unravel_index(at, (3, 3, 3))) - 1
    return centre + shift + _fraction(scores[:, best].reshape(3, 3, 3), shift + 1), int(best), float(scores[at, best])


def _windows(volume: LazyArray, mean: float, deviation: float, centre: np.ndarray, support: int) -> torch.Tensor:
    """Return what lies under a kernel at a voxel and its 26 neighbours, (27, support³); 0 outside of the volume."""
    import torch

    edge = support + 2
    first = centre - edge // 2
    inside = [slice(max(0, f), min(n, f + edge)) for f, n in zip(first, volume.shape, strict=True)]
    block = np.asarray(volume[tuple(inside)], dtype=np.float32)
    block = (block - np.float32(mean)) / np.float32(deviation or 1.0)
    cube = np.zeros((edge,) * 3, dtype=np.float32)
    cube[tuple(slice(s.start - f, s.stop - f) for s, f in zip(inside, first, strict=True))] = np.where(
        np.isfinite(block), block, np.float32(0)
    )
    views = torch.from_numpy(cube).unfold(0, support, 1).unfold(1, support, 1).unfold(2, support, 1)
    return views.reshape(27, -1)


def _fraction(scores: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return how far the top of a parabola lies from a voxel of 3 x 3 x 3, along each axis it is in the middle of."""
    offset = np.zeros(3)
    for axis in range(3):
        if at[axis] == 1:
            line = np.moveaxis(scores, axis, 2)[tuple(np.delete(at, axis))]
            bend = line[0] - 2 * line[1] + line[2]
            offset[axis] = np.clip((line[0] - line[2]) / (2 * bend), -0.5, 0.5) if bend < 0 else 0.0
    return offset


def local_deviations_job(
    volume: LazyArray, mean: float, deviation: float, positions_zyx: np.ndarray, template: Template
) -> Job[np.ndarray]:
    """Return how much the tomogram varies under the mask at each position, (n,), in its own deviations."""
    import torch

    mask = torch.from_numpy(template.mask).flatten()
    found = np.empty(len(positions_zyx))
    for row, place in enumerate(np.round(positions_zyx).astype(int)):
        middle = _windows(volume, mean, deviation, place, template.support)[13]
        level = (middle * mask).sum() / mask.sum()
        found[row] = float((((middle - level).square() * mask).sum() / mask.sum()).sqrt())
        if row % _WINDOWS == 0:
            yield Progress(row, len(found), "contrast of the peaks")
    return found

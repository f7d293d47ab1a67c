"""The M-step of FAML: what the classes are, given how probable each pose and class of each cube is.

maximised(data, candidates, model) ─► Model
"""

from __future__ import annotations

import numpy as np
import torch

from ais_app.core.particles.average_sums import back_turned
from ais_app.core.particles.correlation import Band
from ais_app.core.particles.faml_model import Candidates, Data, Model
from ais_app.core.particles.poses import Poses

_NEGLIGIBLE = 1e-3  # probability below which a candidate adds nothing to a class
_VOXELS_AT_ONCE = 2**17  # of cubes that are turned back at a time


def maximised(data: Data, candidates: Candidates, model: Model, smoothing: float = 0.0) -> Model:
    """Return the model that makes the data most probable, given how probable the candidates are: the M-step.

    Parameters
    ----------
    smoothing
        λ: how strongly classes are held together, in cubes.
    """
    probability = candidates.probability
    count, classes = probability.shape[:2]
    of_class = probability.sum(axis=(0, 2))
    frequencies = np.array([len(data.bands[wedge].index) for wedge in data.wedge_of], dtype=float)
    whole = float(len(Band.up_to(int(data.cubes.shape[-1]), data.shells).index))
    residual = float((probability * candidates.residual).sum())
    # what was not measured is expected to vary as it did
    missing = float((whole - frequencies).sum()) * model.sigma2
    apart = _apart(model.classes, data) if smoothing else 0.0
    sigma2 = (residual + missing + smoothing * apart) / (count * whole)
    moved = float((probability[..., None] * candidates.shifts**2).sum())
    new = [_class(data, candidates, probability, number, model.classes[number]) for number in range(classes)]
    together = model.classes.sum(dim=0)
    averages = []
    for number, (total, weight) in enumerate(new):
        share = weight + smoothing * classes
        mean = (total + smoothing * together) / share if share > 1e-6 else model.classes[number]
        averages.append(mean)
    alpha = of_class / of_class.sum()
    return Model(torch.stack(averages), alpha, max(sigma2, 1e-12), max(float(np.sqrt(moved / (3 * count))), 0.3))


def _class(
    data: Data, candidates: Candidates, probability: np.ndarray, number: int, before: torch.Tensor
) -> tuple[torch.Tensor, float]:
    """Return Σ p (w X + (1 - w) A), turned back, and Σ p of a class."""
    particle, which = np.nonzero(probability[:, number] > _NEGLIGIBLE)
    total, seen, weight = torch.zeros_like(before), torch.zeros_like(before.real), 0.0
    size = max(1, _VOXELS_AT_ONCE // (int(data.cubes.shape[-1]) ** 3))
    for low in range(0, len(particle), size):
        rows, take = particle[low : low + size], which[low : low + size]
        shifts = candidates.shifts[rows, number, take] / data.scale
        poses = Poses.of(candidates.rotations[rows, number, take], shifts)
        cubes = data.cubes[torch.from_numpy(rows).to(before.device)]
        spectra, masks = back_turned(cubes, poses, data.wedges, data.wedge_of[rows], fine=True)
        p = torch.as_tensor(probability[rows, number, take], dtype=torch.float32, device=before.device)
        total += (spectra * p[:, None, None, None]).sum(dim=0)
        seen += (masks * p[:, None, None, None]).sum(dim=0)
        weight += float(p.double().sum())
    return total + (weight - seen) * before, weight


def _apart(classes: torch.Tensor, data: Data) -> float:
    band = Band.up_to(int(data.cubes.shape[-1]), data.shells, device=classes.device)
    values = band.of(classes)
    return float((values[:, None] - values[None]).abs().square().double().sum())

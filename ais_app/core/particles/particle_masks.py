"""Which voxels of a cube are its particle, and what lies beside it put out of the way before averaging.

    cube ─► at the voxel size of the network ─► probability ─► components ─► the one about the centre: the particle
                                                                           └► the others: neighbours, masked out

Liu et al. (2018), Segmentation of subtomograms by SSN3D; any network of volumes serves, those of a person too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ModelProblem
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.tomogram import LazyArray

if TYPE_CHECKING:
    import torch

    from ais_app.core.model.package import Model

_SAME_SIZE = 0.02  # voxel sizes that differ by less are alike
_BATCH_VOXELS = 2**21


@dataclass(frozen=True)
class ParticleMaskParams(Params):
    """How particles are marked in cubes."""

    threshold: float = param(0.5, "Probability from which a voxel belongs to a particle", low=0.001, high=0.999)
    smallest: int = param(27, "Groups of fewer voxels are noise", unit="voxels", low=1)
    soft: float = param(2.0, "Width of the border over which neighbours fade out", unit="voxels", low=0, high=20)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


def probabilities_job(model: Model, cubes: LazyArray, voxel_size: float, device: str = "auto") -> Job[np.ndarray]:
    """Return how probably each voxel belongs to a particle, (n, e, e, e) float32, as a job.

    Parameters
    ----------
    model
        A network of volumes. One that has learnt dark features is given the cubes turned over.
    cubes
        (n, e, e, e) float32, bright; each is standardised.
    voxel_size
        Å; where the network was trained at another, cubes are resampled to it and the result back.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.

    Raises
    ------
    ModelProblem
        It is no network of volumes, or has several classes; a cube holds NaN.
    """
    import torch

    from ais_app.core.model.cubes import standardised
    from ais_app.core.particles.correlation import compute_device

    record, card = model.architecture, model.card
    if record.dimension != 3 or record.task != "segment" or int(card.parameters.get("classes", 1)) > 1:
        problem = f"{record.name} does not mark particles in cubes"
        raise ModelProblem(card.feature, problem, "choose a network of volumes with one class: ssn3d_ed, unet3d")
    edge, where = int(cubes.shape[1]), compute_device(device)
    ratio = 1.0 if card.fits((voxel_size,) * 3) or card.voxel_size is None else voxel_size / card.voxel_size
    inner = edge if abs(ratio - 1) < _SAME_SIZE else max(record.stride, round(edge * ratio))
    network, sign = model.network.to(where).eval(), -1.0 if card.contrast < 0 else 1.0
    step = max(1, _BATCH_VOXELS // max(edge, inner) ** 3)
    parts = []
    for low in range(0, cubes.shape[0], step):
        x = torch.from_numpy(sign * standardised(np.asarray(cubes[low : low + step]))).to(where, torch.float32)
        with torch.inference_mode():
            parts.append(_of_size(network(_padded(_of_size(x, inner), record.stride))[:, :inner, :inner, :inner], edge))
        yield Progress(min(low + step, cubes.shape[0]), cubes.shape[0], "marking particles")
    return np.concatenate([part.clamp(0, 1).float().cpu().numpy() for part in parts])


probabilities = direct(probabilities_job)


def own_and_others(probability: np.ndarray, params: ParticleMaskParams | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Tell the particle in the middle of a cube from its neighbours.

    Parameters
    ----------
    probability
        (e, e, e) float32.
    params
        Threshold and smallest size.

    Returns
    -------
    own, others
        (e, e, e) bool: the group of voxels that comes nearest to the centre, and all other groups.
    """
    import cc3d

    chosen = params or ParticleMaskParams()
    labels, count = cc3d.connected_components(probability >= chosen.threshold, connectivity=6, return_N=True)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    large = sizes >= chosen.smallest
    large[0] = False
    if not large.any():
        return np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    away = np.full(count + 1, np.inf)
    along = np.arange(labels.shape[0], dtype=np.float32) - labels.shape[0] // 2
    distance = np.sqrt(along[:, None, None] ** 2 + along[:, None] ** 2 + along**2)
    np.minimum.at(away, labels.ravel(), distance.ravel())
    nearest = int(np.where(large, away, np.inf).argmin())
    return labels == nearest, large[labels] & (labels != nearest)


def without_others(cube: np.ndarray, own: np.ndarray, others: np.ndarray, soft: float = 2.0) -> np.ndarray:
    """Return a cube in which neighbours are replaced by the mean of the background, with a soft border.

    Parameters
    ----------
    cube
        (e, e, e) float32.
    own, others
        As of `own_and_others`; voxels of the particle itself stay as they are.
    soft
        Width of the border, voxels.
    """
    from scipy.ndimage import distance_transform_edt

    from ais_app.core.particles.cube_values import masked_out

    if not others.any():
        return np.asarray(cube, np.float32)
    outside = distance_transform_edt(~others)
    weight = np.clip(1 - outside / max(soft, 1e-6), 0, 1) if soft else others.astype(float)
    return masked_out(cube, np.where(own, 0, weight), background=~own & ~others)


def _of_size(cubes: torch.Tensor, edge: int) -> torch.Tensor:
    """Resample cubes so that they have `edge` voxels, without aliasing."""
    from ais_app.core.particles import fourier

    if cubes.shape[-1] == edge:
        return cubes
    return fourier.from_fourier(fourier.resized(fourier.to_fourier(cubes), cubes.shape[-1], edge), edge)


def _padded(cubes: torch.Tensor, stride: int) -> torch.Tensor:
    import torch.nn.functional as F  # noqa: N812 - torch's own name for it

    more = -cubes.shape[-1] % stride
    return F.pad(cubes[:, None], (0, more) * 3, mode="replicate")[:, 0] if more else cubes

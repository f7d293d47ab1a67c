"""Groups of subtomograms without labels: from cubes to clusters with centres that can be looked at.

    cubes ─► binned to 32 voxels ─► (turned to their own axes) ─► codes ─► k-means ─► centres, decoded
                                                                    └────► two numbers each, for a map

Codes are those of Autoencoder3D, trained on the very cubes (Zeng et al., 2018, Journal of Structural Biology 202, 150,
sections 2.1 to 2.3), or principal components, which need no training and show what is large and simple.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job, JobCancelled, Progress, direct, in_words, retold
from ais_app.core.params import Params, param
from ais_app.core.particles.clusters import Clusters, cluster_codes, suggested_count
from ais_app.core.particles.components import principal_components
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import LazyArray

if TYPE_CHECKING:
    from ais_app.core.model.package import Model

_Decode = Callable[[np.ndarray], np.ndarray]  # centres of groups to cubes

MULTIPLE = 4  # of voxels, for the two halvings of Autoencoder3D
FOR_TSNE = 3  # subtomograms below which t-SNE has nothing to arrange
_READ = 64  # cubes at a time


@dataclass(frozen=True)
class GroupingParams(Params):
    """How subtomograms are grouped."""

    clusters: int | None = param(
        None, "Groups; if not given the number whose groups stand apart best", low=1, high=1000
    )
    by: str = param("autoencoder", "What is compared", choices=("autoencoder", "components"))
    edge: int = param(32, "Cubes are binned to at most this edge", unit="voxels", low=8, high=128)
    own_axes: bool = param(False, "Turn every particle to its own axes first; a missing wedge falsifies them")
    code: int = param(32, "Numbers that a cube is put into", low=1, high=1024)
    epochs: int = param(60, "Passes of the autoencoder over the cubes, at most", low=1, high=10_000)
    patience: int = param(20, "It stops after so many without a better held-out loss", low=1, high=10_000)
    map: str = param("t-SNE", "How codes are laid out in two dimensions, to look at", choices=("t-SNE", "components"))
    seed: int = param(0, "The same seed gives the same groups", low=0, high=2**31 - 1)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


@dataclass(frozen=True)
class Grouping:
    """Subtomograms in groups.

    Parameters
    ----------
    clusters
        Who is in which group, and the centres as codes.
    codes
        (n, c) float32.
    map
        (n, 2) float32: places to draw them at. Distances between far groups mean nothing.
    centres
        (k, e, e, e) float32: what the centre of each group looks like, bright, standardised.
    binning
        Voxels of the cubes along one voxel of the centres.
    encoder
        The trained network; ``None`` where components were compared.
    """

    clusters: Clusters
    codes: np.ndarray
    map: np.ndarray
    centres: np.ndarray
    binning: float
    encoder: Model | None


def group_job(
    cubes: LazyArray,
    params: GroupingParams | None = None,
    *,
    wedges: Sequence[Wedge] = (),
    encoder: Model | None = None,
    kept: Path | None = None,
) -> Job[Grouping]:
    """Group cubes, as a job.

    Parameters
    ----------
    cubes
        (n, e, e, e) float32, bright.
    params
        How.
    wedges
        Of the cubes, for the warning of `own_axes`.
    encoder
        A network that encodes cubes, to be used instead of training one: of an earlier run, or of another data set.
    kept
        File that keeps the training, so that the same work goes on where it was stopped; who calls removes it at the
        end. See `ais_app.core.training.trainer.train_job`.

    Raises
    ------
    ParameterProblem
        There are more groups than different cubes, or fewer than three cubes.
    ModelProblem
        `encoder` does not encode cubes of this size; a cube holds NaN.
    """
    chosen = params or GroupingParams()
    if cubes.shape[0] < 3 or (chosen.clusters or 0) > cubes.shape[0]:
        count = cubes.shape[0]
        does = "subtomogram does" if count == 1 else "subtomograms do"
        problem = f"{count:,} {does} not make {chosen.clusters or 'two or more'} groups"
        raise ParameterProblem("clusters", problem, "give more subtomograms, or ask for fewer groups")
    yield Progress(0, 0, "reading subtomograms")
    small = yield from retold(prepare_job(cubes, chosen, wedges), in_words)
    if chosen.by == "components" and encoder is None:
        codes, decode = _components(small, chosen.code, chosen.seed)
    else:
        if encoder is None:
            encoder = yield from _trained(small, chosen, kept)
        codes, decode = _encoded(encoder, small, chosen.device)
    yield Progress(0, 0, "grouping")
    count = chosen.clusters if chosen.clusters is not None else suggested_count(codes, seed=chosen.seed)
    clusters = cluster_codes(codes, count, chosen.seed)
    yield Progress(0, 0, "drawing a map")
    binning = binning_of(int(cubes.shape[1]), small.shape[1])
    return Grouping(clusters, codes, _map(codes, chosen), decode(clusters.centres), binning, encoder)


group = direct(group_job)


def binning_of(edge: int, to: int) -> float:
    """Return how many voxels of cubes of `edge` voxels become one where a network sees `to`.

    A few voxels too many are cut away at the faces, and voxels stay as they are: 1.
    """
    return 1.0 if edge - to < MULTIPLE else edge / to


def prepare_job(cubes: LazyArray, params: GroupingParams, wedges: Sequence[Wedge] = ()) -> Job[np.ndarray]:
    """Read cubes as they are grouped, (n, e, e, e) float32 with an edge that a network takes; a job."""
    import torch

    from ais_app.core.particles import fourier
    from ais_app.core.particles.own_axes import own_axes
    from ais_app.core.particles.poses import turned

    edge = int(cubes.shape[1])
    to = min(params.edge, edge) // MULTIPLE * MULTIPLE
    if to < MULTIPLE:
        raise ParameterProblem("edge", f"cubes of {edge} voxels are too small to be put into a code", "cut larger ones")
    is_binned = binning_of(edge, to) > 1
    poses: Poses | None = own_axes(cubes, wedges=wedges).poses.inverse() if params.own_axes else None
    parts = []
    for low in range(0, cubes.shape[0], _READ):
        part = torch.from_numpy(np.ascontiguousarray(cubes[low : low + _READ], np.float32))
        if poses is not None:
            back = poses[low : low + _READ]
            part = turned(part, torch.from_numpy(back.rotations), torch.from_numpy(back.shifts_zyx.copy()))
        if is_binned:
            part = fourier.from_fourier(fourier.resized(fourier.to_fourier(part), edge, to), to)
        first = part.shape[-1] // 2 - to // 2
        inner = slice(first, first + to)
        parts.append(part[:, inner, inner, inner].numpy())
        yield Progress(low + len(part), cubes.shape[0], "reading subtomograms")
    return np.concatenate(parts)


def _trained(cubes: np.ndarray, params: GroupingParams, kept: Path | None) -> Job[Model]:
    from ais_app.core.model.card import ModelCard
    from ais_app.core.training.cubes import cube_data
    from ais_app.core.training.parameters import TrainParams
    from ais_app.core.training.trainer import train_job

    edge = int(cubes.shape[1])
    settings = TrainParams(
        architecture="autoencoder3d", box_size=edge, epochs=params.epochs, patience=params.patience, draws=1, batch=8,
        validation="area", validation_share=0.1, optimiser="adam", schedule="constant", learning_rate=1e-3,
        shift=0.0, seed=params.seed, device=params.device,
    )  # fmt: skip
    data = cube_data(cubes, None, settings)
    card = ModelCard("autoencoder3d", {"size": edge, "code": params.code}, feature="subtomogram")
    result = yield from train_job(data, settings, card, kept=kept)
    if not result.finished:
        raise JobCancelled  # an encoder of a few epochs would give groups that mean little
    return result.model


def _encoded(encoder: Model, cubes: np.ndarray, device: str) -> tuple[np.ndarray, _Decode]:
    from ais_app.core.particles.classify import decode, encode
    from ais_app.core.particles.correlation import compute_device

    where = str(compute_device(device))
    return encode(encoder, cubes, device=where), lambda codes: decode(encoder, codes, device=where)


def _components(cubes: np.ndarray, most: int, seed: int) -> tuple[np.ndarray, _Decode]:
    from ais_app.core.model.cubes import standardised
    from ais_app.core.particles.fourier import soft_sphere

    edge = cubes.shape[1]
    flat = (standardised(cubes) * soft_sphere(edge)).reshape(len(cubes), -1)
    if not np.ptp(flat, axis=0).any():
        raise ParameterProblem("clusters", "no two different subtomograms are there", "give others to compare")
    found = principal_components(flat, min(most, len(cubes) - 1), seed)
    codes = found.codes(flat).astype(np.float32)
    return codes, lambda some: found.rows(some).reshape(-1, edge, edge, edge).astype(np.float32)


def _map(codes: np.ndarray, params: GroupingParams) -> np.ndarray:
    spread = codes - codes.mean(0)
    if params.map == "components" or len(codes) <= FOR_TSNE:
        kept = principal_components(spread, min(2, *codes.shape), params.seed).codes(spread)
        return np.pad(kept, ((0, 0), (0, 2 - kept.shape[1]))).astype(np.float32)
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(codes) - 1) / 3)
    return np.asarray(TSNE(perplexity=perplexity, random_state=params.seed).fit_transform(spread), np.float32)

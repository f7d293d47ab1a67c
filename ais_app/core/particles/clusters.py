"""From codes of subtomograms to groups, and from groups that a person names to labels to segment by.

    cubes ─► encode ─► cluster_codes ─► decode the centres ─► a person says which clusters are the feature
                                                                       │
    decoded cubes of these ─► decoded_masks ─► weak_data ─► train a network of volumes (EDSS3D)

Zeng et al. (2018), Journal of Structural Biology 202, 150, sections 2.3 and 2.4: nobody paints a voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing
from ais_app.core.model.cubes import standardised
from ais_app.core.particles.stack_files import read_arrays
from ais_app.core.training.boxes import BoxSet, TrainingData
from ais_app.core.training.parameters import TrainParams

CLUSTERS = 100  # as published; more than there are kinds of things, so that a person has only to group them
NO_CLUSTER = -1
_SAMPLE = 1000  # codes a silhouette is estimated from: it compares all with all


@dataclass(frozen=True)
class Clusters:
    """Groups of codes.

    Parameters
    ----------
    assignment
        (n,) int64: the cluster of each code, numbered by size, the largest first; -1 for a cube that took no part.
    centres
        (k, code) float32; `ais_app.core.particles.classify.decode` shows what they look like.
    """

    assignment: np.ndarray
    centres: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """(k,) int64: codes of each cluster."""
        return np.bincount(self.assignment[self.assignment >= 0], minlength=len(self.centres))

    def assign(self, codes: np.ndarray) -> np.ndarray:
        """Return the cluster with the nearest centre, (m,) int64, of other codes, (m, code)."""
        from scipy.spatial import cKDTree

        return np.asarray(cKDTree(self.centres).query(codes)[1], dtype=np.int64)

    def among(self, rows: np.ndarray, count: int) -> Clusters:
        """Return the clusters of `count` cubes of which only those with the numbers `rows`, (n,), took part."""
        every = np.full(count, NO_CLUSTER, np.int64)
        every[rows] = self.assignment
        return Clusters(every, self.centres)


def cluster_codes(codes: np.ndarray, count: int = CLUSTERS, seed: int = 0) -> Clusters:
    """Group codes by k-means.

    Parameters
    ----------
    codes
        (n, code) float32.
    count
        Clusters.
    seed
        The same seed gives the same clusters.

    Raises
    ------
    ParameterProblem
        There are fewer different codes than clusters.
    """
    from sklearn.cluster import KMeans

    different = len(np.unique(codes, axis=0))
    if not 1 <= count <= different:
        problem = f"{len(codes)} codes, {different} of them different, do not make {count} clusters"
        raise ParameterProblem("clusters", problem, "ask for fewer, or train the encoder anew")
    found = KMeans(count, n_init=10, random_state=seed).fit(codes)
    order = np.argsort(-np.bincount(found.labels_, minlength=count), kind="stable")
    number = np.empty(count, np.int64)
    number[order] = np.arange(count)
    return Clusters(number[found.labels_], found.cluster_centers_[order].astype(np.float32))


def suggested_count(codes: np.ndarray, most: int = 20, seed: int = 0) -> int:
    """Return the number of clusters, 2 to `most`, with the highest mean silhouette (Rousseeuw, 1987).

    The silhouette of a code is how much nearer it lies to its own cluster than to the next, -1 to 1. It tells groups
    that stand apart; where codes form one cloud any number is as good, and many small clusters to group by eye (the
    paper's 100) serve better.

    Raises
    ------
    ParameterProblem
        There are fewer than three different codes.
    """
    from sklearn.metrics import silhouette_score

    random = np.random.default_rng((seed, 7))
    sample = codes if len(codes) <= _SAMPLE else codes[np.sort(random.choice(len(codes), _SAMPLE, replace=False))]
    different = len(np.unique(sample, axis=0))
    if different < 3:
        raise ParameterProblem("clusters", f"{different} different codes cannot be grouped", "give more subtomograms")
    counts = range(2, min(most, different - 1) + 1)
    found = {count: cluster_codes(sample, count, seed).assignment for count in counts}
    return max(counts, key=lambda count: float(silhouette_score(sample, found[count])))


def matched(clusters: Clusters, before: Clusters) -> Clusters:
    """Return the clusters renumbered like those of an earlier run with the same cubes, so that names stay right.

    Each takes the number of the one it shares most cubes with, all together as many as possible (Kuhn, 1955, the
    Hungarian method); what is left over gets the numbers after those.

    Raises
    ------
    ParameterProblem
        The earlier run had other cubes.
    """
    from scipy.optimize import linear_sum_assignment

    if len(clusters.assignment) != len(before.assignment):
        problem = f"{len(before.assignment)} cubes were grouped before, {len(clusters.assignment)} now"
        raise ParameterProblem("clusters", problem, "match only groups of the same cubes")
    count, old = len(clusters.centres), len(before.centres)
    shared = np.zeros((count, old), np.int64)
    both = (clusters.assignment >= 0) & (before.assignment >= 0)
    np.add.at(shared, (clusters.assignment[both], before.assignment[both]), 1)
    mine, theirs = linear_sum_assignment(-shared)
    number = np.full(count, -1)
    number[mine] = theirs
    free = iter(sorted(set(range(count + old)) - set(theirs.tolist())))
    number = np.array([next(free) if n < 0 else n for n in number])
    order = np.argsort(number)  # numbers without a gap: those of clusters that are gone are given away
    dense = np.empty(count, np.int64)
    dense[order] = np.arange(count)
    grouped = clusters.assignment >= 0
    return Clusters(np.where(grouped, dense[clusters.assignment], NO_CLUSTER), clusters.centres[order])


def save_clusters(path: str | Path, clusters: Clusters) -> Path:
    """Write clusters, ``.npz`` of ``assignment`` and ``centres``."""
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, assignment=clusters.assignment, centres=clusters.centres)
    return Path(path)


def load_clusters(path: str | Path) -> Clusters:
    """Read what `save_clusters` wrote.

    Raises
    ------
    FileProblem
        It is not there or holds something else.
    """
    remedy = "give the clusters.npz that ais-app subtomo cluster made"
    if not Path(path).exists():
        raise FileProblem(path, "no such file", remedy)
    assignment, centres = read_arrays(Path(path), ("assignment", "centres"), "clusters", remedy)
    return Clusters(assignment.astype(np.int64), centres.astype(np.float32))


def decoded_masks(decoded: np.ndarray, *, dark: bool = True, level: float = 0.5) -> np.ndarray:
    """Return where decoded cubes show the object.

    Parameters
    ----------
    decoded
        (n, d, h, w) float32, from `decode`: cubes with little noise left.
    dark
        Whether objects are darker than what is around them.
    level
        Share of the highest density of a cube from which on a voxel belongs to the object.

    Returns
    -------
    ndarray
        (n, d, h, w) uint8, 0 or 1.
    """
    if not 0 < level < 1:
        raise ParameterProblem("level", f"{level} is not between 0 and 1", "give 0.5")
    density = -decoded if dark else decoded
    highest = density.max((1, 2, 3), keepdims=True)
    return ((density > level * highest) & (highest > 0)).astype(np.uint8)


def weak_data(
    cubes: np.ndarray,
    masks: np.ndarray,
    clusters: Clusters,
    chosen: Sequence[int],
    params: TrainParams,
    *,
    voxel_size: float | None = None,
) -> TrainingData:
    """Return cubes to train a network of volumes on: those of the chosen clusters, and as many of the others.

    Parameters
    ----------
    cubes
        (n, edge, edge, edge), any kind of numbers.
    masks
        (n, edge, edge, edge) uint8, of `decoded_masks`; those of clusters that are not chosen do not count: such cubes
        are background.
    clusters
        Of the same cubes; those without one take no part.
    chosen
        Clusters that show the feature.
    params
        ``validation`` (``"none"`` or any other), ``validation_share`` and ``seed`` count.
    voxel_size
        Å.

    Raises
    ------
    ParameterProblem
        No cube is chosen, or shapes do not fit each other.
    """
    if masks.shape != cubes.shape or len(clusters.assignment) != len(cubes):
        raise ParameterProblem("masks", f"have the shape {masks.shape}", f"give {cubes.shape}, and their clusters")
    is_feature = np.isin(clusters.assignment, list(chosen))
    if not is_feature.any():
        raise ParameterProblem("clusters", "none with a cube in it is chosen", "choose those that show the feature")
    random = np.random.default_rng((params.seed, 3))
    others = ~is_feature & (clusters.assignment >= 0)
    with_feature, without = (random.permutation(np.flatnonzero(which)) for which in (is_feature, others))
    without = without[: len(with_feature)]
    labels = masks * is_feature[:, None, None, None].astype(np.uint8)
    share = 0.0 if params.validation == "none" else params.validation_share
    held = np.concatenate([part[: int(share * len(part))] for part in (with_feature, without)])
    rest = np.concatenate([part[int(share * len(part)) :] for part in (with_feature, without)])
    values = standardised(cubes)
    record = {"cubes": {"of chosen clusters": len(with_feature), "background": len(without), "held out": len(held)}}
    training, measured = (BoxSet(values[part], labels[part], is_feature[part]) for part in (rest, held))
    return TrainingData(training, measured if len(held) else None, voxel_size, 0, 0, record)

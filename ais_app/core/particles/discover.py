"""Structures that a network was never shown, found as clusters of what it sees in subtomograms.

Xu et al. (2017), Deep learning-based subdivision approach for large scale macromolecules structure recovery from
electron cryo tomograms, Bioinformatics 33, i13, sections 2.3 and 3.3: the network without its softmax gives each cube
as many numbers as it knows classes; k-means makes more clusters of them than there are kinds of particles, and cubes
of a class that was left out of the training come together in some of these.

Which clusters to look at first? Clusters are ranked by the share of their cubes that lie farther from all classes of
the network than cubes held out of its training do (`ais_app.core.particles.open_set`), and where these shares are equal
by how far they lie away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.params import Params, param
from ais_app.core.particles.clusters import CLUSTERS, cluster_codes
from ais_app.core.particles.open_set import OpenSet, directions

SEES = ("logits", "features")


@dataclass(frozen=True)
class DiscoverParams(Params):
    """How subtomograms are grouped, and which groups count as new."""

    clusters: int = param(CLUSTERS, "Clusters; fewer where there are not ten subtomograms for each", low=2, high=10_000)
    sees: str = param("logits", "What is grouped: the logits of the classes, or what comes before them", choices=SEES)
    accepted: float = param(
        0.95, "Share of held-out subtomograms of known classes that count as known", low=0.5, high=1
    )
    unknown: float = param(0.5, "Share of unknown subtomograms from which a cluster counts as new", low=0, high=1)
    smallest: int = param(5, "Subtomograms that a cluster needs to count as new", low=1)
    seed: int = param(0, "The same seed gives the same clusters", low=0, high=2**31 - 1)
    device: str = param("auto", "Where to compute", choices=("auto", "cpu", "cuda"))


@dataclass(frozen=True)
class Found:
    """One cluster.

    Parameters
    ----------
    number
        By size, 0 the largest, as in `Discovery.assignment`.
    rank
        1: the one to look at first.
    size
        Subtomograms.
    unknown
        Share of them that no known class explains.
    distance
        Mean distance to the nearest class; somewhat below 1 for members of a class.
    tightness
        Mean cosine of members and the middle of the cluster, up to 1.
    nearest
        Number of the class most members are nearest to.
    new
        Whether it counts as new.
    counts
        Subtomograms of each true class, where these are known; else empty.
    enrichment
        Share of the most enriched true class in the cluster over its share in all; 0 where no class is known.
    enriched
        Number of that class, or −1.
    """

    number: int
    rank: int
    size: int
    unknown: float
    distance: float
    tightness: float
    nearest: int
    new: bool
    counts: tuple[int, ...] = ()
    enrichment: float = 0.0
    enriched: int = -1


@dataclass(frozen=True)
class Discovery:
    """All clusters.

    Parameters
    ----------
    clusters
        By rank.
    assignment
        (n,) int64: number of the cluster of each subtomogram.
    unknown
        (n,) bool: which of them no known class explains.
    distance
        (n,) float64: to the nearest class.
    """

    clusters: tuple[Found, ...]
    assignment: np.ndarray
    unknown: np.ndarray
    distance: np.ndarray


def discover(
    seen: np.ndarray,
    features: np.ndarray,
    known: OpenSet,
    params: DiscoverParams | None = None,
    labels: np.ndarray | None = None,
) -> Discovery:
    """Group what a network sees in subtomograms and rank the groups by how little its classes explain them.

    Parameters
    ----------
    seen
        (n, g) what is grouped: logits or features of subtomograms.
    features, known
        (n, f) features of the same, and where the network's classes lie among them.
    params
        See `DiscoverParams`.
    labels
        (n,) true classes, −1 for none, to say which class each cluster is enriched in.

    Raises
    ------
    ParameterProblem
        There are fewer than two different subtomograms, or numbers do not fit each other.
    """
    params = params or DiscoverParams()
    wanted = (len(seen), known.centres.shape[1])
    if seen.ndim != 2 or features.shape != wanted or not (np.isfinite(seen).all() and np.isfinite(features).all()):
        raise ParameterProblem("features", f"of shape {features.shape} do not suit", f"give {wanted} finite numbers")
    truth = np.full(len(seen), -1) if labels is None else np.asarray(labels)
    if truth.shape != (len(seen),):
        raise ParameterProblem("labels", f"{truth.shape} for {len(seen)} subtomograms", "give one for each")
    grouped = cluster_codes(seen.astype(np.float32), cluster_count(seen, params.clusters), params.seed)
    distance, nearest = known.distance(features)
    unknown = distance > known.threshold(params.accepted)
    towards = directions(seen, seen.mean(0, dtype=np.float64))
    rows = [np.flatnonzero(grouped.assignment == number) for number in range(len(grouped.centres))]
    parts = [
        _found(number, members, unknown, distance, nearest, towards, truth, params)
        for number, members in enumerate(rows)
    ]
    order = sorted(parts, key=lambda one: (not one.new, -one.unknown, -one.distance))
    ranked = tuple(_ranked(one, rank) for rank, one in enumerate(order, start=1))
    return Discovery(ranked, grouped.assignment, unknown, distance)


def cluster_count(seen: np.ndarray, wanted: int) -> int:
    """Return how many clusters to make: those wanted, or one for ten subtomograms where they are few.

    Raises
    ------
    ParameterProblem
        There are fewer than two different subtomograms.
    """
    different = len(np.unique(seen, axis=0))
    if different < 2:
        raise ParameterProblem("subtomograms", f"only {different} different ones make no clusters", "give more")
    return min(wanted, different, max(2, len(seen) // 10))


def _found(
    number: int,
    members: np.ndarray,
    unknown: np.ndarray,
    distance: np.ndarray,
    nearest: np.ndarray,
    towards: np.ndarray,
    truth: np.ndarray,
    params: DiscoverParams,
) -> Found:
    share = float(unknown[members].mean())
    middle = towards[members].mean(0)
    tightness = float((towards[members] @ (middle / max(np.linalg.norm(middle), 1e-12))).mean())
    new = share >= params.unknown and len(members) >= params.smallest
    apart = float(distance[members].mean())
    most = int(np.bincount(nearest[members]).argmax())
    found = Found(number, 0, len(members), share, apart, tightness, most, new)
    known = truth[truth >= 0]
    inside = truth[members][truth[members] >= 0]
    if not known.size or not inside.size:
        return found
    counts = np.bincount(inside, minlength=int(known.max()) + 1)
    everywhere = np.bincount(known, minlength=len(counts))
    ratio = np.divide(counts / len(inside), everywhere / len(known), out=np.zeros(len(counts)), where=everywhere > 0)
    best = int(ratio.argmax())
    return _with(found, counts=tuple(int(n) for n in counts), enrichment=float(ratio[best]), enriched=best)


def _ranked(found: Found, rank: int) -> Found:
    return _with(found, rank=rank)


def _with(found: Found, **changes: object) -> Found:
    from dataclasses import replace

    return replace(found, **changes)  # type: ignore[arg-type]


def held_out_found(found: Sequence[Discovery], truth: np.ndarray, classes: Sequence[int], purity: float = 0.8) -> float:
    """Return the share of left-out classes of which some cluster holds little else.

    Parameters
    ----------
    found
        One discovery for each class that was left out of a training.
    truth
        (n,) true classes of the subtomograms, the same for all.
    classes
        The class that was left out of each.
    purity
        Share of a cluster's subtomograms that must be of the class.
    """
    hits = 0
    for one, left_out in zip(found, classes, strict=True):
        shares = [(truth[one.assignment == c.number] == left_out).mean() for c in one.clusters if c.size >= 2]
        hits += bool(shares and max(shares) >= purity)
    return hits / len(found)

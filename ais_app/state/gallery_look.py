"""How particles are shown, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.state.gallery_table import ParticleTable

SORTS = ("place", "score", "quality", "class", "cluster", "tomogram")
SHOWN = ("all", "kept", "rejected")
AXES = ("z", "y", "x")
DEPTHS = ("slice", "slab", "projection")


@dataclass(frozen=True)
class GalleryLook:
    """How tiles are shown.

    Parameters
    ----------
    axis
        Seen along which axis.
    depth
        ``"slice"``: the central one; ``"slab"``: the mean of the central third; ``"projection"``: of all.
    size
        Pixels of a tile on the screen.
    contrast
        Standard deviations around the mean that run from black to white.
    invert
        Swap black and white.
    sort
        One of `SORTS`.
    descending
        The largest first.
    shown
        One of `SHOWN`.
    of_class
        Only those of one class; ``""`` for those of none, ``None`` for all.
    of_cluster
        Only those of one cluster; ``None`` for all.
    """

    axis: str = "z"
    depth: str = "slab"
    size: int = 88
    contrast: float = 2.95
    invert: bool = False
    sort: str = "place"
    descending: bool = True
    shown: str = "all"
    of_class: str | None = None
    of_cluster: int | None = None


def ordered(table: ParticleTable, look: GalleryLook, quality: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the rows that are shown, in order; what is not known comes last, equal ones stay in their places."""
    shown = np.ones(len(table), dtype=bool)
    if look.shown != "all":
        shown &= table.rejected == (look.shown == "rejected")
    if look.of_class is not None:
        shown &= table.classes == look.of_class
    if look.of_cluster is not None:
        shown &= clusters == look.of_cluster
    rows = np.flatnonzero(shown)
    if look.sort == "place":
        return rows
    keys = _keys(table, look.sort, quality, clusters)[rows]
    keys = -keys if look.descending and look.sort in ("score", "quality") else keys
    return rows[np.argsort(keys, kind="stable")]  # NaN is sorted to the end


def _keys(table: ParticleTable, sort: str, quality: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    if sort == "score":
        return table.scores
    if sort == "quality":
        return quality if len(quality) == len(table) else np.full(len(table), np.nan)
    if sort == "cluster":
        return np.where(clusters < 0, np.nan, clusters.astype(float))
    words = table.classes if sort == "class" else table.names
    known = {name: place for place, name in enumerate(sorted(set(words.tolist()) - {""}))}
    return np.array([known.get(name, np.nan) for name in words.tolist()], dtype=float)


def check_look(fields: dict[str, Any]) -> None:
    """Raise `ParameterProblem` where a value of `GalleryLook` cannot be."""
    for name, known in (("axis", AXES), ("depth", DEPTHS), ("sort", SORTS), ("shown", SHOWN)):
        if name in fields and fields[name] not in known:
            raise ParameterProblem(name, f"{fields[name]!r} is not known", f"give one of {', '.join(known)}")

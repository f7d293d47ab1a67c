"""Clusters of particles, kept in the project and part of its history.

    document "particle clusters"     [{"id": 3, "sets": [12, 15], "names": {"0": "ring"}}, ...], the newest last
    document "particle clusters/3"   which pick is in which cluster and where on the map; slices of the centres

They belong to picks, not to the list that was shown: a list that is renamed keeps its clusters, picks that are removed
are missing from them, and another choice with the same picks shows them too.
"""

from __future__ import annotations

import base64
import binascii
import math
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import DataWarning
from ais_app.state.gallery_table import ParticleTable, Source, StackSource

if TYPE_CHECKING:
    from ais_app.state.project import Project

DOCUMENT = "particle clusters"
MOST_KEPT = 20  # groupings of a project; the oldest go
_MOST_BYTES = 2**26  # of an array when it is expanded, whatever the file says
_KINDS = {"|u1", "<i4", "<i8", "<f4"}

Slices = tuple[np.ndarray, np.ndarray, np.ndarray]  # central slices along z, y and x, uint8


@dataclass(frozen=True, eq=False)
class Grouping:
    """Clusters of the particles in view.

    Parameters
    ----------
    assignment
        (n,) int64: the cluster of each row; −1 for those that were not grouped.
    embedding
        (n, 2) float64, NaN for those that were not grouped.
    count
        How many clusters.
    slices
        Of each cluster the central slices of its centre; empty where they are not known.
    names
        What clusters were called: number to class.
    made
        How they came about: arguments of the operation ``particle_work``, JSON-able.
    id
        Under which the project keeps them; −1 where it does not.
    """

    assignment: np.ndarray
    embedding: np.ndarray
    count: int
    slices: tuple[Slices, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    id: int = -1

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) int64."""
        return np.bincount(self.assignment[self.assignment >= 0], minlength=self.count)

    def same_clusters(self, other: Grouping) -> bool:
        """Return whether another grouping is the same but for the names."""
        same = (self.id, self.count) == (other.id, other.count)
        return same and np.array_equal(self.assignment, other.assignment)


def keep_grouping(project: Project, source: Source, table: ParticleTable, grouping: Grouping) -> int:
    """Keep clusters in the project, in place of those of the same picks; within a group. Return their id."""
    rows = np.flatnonzero(grouping.assignment >= 0)
    sets = np.unique(table.sets[rows]).tolist()
    index = _index(project)
    id = 1 + max((entry["id"] for entry in index), default=0)
    entry: dict[str, Any] = {"id": id, "sets": sets, "names": {}}
    if isinstance(source, StackSource):
        entry |= {"stack": str(source.path), "sets": []}
    gone = [each for each in index if _replaces(entry, each)]
    kept = [each for each in index if each not in gone]
    gone += kept[: max(0, len(kept) + 1 - MOST_KEPT)]
    for each in gone:
        project.set_document(f"{DOCUMENT}/{each['id']}", None)
    project.set_document(f"{DOCUMENT}/{id}", _content(table, grouping, rows))
    project.set_document(DOCUMENT, [*(each for each in kept if each not in gone), entry])
    return id


def kept_grouping(project: Project, source: Source, table: ParticleTable) -> Grouping | None:
    """Return the newest clusters of the particles of a table; ``None`` where there are none."""
    stack = str(source.path) if isinstance(source, StackSource) else None
    sets = set(np.unique(table.sets).tolist())
    for entry in reversed(_index(project)):
        if stack == entry.get("stack") and (stack is not None or sets & set(entry["sets"])):
            found = _grouping(project, entry, table)
            if found is not None and (found.assignment >= 0).any():
                return found
    return None


def name_clusters(project: Project, id: int, names: Mapping[int, str]) -> None:
    """Keep what clusters are called, beside the names that others have; within a group."""
    index = _index(project)
    for entry in index:
        if entry["id"] == id:
            entry["names"] = {**entry["names"], **{str(number): name for number, name in names.items()}}
    project.set_document(DOCUMENT, index)


def call_otherwise(project: Project, name: str, fresh: str) -> None:
    """Give clusters that were called after a class its new name; an empty one takes theirs away. Within a group."""
    index = _index(project)
    changed = False
    for entry in index:
        if name in entry["names"].values():
            renamed = {number: fresh if each == name else each for number, each in entry["names"].items()}
            entry["names"], changed = {number: each for number, each in renamed.items() if each}, True
    if changed:
        project.set_document(DOCUMENT, index)


def rows_of(table: ParticleTable, sets: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return the row of each of some particles, (m,) int64, −1 where the table does not have it.

    Parameters
    ----------
    table
        The particles.
    sets, ids
        (m,) int64, as the columns of the table.
    """
    known, wanted = _keys(table.sets, table.ids), _keys(sets, ids)
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    places = order[np.clip(np.searchsorted(known[order], wanted), 0, len(known) - 1)]
    return np.where(known[places] == wanted, places, -1)


def _keys(sets: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return one number for each particle, (n,) int64: a set never gets as many as 2**32."""
    return (np.asarray(sets, dtype=np.int64) << 32) + np.asarray(ids, dtype=np.int64)


def _replaces(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Return whether newer clusters stand for all that older ones were of."""
    if "stack" in new or "stack" in old:
        return new.get("stack") == old.get("stack")
    return set(old["sets"]) <= set(new["sets"])


def _index(project: Project) -> list[dict[str, Any]]:
    found = project.document(DOCUMENT, [])
    entries = found if isinstance(found, list) else []
    return [
        {**each, "names": each["names"] if isinstance(each.get("names"), dict) else {}}
        for each in entries
        if isinstance(each, dict) and isinstance(each.get("id"), int) and isinstance(each.get("sets"), list)
    ]


def _content(table: ParticleTable, grouping: Grouping, rows: np.ndarray) -> dict[str, Any]:
    edges = {plane.shape for three in grouping.slices for plane in three}
    slices = np.array(grouping.slices, dtype=np.uint8) if len(edges) == 1 else np.zeros((0, 3, 1, 1), dtype=np.uint8)
    return {
        "clusters": grouping.count,
        "set": _packed(table.sets[rows].astype("<i8")),
        "pick": _packed(table.ids[rows].astype("<i8")),
        "cluster": _packed(grouping.assignment[rows].astype("<i4")),
        "map": _packed(grouping.embedding[rows].astype("<f4")),
        "slices": _packed(slices),
        "made": dict(grouping.made),
    }


def _grouping(project: Project, entry: Mapping[str, Any], table: ParticleTable) -> Grouping | None:
    """Return what is kept, for the rows of a table; said and ``None`` where it is damaged."""
    content = project.document(f"{DOCUMENT}/{entry['id']}", {})
    try:
        sets, ids, clusters, places, slices = (
            _unpacked(content[name], axes)
            for name, axes in (("set", 1), ("pick", 1), ("cluster", 1), ("map", 2), ("slices", 4))
        )
        count, names = int(content["clusters"]), {int(number): str(name) for number, name in entry["names"].items()}
        if not len(sets) == len(ids) == len(clusters) == len(places) or places.shape[1] != 2:
            raise ValueError("columns of different lengths")
        if len(clusters) and not 0 <= clusters.min() <= clusters.max() < count:
            raise ValueError("a cluster that is none")
    except (KeyError, TypeError, ValueError, zlib.error, binascii.Error) as error:
        text = f"{project.path}: the clusters that it keeps are damaged ({error}); group the particles again"
        warnings.warn(DataWarning(text), stacklevel=2)
        return None
    rows = rows_of(table, sets, ids)
    there = rows >= 0
    assignment, embedding = np.full(len(table), -1, dtype=np.int64), np.full((len(table), 2), np.nan)
    assignment[rows[there]], embedding[rows[there]] = clusters[there], places[there]
    shown = tuple((three[0], three[1], three[2]) for three in slices) if slices.shape[:2] == (count, 3) else ()
    made = content.get("made")
    return Grouping(
        assignment, embedding, count, shown, names, made if isinstance(made, dict) else {}, int(entry["id"])
    )


def _packed(array: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6)).decode("ascii")
    return {"kind": array.dtype.str, "shape": list(array.shape), "data": data}


def _unpacked(given: Any, axes: int) -> np.ndarray:
    """Return an array; raises `ValueError`, `KeyError`, `TypeError` or `zlib.error` where it is none."""
    kind, shape = given["kind"], [int(size) for size in given["shape"]]
    if kind not in _KINDS or len(shape) != axes or min(shape) < 0:
        raise ValueError("an array of another kind")
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size > _MOST_BYTES:
        raise ValueError("an array that is too large")
    data = zlib.decompressobj().decompress(base64.b64decode(given["data"], validate=True), size + 1)
    if len(data) != size:
        raise ValueError("an array of another size")
    return np.frombuffer(data, dtype=kind).reshape(shape)

"""Carry curves on through crossings and over gaps, by direction.

At every crossing the branches are paired so that the pairs bend least in all; a branch without a partner ends there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
import numpy as np

from ais_app.core.filaments.polyline import arc_lengths, polyline_length
from ais_app.core.filaments.pruning import oriented_points

FREE, JUNCTION = "free", "junction"


@dataclass(frozen=True)
class Strand:
    """One filament as an unsmoothed line.

    Parameters
    ----------
    points_zyx
        (n, 3) Å in order.
    radius
        Å, of the filament's body.
    closed
        Whether the last point is followed by the first.
    ends
        What is at the first and at the last point: ``"free"`` or ``"junction"``.
    """

    points_zyx: np.ndarray
    radius: float
    closed: bool = False
    ends: tuple[str, str] = (FREE, FREE)

    @property
    def length(self) -> float:
        """Length of the line, Å."""
        closing = self.points_zyx[[-1, 0]] if self.closed else self.points_zyx[:1]
        return polyline_length(self.points_zyx) + polyline_length(closing)


@dataclass(frozen=True)
class JoinLimits:
    """When two branches are one filament.

    Parameters
    ----------
    max_bend
        Largest change of direction, degrees.
    min_bend_radius
        Smallest radius of the arc between them, Å; ``None`` for any.
    """

    max_bend: float
    min_bend_radius: float | None = None


@dataclass(frozen=True)
class _Stub:
    """The end of a branch: where it leaves the body and where it comes from."""

    anchor: np.ndarray
    inward: np.ndarray  # unit vector along the branch, towards the crossing or the gap


End = tuple[int, int]  # strand, 0 for its first point or -1 for its last


def join_crossings(graph: nx.MultiGraph, limits: JoinLimits, max_overlap: float | None = None) -> list[Strand]:
    """Turn a pruned graph into strands that go on through its crossings.

    Two filaments that cross at a small angle run together for a while: thinning makes two junctions with a bridge
    between them. Two junctions whose bridge is at most `max_overlap` long count as one crossing.

    Parameters
    ----------
    graph
        From `prune`.
    limits
        When two branches are one filament.
    max_overlap
        Å; ten times the radius of the bridge where ``None``.
    """
    bridges = _bridges(graph, max_overlap)
    edges = [edge for edge in graph.edges(keys=True) if frozenset(edge[:2]) not in bridges]
    edges += [e for e in graph.edges(keys=True) if frozenset(e[:2]) in bridges and e != bridges[frozenset(e[:2])]]
    strands = [
        Strand(graph.edges[e]["points"], graph.edges[e]["radius"], closed=graph.degree(e[0]) == 2 and e[0] == e[1])
        for e in edges
    ]
    at_node: dict[Any, list[End]] = {}
    for index, edge in enumerate(edges):
        first = graph.edges[edge]["first"]
        last = edge[1] if edge[0] == first else edge[0]
        at_node.setdefault(first, []).append((index, 0))
        at_node.setdefault(last, []).append((index, -1))
    node_of = {end: node for node, ends in at_node.items() for end in ends}

    trim, links = _trim_lengths(graph, at_node, bridges), {}
    partner = {node: other for pair in bridges for node, other in (sorted(pair), sorted(pair, reverse=True))}
    done: set[Any] = set()
    for node in graph:
        if graph.degree(node) < 3 or node in done:
            continue
        crossing = [node, *([partner[node]] if node in partner else [])]
        done.update(crossing)
        ends = [end for member in crossing for end in at_node.get(member, [])]
        pairs = pair_ends(strands, ends, limits, trim)
        through = [pair for pair in pairs if node_of[pair[0]] != node_of[pair[1]]]
        for first, second in pairs:
            # the bridge belongs to the only filament that goes over it; shared by two, it lies on neither
            over = len(through) == 1 and (first, second) == through[0]
            middle = _bridge_points(graph, bridges, node_of[first], node_of[second]) if over else np.empty((0, 3))
            links[first], links[second] = (second, middle), (first, middle[::-1])
    return _walk([_trimmed(strand, index, trim) for index, strand in enumerate(strands)], links, set(trim))


def join_gaps(strands: Sequence[Strand], limits: JoinLimits, max_gap: float) -> list[Strand]:
    """Bridge gaps between bodies, up to `max_gap` Å long, where the directions of two free ends agree.

    A body goes on for about its radius beyond the end of its centre line.
    """
    from scipy.spatial import cKDTree

    free = [(i, side) for i, s in enumerate(strands) if not s.closed for side in (0, -1) if s.ends[side] == FREE]
    if max_gap <= 0 or len(free) < 2:
        return list(strands)
    tips = np.array([strands[index].points_zyx[side] for index, side in free])
    radii = np.array([strands[index].radius for index, _ in free])
    near = [
        (free[i], free[j])
        for i, j in sorted(cKDTree(tips).query_pairs(max_gap + 2 * radii.max()))
        if np.linalg.norm(tips[i] - tips[j]) <= max_gap + radii[i] + radii[j]
    ]
    pairs = pair_ends(strands, free, limits, {}, near)
    none = np.empty((0, 3))
    links = {end: (other, none) for pair in pairs for end, other in (pair, pair[::-1])}
    junctions = {(i, side) for i, s in enumerate(strands) for side in (0, -1) if s.ends[side] == JUNCTION}
    return _walk(list(strands), links, junctions)


def pair_ends(
    strands: Sequence[Strand],
    ends: Sequence[End],
    limits: JoinLimits,
    trim: dict[End, float],
    candidates: Iterable[tuple[End, End]] | None = None,
) -> list[tuple[End, End]]:
    """Pair ends so that the pairs bend least; all pairs of `ends` are candidates unless some are named."""
    stubs = {end: _stub(strands[end[0]], end[1], trim.get(end, 0.0)) for end in ends}
    if candidates is None:
        candidates = [(a, b) for i, a in enumerate(ends) for b in ends[i + 1 :]]
    choices = nx.Graph()
    for a, b in candidates:
        bend, gap = _bend(stubs[a], stubs[b])
        tight = limits.min_bend_radius is not None and gap < np.radians(bend) * limits.min_bend_radius
        if bend <= limits.max_bend and not tight:
            choices.add_edge(a, b, weight=limits.max_bend + 1.0 - bend)
    return sorted(tuple(sorted(pair)) for pair in nx.max_weight_matching(choices))


def _stub(strand: Strand, side: int, skip: float) -> _Stub:
    """Fit a line to the stretch of four radii that follows the first `skip` Å."""
    points = strand.points_zyx if side == 0 else strand.points_zyx[::-1]
    arc = arc_lengths(points)
    low = min(skip, arc[-1] / 2)
    chosen = points[(arc >= low) & (arc <= low + 4 * strand.radius)]
    if len(chosen) < 3:
        chosen = points[-3:] if low else points[:3]
    middle = chosen.mean(axis=0)
    direction = np.linalg.svd(chosen - middle)[2][0]
    if np.dot(direction, chosen[0] - chosen[-1]) < 0:
        direction = -direction
    return _Stub(middle, direction)


def _bend(first: _Stub, second: _Stub) -> tuple[float, float]:
    """Return by how many degrees the way from one stub over to the other turns in all, and its length in Å."""
    way = second.anchor - first.anchor
    gap = float(np.linalg.norm(way))
    if gap == 0:
        return 180.0, 0.0
    turns = [np.clip(np.dot(first.inward, way / gap), -1, 1), np.clip(np.dot(-second.inward, way / gap), -1, 1)]
    return float(np.degrees(np.arccos(turns).sum())), gap


def _bridges(graph: nx.MultiGraph, max_overlap: float | None) -> dict[frozenset, Any]:
    """Choose the short edges between two junctions, the shortest first, each junction in one of them at most."""
    found = []
    for edge in graph.edges(keys=True):
        if edge[0] == edge[1] or min(graph.degree(edge[0]), graph.degree(edge[1])) < 3:
            continue
        length = polyline_length(graph.edges[edge]["points"])
        radius = max(graph.edges[edge]["radius"], graph.nodes[edge[0]]["radius"], graph.nodes[edge[1]]["radius"])
        if length <= (10 * radius if max_overlap is None else max_overlap):
            found.append((length, edge))
    chosen: dict[frozenset, Any] = {}
    used: set[Any] = set()
    for _, edge in sorted(found):
        if not used & set(edge[:2]):
            used.update(edge[:2])
            chosen[frozenset(edge[:2])] = edge
    return chosen


def _bridge_points(graph: nx.MultiGraph, bridges: dict[frozenset, Any], start: Any, stop: Any) -> np.ndarray:
    return oriented_points(graph, bridges[frozenset((start, stop))], start)


def _trim_lengths(
    graph: nx.MultiGraph, at_node: dict[Any, list[End]], bridges: dict[frozenset, Any]
) -> dict[End, float]:
    """Return how much of each branch lies in the crossing's body, where thinning bends it towards the junction."""
    bridged = {node for pair in bridges for node in pair}
    return {
        end: graph.nodes[node]["radius"] * (1.5 if node in bridged else 1.0)
        for node, ends in at_node.items()
        if graph.degree(node) >= 3
        for end in ends
    }


def _trimmed(strand: Strand, index: int, trim: dict[End, float]) -> Strand:
    points = strand.points_zyx
    arc = arc_lengths(points)
    low, high = trim.get((index, 0), 0.0), trim.get((index, -1), 0.0)
    if low + high > arc[-1] - 1e-6:  # a short branch between two crossings keeps its middle
        low = high = arc[-1] / 2
    kept = (arc >= low) & (arc <= arc[-1] - high)
    return replace(strand, points_zyx=points[kept] if kept.any() else points[[len(points) // 2]])


def _walk(strands: Sequence[Strand], links: dict[End, tuple[End, np.ndarray]], junctions: set[End]) -> list[Strand]:
    """Follow the links from strand to strand."""
    joined, seen = [], set()
    starts = [(i, side) for i in range(len(strands)) for side in (0, -1) if (i, side) not in links]
    for start in [*starts, *((i, 0) for i in range(len(strands)))]:  # what no end leads to is closed
        if start[0] in seen:
            continue
        pieces, end, members = [], start, []
        while end[0] not in seen:
            seen.add(end[0])
            members.append(end[0])
            points = strands[end[0]].points_zyx
            pieces.append(points if end[1] == 0 else points[::-1])
            far = (end[0], -1 - end[1])
            if far not in links:
                break
            end, middle = links[far]
            pieces.append(middle)
        closed = strands[start[0]].closed or start in links
        weights = [len(strands[m].points_zyx) for m in members]
        radius = float(np.average([strands[m].radius for m in members], weights=weights))
        ends = (JUNCTION if start in junctions else FREE, JUNCTION if far in junctions else FREE)
        joined.append(Strand(np.concatenate(pieces), radius, closed, ends))
    return joined

"""Cut what thinning adds to a centre line: spurs and bubbles, judged by arc length in Å."""

from __future__ import annotations

import heapq
from typing import Any

import networkx as nx
import numpy as np

from ais_app.core.filaments.polyline import polyline_length

Edge = tuple[Any, Any, int]


def oriented_points(graph: nx.MultiGraph, edge: Edge, start: Any) -> np.ndarray:
    """Return an edge's polyline so that it begins at node `start`."""
    data = graph.edges[edge]
    return data["points"] if data["first"] == start else data["points"][::-1]


def prune(graph: nx.MultiGraph, spur_length: float) -> nx.MultiGraph:
    """Remove bubbles and spurs, the shortest first, and dissolve the junctions that are left with two branches.

    A spur is a branch with a free end that leaves the body of the filament, a ball of the junction's radius, by less
    than `spur_length`. A bubble is a loop that a hole in the mask makes: shorter than what two spurs would be. Loops
    that are longer stay: they are closed filaments. Lines without a junction stay, however short.

    Parameters
    ----------
    graph
        From `skeleton_graph`; not changed.
    spur_length
        Å.
    """
    graph = graph.copy()
    _burst_bubbles(graph, spur_length)
    for node in list(graph):
        _dissolve(graph, node)
    queue = [(length, edge) for edge in graph.edges(keys=True) if (length := _spur(graph, edge, spur_length))]
    heapq.heapify(queue)
    while queue:
        _, edge = heapq.heappop(queue)
        # what was cut before may have changed or removed it
        if not graph.has_edge(*edge) or not _spur(graph, edge, spur_length):
            continue
        tip, root = sorted(edge[:2], key=graph.degree)
        graph.remove_node(tip)
        for changed in _dissolve(graph, root):
            if length := _spur(graph, changed, spur_length):
                heapq.heappush(queue, (length, changed))
    return graph


def _spur(graph: nx.MultiGraph, edge: Edge, spur_length: float) -> float:
    """Return the length of a spur, Å, or 0 for any other edge."""
    tip, root = sorted(edge[:2], key=graph.degree)
    if graph.degree(tip) != 1 or graph.degree(root) < 3:
        return 0.0
    length = polyline_length(graph.edges[edge]["points"])
    return length if length - graph.nodes[root]["radius"] < spur_length else 0.0


def _burst_bubbles(graph: nx.MultiGraph, spur_length: float) -> None:
    for first, second in sorted({tuple(sorted(edge)) for edge in graph.edges()}):
        between = graph.get_edge_data(first, second)
        lengths = sorted((polyline_length(data["points"]), key) for key, data in between.items())
        limit = 2 * (spur_length + graph.nodes[first]["radius"])
        if first == second:
            # a ring that stands alone is a filament, however small
            alone = graph.degree(first) == 2
            doomed = [key for length, key in lengths if length < limit and not alone]
        else:
            doomed = [key for length, key in lengths[1:] if length + lengths[0][0] < limit]
        for key in doomed:
            graph.remove_edge(first, second, key)


def _dissolve(graph: nx.MultiGraph, node: Any) -> list[Edge]:
    """Join the two edges that meet at a node of degree 2; return the new edge, or the one left at a new free end."""
    edges = list(graph.edges(node, keys=True))
    if graph.degree(node) == 1:
        return edges
    if graph.degree(node) != 2 or len(edges) != 2:
        return []  # a junction, or a ring that closes on itself
    (_, before, _), (_, after, _) = edges
    head = oriented_points(graph, edges[0], before)
    tail = oriented_points(graph, edges[1], node)
    radii = [graph.edges[edge]["radius"] for edge in edges]
    sizes = [len(head), len(tail)]
    graph.remove_node(node)
    points = np.concatenate([head, tail[1:]])
    key = graph.add_edge(before, after, points=points, first=before, radius=float(np.average(radii, weights=sizes)))
    return [(before, after, key)]

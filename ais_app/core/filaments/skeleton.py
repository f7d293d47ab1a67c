"""Centre lines of a mask as a graph.

    mask ─► holes of sections filled ─► components without dust ─► voxels of the centre lines ─► graph

Nodes are free ends and junctions, edges carry the polyline between them. A closed line is a node with a loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np

from ais_app.core.picking import labelling
from ais_app.core.tomogram import ZYX, Region


@dataclass(frozen=True)
class CentreLines:
    """Voxels of the centre lines.

    Parameters
    ----------
    voxels
        (n, 3) int, z y x.
    radii
        (n,) Å, depth below the surface of the mask.
    """

    voxels: np.ndarray
    radii: np.ndarray


def fill_sections(mask: np.ndarray, voxel_size_zyx: ZYX, radius: float) -> np.ndarray:
    """Fill the holes that the mask's sections along z, y or x show, up to the area of a tube's oblique lumen.

    A tube is closed in at least one of the three sections even where its ends are open. The steepest cut through
    that section stretches the lumen's area by √3; twice the area of the circle is allowed.

    Parameters
    ----------
    mask
        (z, y, x) bool.
    voxel_size_zyx
        Å.
    radius
        Largest radius of a lumen, Å.
    """
    import cc3d

    filled = mask.copy()
    box = _bounds(mask)
    if box is None:
        return filled
    inner, out = mask[box], filled[box]
    for axis in range(3):
        height, width = (voxel_size_zyx[other] for other in range(3) if other != axis)
        largest = 2 * np.pi * radius**2 / (height * width)
        planes, targets = np.moveaxis(inner, axis, 0), np.moveaxis(out, axis, 0)
        for plane, target in zip(planes, targets, strict=True):
            if not plane.any():
                continue
            # one ring of background joins everything outside into one component
            holes = cc3d.connected_components(np.pad(~plane, 1, constant_values=True), connectivity=4)
            sizes = np.bincount(holes.ravel())
            small = sizes <= largest
            small[[0, holes[0, 0]]] = False
            target |= small[holes[1:-1, 1:-1]]
    return filled


def _bounds(mask: np.ndarray) -> Region | None:
    found = []
    for axis in range(3):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(along):
            return None
        found.append(slice(int(along[0]), int(along[-1]) + 1))
    z, y, x = found
    return z, y, x


def centre_lines(mask: np.ndarray, voxel_size_zyx: ZYX, min_volume: float = 0.0) -> CentreLines:
    """Thin every component of a mask to its centre lines.

    Parameters
    ----------
    mask
        (z, y, x) bool.
    voxel_size_zyx
        Å.
    min_volume
        Å³; smaller components are left out.

    Notes
    -----
    Thinning after Lee, Kashyap and Chu, CVGIP 56 (1994), as in scikit-image. Components are thinned one by one in
    their own boxes, or all at once where the boxes overlap so much that this is less work; both give the same.
    """
    from skimage.morphology import skeletonize

    voxels, radii = [], []
    for corner, piece in _pieces(labelling.components(mask, voxel_size_zyx, min_volume)):
        found = np.argwhere(skeletonize(piece, method="lee"))
        voxels.append(found + corner)
        radii.append(labelling.depth(piece, voxel_size_zyx)[tuple(found.T)].astype(float))
    if not voxels:
        return CentreLines(np.empty((0, 3), dtype=int), np.empty(0))
    return CentreLines(np.concatenate(voxels), np.concatenate(radii))


def _pieces(found: labelling.Components) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    boxes = np.prod(found.boxes_zyx[..., 1] - found.boxes_zyx[..., 0], axis=1)
    if boxes.sum() > found.labels.size:
        yield np.zeros(3, dtype=int), found.mask()
        return
    for index in range(len(found)):
        yield found.boxes_zyx[index, :, 0], found.crop(index)[0]


def skeleton_graph(lines: CentreLines, voxel_size_zyx: ZYX) -> nx.MultiGraph:
    """Turn centre-line voxels into a graph of ends, junctions and the polylines between them.

    Neighbouring voxels with more than two neighbours make one junction, at their centre.

    Returns
    -------
    MultiGraph
        Nodes with ``position`` ((3,) Å, z y x) and ``radius`` (Å); edges with ``points`` ((n, 3) Å from the node in
        ``first`` to the other one, both included) and ``radius`` (Å, the median along it).
    """
    graph = nx.MultiGraph()
    if not len(lines.voxels):
        return graph
    neighbours = _neighbours(lines.voxels)
    positions = lines.voxels * np.asarray(voxel_size_zyx, dtype=float)
    junctions = _junctions(neighbours)
    members_of: dict[int, list[int]] = {}
    for voxel, node in junctions.items():
        members_of.setdefault(node, []).append(voxel)
    for node, members in members_of.items():
        graph.add_node(node, position=positions[members].mean(axis=0), radius=float(lines.radii[members].max()))
    for chain, closed in _chains(neighbours, junctions):
        _add_chain(graph, chain, closed, neighbours, junctions, positions, lines.radii)
    return graph


def _neighbours(voxels: np.ndarray) -> list[list[int]]:
    from scipy.spatial import cKDTree

    found: list[list[int]] = [[] for _ in range(len(voxels))]
    for first, second in cKDTree(voxels).query_pairs(1.8, output_type="ndarray").tolist():  # 26 neighbours: √3
        found[first].append(second)
        found[second].append(first)
    return [sorted(members) for members in found]


def _junctions(neighbours: list[list[int]]) -> dict[int, int]:
    """Map each junction voxel to its junction, which is named after its first voxel."""
    busy = {voxel for voxel, around in enumerate(neighbours) if len(around) > 2}
    groups: dict[int, int] = {}
    for seed in sorted(busy):
        if seed in groups:
            continue
        groups[seed], queue = seed, [seed]
        while queue:
            for other in neighbours[queue.pop()]:
                if other in busy and other not in groups:
                    groups[other] = seed
                    queue.append(other)
    return groups


def _chains(neighbours: list[list[int]], junctions: dict[int, int]) -> Iterator[tuple[list[int], bool]]:
    """Yield the runs of voxels between junctions and ends, in order, and whether a run is a closed ring."""
    plain = {voxel: [n for n in around if n not in junctions] for voxel, around in enumerate(neighbours)}
    seen = set(junctions)
    ends = [voxel for voxel, around in plain.items() if voxel not in seen and len(around) < 2]
    for start in [*ends, *plain]:  # what no end leads to is a ring
        if start in seen:
            continue
        chain = [start]
        seen.add(start)
        while fresh := [n for n in plain[chain[-1]] if n not in seen]:
            chain.append(fresh[0])
            seen.add(fresh[0])
        yield chain, len(plain[start]) == 2


def _add_chain(
    graph: nx.MultiGraph,
    chain: list[int],
    closed: bool,
    neighbours: list[list[int]],
    junctions: dict[int, int],
    positions: np.ndarray,
    radii: np.ndarray,
) -> None:
    touching = [junctions[n] for n in neighbours[chain[0]] if n in junctions]
    # a run of one voxel may touch a junction on either side
    head, tail = touching[:1], touching[1:2]
    if len(chain) > 1:
        tail = [junctions[n] for n in neighbours[chain[-1]] if n in junctions][:1]
    first = head[0] if head else chain[0]
    last = tail[0] if tail else (first if closed else chain[-1])
    if last == first and not closed and len(chain) == 1:
        return  # a lone voxel, or one in the corner of a junction
    for node in {first, last} - set(graph):
        graph.add_node(node, position=positions[node], radius=float(radii[node]))
    before = [graph.nodes[first]["position"]] if head else []
    after = [graph.nodes[last]["position"]] if tail else [positions[first]] if closed else []
    points = np.concatenate([np.reshape(part, (-1, 3)) for part in (before, positions[chain], after)])
    graph.add_edge(first, last, points=points, first=first, radius=float(np.median(radii[chain])))

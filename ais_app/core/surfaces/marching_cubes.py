"""Marching cubes (Lorensen and Cline, SIGGRAPH 1987), compiled, in slabs that join exactly.

Vertices lie where the volume crosses the level between two voxels, one per grid edge, shared by all triangles that
meet there. The triangles of the 256 cases are derived from one rule (`_cases`): on every face of a cell, each run of
corners inside is cut off by itself. Both cells at a face see the same corners, so surfaces have no holes.

    slab of planes a…b ──► vertices of planes a…b-1 and between them, triangles of cells a…b-1

Vertices are numbered plane by plane, in the order of the voxels. The vertices of plane b are the first of the next
slab, and this slab numbers them after its own: so the slabs only have to be put one after another.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
from numba import njit

_SLAB = 24  # planes
# A vertex keeps this far from the corners of its cell, voxels: triangles never shrink to nothing
_CLEAR = 1e-3


def marching_cubes(load: Callable[[int, int], np.ndarray], planes: int, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface where a volume crosses a level.

    Parameters
    ----------
    load
        ``load(a, b)``: planes a…b-1 of the volume, (b - a, y, x) float32. Called from several threads.
    planes
        How many there are.
    level
        A voxel of this value or more is inside.

    Returns
    -------
    vertices
        (n, 3) float32, x y z in voxels, 0 at the centre of the first one.
    triangles
        (m, 3) int32; seen from outside, their corners go round counter-clockwise.
    """
    slabs = [(a, min(planes, a + _SLAB + 1)) for a in range(0, max(1, planes - 1), _SLAB)]

    def surface(slab: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        values = np.ascontiguousarray(load(*slab), dtype=np.float32)
        inside = (values >= level).view(np.uint8)
        if not inside.any() or inside.all():
            return np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)
        vertices, triangles = _surface(values, inside, np.float32(level), slab[1] == planes, _CASES, _COUNTS)
        vertices[:, 2] += slab[0]
        return vertices, triangles

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(surface, slabs))
    firsts = np.cumsum([0, *(len(vertices) for vertices, _ in parts)])
    for (_, triangles), first in zip(parts, firsts, strict=False):
        triangles += np.int32(first)
    return np.concatenate([v for v, _ in parts]), np.concatenate([t for _, t in parts])


def _edge(a: int, b: int) -> int:
    """Return the number of the edge between two corners: 0-3 along x, 4-7 along y, 8-11 along z.

    Corner ``4 z + 2 y + x`` of a cell lies at z, y, x of 0 or 1. Along x the edges are numbered by ``2 z + y`` of where
    they lie, along y by ``2 z + x``, along z by ``2 y + x``.
    """
    low, way = min(a, b), a ^ b
    z, y, x = low >> 2 & 1, low >> 1 & 1, low & 1
    return {1: 2 * z + y, 2: 4 + 2 * z + x, 4: 8 + 2 * y + x}[way]


def _cases() -> tuple[np.ndarray, np.ndarray]:
    """Return the triangles of each of the 256 cases, as edges, (256, most, 3) int8, and how many there are, (256,)."""
    faces = []
    for axis, side in product((1, 2, 4), (0, 1)):
        u, v = {1: (2, 4), 2: (4, 1), 4: (1, 2)}[axis]  # u, v, axis are right-handed in x y z
        ring = [0, u, u | v, v] if side else [0, v, u | v, u]  # counter-clockwise seen from outside of the cell
        faces.append([corner | side * axis for corner in ring])
    edges = [{_edge(ring[i - 1], ring[i]) for i in range(4)} for ring in faces]
    triangles: list[list[tuple[int, int, int]]] = []
    for case in range(256):
        following = {}
        for ring in faces:
            inside = [bool(case >> corner & 1) for corner in ring]
            for i in range(4):
                if inside[i] and not inside[(i + 1) % 4]:  # the end of a run of corners inside
                    first = i
                    while inside[first - 1]:
                        first -= 1
                    following[_edge(ring[i], ring[(i + 1) % 4])] = _edge(ring[first - 1], ring[first])
        triangles.append([t for polygon in _polygons(following) for t in _fan(polygon, edges)])
    table = np.zeros((256, max(map(len, triangles)), 3), dtype=np.int8)
    for case, found in enumerate(triangles):
        table[case, : len(found)] = np.array(found, dtype=np.int8).reshape(-1, 3)
    return table, np.array([len(found) for found in triangles], dtype=np.int8)


def _polygons(following: dict[int, int]) -> list[list[int]]:
    """Return the cycles of edges."""
    found = []
    while following:
        cycle = [next(iter(following))]
        while (edge := following.pop(cycle[-1])) != cycle[0]:
            cycle.append(edge)
        found.append(cycle)
    return found


def _fan(polygon: list[int], faces: list[set[int]]) -> list[tuple[int, int, int]]:
    """Cut a polygon into triangles that share a corner.

    A cut must not run within a face of the cell: the cell on the other side could have the same one, and four
    triangles would meet in it.
    """

    def cuts_in_a_face(first: int) -> int:
        others = (polygon[(first + i) % len(polygon)] for i in range(2, len(polygon) - 1))
        return sum(any({polygon[first], other} <= face for face in faces) for other in others)

    first = min(range(len(polygon)), key=cuts_in_a_face)
    turned = polygon[first:] + polygon[:first]
    return [(turned[0], turned[i + 1], turned[i]) for i in range(1, len(turned) - 1)]


_CASES, _COUNTS = _cases()


@njit(cache=True, nogil=True)
def _surface(values, inside, level, is_last, cases, counts):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the vertices, x y z, and triangles of a slab; its last plane belongs to the next one unless `is_last`."""
    nz, ny, nx = values.shape
    n_vertices, n_triangles = _count(inside, is_last, counts)
    vertices = np.empty((n_vertices, 3), dtype=np.float32)
    triangles = np.empty((n_triangles, 3), dtype=np.int32)
    # numbers of the vertices on edges along x and y in the plane below and above, and along z between them
    along_x = np.zeros((2, ny, nx), dtype=np.int32)
    along_y = np.zeros((2, ny, nx), dtype=np.int32)
    along_z = np.zeros((ny, nx), dtype=np.int32)
    numbers = np.zeros(12, dtype=np.int32)
    n = _plane(values, inside, level, 0, along_x[0], along_y[0], vertices, 0)
    m = 0
    for z in range(nz - 1):
        below, above = z % 2, 1 - z % 2
        for y in range(ny):
            for x in range(nx):
                if inside[z, y, x] != inside[z + 1, y, x]:
                    along_z[y, x] = n
                    vertices[n, 0], vertices[n, 1] = x, y
                    vertices[n, 2] = z + _crossing(values[z, y, x], values[z + 1, y, x], level)
                    n += 1
        n = _plane(values, inside, level, z + 1, along_x[above], along_y[above], vertices, n)
        for y in range(ny - 1):
            left = _column(inside, z, y, 0)
            for x in range(nx - 1):
                right = _column(inside, z, y, x + 1)
                if left != right or (left != 0 and left != 85):
                    case = left | right << 1
                    numbers[0], numbers[1] = along_x[below, y, x], along_x[below, y + 1, x]
                    numbers[2], numbers[3] = along_x[above, y, x], along_x[above, y + 1, x]
                    numbers[4], numbers[5] = along_y[below, y, x], along_y[below, y, x + 1]
                    numbers[6], numbers[7] = along_y[above, y, x], along_y[above, y, x + 1]
                    numbers[8], numbers[9] = along_z[y, x], along_z[y, x + 1]
                    numbers[10], numbers[11] = along_z[y + 1, x], along_z[y + 1, x + 1]
                    for k in range(counts[case]):
                        for corner in range(3):
                            triangles[m, corner] = numbers[cases[case, k, corner]]
                        m += 1
                left = right
    return vertices, triangles


@njit(cache=True, nogil=True, inline="always")
def _column(inside, z, y, x):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the four corners of a cell at `x` as bits 0, 2, 4, 6: those of its case where x is 0."""
    return inside[z, y, x] | inside[z, y + 1, x] << 2 | inside[z + 1, y, x] << 4 | inside[z + 1, y + 1, x] << 6


@njit(cache=True, nogil=True, inline="always")
def _crossing(here, there, level):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return where between two voxels the level lies, 0…1."""
    return min(max((level - here) / (there - here), _CLEAR), 1 - _CLEAR)


@njit(cache=True, nogil=True)
def _plane(values, inside, level, z, along_x, along_y, vertices, n):  # type: ignore[no-untyped-def] # pragma: no cover
    """Give numbers, from `n` on, to the vertices on the edges in a plane; store those that there is room for."""
    ny, nx = along_x.shape
    room = len(vertices)
    for y in range(ny):
        for x in range(nx):
            here = inside[z, y, x]
            if x + 1 < nx and inside[z, y, x + 1] != here:
                along_x[y, x] = n
                if n < room:
                    vertices[n, 0] = x + _crossing(values[z, y, x], values[z, y, x + 1], level)
                    vertices[n, 1], vertices[n, 2] = y, z
                n += 1
            if y + 1 < ny and inside[z, y + 1, x] != here:
                along_y[y, x] = n
                if n < room:
                    vertices[n, 1] = y + _crossing(values[z, y, x], values[z, y + 1, x], level)
                    vertices[n, 0], vertices[n, 2] = x, z
                n += 1
    return n


@njit(cache=True, nogil=True)
def _count(inside, is_last, counts):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return how many vertices and triangles a slab owns."""
    nz, ny, nx = inside.shape
    n, m = 0, 0
    for z in range(nz if is_last else nz - 1):
        for y in range(ny):
            for x in range(nx):
                here = inside[z, y, x]
                n += x + 1 < nx and inside[z, y, x + 1] != here
                n += y + 1 < ny and inside[z, y + 1, x] != here
                n += z + 1 < nz and inside[z + 1, y, x] != here
    for z in range(nz - 1):
        for y in range(ny - 1):
            left = _column(inside, z, y, 0)
            for x in range(nx - 1):
                right = _column(inside, z, y, x + 1)
                m += counts[left | right << 1]
                left = right
    return n, m

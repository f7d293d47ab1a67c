"""Simpler versions of a surface for display, fast and without holding the GIL: vertex clustering with quadrics.

Lindstrom (SIGGRAPH 2000), "Out-of-core simplification of large polygonal models": all vertices in one cell of a grid
become one vertex, at the place that is nearest to the planes of their triangles. Here each piece of the surface has
cells of its own, so that two pieces never grow together and hiding a piece works at every level of detail; and so has
each of six directions of the normal, so that the two sides of a membrane stay apart.

Edge collapse (`mesh.decimated`) makes better triangles from as many, for files; on a million of them it takes seconds,
in which nothing else of the program can run, where this takes a tenth of a second.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from ais_app.core.surfaces.normals import plain, surface_area, triangle_normal

_Surface = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

_TRIES = 8
_FACES_PIECE = 12  # triangles that a piece is worth
_SPARE = 0.7  # of the triangles that are allowed, at least as many are wanted
# how strongly a new vertex is held in the middle of the old ones, against the planes: needed where these are parallel
_HOLD = 1e-2


def clustered(
    vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, of_vertex: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Simplify a surface to at most `most` triangles.

    Parameters
    ----------
    vertices, normals, faces
        (n, 3) float32, Å; (n, 3) float32, outward; (m, 3) int32.
    of_vertex
        (n,) int32: the piece that each vertex belongs to, ascending, as `pieces.largest_first` sorts them.
    most
        Triangles allowed.

    Returns
    -------
    vertices, normals, faces, of_vertex
        The same of the simpler surface, in the same order of pieces; the smallest may be gone. Normals are means of
        those before, not those of the new triangles: it is shaded as the surface that it stands for.
    """
    if len(faces) <= most:
        return vertices, normals, faces, of_vertex
    # a piece needs some triangles to be seen at all: where there are too many pieces the smallest are left out
    pieces = max(1, most // _FACES_PIECE)
    if of_vertex[-1] >= pieces:
        n, m = np.searchsorted(of_vertex, pieces), np.searchsorted(of_vertex[faces[:, 0]], pieces)
        vertices, normals, faces, of_vertex = vertices[:n], normals[:n], faces[:m], of_vertex[:n]
        if m <= most:
            return vertices, normals, faces, of_vertex
    best = _fitted(vertices, normals, faces, of_vertex, _groups(normals, of_vertex), most)
    if best is None:  # a rough surface, with all directions of the normal everywhere
        best = _fitted(vertices, normals, faces, of_vertex, of_vertex.astype(np.int64), most)
    if best is None:
        return vertices[:0], normals[:0], faces[:0], of_vertex[:0]
    vertices, normals, faces, of_vertex = map(plain, best)
    return vertices, normals, faces, of_vertex


def _fitted(
    vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, of_vertex: np.ndarray, group: np.ndarray, most: int
) -> _Surface | None:
    """Return the surface with the smallest cells found of which at most `most` triangles are left."""
    cell = float(np.sqrt(2.2 * surface_area(vertices, faces) / most))
    best = None
    for _ in range(_TRIES):
        found: _Surface = _clustered(vertices, normals, faces, of_vertex, group, cell)
        count = len(found[2])
        if count <= most and (best is None or count > len(best[2])):
            best = found
        if _SPARE * most <= count <= most:
            break
        # the number of triangles falls with the square of the cell
        cell *= float(np.clip(np.sqrt(max(count, 1) / (0.87 * most)), 0.5, 4.0))
    return None if best is None else _without_unused(*best)


def _without_unused(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, of_vertex: np.ndarray) -> _Surface:
    """Return the surface without the vertices that have no triangle."""
    used = np.zeros(len(vertices), dtype=bool)
    used[faces.ravel()] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    return vertices[used], normals[used], number[faces].astype(np.int32, copy=False), of_vertex[used]


@njit(cache=True, nogil=True)
def _groups(normals, of_vertex):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return a number for each piece and direction of the normal: along ±x, ±y, ±z, whichever is nearest."""
    group = np.empty(len(normals), dtype=np.int64)
    for i in range(len(normals)):
        axis, largest = 0, np.float32(0)
        for k in range(3):
            if abs(normals[i, k]) > largest:
                axis, largest = k, abs(normals[i, k])
        group[i] = 6 * np.int64(of_vertex[i]) + 2 * axis + (normals[i, axis] > 0)
    return group


@njit(cache=True, nogil=True)
def _clustered(vertices, normals, faces, of_vertex, group, cell):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return vertices, normals, faces and pieces after one clustering with cells of that length."""
    cluster, first = _clusters(vertices, group, cell)
    k = len(first)
    middle, members = np.zeros((k, 3)), np.zeros(k)
    new_normals = np.zeros((k, 3), dtype=np.float32)
    for i in range(len(vertices)):
        members[cluster[i]] += 1
        for axis in range(3):
            middle[cluster[i], axis] += vertices[i, axis]
            new_normals[cluster[i], axis] += normals[i, axis]
    for j in range(k):
        x, y, z = new_normals[j, 0], new_normals[j, 1], new_normals[j, 2]
        length = max(np.sqrt(x * x + y * y + z * z), 1e-9)
        for axis in range(3):
            middle[j, axis] /= members[j]
            new_normals[j, axis] /= length
    quadrics = _quadrics(vertices, faces, cluster, middle)
    new = np.empty((k, 3), dtype=np.float32)
    new_of = np.empty(k, dtype=np.int32)
    for j in range(k):
        new_of[j] = of_vertex[first[j]]
        move = _nearest(quadrics[j])
        for axis in range(3):
            new[j, axis] = middle[j, axis] + min(max(move[axis], -cell / 2), cell / 2)
    return new, new_normals, _kept(faces, cluster, k), new_of


@njit(cache=True, nogil=True)
def _kept(faces, cluster, k):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the triangles between three different ones of `k` clusters, each once, in their order."""
    kept = np.empty_like(faces)
    n = 0
    for m in range(len(faces)):
        a, b, c = cluster[faces[m, 0]], cluster[faces[m, 1]], cluster[faces[m, 2]]
        if a != b and b != c and c != a:
            if b < a and b < c:  # the least first, so that turned ones are the same
                a, b, c = b, c, a
            elif c < a and c < b:
                a, b, c = c, a, b
            kept[n, 0], kept[n, 1], kept[n, 2] = a, b, c
            n += 1
    seen = np.full(_table_size(n), -1, dtype=np.int64)
    unique = 0
    for m in range(n):
        key = (np.int64(kept[m, 0]) * k + kept[m, 1]) * k + kept[m, 2]
        slot = _slot(key, len(seen))
        while seen[slot] != -1 and seen[slot] != key:
            slot = (slot + 1) & (len(seen) - 1)
        if seen[slot] == -1:
            seen[slot] = key
            kept[unique, 0], kept[unique, 1], kept[unique, 2] = kept[m, 0], kept[m, 1], kept[m, 2]
            unique += 1
    return kept[:unique].copy()


@njit(cache=True, nogil=True)
def _table_size(entries):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the size of a hash table with room for so many: a power of two."""
    size = 16
    while size < 2 * entries:
        size *= 2
    return size


@njit(cache=True, nogil=True)
def _slot(key, size):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return where a key belongs in a hash table; neighbours are scattered."""
    key ^= key >> 31
    key *= 7046029254386353131
    key ^= key >> 29
    return key & (size - 1)


@njit(cache=True, nogil=True)
def _clusters(vertices, group, cell):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the cluster of each vertex, numbered in the order of their first vertices, and these."""
    n = len(vertices)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(n):
        for axis in range(3):
            low[axis] = min(low[axis], vertices[i, axis])
            high[axis] = max(high[axis], vertices[i, axis])
    nx, ny = np.int64((high[0] - low[0]) / cell) + 1, np.int64((high[1] - low[1]) / cell) + 1
    nz = np.int64((high[2] - low[2]) / cell) + 1
    size = _table_size(n)
    keys, values = np.full(size, -1, dtype=np.int64), np.empty(size, dtype=np.int32)
    cluster, first = np.empty(n, dtype=np.int32), np.empty(n, dtype=np.int32)
    found = 0
    for i in range(n):
        x, y = np.int64((vertices[i, 0] - low[0]) / cell), np.int64((vertices[i, 1] - low[1]) / cell)
        z = np.int64((vertices[i, 2] - low[2]) / cell)
        key = ((np.int64(group[i]) * nz + z) * ny + y) * nx + x
        slot = _slot(key, size)
        while keys[slot] != -1 and keys[slot] != key:
            slot = (slot + 1) & (size - 1)
        if keys[slot] == -1:
            keys[slot], values[slot] = key, found
            first[found] = i
            found += 1
        cluster[i] = values[slot]
    return cluster, first[:found].copy()


@njit(cache=True, nogil=True)
def _quadrics(vertices, faces, cluster, middle):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return for each cluster the sums of a² ab ac b² bc c² ad bd cd over its planes ax + by + cz + d = 0, (k, 9).

    x y z count from the middle of the cluster; each plane has the weight of the area of its triangle squared.
    """
    sums = np.zeros((len(middle), 9))
    for m in range(len(faces)):
        a, b, c = triangle_normal(vertices, faces[m, 0], faces[m, 1], faces[m, 2])
        i = faces[m, 0]
        for corner in range(3):
            j = cluster[faces[m, corner]]
            d = -(
                a * (vertices[i, 0] - middle[j, 0])
                + b * (vertices[i, 1] - middle[j, 1])
                + c * (vertices[i, 2] - middle[j, 2])
            )
            q = sums[j]
            q[0] += a * a
            q[1] += a * b
            q[2] += a * c
            q[3] += b * b
            q[4] += b * c
            q[5] += c * c
            q[6] += a * d
            q[7] += b * d
            q[8] += c * d
    return sums


@njit(cache=True, nogil=True)
def _nearest(q):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the point nearest to all planes of a quadric, held near 0 by a small weight; Cramer's rule."""
    hold = _HOLD * (q[0] + q[3] + q[5]) + 1e-30
    a, b, c, d, e, f = q[0] + hold, q[1], q[2], q[3] + hold, q[4], q[5] + hold
    x, y, z = -q[6], -q[7], -q[8]
    ca, cb, cc = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * ca + b * cb + c * cc
    if determinant <= 0:
        return 0.0, 0.0, 0.0
    cd, ce, cf = a * f - c * c, b * c - a * e, a * d - b * b
    return (
        (ca * x + cb * y + cc * z) / determinant,
        (cb * x + cd * y + ce * z) / determinant,
        (cc * x + ce * y + cf * z) / determinant,
    )

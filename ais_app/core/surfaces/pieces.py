"""Connected pieces of a surface and the voxels inside each, from the surface alone; compiled, without holding the GIL.

Two voxels of one component (26 neighbours) are in one run along x, or in one cell that the surface passes through, or
joined by a chain of both. So it is enough to join the vertices

    of a triangle  +  of all triangles in one cell  +  at the two ends of a run of voxels along x

The last joins cavities to the surface around them. A run from voxel s to voxel e has its ends between s - 1 and s and
between e and e + 1, and the difference of the two is its number of voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from ais_app.core.surfaces.normals import plain


@dataclass(frozen=True)
class Pieces:
    """The connected components of the voxels inside a closed surface.

    Parameters
    ----------
    of_vertex
        (n,) int32, which piece each vertex belongs to: 0…k-1, in the order of their first vertices.
    voxel_counts
        (k,) int64, voxels inside; those of cavities are not counted.
    """

    of_vertex: np.ndarray
    voxel_counts: np.ndarray


def pieces(vertices_voxels: np.ndarray, faces: np.ndarray) -> Pieces:
    """Find the pieces of a surface as `marching_cubes` returns it, before anything moves or reorders its vertices.

    Parameters
    ----------
    vertices_voxels
        (n, 3) float32, x y z in voxels. The surface must be closed: nothing inside touches the end of the volume.
    faces
        (m, 3) int32.

    Returns
    -------
    Pieces
        The same components as `labelling.components` with 26 neighbours finds among the voxels at or above the level.
    """
    of_vertex, counts = _pieces(vertices_voxels, faces)
    return Pieces(plain(of_vertex), plain(counts))


def largest_first(
    vertices: np.ndarray, faces: np.ndarray, found: Pieces
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sort a surface by its pieces, the one with most voxels first, otherwise keeping the order.

    Hiding small pieces is then a matter of drawing fewer triangles from the start.

    Returns
    -------
    vertices, faces
        The same surface, renumbered; copies.
    of_vertex
        (n,) int32, ascending: 0 for the largest piece.
    order
        (k,) the piece in `found` that each one was.
    """
    order = np.argsort(-found.voxel_counts, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    vertices, faces, of_vertex = map(plain, _sorted(vertices, faces, rank[found.of_vertex], len(order)))
    return vertices, faces, of_vertex, order


def ends(of_vertex: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many vertices, and how many faces, the first 1…`count` pieces of a sorted surface have: two (k,)."""
    of_face = of_vertex[faces[:, 0]] if len(faces) else np.empty(0, np.int32)
    vertex_ends, face_ends = (np.cumsum(np.bincount(of, minlength=count)) for of in (of_vertex, of_face))
    return vertex_ends, face_ends


@njit(cache=True, nogil=True)
def _root(parent, i):  # type: ignore[no-untyped-def] # pragma: no cover
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, nogil=True)
def _join(parent, i, j):  # type: ignore[no-untyped-def] # pragma: no cover
    """Join two; the smaller number becomes the root."""
    i, j = _root(parent, i), _root(parent, j)
    if i < j:
        parent[j] = i
    elif j < i:
        parent[i] = j


@njit(cache=True, nogil=True)
def _pieces(vertices, faces):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the piece of each vertex and the voxels of each piece; see the top of the module."""
    n = len(vertices)
    parent = np.arange(n, dtype=np.int32)
    cell = np.zeros(3, dtype=np.int64)
    for m in range(len(faces)):
        a, b, c = faces[m, 0], faces[m, 1], faces[m, 2]
        _join(parent, a, b)
        _join(parent, a, c)
        same = m > 0
        for axis in range(3):
            # in float64: the middle of a triangle lies inside of its cell by a hair only
            middle = np.float64(vertices[a, axis]) + np.float64(vertices[b, axis]) + np.float64(vertices[c, axis])
            at = np.int64(np.floor(middle / 3))
            same = same and at == cell[axis]
            cell[axis] = at
        if same:
            _join(parent, a, faces[m - 1, 0])
    # runs of voxels: vertices between two voxels along x come row by row, beginnings and ends in turn
    run = np.zeros(n, dtype=np.int32)
    first = -1
    for i in range(n):
        x, y, z = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        if y == np.floor(y) and z == np.floor(z):
            if first < 0:
                first = i
                run[i] = -np.int32(np.floor(x))
            else:
                _join(parent, first, i)
                run[i] = np.int32(np.floor(x))
                first = -1
    of_vertex = np.empty(n, dtype=np.int32)
    found = 0
    for i in range(n):
        root = _root(parent, i)
        if root == i:
            of_vertex[i] = found
            found += 1
        else:
            of_vertex[i] = of_vertex[root]
    counts = np.zeros(found, dtype=np.int64)
    for i in range(n):
        counts[of_vertex[i]] += run[i]
    return of_vertex, counts


@njit(cache=True, nogil=True)
def _sorted(vertices, faces, keys, count):  # type: ignore[no-untyped-def] # pragma: no cover
    """Sort vertices, and faces by their first corner, by counting the keys of the vertices, 0…count-1."""
    n, m = len(vertices), len(faces)
    at, face_at = np.zeros(count + 1, dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    for i in range(n):
        at[keys[i] + 1] += 1
    for j in range(m):
        face_at[keys[faces[j, 0]] + 1] += 1
    for k in range(count):
        at[k + 1] += at[k]
        face_at[k + 1] += face_at[k]
    number = np.empty(n, dtype=np.int32)
    new_vertices, new_keys = np.empty_like(vertices), np.empty_like(keys)
    for i in range(n):
        new = at[keys[i]]
        at[keys[i]] += 1
        number[i] = new
        for axis in range(3):
            new_vertices[new, axis] = vertices[i, axis]
        new_keys[new] = keys[i]
    new_faces = np.empty_like(faces)
    for j in range(m):
        key = keys[faces[j, 0]]
        new = face_at[key]
        face_at[key] += 1
        for corner in range(3):
            new_faces[new, corner] = number[faces[j, corner]]
    return new_vertices, new_faces, new_keys

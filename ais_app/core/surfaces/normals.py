"""Normals of triangles and vertices, compiled, without holding the GIL."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def triangle_normal(vertices, a, b, c):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the outward normal of a triangle, x y z, whose length is twice the area."""
    ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
    vx, vy, vz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
    return np.float64(uy * vz - uz * vy), np.float64(uz * vx - ux * vz), np.float64(ux * vy - uy * vx)


@njit(cache=True, nogil=True)
def surface_area(vertices, faces):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return the area of all triangles, in the unit of `vertices` squared."""
    total = 0.0
    for m in range(len(faces)):
        x, y, z = triangle_normal(vertices, faces[m, 0], faces[m, 1], faces[m, 2])
        total += np.sqrt(x * x + y * y + z * z) / 2
    return total


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the outward unit normals of vertices: the mean over their triangles, weighted with area.

    Parameters
    ----------
    vertices
        (n, 3) float32, x y z.
    faces
        (m, 3) int32, counter-clockwise seen from outside.

    Returns
    -------
    ndarray
        (n, 3) float32; (0, 0, 1) where there is none.
    """
    return plain(_vertex_normals(vertices, faces))


def plain(array: np.ndarray) -> np.ndarray:
    """Return the same array with numpy's own type object.

    Arrays made in compiled code carry an equal copy of it, which vispy takes for a structured type.
    """
    return array.view(array.dtype.type)


@njit(cache=True, nogil=True)
def _vertex_normals(vertices, faces):  # type: ignore[no-untyped-def] # pragma: no cover
    normals = np.zeros((len(vertices), 3), dtype=np.float32)
    for m in range(len(faces)):
        x, y, z = triangle_normal(vertices, faces[m, 0], faces[m, 1], faces[m, 2])
        for corner in range(3):
            i = faces[m, corner]
            normals[i, 0] += x
            normals[i, 1] += y
            normals[i, 2] += z
    for i in range(len(vertices)):
        length = np.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2)
        if length > 0:
            normals[i] /= length
        else:
            normals[i, 2] = 1
    return normals

"""What is drawn at every pick: a ball, an arrow along its z axis, or the surface of a map, each at several levels.

A glyph lies around (0, 0, 0), its z axis up, in Å; `instances` turns and moves it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.surfaces.clustering import clustered
from ais_app.core.surfaces.mesh import in_frame, voxel_surface
from ais_app.core.surfaces.normals import vertex_normals
from ais_app.core.tomogram import ZYX, LazyArray

_MAP_FACES = (20_000, 2_000, 300)
_BALLS = (3, 2, 1, 0)  # subdivisions of an icosahedron: 1280, 320, 80, 20 triangles
_SIDES = (24, 12, 6)  # of an arrow


@dataclass(frozen=True)
class Shape:
    """A shape at one level of detail.

    Parameters
    ----------
    vertices_xyz, normals_xyz
        (n, 3) float32, Å, and unit length.
    faces
        (m, 3) int32, counter-clockwise seen from outside.
    """

    vertices_xyz: np.ndarray
    normals_xyz: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True)
class Glyph:
    """A shape at several levels of detail, the finest first."""

    levels: tuple[Shape, ...]

    def level_for(self, copies: int, most: int | None) -> Shape:
        """Return the finest level of which `copies` have at most `most` triangles; the coarsest where none fits."""
        if most is None:
            return self.levels[0]
        return next((level for level in self.levels if copies * len(level.faces) <= most), self.levels[-1])


def ball(diameter: float) -> Glyph:
    """Return a ball; `diameter` is Å."""
    import trimesh

    levels = []
    for subdivisions in _BALLS:
        shape = trimesh.creation.icosphere(subdivisions=subdivisions, radius=1.0)
        normals = shape.vertices.astype(np.float32)
        levels.append(Shape(normals * np.float32(diameter / 2), normals, shape.faces.astype(np.int32)))
    return Glyph(tuple(levels))


def arrow(length: float, width: float | None = None) -> Glyph:
    """Return an arrow from the centre of the particle along its z axis; Å; `width` of the head is a third of it."""
    head = (length / 3 if width is None else width) / 2
    shaft, neck = 0.4 * head, length - min(2.5 * head, 0.6 * length)
    # radius and height from the bottom to the tip
    profile = np.array([[0, 0], [shaft, 0], [shaft, neck], [head, neck], [0, length]], dtype=float)
    return Glyph(tuple(_turned_profile(profile, sides) for sides in _SIDES))


def map_surface(density: LazyArray, voxel_size_zyx: ZYX, level: float) -> Glyph:
    """Return the surface of a map, such as an average.

    Parameters
    ----------
    density
        (z, y, x); voxel ``n // 2`` of each axis is the centre of the particle.
    voxel_size_zyx
        Å.
    level
        Density at which the surface lies.

    Raises
    ------
    ParameterProblem
        The level is not positive, or no voxel reaches it.
    """
    if not level > 0:
        raise ParameterProblem("level", f"{level:g} is not above 0", "invert the map if particles are dark in it")
    vertices, faces = voxel_surface(density, level)
    if not len(faces):
        highest = float(np.max(density[...]))
        raise ParameterProblem("level", f"no voxel of the map reaches {level:g}; the highest is {highest:.3g}")
    z, y, x = (-(n // 2) * s for n, s in zip(density.shape, voxel_size_zyx, strict=True))
    vertices = in_frame(vertices, voxel_size_zyx, (z, y, x))
    normals, pieces = vertex_normals(vertices, faces), np.zeros(len(vertices), dtype=np.int32)
    levels = [Shape(vertices, normals, faces)]
    for most in _MAP_FACES:
        if len(levels[-1].faces) > most:
            levels.append(Shape(*clustered(vertices, normals, faces, pieces, most)[:3]))
    return Glyph(tuple(levels))


def _turned_profile(profile: np.ndarray, sides: int) -> Shape:
    """Return what a profile, (k, 2) radius and height, sweeps around z, with an edge at each of its corners.

    Each stretch of the profile has two rings of vertices of its own, so that shading is smooth around it only.
    """
    angle = 2 * np.pi * np.arange(sides) / sides
    around = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    here, there = np.arange(sides), np.roll(np.arange(sides), -1)
    vertices, normals, faces = [], [], []
    for number, ((r0, z0), (r1, z1)) in enumerate(zip(profile[:-1], profile[1:], strict=True)):
        out, up = np.array([z1 - z0, r0 - r1]) / np.hypot(z1 - z0, r1 - r0)
        for radius, height in ((r0, z0), (r1, z1)):
            vertices.append(np.column_stack([radius * around, np.full(sides, height)]))
            normals.append(np.column_stack([out * around, np.full(sides, up)]))
        low, high = 2 * number * sides, (2 * number + 1) * sides
        if r0 > 0:
            faces.append(np.column_stack([low + here, low + there, high + here]))
        if r1 > 0:
            faces.append(np.column_stack([low + there, high + there, high + here]))
    stacked = np.concatenate(vertices).astype(np.float32), np.concatenate(normals).astype(np.float32)
    return Shape(*stacked, np.concatenate(faces).astype(np.int32))

"""Picks in the scene: where each is and how it is turned, for drawing by instances or as one mesh.

A point p of the glyph of particle i, x y z in Å, lies at ``R_i p + t_i`` in the scene: R turns the reference into the
particle, as everywhere (`core.geometry`), and t is its position in the frame of the tomogram's header.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ais_app.core.particle_set import Particles
from ais_app.core.scene.glyphs import Glyph
from ais_app.core.tomogram import ZYX


@dataclass(frozen=True)
class Merged:
    """All instances as one mesh, for where they cannot be drawn as such, and for files.

    Parameters
    ----------
    vertices_xyz, normals_xyz
        (n, 3) float32.
    faces
        (m, 3) int32.
    faces_each
        How many triangles each pick has, in the order of the picks.
    """

    vertices_xyz: np.ndarray
    normals_xyz: np.ndarray
    faces: np.ndarray
    faces_each: int

    def pick_of(self, face: int) -> int:
        """Return the pick that a triangle belongs to."""
        return face // self.faces_each


@dataclass(frozen=True)
class Instances:
    """Where the picks are and how they are turned.

    Parameters
    ----------
    positions_xyz
        (n, 3) float32, Å, in the frame of the tomogram's header.
    rotations
        (n, 3, 3) float32, of x y z columns: what vispy's ``InstancedMesh`` takes as ``instance_transforms``.
    """

    positions_xyz: np.ndarray
    rotations: np.ndarray

    def __len__(self) -> int:
        return len(self.positions_xyz)

    def matrices(self, scale: float = 1.0) -> np.ndarray:
        """Return (n, 4, 4) float32 that act on columns (x, y, z, 1) of the glyph; `scale` makes it larger."""
        found = np.zeros((len(self), 4, 4), dtype=np.float32)
        found[:, :3, :3] = self.rotations * np.float32(scale)
        found[:, :3, 3] = self.positions_xyz
        found[:, 3, 3] = 1
        return found

    def merged(self, glyph: Glyph, most: int | None = None) -> Merged:
        """Return all picks as one mesh of at most `most` triangles, as far as the coarsest level allows."""
        shape = glyph.level_for(len(self), most)
        count = len(shape.vertices_xyz)
        turned = shape.vertices_xyz @ self.rotations.transpose(0, 2, 1)
        turned += self.positions_xyz[:, None]
        normals = shape.normals_xyz @ self.rotations.transpose(0, 2, 1)
        faces = shape.faces[None] + (count * np.arange(len(self), dtype=np.int32))[:, None, None]
        return Merged(turned.reshape(-1, 3), normals.reshape(-1, 3), faces.reshape(-1, 3), len(shape.faces))


def instances(particles: Particles, first_voxel_zyx: ZYX = (0.0, 0.0, 0.0)) -> Instances:
    """Return the instances of a set of picks.

    Parameters
    ----------
    particles
        Of one tomogram; without rotations none is turned.
    first_voxel_zyx
        Å; where the centre of the tomogram's first voxel lies in the scene (`surfaces.mesh.first_voxel_zyx`).
    """
    positions = (particles.positions_zyx + np.array(first_voxel_zyx))[:, ::-1]
    if particles.rotations is None:
        rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (len(particles), 3, 3))
    else:
        rotations = particles.rotations.astype(np.float32)
    return Instances(np.ascontiguousarray(positions, dtype=np.float32), np.ascontiguousarray(rotations))

"""What a click in the scene or on a slice means: which pick, where on a surface, and the set with one more or fewer.

Positions in the scene are x y z in its frame; particles keep z y x from the centre of voxel (0, 0, 0). Everything here
is computed from the picks themselves, not from what was drawn: fifty thousand of them take about a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles


@dataclass(frozen=True)
class SurfaceHit:
    """Where a ray meets a surface.

    Parameters
    ----------
    point_xyz
        (3,) Å.
    normal_xyz
        (3,) unit length, outward: what the z axis of a particle on this surface is turned to
        (`picking.orientation.rotations_to`).
    face
        Index of the triangle.
    """

    point_xyz: np.ndarray
    normal_xyz: np.ndarray
    face: int


def nearest_to_ray(
    positions_xyz: np.ndarray,
    origin_xyz: np.ndarray,
    direction_xyz: np.ndarray,
    *,
    radius: float | np.ndarray = 0.0,
    tolerance: float = 0.0,
    widening: float = 0.0,
) -> int | None:
    """Return the pick that a click points at.

    Parameters
    ----------
    positions_xyz
        (n, 3) Å.
    origin_xyz, direction_xyz
        (3,) the ray: from the eye, or for a parallel view from anywhere behind it; any length of direction.
    radius
        Å, one or (n,): how large the picks are drawn. Of those that the ray hits, the front one is taken.
    tolerance, widening
        How far beside a pick a click may be if it hits none: Å at the origin, and Å more for each Å along the ray. In a
        perspective view that is ``widening = 2 tan(fov / 2) pixels / height``.

    Returns
    -------
    int or None
        Its index; ``None`` where no pick is near.
    """
    origin, direction = np.asarray(origin_xyz, dtype=float), _unit(direction_xyz)
    away = np.asarray(positions_xyz, dtype=float).reshape(-1, 3) - origin
    along = away @ direction
    beside = np.sqrt(np.maximum((away**2).sum(axis=1) - along**2, 0))
    in_front = along >= 0
    hit = in_front & (beside <= radius)
    if hit.any():
        # where the ray enters the sphere
        depth = along - np.sqrt(np.maximum(np.square(radius) - beside**2, 0))
        return int(np.argmin(np.where(hit, depth, np.inf)))
    near = in_front & (beside - radius <= tolerance + widening * along)
    return int(np.argmin(np.where(near, beside - radius, np.inf))) if near.any() else None


def nearest_on_slice(
    positions_zyx: np.ndarray,
    point_zyx: np.ndarray,
    *,
    axis: int = 0,
    radius: float | np.ndarray = 0.0,
    tolerance: float = 0.0,
) -> int | None:
    """Return the pick nearest to a point on a slice, among those that the slice cuts.

    Parameters
    ----------
    positions_zyx
        (n, 3) Å.
    point_zyx
        (3,) Å; its coordinate along `axis` is that of the slice.
    axis
        0, 1 or 2: the slice is perpendicular to z, y or x.
    radius
        Å, one or (n,): a pick is shown on slices up to this far from it, as a ring of the size of its section.
    tolerance
        Å; how far outside of the ring a click may be.
    """
    away = np.asarray(positions_zyx, dtype=float).reshape(-1, 3) - np.asarray(point_zyx, dtype=float)
    height = np.abs(away[:, axis])
    in_plane = np.linalg.norm(np.delete(away, axis, axis=1), axis=1)
    ring = np.sqrt(np.maximum(np.square(radius) - height**2, 0))
    near = (height <= radius) & (in_plane <= ring + tolerance)
    return int(np.argmin(np.where(near, in_plane, np.inf))) if near.any() else None


def ray_meets_plane(
    origin_xyz: np.ndarray, direction_xyz: np.ndarray, point_xyz: np.ndarray, normal_xyz: np.ndarray
) -> np.ndarray | None:
    """Return where a ray meets a plane, (3,) x y z, in front of its origin; ``None`` where it does not."""
    origin, direction, normal = np.asarray(origin_xyz, dtype=float), _unit(direction_xyz), _unit(normal_xyz)
    slope = direction @ normal
    if abs(slope) < 1e-9:
        return None
    along = (np.asarray(point_xyz, dtype=float) - origin) @ normal / slope
    return origin + along * direction if along >= 0 else None


def ray_meets_surface(
    origin_xyz: np.ndarray, direction_xyz: np.ndarray, vertices_xyz: np.ndarray, faces: np.ndarray
) -> SurfaceHit | None:
    """Return where a ray first meets a surface; ``None`` where it does not.

    Möller and Trumbore (Journal of Graphics Tools 2, 21, 1997) on every triangle, of both sides: some 10 ms a million.
    """
    origin, direction = np.asarray(origin_xyz, dtype=float), _unit(direction_xyz)
    along, face = _first_hit(origin, direction, vertices_xyz, faces)
    if face < 0:
        return None
    a, b, c = vertices_xyz[faces[face]].astype(float)
    return SurfaceHit(origin + along * direction, _unit(np.cross(b - a, c - a)), int(face))


def with_pick(particles: Particles, position_zyx: np.ndarray, rotation: np.ndarray | None = None) -> Particles:
    """Return the set with one more pick at its end.

    Parameters
    ----------
    particles
        The set; where it has rotations the new pick gets one too, and where it has scores, the highest: a person chose
        it. Columns of its table are empty for the new pick.
    position_zyx
        (3,) Å.
    rotation
        (3, 3) of x y z columns; none turned where ``None``.
    """
    position = np.asarray(position_zyx, dtype=float)
    if position.shape != (3,) or not np.isfinite(position).all():
        raise ParameterProblem("position", f"{position_zyx} is no place", "give z, y, x in Å")
    turned = np.eye(3) if rotation is None else np.asarray(rotation, dtype=float)
    if not len(particles):
        rotations = None if rotation is None else turned[None]
        names = particles.names or [""]
        return replace(
            particles,
            positions_zyx=position[None],
            rotations=rotations,
            scores=None,
            tomograms=np.array(names[:1], dtype=object),
            table=particles.table.reindex(range(1)),
        )
    scores = None if particles.scores is None else np.append(particles.scores, np.max(particles.scores))
    return replace(
        particles,
        positions_zyx=np.vstack([particles.positions_zyx, position]),
        rotations=None if particles.rotations is None else np.concatenate([particles.rotations, turned[None]]),
        scores=scores,
        tomograms=np.append(particles.tomograms, particles.tomograms[-1]),
        table=particles.table.reset_index(drop=True).reindex(range(len(particles) + 1)),
    )


def without_picks(particles: Particles, chosen: np.ndarray) -> Particles:
    """Return the set without the chosen picks: their indices, or a mask (n,)."""
    kept = np.ones(len(particles), dtype=bool)
    kept[np.asarray(chosen)] = False
    return particles[kept]


def moved_pick(particles: Particles, index: int, position_zyx: np.ndarray) -> Particles:
    """Return the set with one pick in another place, (3,) Å z y x."""
    positions = particles.positions_zyx.copy()
    positions[index] = position_zyx
    return replace(particles, positions_zyx=positions)


def _unit(vector: np.ndarray) -> np.ndarray:
    vector = np.asarray(vector, dtype=float)
    length = np.linalg.norm(vector)
    if vector.shape != (3,) or not 0 < length < np.inf:
        raise ParameterProblem("direction", f"{vector} has no direction", "give three numbers that are not all 0")
    return vector / length


@njit(cache=True, nogil=True)
def _first_hit(origin, direction, vertices, faces):  # type: ignore[no-untyped-def] # pragma: no cover
    """Return how far along the ray the first triangle is, and which; infinite and -1 where there is none."""
    best, face = np.inf, -1
    dx, dy, dz = direction
    for m in range(len(faces)):
        a, b, c = faces[m]
        ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
        ux, uy, uz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
        vx, vy, vz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
        px, py, pz = dy * vz - dz * vy, dz * vx - dx * vz, dx * vy - dy * vx
        determinant = ux * px + uy * py + uz * pz
        if determinant == 0:
            continue
        sx, sy, sz = origin[0] - ax, origin[1] - ay, origin[2] - az
        first = (sx * px + sy * py + sz * pz) / determinant
        if first < 0 or first > 1:
            continue
        qx, qy, qz = sy * uz - sz * uy, sz * ux - sx * uz, sx * uy - sy * ux
        second = (dx * qx + dy * qy + dz * qz) / determinant
        if second < 0 or first + second > 1:
            continue
        along = (vx * qx + vy * qy + vz * qz) / determinant
        if 0 <= along < best:
            best, face = along, m
    return best, face

"""What the parts of a stack must be to fit each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.wedge import Wedge


def poses_of(particles: Particles) -> Poses:
    """Return the poses that particles have by themselves: their rotations, no shifts, unturned where not known."""
    if particles.rotations is None:
        poses = Poses.unturned(len(particles))
    else:
        poses = Poses.of(particles.rotations)
    return poses if particles.scores is None else Poses(poses.rotations, poses.shifts_zyx, np.asarray(particles.scores))


def check_parts(
    shape: tuple[int, ...],
    particles: Particles,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    voxel_size: float,
    poses: Poses | None = None,
    classes: np.ndarray | None = None,
) -> None:
    """Raise `ParameterProblem` where the parts of a stack do not fit each other."""
    if len(shape) != 4 or len(set(shape[1:])) != 1:
        raise ParameterProblem("cubes", f"an array of shape {shape} holds no cubes (n, e, e, e)")
    if shape[0] == 0:
        raise ParameterProblem("particles", "there are none", "a stack needs at least one")
    if shape[1] < 2:
        raise ParameterProblem("box", f"{shape[1]} voxels", "give at least 2")
    check_count("particles", len(particles), shape[0])
    check_count("wedge_of", len(wedge_of), shape[0])
    if min(wedge_of) < 0 or max(wedge_of) >= len(wedges):
        raise ParameterProblem("wedge_of", f"it names wedge {max(wedge_of)} of {len(wedges)}")
    if not np.isfinite(voxel_size) or voxel_size <= 0:
        raise ParameterProblem("voxel_size", f"{voxel_size} Å", "give the size of the voxels")
    if poses is not None:
        check_count("poses", len(poses), shape[0])
    if classes is not None:
        known_classes(classes, shape[0])


def known_classes(classes: np.ndarray, count: int) -> np.ndarray:
    """Return classes as integers, (count,), or raise `ParameterProblem`."""
    check_count("classes", len(classes), count)
    return np.asarray(classes, dtype=np.int64)


def check_count(what: str, given: int, count: int) -> None:
    """Raise `ParameterProblem` where there are not as many as cubes."""
    if given != count:
        raise ParameterProblem(what, f"there are {given:,} for {count:,} cubes")

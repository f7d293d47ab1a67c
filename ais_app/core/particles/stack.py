"""Stacks: many subtomograms with their particles, wedges, poses and classes in one Zarr folder.

    NAME.zarr/
        zarr.json          Zarr 3 group; what the stack is, in its attributes
        cubes/             Zarr 3 array (n, e, e, e) float32, one plain file a cube
        particles.star     where each cube was cut (its central voxel), and all columns of the picks
        wedges.json        the wedges, and which of them each cube has
        poses.npz          where the reference lies in each cube
        classes.npy        only where cubes have classes

Cubes are bright: density is positive. Poses and classes are replaced without touching the cubes.
docs/formats/subtomograms.md describes every file.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.files import remove_leftovers
from ais_app.core.particle_set import Particles
from ais_app.core.particles import stack_files as files
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack_cubes import CubeFiles
from ais_app.core.particles.stack_parts import check_count, check_parts, known_classes, poses_of
from ais_app.core.particles.stack_writing import StackWriter, create_stack
from ais_app.core.particles.wedge import Wedge
from ais_app.core.tomogram import LazyArray

__all__ = [
    "StackWriter", "SubtomogramStack", "create_stack", "poses_of", "save_classes", "save_poses", "write_stack",
]  # fmt: skip


class SubtomogramStack:
    """Subtomograms and what is known of them; cubes are read when they are asked for.

    Parameters
    ----------
    cubes
        (n, e, e, e) float32, bright: an array, or something that is indexed like one.
    particles
        Where the cubes were cut: positions are their central voxels, ``e // 2``, in Å.
    wedges
        All wedges that occur.
    wedge_of
        (n,) which of them each cube has.
    voxel_size
        Å, of the cubes.
    poses
        Where the reference lies in each cube; if not given the rotations of the particles, without shifts.
    classes
        (n,) int64, -1 for none; ``None`` where no cube has a class.
    path
        The folder; ``None`` in memory.
    notes
        How the cubes were made: contrast, normalisation, fill.

    Raises
    ------
    ParameterProblem
        There is no cube, they are no cubes, or their number is not that of the particles, wedges or classes.
    """

    def __init__(
        self,
        cubes: LazyArray,
        particles: Particles,
        wedges: Sequence[Wedge],
        wedge_of: np.ndarray,
        voxel_size: float,
        poses: Poses | None = None,
        classes: np.ndarray | None = None,
        path: Path | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        check_parts(cubes.shape, particles, wedges, wedge_of, voxel_size, poses, classes)
        self.cubes = cubes
        self.wedges = tuple(wedges)
        self.wedge_of = np.asarray(wedge_of, dtype=np.int64)
        self.voxel_size = float(voxel_size)
        self.classes = None if classes is None else np.asarray(classes, dtype=np.int64)
        self.path = path
        self.notes = dict(notes or {})
        self.particles = particles
        self.poses = poses_of(particles) if poses is None else poses

    @staticmethod
    def open(path: str | Path) -> SubtomogramStack:
        """Open a folder; no cube is read, and the particles only when they are asked for.

        Raises
        ------
        FileProblem
            It is no stack, is of a newer format, or something in it is missing or damaged.
        """
        return _StackOnDisk(Path(path))

    def __len__(self) -> int:
        return int(self.cubes.shape[0])

    @property
    def edge(self) -> int:
        """Voxels along a cube."""
        return int(self.cubes.shape[1])

    @property
    def rows(self) -> np.ndarray:
        """(n,) int64: the numbers that its cubes have in its folder; of a part of a stack only some."""
        return self.cubes.rows if isinstance(self.cubes, CubeFiles) else np.arange(len(self))

    def empty(self) -> np.ndarray:
        """Return a mask, (n,), of the cubes that are the same everywhere."""
        if isinstance(self.cubes, CubeFiles):
            return self.cubes.empty()
        return np.array([np.ptp(self.cubes[row]) == 0 for row in range(len(self))])

    def wedge(self, row: int) -> Wedge:
        """Return the wedge of one cube."""
        return self.wedges[int(self.wedge_of[row])]

    def read(self, rows: np.ndarray | slice | Sequence[int] | None = None) -> np.ndarray:
        """Return cubes, (k, e, e, e) float32: those of `rows` (a slice, a mask or indices), or all."""
        chosen = np.arange(len(self))[slice(None) if rows is None else _index(rows)]
        return np.asarray(self.cubes[np.atleast_1d(chosen)], dtype=np.float32)

    def with_poses(self, poses: Poses) -> SubtomogramStack:
        """Return the stack with other poses; nothing is written (see `save_poses`)."""
        check_count("poses", len(poses), len(self))
        changed = copy.copy(self)
        changed.poses = poses
        return changed

    def with_classes(self, classes: np.ndarray | None) -> SubtomogramStack:
        """Return the stack with other classes; nothing is written (see `save_classes`)."""
        changed = copy.copy(self)
        changed.classes = None if classes is None else known_classes(classes, len(self))
        return changed

    def subset(self, rows: np.ndarray | slice | Sequence[int]) -> SubtomogramStack:
        """Return the cubes of `rows` (a slice, a mask or indices) as a stack; their cubes stay unread.

        Raises
        ------
        ParameterProblem
            No row is chosen, or one that is not there.
        """
        try:
            chosen = np.atleast_1d(np.arange(len(self))[_index(rows)])
        except IndexError as error:
            raise ParameterProblem("rows", f"{error}", f"rows run from 0 to {len(self) - 1}") from error
        cubes = self.cubes.of(chosen) if isinstance(self.cubes, CubeFiles) else self.cubes[chosen]
        return SubtomogramStack(
            cubes,
            self.particles[chosen],
            self.wedges,
            self.wedge_of[chosen],
            self.voxel_size,
            self.poses[chosen],
            None if self.classes is None else self.classes[chosen],
            self.path,
            self.notes,
        )

    def placed(self) -> Particles:
        """Return the particles where their poses put the centre of the reference, with its rotations and scores."""
        return self.poses.of_particles(self.particles, self.voxel_size)


class _StackOnDisk(SubtomogramStack):
    """A stack whose particles and poses are read from its folder when they are first asked for."""

    def __init__(self, path: Path) -> None:
        content = files.read_header(path)
        self.cubes = CubeFiles(path / "cubes", content.edge, np.arange(content.count))
        self.cubes.check()
        self.wedges, self.wedge_of = files.read_wedges(path, content.count)
        self.voxel_size = content.voxel_size
        self.notes = content.notes
        self.path = path
        self._content = content
        self.classes = files.read_classes(path, content.count)

    @cached_property
    def particles(self) -> Particles:  # type: ignore[override]
        assert self.path is not None
        return files.read_stack_particles(self.path, self._content)

    @cached_property
    def poses(self) -> Poses:  # type: ignore[override]
        assert self.path is not None
        return files.read_poses(self.path / "poses.npz", self._content.count)


def write_stack(
    path: str | Path,
    cubes: np.ndarray,
    particles: Particles,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    voxel_size: float,
    classes: np.ndarray | None = None,
    *,
    poses: Poses | None = None,
    notes: Mapping[str, Any] | None = None,
) -> SubtomogramStack:
    """Write cubes, (n, e, e, e), that are in memory, and open the stack; see `create_stack`."""
    check_parts(cubes.shape, particles, wedges, wedge_of, voxel_size, poses, classes)
    edge = int(cubes.shape[-1])
    options: dict[str, Any] = {"poses": poses, "classes": classes, "notes": notes}
    with create_stack(path, edge, particles, wedges, wedge_of, voxel_size, **options) as writer:
        for start in range(0, len(cubes), 64):
            rows = np.arange(start, min(start + 64, len(cubes)))
            writer.write(rows, cubes[start : start + 64])
    return SubtomogramStack.open(path)


def save_poses(path: str | Path, poses: Poses, rows: np.ndarray | None = None) -> None:
    """Replace the poses of the stack at `path`, or of some `rows` (k,) of it, whole or not at all."""
    path = Path(path)
    count = files.read_header(path).count
    check_count("poses", len(poses), count if rows is None else len(rows))
    if rows is not None and len(rows) < count:
        every = files.read_poses(path / "poses.npz", count)
        every.rotations[rows], every.shifts_zyx[rows], every.scores[rows] = vars(poses).values()
        poses = every
    remove_leftovers(path / "poses.npz")
    files.write_poses(path, poses)


def save_classes(path: str | Path, classes: np.ndarray | None) -> None:
    """Replace the classes, (n,) integers, of the stack at `path`, or remove them."""
    path = Path(path)
    count = files.read_header(path).count
    if classes is None:
        (path / "classes.npy").unlink(missing_ok=True)
    else:
        files.write_classes(path, known_classes(classes, count))


def _index(rows: np.ndarray | slice | Sequence[int]) -> np.ndarray | slice:
    if isinstance(rows, slice):
        return rows
    rows = np.asarray(rows)
    return rows if rows.size else rows.astype(np.int64)

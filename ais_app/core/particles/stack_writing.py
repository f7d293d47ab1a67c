"""Writing a stack of subtomograms cube by cube, and going on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.core.particles import stack_files as files
from ais_app.core.particles.poses import Poses
from ais_app.core.particles.stack_cubes import missing_cubes, write_cube
from ais_app.core.particles.stack_parts import check_parts, known_classes, poses_of
from ais_app.core.particles.wedge import Wedge


class StackWriter:
    """Takes the cubes of a stack, in any order.

    Parameters
    ----------
    folder
        Of the cubes.
    count, edge
        How many cubes, and their voxels along an axis.
    """

    def __init__(self, folder: Path, count: int, edge: int) -> None:
        self._folder, self._count, self._edge = folder, count, edge
        self.missing = missing_cubes(folder, count, edge)

    def write(self, rows: np.ndarray | Sequence[int], cubes: np.ndarray) -> None:
        """Store cubes, (k, e, e, e), as those of `rows`.

        Raises
        ------
        ParameterProblem
            A cube has another size, or values that are no numbers.
        """
        cubes = np.asarray(cubes, dtype="<f4")
        if cubes.shape != (len(rows), *(self._edge,) * 3):
            wanted = f"{len(rows)} of {self._edge} voxels"
            raise ParameterProblem("cubes", f"they have the shape {cubes.shape}, not {wanted}")
        for row, cube in zip(rows, cubes, strict=True):
            if not np.isfinite(cube).all():
                raise ParameterProblem("cubes", f"cube {row} holds values that are no numbers (NaN)", "leave it out")
            write_cube(self._folder, int(row), cube)
            self.missing[row] = False


@contextmanager
def create_stack(
    path: str | Path,
    edge: int,
    particles: Particles,
    wedges: Sequence[Wedge],
    wedge_of: np.ndarray,
    voxel_size: float,
    *,
    poses: Poses | None = None,
    classes: np.ndarray | None = None,
    notes: Mapping[str, Any] | None = None,
    resume: str = "",
) -> Iterator[StackWriter]:
    """Write a stack cube by cube; the folder is whole or not there.

    Parameters
    ----------
    path
        The folder, which should end in ``.zarr``; a stack that is there is replaced, anything else is not.
    edge
        Voxels along a cube.
    particles, wedges, wedge_of, voxel_size, poses, classes, notes
        As in `SubtomogramStack`.
    resume
        What the cubes depend on, in one line (a fingerprint). Where it is given, cubes survive a failure in a hidden
        folder beside `path`, and the next writer with the same line finds them no longer among `StackWriter.missing`.

    Raises
    ------
    FileProblem
        `path` is something else than a stack, or cannot be written.
    ParameterProblem
        The parts do not fit each other, or a cube was never written.
    """
    path = Path(path)
    check_parts((len(particles), edge, edge, edge), particles, wedges, wedge_of, voxel_size, poses, classes)
    files.check_replaceable(path)
    part = path.with_name(f".{path.stem}.unfinished{path.suffix}")
    try:
        if not (resume and files.resumable(part, resume)):
            shutil.rmtree(part, ignore_errors=True)
            content = files.Header(len(particles), edge, float(voxel_size), dict(notes or {}), dict(particles.shapes))
            files.write_header(part, content, resume)
            files.write_wedges(part, wedges, wedge_of)
            files.write_stack_particles(part, particles, voxel_size)
            files.write_poses(part, poses_of(particles) if poses is None else poses)
            if classes is not None:
                files.write_classes(part, known_classes(classes, len(particles)))
        writer = StackWriter(part / "cubes", len(particles), edge)
        yield writer
        if writer.missing.any():
            raise ParameterProblem(path, f"{int(writer.missing.sum()):,} of {len(particles):,} cubes were not written")
        files.finish(part, path)
    except OSError as error:
        raise files.unwritable(path, error) from error
    finally:
        if not resume:
            shutil.rmtree(part, ignore_errors=True)

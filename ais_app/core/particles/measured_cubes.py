"""Subtomograms as everything that goes over all of them takes them: cubes, and what is known of each, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.jobs import Job
from ais_app.core.particles.average_sums import Sums, check_cubes, sums_job
from ais_app.core.particles.poses import Poses

if TYPE_CHECKING:
    from ais_app.core.particles.wedge import Wedge
    from ais_app.core.tomogram import LazyArray


@dataclass(frozen=True)
class MeasuredCubes:
    """Cubes, and what each has measured.

    Parameters
    ----------
    cubes
        (n, e, e, e), density bright; an array, or a lazy one that is read in batches.
    wedges, wedge_of
        The missing wedges, and which of them each cube has, (n,) int.
    voxel_size
        Å.
    """

    cubes: np.ndarray | LazyArray
    wedges: tuple[Wedge, ...]
    wedge_of: np.ndarray
    voxel_size: float

    @staticmethod
    def of(
        cubes: np.ndarray | LazyArray,
        wedges: Sequence[Wedge],
        wedge_of: np.ndarray,
        voxel_size: float,
        poses: Poses | None = None,
    ) -> MeasuredCubes:
        """Return what was given, poses too if there are any, if it fits together.

        Raises
        ------
        ParameterProblem
            There is no cube, they are not cubic, numbers do not fit each other, or voxels have no size.
        """
        check_cubes(cubes, Poses.unturned(int(cubes.shape[0])) if poses is None else poses, wedges, wedge_of)
        if not voxel_size > 0:
            raise ParameterProblem("voxel_size", f"{voxel_size:g} Å", "give a positive number")
        return MeasuredCubes(cubes, tuple(wedges), np.asarray(wedge_of), voxel_size)

    def __len__(self) -> int:
        return len(self.wedge_of)

    @property
    def edge(self) -> int:
        """Voxels of a cube."""
        return int(self.cubes.shape[1])

    def sums_job(self, poses: Poses, groups: np.ndarray, count: int, **options: Any) -> Job[list[Sums]]:
        """Add up the cubes group by group; as `ais_app.core.particles.average_sums.sums_job`."""
        work = sums_job(self.cubes, poses, self.wedges, self.wedge_of, groups=groups, count=count, **options)
        return (yield from work)

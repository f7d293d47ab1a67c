"""What is computed from the cubes of a gallery, as jobs: averages, clusters, classes; and averages as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core.errors import ParameterProblem
from ais_app.core.io import write_volume
from ais_app.core.jobs import Job, Progress
from ais_app.core.particles.tiles import central_slices
from ais_app.core.tomogram import Tomogram
from ais_app.operations.particle_cubes import CubeRequest, Cubes, cubes_job

if TYPE_CHECKING:
    from ais_app.core.particles.average import Averages
    from ais_app.core.particles.grouping import GroupingParams
    from ais_app.core.particles.halves_params import AverageParams
    from ais_app.core.particles.poses import Poses

CLASSIFIED_AT_ONCE = 16
THRESHOLDS = (0.143, 0.5)


@dataclass(frozen=True, eq=False)
class AverageShown:
    """An average and all that is shown of it.

    Parameters
    ----------
    averages
        The average and its halves.
    rows
        (k,) rows of the gallery that went into it.
    voxel_size
        Å.
    slices
        Central slices along z, y and x, uint8.
    frequency, curve
        Of the Fourier shell correlation, 1/Å and 0 to 1; empty where there is none.
    resolutions
        Å at 0.143 and at 0.5; ``None`` where there is no curve, or it never falls so low.
    poses
        Of the rows, where they were aligned; else ``None``.
    """

    averages: Averages
    rows: np.ndarray
    voxel_size: float
    slices: tuple[np.ndarray, np.ndarray, np.ndarray]
    frequency: np.ndarray
    curve: np.ndarray
    resolutions: tuple[float | None, float | None]
    poses: Poses | None = None


@dataclass(frozen=True, eq=False)
class GroupsFound:
    """Clusters of rows of a gallery.

    Parameters
    ----------
    rows
        (k,) rows that were grouped.
    assignment
        (k,) their clusters.
    embedding
        (k, 2).
    slices
        Of each cluster the central slices of its centre, uint8.
    kind
        What the centres are: ``"decoded"``.
    """

    rows: np.ndarray
    assignment: np.ndarray
    embedding: np.ndarray
    slices: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    kind: str = "decoded"


def average_rows_job(request: CubeRequest, symmetry: str = "C1") -> Job[AverageShown]:
    """Average cubes with the poses that they have, at once."""
    from ais_app.core.particles.average import average_now_job

    cubes = yield from cubes_job(request)
    stack = cubes.stack
    averages = yield from average_now_job(
        stack.cubes, stack.poses, stack.wedges, stack.wedge_of, voxel_size=stack.voxel_size, symmetry=symmetry
    )
    return shown(averages, cubes)


def align_rows_job(request: CubeRequest, params: AverageParams) -> Job[AverageShown]:
    """Align cubes to their own average and average them, in turn."""
    from ais_app.core.particles.halves import refine_halves_job

    cubes = yield from cubes_job(request)
    stack = cubes.stack
    start = None if params.random_start else stack.poses
    refined = yield from refine_halves_job(
        stack.cubes, stack.wedges, stack.wedge_of, params, voxel_size=stack.voxel_size, start=start
    )
    return shown(refined.averages, cubes, refined.poses)


def group_rows_job(request: CubeRequest, params: GroupingParams) -> Job[GroupsFound]:
    """Group cubes without labels."""
    from ais_app.core.particles.grouping import group_job

    cubes = yield from cubes_job(request)
    found = yield from group_job(cubes.stack.cubes, params, wedges=cubes.stack.wedges)
    slices = tuple(central_slices(centre) for centre in found.centres)
    return GroupsFound(cubes.rows, found.clusters.assignment, np.asarray(found.map, dtype=float), slices)


def classify_rows_job(request: CubeRequest, model: str | Path) -> Job[tuple[np.ndarray, list[str], np.ndarray]]:
    """Classify cubes with a network; return rows, the name of the class of each, and how probable it is."""
    from ais_app.core.model.package import load_model
    from ais_app.core.particles.classify import class_names, classify

    yield Progress(0, 0, "reading the network")
    network = load_model(model)
    cubes = yield from cubes_job(request)
    names, parts = class_names(network), []
    count = len(cubes.rows)
    for low in range(0, count, CLASSIFIED_AT_ONCE):
        part = cubes.stack.read(slice(low, min(low + CLASSIFIED_AT_ONCE, count)))
        parts.append(classify(network, part))
        yield Progress(low + len(part), count, "classifying")
    found = np.concatenate(parts)
    return cubes.rows, [names[best] for best in found.argmax(axis=1).tolist()], found.max(axis=1)


def shown(averages: Averages, cubes: Cubes, poses: Poses | None = None) -> AverageShown:
    """Return an average with all that is shown of it."""
    fsc = averages.fsc
    frequency, curve = (np.zeros(0), np.zeros(0)) if fsc is None else (fsc.frequency, fsc.best)
    at = [None if fsc is None else _finite(fsc.resolution(threshold)) for threshold in THRESHOLDS]
    return AverageShown(
        averages, cubes.rows, cubes.stack.voxel_size, central_slices(averages.average), frequency, curve,
        (at[0], at[1]), poses,
    )  # fmt: skip


def write_average(shown: AverageShown, folder: str | Path) -> list[Path]:
    """Write ``average.mrc``, ``half1.mrc``, ``half2.mrc`` and, where there is a curve, ``fsc.csv`` into a folder.

    Raises
    ------
    FileProblem
        It cannot be written.
    ParameterProblem
        The folder is a file.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ParameterProblem(folder, "is a file", "choose a folder")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in ("average", "half1", "half2"):
        cube = getattr(shown.averages, name)
        written.append(write_map(cube, shown.voxel_size, folder / f"{name}.mrc"))
    if shown.averages.fsc is not None:
        written.append(shown.averages.fsc.write_csv(folder / "fsc.csv"))
    return written


def write_map(cube: np.ndarray, voxel_size: float, path: Path) -> Path:
    """Write a cube as a volume."""
    size: Any = (voxel_size,) * 3
    write_volume(path, cube.astype(np.float32), like=Tomogram(cube, size))
    return path


def surface_level(cube: np.ndarray) -> float:
    """Return a density at which the surface of an average lies well: two and a half deviations above its mean."""
    level = float(cube.mean() + 2.5 * cube.std())
    return level if cube.max() > level else float((cube.mean() + cube.max()) / 2)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

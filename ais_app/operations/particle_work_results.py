"""What was computed from the cubes of a gallery, as it is shown, kept beside the project, and written to files."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.files import replacing, write_text
from ais_app.core.io import write_volume
from ais_app.core.particles.tiles import central_slices
from ais_app.core.tomogram import Tomogram
from ais_app.operations.particle_work_list import Worked
from ais_app.operations.subtomo_outputs import AVERAGE, remove_earlier
from ais_app.state.gallery_groups import rows_of
from ais_app.state.gallery_table import ParticleTable

if TYPE_CHECKING:
    from ais_app.core.particles.average import Averages
    from ais_app.core.particles.poses import Poses

THRESHOLDS = (0.143, 0.5)
CURVES = ("fsc", "fsc_masked", "fsc_random", "corrected")
OPERATION = "particle_work"
LIST = "particles.csv"
WRITTEN = (*AVERAGE, LIST)  # of an average


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
    rotations
        (k, 3, 3) how each is turned in it, NaN where that was not known; ``None`` where it is not kept.
    count
        How many particles went into it; more than the rows where some are gone since.
    worked
        How it came about.
    """

    averages: Averages
    rows: np.ndarray
    voxel_size: float
    slices: tuple[np.ndarray, np.ndarray, np.ndarray]
    frequency: np.ndarray
    curve: np.ndarray
    resolutions: tuple[float | None, float | None]
    poses: Poses | None = None
    rotations: np.ndarray | None = None
    count: int = 0
    worked: Worked | None = None


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
    worked
        How they came about.
    """

    rows: np.ndarray
    assignment: np.ndarray
    embedding: np.ndarray
    slices: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    worked: Worked | None = None


@dataclass(frozen=True, eq=False)
class ClassesFound:
    """Classes of rows of a gallery.

    Parameters
    ----------
    rows
        (k,) rows that were classified.
    names
        The class of each.
    probabilities
        (k,) how probable it is.
    worked
        How they came about.
    """

    rows: np.ndarray
    names: list[str]
    probabilities: np.ndarray
    worked: Worked | None = None


def shown(averages: Averages, rows: np.ndarray, voxel_size: float, poses: Poses | None = None) -> AverageShown:
    """Return an average with all that is shown of it; `rows` of the gallery went in, `voxel_size` in Å."""
    fsc = averages.fsc
    frequency, curve = (np.zeros(0), np.zeros(0)) if fsc is None else (fsc.frequency, fsc.best)
    at = [None if fsc is None else _finite(fsc.resolution(threshold)) for threshold in THRESHOLDS]
    slices = central_slices(averages.average)
    return AverageShown(averages, rows, voxel_size, slices, frequency, curve, (at[0], at[1]), poses, count=len(rows))


# kept beside the project


def keep_average(found: AverageShown, table: ParticleTable, path: Path) -> None:
    """Write an average so that `kept_average` finds it, in place of the one before.

    Raises
    ------
    FileProblem
        It cannot be written.
    """
    averages, fsc = found.averages, found.averages.fsc
    arrays: dict[str, Any] = {name: getattr(averages, name) for name in ("average", "half1", "half2")}
    arrays |= {"sets": table.sets[found.rows], "ids": table.ids[found.rows]}
    if found.rotations is not None:
        arrays["rotations"] = found.rotations
    if fsc is not None:
        arrays |= {name: curve for name in CURVES if (curve := getattr(fsc, name)) is not None}
    about: dict[str, Any] = {"voxel_size": found.voxel_size, "count": found.count}
    if found.worked is not None:
        about |= {"arguments": dict(found.worked.arguments), "list": found.worked.listing, "of": found.worked.of}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, **arrays)


def kept_average(path: Path, table: ParticleTable) -> AverageShown | None:
    """Return the average that was kept, for the rows of a table; ``None`` where it is of none of them.

    Raises
    ------
    FileProblem
        The file cannot be read.
    """
    from ais_app.core.particles.average import Averages
    from ais_app.core.particles.fsc import ShellCorrelation

    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
        about = json.loads(arrays["about"].tobytes().decode())
        cubes = [arrays[name] for name in ("average", "half1", "half2")]
        edge, voxel_size = len(cubes[0]), float(about["voxel_size"])
        curves = {name: arrays[name] for name in CURVES if name in arrays}
        fsc = ShellCorrelation(edge, voxel_size, **curves) if curves else None
        rows = rows_of(table, arrays["sets"], arrays["ids"])
        if any(cube.shape != (edge,) * 3 for cube in cubes):
            raise ValueError("cubes of different sizes")
        rising = np.argsort(rows, kind="stable")[(rows < 0).sum() :]
        turned = arrays["rotations"][rising] if "rotations" in arrays else None
        work = None
        if "arguments" in about:
            listing = str(about["list"])
            asked = len(listing.splitlines()) - 1  # more than went in, where some have no cube
            work = Worked(about["arguments"], listing, asked, int(about["of"]))
        found = shown(Averages(cubes[0], cubes[1], cubes[2], fsc), rows[rising], voxel_size)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FileProblem(path, f"is damaged: {error}", "average the particles again") from error
    return replace(found, rotations=turned, count=int(about["count"]), worked=work) if len(found.rows) else None


# files


def write_average(found: AverageShown, folder: str | Path) -> list[Path]:
    """Write ``average.mrc``, ``half1.mrc``, ``half2.mrc`` and, where there is a curve, ``fsc.csv`` into a folder.

    Each has its provenance beside it; ``particles.csv`` are the particles that went in. A curve of an average that was
    written here before goes, where there is no new one.

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
    if found.worked is not None:
        write_text(folder / LIST, found.worked.listing)
    for name in ("average", "half1", "half2"):
        output = folder / f"{name}.mrc"
        record = _record(found.worked, output)
        write_map(getattr(found.averages, name), found.voxel_size, output, "" if record is None else record.label)
        written.append(_done(record, output))
    if found.averages.fsc is not None:
        output = found.averages.fsc.write_csv(folder / "fsc.csv")
        written.append(_done(_record(found.worked, output), output))
    remove_earlier(folder, OPERATION, r"fsc\.csv", written)
    return written


def write_table(text: str, worked: Worked, output: Path) -> Path:
    """Write a table with its provenance, and the list of the particles beside it."""
    write_text(output.with_name(LIST), worked.listing)
    write_text(output, text)
    return _done(_record(worked, output), output)


def write_map(cube: np.ndarray, voxel_size: float, path: Path, label: str = "") -> Path:
    """Write a cube as a volume."""
    size: Any = (voxel_size,) * 3
    write_volume(path, cube.astype(np.float32), like=Tomogram(cube, size), **({"label": label} if label else {}))
    return path


def surface_level(cube: np.ndarray) -> float:
    """Return a density at which the surface of an average lies well: two and a half deviations above its mean."""
    level = float(cube.mean() + 2.5 * cube.std())
    level = level if cube.max() > level else float((cube.mean() + cube.max()) / 2)
    return float(f"{level:.3g}")  # no more digits than a person can tell apart


def without_specks(cube: np.ndarray, level: float) -> np.ndarray:
    """Return an average without the specks of noise around it, to be drawn at many places.

    What is above the level in pieces of less than a tenth of the largest becomes the mean of the cube.
    """
    from scipy.ndimage import label

    pieces, count = label(cube >= level)
    if not count:
        return cube
    sizes = np.bincount(pieces.ravel())[1:]
    specks = 1 + np.flatnonzero(10 * sizes < sizes.max())
    return np.where(np.isin(pieces, specks), cube.mean(), cube)


def _record(worked: Worked | None, output: Path) -> provenance.Provenance | None:
    if worked is None:
        return None
    listed = output.with_name(LIST)
    arguments = {**worked.arguments, "particles": str(listed), "out_dir": str(output.parent)}
    notes = {"particles": worked.count, "of": worked.of}
    return provenance.record(OPERATION, output, arguments, [*worked.inputs, listed], notes)


def _done(record: provenance.Provenance | None, output: Path) -> Path:
    if record is not None:
        record.write(output)
    return output


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

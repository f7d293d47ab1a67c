"""From STAR tables to `Particles`: what the readers of RELION, Warp and plain STAR files share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateParams
from ais_app.core.errors import FileProblem
from ais_app.core.formats.star.columns import (
    ANGLES,
    COORDINATES,
    ORIGINS,
    ORIGINS_ANGST,
    SCORE,
    SUBTOMOGRAM_ANGLES,
    series_name,
)  # fmt: skip
from ais_app.core.formats.star.syntax import Block, StarFile, read_star
from ais_app.core.formats.tables import numbers, unknown_voxel_size
from ais_app.core.particle_set import Layout, Particles

# the size of the pixels that rlnCoordinateX counts, best word first
OPTICS_PIXELS = (
    "rlnTomoTiltSeriesPixelSize", "rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize", "rlnImagePixelSize",
)  # fmt: skip


@dataclass(frozen=True)
class ParticleTable:
    """The block of a STAR file that holds particles.

    Parameters
    ----------
    path
        The file, for messages.
    star
        All of it.
    block
        Name of the block.
    table
        The block itself.
    """

    path: Path
    star: StarFile
    block: str
    table: pd.DataFrame

    def numbers(self, columns: Sequence[str]) -> np.ndarray:
        """Return columns as (n, k) float64; raises `FileProblem` for a cell that is no number."""
        return numbers(self.table, columns, self.path)

    def has(self, columns: Sequence[str]) -> bool:
        """Say whether all these columns are there."""
        return set(columns) <= set(self.table.columns)


def particle_table(path: Path, *wanted: Sequence[str]) -> ParticleTable:
    """Return the first block that has all columns of one of the sets `wanted`.

    Raises
    ------
    FileProblem
        No block has; the message names what is missing.
    """
    star = read_star(path)
    tables = {name: block for name, block in star.blocks.items() if isinstance(block, pd.DataFrame)}
    for name, table in tables.items():
        if any(set(columns) <= set(table.columns) for columns in wanted):
            return ParticleTable(path, star, name, table)
    name, table = max(tables.items(), key=lambda item: len(item[1]), default=("", pd.DataFrame()))
    missing = [column for column in wanted[0] if column not in table.columns]
    there = f"data_{name} has {', '.join(map(str, table.columns[:6]))}" if len(table.columns) else "it has no table"
    raise FileProblem(path, f"has no column {', '.join(missing)} ({there})", "is it of another format?")


def tomogram_names(table: pd.DataFrame, fallback: str) -> np.ndarray:
    """Return the tomogram of each row, (n,) text: rlnTomoName, else rlnMicrographName, else `fallback`."""
    for column in ("rlnTomoName", "rlnMicrographName", "wrpSourceName"):
        if column in table.columns:
            cells = table[column].astype(str)
            return np.array(cells.map({cell: series_name(cell) for cell in cells.unique()}), dtype=object)
    return np.full(len(table), fallback, dtype=object)


def pixel_sizes(table: pd.DataFrame, blocks: Mapping[str, Block], path: str | Path) -> np.ndarray | None:
    """Return the size of the pixels that coordinates count, (n,) Å, as the optics block or the rows say it."""
    found = optics_pixel_sizes(table, blocks, path)
    return found if found is not None else row_pixel_sizes(table, path)


def row_pixel_sizes(table: pd.DataFrame, path: str | Path = "particles") -> np.ndarray | None:
    """Return the pixel size that each row says itself, (n,) Å, or ``None``."""
    if "rlnPixelSize" in table.columns:
        return _positive(numbers(table, ["rlnPixelSize"], path)[:, 0])
    if {"rlnDetectorPixelSize", "rlnMagnification"} <= set(table.columns):
        detector, magnification = numbers(table, ["rlnDetectorPixelSize", "rlnMagnification"], path).T
        if (magnification > 0).all():
            return _positive(detector * 1e4 / magnification)  # µm on the detector
    return None


def optics_pixel_sizes(
    table: pd.DataFrame, blocks: Mapping[str, Block], path: str | Path = "data_optics"
) -> np.ndarray | None:
    """Return the pixel size of each row's optics group, (n,) Å, or ``None`` where there are no groups."""
    optics = blocks.get("optics")
    if not isinstance(optics, pd.DataFrame) or "rlnOpticsGroup" not in {*optics.columns} & {*table.columns}:
        return None
    column = next((name for name in OPTICS_PIXELS if name in optics.columns), None)
    if column is None:
        return None
    sizes = dict(zip(optics["rlnOpticsGroup"], numbers(optics, [column], path)[:, 0], strict=True))
    unknown = sorted(set(table["rlnOpticsGroup"]) - set(sizes))
    if unknown:
        raise FileProblem(path, f"optics group {unknown[0]} of the particles is not in data_optics")
    return _positive(table["rlnOpticsGroup"].map(sizes).to_numpy(dtype=float))


def _positive(sizes: np.ndarray) -> np.ndarray | None:
    return sizes if len(sizes) and (sizes > 0).all() else None


def known_pixel_sizes(source: ParticleTable, pixel_size: float | None, voxel_size: float | None) -> np.ndarray:
    """Return Å for each row, (n,): `pixel_size`, else what the file says, else `voxel_size`.

    Raises
    ------
    ParameterProblem
        None of them says.
    """
    count = len(source.table)
    found = None if pixel_size is not None else pixel_sizes(source.table, source.star.blocks, source.path)
    if found is not None:
        return found
    said = pixel_size if pixel_size is not None else voxel_size
    if said is None and count:
        raise unknown_voxel_size(source.path)
    return np.full(count, float(said or 0.0))


def orientations(source: ParticleTable) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the rotations of the particles, and of their sub-tomogram boxes; ``None`` where the file has none.

    RELION extracts boxes that are turned already (rlnTomoSubtomogramRot/Tilt/Psi, S) and refines against them
    (rlnAngleRot/Tilt/Psi, A): the particle is turned by S A.
    """
    boxes = None
    if source.has(SUBTOMOGRAM_ANGLES):
        boxes = geometry.relion_to_matrices(source.numbers(SUBTOMOGRAM_ANGLES))
    if not source.has(ANGLES):
        return boxes, boxes
    rotations = geometry.relion_to_matrices(source.numbers(ANGLES))
    return (rotations if boxes is None else boxes @ rotations), boxes


def shifts_xyz(source: ParticleTable, pixels: np.ndarray | None, boxes: np.ndarray | None) -> np.ndarray:
    """Return what to add to the coordinates, (n, 3) Å: minus the origin, turned with the box it is measured in."""
    if source.has(ORIGINS_ANGST):
        shifts = -source.numbers(ORIGINS_ANGST)
    elif source.has(ORIGINS) and pixels is not None:
        shifts = -source.numbers(ORIGINS) * pixels[:, None]
    else:
        return np.zeros((len(source.table), 3))
    return shifts if boxes is None else geometry.turn(boxes, shifts)


def assemble(
    source: ParticleTable,
    format: str,
    positions_xyz: np.ndarray,
    rotations: np.ndarray | None,
    *,
    coordinates: Sequence[str],
    tomogram: str,
    voxel_size: float | None,
    angles: Sequence[str] = ANGLES,
    score: str = SCORE,
) -> Particles:
    """Put together what a reader found; columns that are not read into a field stay in the table."""
    table, star = source.table, source.star
    names = tomogram_names(table, tomogram)
    read = {*coordinates, *ORIGINS, *ORIGINS_ANGST, *angles, score}
    if "rlnTomoName" in table.columns and (table["rlnTomoName"].astype(str) == names).all():
        read.add("rlnTomoName")
    return Particles(
        positions_zyx=geometry.xyz(positions_xyz),
        rotations=rotations,
        scores=source.numbers([score])[:, 0] if score in table.columns else None,
        tomograms=names,
        voxel_size=voxel_size,
        table=table[[name for name in table.columns if name not in read]].reset_index(drop=True),
        blocks={name: other for name, other in star.blocks.items() if name != source.block},
        layout=Layout(format, tuple(table.columns), source.block, tuple(star.blocks), star.comments),
    )


def common_size(sizes: np.ndarray) -> float | None:
    """Return the pixel size that all rows share, or ``None``."""
    return float(sizes[0]) if len(sizes) and np.ptp(sizes) < 1e-6 * sizes[0] else None


def read_voxel_star(path: Path, format: str, pixel_size: float | None, params: CoordinateParams) -> Particles:
    """Read particles whose rlnCoordinateX/Y/Z count pixels from the centre of the first one: plain, RELION 3 and 4.

    Parameters
    ----------
    path, format
        The file, and the format that reads it.
    pixel_size
        Å; replaces what the file says.
    params
        ``voxel_size`` is that of the tomogram the particles belong to; also used for the pixels where nothing else
        is known. Positions are not changed by it.
    """
    source = particle_table(path, COORDINATES)
    sizes = known_pixel_sizes(source, pixel_size, params.voxel_size)
    rotations, boxes = orientations(source)
    positions = geometry.index_to_angstrom(source.numbers(COORDINATES), sizes) + shifts_xyz(source, sizes, boxes)
    voxel_size = params.voxel_size if params.voxel_size is not None else common_size(sizes)
    return assemble(
        source, format, positions, rotations,
        coordinates=COORDINATES, tomogram=params.tomogram, voxel_size=voxel_size,
    )  # fmt: skip

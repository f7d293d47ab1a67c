"""TOM / AV3 motive lists: an EM file of 20 float32 numbers a particle; rows 8-10 + 11-13 are voxels from 1.

Rows (from 1): 1 score, 4 number of the particle, 5 number of the tomogram (6 or 7 in some programs), 8-10 position,
11-13 shift, 17-19 phi, psi, theta, 20 class. The EM header knows no voxel size.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, Layout, Particles
from ais_app.core.errors import FileProblem, ParameterProblem
from ais_app.core.formats.tables import required_voxel_size, unknown_voxel_size
from ais_app.core.formats.tomogram_index import NumberedParams, index_companion, names_in, numbered
from ais_app.core.io import open_tomogram
from ais_app.core.params import param

ROWS = 20
_HEADER = 512
_MACHINE_PC = 6
_FLOAT32 = 5
_POSITION, _SHIFT, _ANGLES = slice(7, 10), slice(10, 13), slice(16, 19)
_SCORE, _NUMBER, _CLASS = 0, 3, 19


@dataclass(frozen=True)
class MotlParams(NumberedParams):
    """Options of motive lists."""

    tomogram_row: int = param(5, "Row that holds the number of the tomogram", choices=(5, 6, 7))


def _column(row: int) -> str:
    return f"motl_{row + 1}"


def _kept(params: MotlParams) -> list[int]:
    used = {_SCORE, params.tomogram_row - 1, *range(7, 13), *range(16, 19)}
    return [row for row in range(ROWS) if row not in used]


def read(path: Path, params: MotlParams) -> Particles:
    """Read the list; shifts are applied, rows that are not used are kept as columns."""
    rows = _read_rows(path)
    if params.voxel_size is None and len(rows):
        raise unknown_voxel_size(path)
    where = geometry.index_to_angstrom(
        rows[:, _POSITION] + rows[:, _SHIFT], params.voxel_size or 0.0, params.first_index
    )
    return Particles(
        positions_zyx=geometry.xyz(where),
        rotations=geometry.motl_to_matrices(rows[:, _ANGLES]),
        scores=rows[:, _SCORE],
        tomograms=names_in(path, rows[:, params.tomogram_row - 1], params),
        voxel_size=params.voxel_size,
        table=pd.DataFrame({_column(row): rows[:, row] for row in _kept(params)}),
        layout=Layout("motl"),
    )


def _read_rows(path: Path) -> np.ndarray:
    data = open_tomogram(path).read()
    depth, count, columns = data.shape
    if columns != ROWS or depth != 1 or data.dtype.kind != "f":
        problem = f"is no motive list: {columns} × {count} × {depth} numbers, 20 × n × 1 of floats are needed"
        raise FileProblem(path, problem)
    rows = data[0].astype(float)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise FileProblem(path, f"particle {bad[0] + 1} of {count} has a value that is not a number")
    return rows


def write(path: Path, particles: Particles, params: MotlParams) -> None:
    """Write the list as float32, little-endian."""
    if not len(particles):
        raise ParameterProblem("format motl", "an EM file cannot hold an empty list", "choose another format")
    voxel_size = required_voxel_size(particles, params.voxel_size, "motl")
    count = len(particles)
    rows = np.zeros((count, ROWS))
    rows[:, _NUMBER] = np.arange(1, count + 1)
    rows[:, _CLASS] = 1
    for row in _kept(params):
        if _column(row) in particles.table.columns:
            rows[:, row] = particles.table[_column(row)].to_numpy(dtype=float)
    if particles.scores is not None:
        rows[:, _SCORE] = particles.scores
    rows[:, params.tomogram_row - 1] = numbered(particles, params)
    rows[:, _POSITION] = geometry.angstrom_to_index(
        geometry.xyz(particles.positions_zyx), voxel_size, params.first_index
    )
    if particles.rotations is not None:
        rows[:, _ANGLES] = geometry.matrices_to_motl(particles.rotations)
    header = struct.pack("<4B3i", _MACHINE_PC, 0, 0, _FLOAT32, ROWS, count, 1).ljust(_HEADER, b"\0")
    path.write_bytes(header + rows.astype("<f4").tobytes())


FORMAT = CoordinateFormat(
    name="motl",
    title="TOM / AV3 motive list (EM)",
    suffix=".em",
    params=MotlParams,
    sniff=lambda path: path.suffix.lower() == ".em",
    read=read,
    write=write,
    companions=index_companion,
)

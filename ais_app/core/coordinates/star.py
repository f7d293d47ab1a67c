"""Plain STAR: rlnCoordinateX/Y/Z in voxels, angles, names and any other column, in one block.

What Ais writes and most programs read. The size of the voxels stands in the column rlnPixelSize.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, CoordinateParams, Particles
from ais_app.core.formats.star import fixed
from ais_app.core.formats.star.columns import COORDINATES, PIXEL_SIZE, SUBTOMOGRAM_ANGLES, flavour, missing_columns
from ais_app.core.formats.star.reading import read_voxel_star
from ais_app.core.formats.star.writing import Columns, angle_columns, name_column, score_column, write_particle_star
from ais_app.core.formats.tables import names_or, required_voxel_size


@dataclass(frozen=True)
class StarParams(CoordinateParams):
    """Options of plain STAR files."""


def read(path: Path, params: StarParams) -> Particles:
    """Read the first block that has coordinates."""
    return read_voxel_star(path, "star", params.voxel_size, params)


def write(path: Path, particles: Particles, params: StarParams) -> None:
    """Write one block, data_particles, or the blocks of the plain STAR file the particles came from."""
    voxel_size = required_voxel_size(particles, params.voxel_size, "star")
    names = names_or(particles, params.tomogram)
    index = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), voxel_size)
    columns: Columns = dict(zip(COORDINATES, fixed(index).T, strict=True))
    columns |= angle_columns(particles) | score_column(particles) | {"rlnTomoName": names}
    columns |= name_column(particles, "rlnMicrographName", names)
    columns[PIXEL_SIZE] = np.full(len(particles), voxel_size)
    own = particles.layout is not None and particles.layout.format == "star"
    write_particle_star(
        path, particles, "star", columns, blocks=particles.blocks if own else {}, without=SUBTOMOGRAM_ANGLES
    )


FORMAT = CoordinateFormat(
    name="star",
    title="plain STAR: positions in voxels",
    suffix=".star",
    params=StarParams,
    sniff=lambda path: flavour(path) == "star",
    read=read,
    write=write,
    lacks=missing_columns,
)

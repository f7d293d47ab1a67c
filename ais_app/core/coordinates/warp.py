"""Warp and M: rlnCoordinateX/Y/Z in voxels or wrpCoordinateX1/Y1/Z1 in Å, names that end in .tomostar.

Warp does not read RELION 5's centred columns; they are never written here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, CoordinateParams, Particles
from ais_app.core.formats.star import fixed
from ais_app.core.formats.star.columns import (
    CENTRED,
    COORDINATES,
    PIXEL_SIZE,
    SUBTOMOGRAM_ANGLES,
    WARP_ANGLES,
    WARP_COORDINATES,
    flavour,
)  # fmt: skip
from ais_app.core.formats.star.reading import assemble, particle_table, read_voxel_star
from ais_app.core.formats.star.writing import Columns, angle_columns, score_column, write_particle_star
from ais_app.core.formats.tables import names_or, required_voxel_size
from ais_app.core.params import param

# Warp takes names from rlnMicrographName and does not know centred coordinates or turned boxes
_LEFT_OUT = (*CENTRED, *SUBTOMOGRAM_ANGLES, "rlnTomoName")


@dataclass(frozen=True)
class WarpParams(CoordinateParams):
    """Options of Warp's files."""

    columns: str = param(
        "rln", "Columns to write: rln for WarpTools (voxels), wrp as M keeps them (Å)", choices=("rln", "wrp")
    )


def read(path: Path, params: WarpParams) -> Particles:
    """Read the particles, of the first time point where M has several."""
    source = particle_table(path, COORDINATES, WARP_COORDINATES)
    if not source.has(WARP_COORDINATES):
        return read_voxel_star(path, "warp", params.voxel_size, params)
    rotations = geometry.relion_to_matrices(source.numbers(WARP_ANGLES)) if source.has(WARP_ANGLES) else None
    return assemble(
        source, "warp", source.numbers(WARP_COORDINATES), rotations,
        coordinates=WARP_COORDINATES, angles=WARP_ANGLES, tomogram=params.tomogram, voxel_size=params.voxel_size,
    )  # fmt: skip


def write(path: Path, particles: Particles, params: WarpParams) -> None:
    """Write one block, data_particles."""
    series = np.array([f"{name}.tomostar" for name in names_or(particles, params.tomogram)], dtype=object)
    positions = geometry.xyz(particles.positions_zyx)
    columns: Columns
    if params.columns == "wrp":
        columns = dict(zip(WARP_COORDINATES, fixed(positions).T, strict=True)) | {"wrpSourceName": series}
        columns |= angle_columns(particles, WARP_ANGLES)
    else:
        voxel_size = required_voxel_size(particles, params.voxel_size, "warp")
        index = geometry.angstrom_to_index(positions, voxel_size)
        columns = dict(zip(COORDINATES, fixed(index).T, strict=True)) | {"rlnMicrographName": series}
        columns |= angle_columns(particles) | {PIXEL_SIZE: np.full(len(particles), voxel_size)}
    columns |= score_column(particles)
    own = particles.layout is not None and particles.layout.format == "warp"
    write_particle_star(path, particles, "warp", columns, blocks=particles.blocks if own else {}, without=_LEFT_OUT)


FORMAT = CoordinateFormat(
    name="warp",
    title="Warp and M: positions in voxels (rln) or Å (wrp), .tomostar names",
    suffix=".star",
    params=WarpParams,
    sniff=lambda path: flavour(path) == "warp",
    read=read,
    write=write,
)

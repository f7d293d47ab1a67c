"""STOPGAP motive lists: one STAR block, orig_x + x_shift in voxels from 1, phi, psi, the."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.formats.star import fixed
from ais_app.core.formats.star.columns import STOPGAP_ANGLES, STOPGAP_COORDINATES, STOPGAP_SHIFTS, flavour
from ais_app.core.formats.star.reading import assemble, known_pixel_sizes, particle_table
from ais_app.core.formats.star.writing import Columns, write_particle_star
from ais_app.core.formats.tables import required_voxel_size
from ais_app.core.formats.tomogram_index import NumberedParams, index_companion, names_in, numbered

_FORMAT = "stopgap"


def read(path: Path, params: NumberedParams) -> Particles:
    """Read the list; shifts are applied."""
    source = particle_table(path, STOPGAP_COORDINATES)
    sizes = known_pixel_sizes(source, params.voxel_size, None)
    index = source.numbers(STOPGAP_COORDINATES)
    if source.has(STOPGAP_SHIFTS):
        index = index + source.numbers(STOPGAP_SHIFTS)
    rotations = geometry.motl_to_matrices(source.numbers(STOPGAP_ANGLES)) if source.has(STOPGAP_ANGLES) else None
    particles = assemble(
        source, _FORMAT, geometry.index_to_angstrom(index, sizes, params.first_index), rotations,
        coordinates=(*STOPGAP_COORDINATES, *STOPGAP_SHIFTS), angles=STOPGAP_ANGLES, score="score",
        tomogram=params.tomogram, voxel_size=params.voxel_size,
    )  # fmt: skip
    if "tomo_num" not in source.table.columns:
        return particles
    numbers = source.numbers(["tomo_num"])[:, 0]
    return replace(particles, tomograms=names_in(path, numbers, params))


def write(path: Path, particles: Particles, params: NumberedParams) -> None:
    """Write the list, with all columns that STOPGAP wants."""
    voxel_size = required_voxel_size(particles, params.voxel_size, _FORMAT)
    count = len(particles)
    index = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), voxel_size, params.first_index)
    turned = particles.rotations if particles.rotations is not None else np.broadcast_to(np.eye(3), (count, 3, 3))
    columns: Columns = {
        "motl_idx": np.arange(1, count + 1),
        "tomo_num": numbered(particles, params),
        "object": np.ones(count, dtype=int),
        "subtomo_num": np.arange(1, count + 1),
        "halfset": np.where(np.arange(count) % 2, "B", "A").astype(object),
        **dict(zip(STOPGAP_COORDINATES, fixed(index).T, strict=True)),
        "score": particles.scores if particles.scores is not None else np.zeros(count),
        **{name: fixed(np.zeros(count)) for name in STOPGAP_SHIFTS},
        **dict(zip(STOPGAP_ANGLES, fixed(geometry.matrices_to_motl(turned)).T, strict=True)),
        "class": np.ones(count, dtype=int),
    }
    for name in ("motl_idx", "object", "subtomo_num", "halfset", "class"):
        if name in particles.table.columns:
            columns[name] = particles.table[name].to_numpy()
    own = particles.layout is not None and particles.layout.format == _FORMAT
    blocks = particles.blocks if own else {}
    write_particle_star(path, particles, _FORMAT, columns, blocks=blocks, block="stopgap_motivelist")


FORMAT = CoordinateFormat(
    name=_FORMAT,
    title="STOPGAP motive list",
    suffix=".star",
    params=NumberedParams,
    sniff=lambda path: flavour(path) == _FORMAT,
    read=read,
    write=write,
    companions=index_companion,
)

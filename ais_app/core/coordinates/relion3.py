"""RELION 3: pixels of the unbinned tilt series; 3.1 has an optics block, 3.0 (read only) pixel sizes in each row."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.formats.star.columns import flavour
from ais_app.core.formats.star.relion import RelionParams, read_relion, write_relion
from ais_app.core.formats.star.writing import name_column
from ais_app.core.formats.tables import names_or


def read(path: Path, params: RelionParams) -> Particles:
    """Read the particles."""
    return read_relion(path, "relion3", params)


def write(path: Path, particles: Particles, params: RelionParams) -> None:
    """Write data_optics and data_particles."""
    names = name_column(particles, "rlnMicrographName", names_or(particles, params.tomogram))
    write_relion(path, particles, "relion3", params, names)


FORMAT = CoordinateFormat(
    name="relion3",
    title="RELION 3.1: positions in pixels, rlnMicrographName",
    suffix=".star",
    params=RelionParams,
    sniff=lambda path: flavour(path) == "relion3",
    read=read,
    write=write,
)

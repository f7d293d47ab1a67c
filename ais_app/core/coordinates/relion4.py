"""RELION 4: pixels of the unbinned tilt series, rlnTomoName, an optics block."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.formats.star.columns import flavour
from ais_app.core.formats.star.relion import RelionParams, read_relion, write_relion
from ais_app.core.formats.star.writing import name_column
from ais_app.core.formats.tables import names_or


def read(path: Path, params: RelionParams) -> Particles:
    """Read the particles."""
    return read_relion(path, "relion4", params)


def write(path: Path, particles: Particles, params: RelionParams) -> None:
    """Write data_optics and data_particles."""
    names = name_column(particles, "rlnTomoName", names_or(particles, params.tomogram))
    write_relion(path, particles, "relion4", params, names)


FORMAT = CoordinateFormat(
    name="relion4",
    title="RELION 4: positions in pixels, rlnTomoName",
    suffix=".star",
    params=RelionParams,
    sniff=lambda path: flavour(path) == "relion4",
    read=read,
    write=write,
)

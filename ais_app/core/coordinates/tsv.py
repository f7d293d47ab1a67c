"""TSV: a table with tabs between its columns; reading finds any delimiter."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.formats.delimited import DelimitedParams, looks_delimited, read_delimited, write_delimited


def read(path: Path, params: DelimitedParams) -> Particles:
    """Read the table."""
    return read_delimited(path, "tsv", params)


def write(path: Path, particles: Particles, params: DelimitedParams) -> None:
    """Write the table."""
    write_delimited(path, particles, "\t", params)


FORMAT = CoordinateFormat(
    name="tsv",
    title="TSV table",
    suffix=".tsv",
    params=DelimitedParams,
    sniff=lambda path: looks_delimited(path, (".tsv", ".txt", ".coords", ".xyz")),
    read=read,
    write=write,
)

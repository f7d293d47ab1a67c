"""CSV: a table with commas between its columns; reading finds any delimiter."""

from __future__ import annotations

from pathlib import Path

from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.formats.delimited import DelimitedParams, looks_delimited, read_delimited, write_delimited


def read(path: Path, params: DelimitedParams) -> Particles:
    """Read the table."""
    return read_delimited(path, "csv", params)


def write(path: Path, particles: Particles, params: DelimitedParams) -> None:
    """Write the table."""
    write_delimited(path, particles, ",", params)


FORMAT = CoordinateFormat(
    name="csv",
    title="CSV table",
    suffix=".csv",
    params=DelimitedParams,
    sniff=lambda path: looks_delimited(path, (".csv",)),
    read=read,
    write=write,
)

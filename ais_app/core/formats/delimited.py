"""Particles in delimited text: CSV and TSV, with a header or without.

A header may call the axes ``x``, ``X [A]``, ``x_angstrom``, ``x (nm)``, ``x_voxels``, ``rlnCoordinateX`` …; the unit is
taken from it, and is voxels where it says none. Without a header the first three columns are x, y, z.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateParams
from ais_app.core.errors import FileProblem
from ais_app.core.files import read_text
from ais_app.core.formats.star import fixed
from ais_app.core.formats.star.columns import ANGLES, series_name
from ais_app.core.formats.tables import names_or, numbers, required_voxel_size, unknown_voxel_size
from ais_app.core.params import param
from ais_app.core.particle_set import Layout, Particles

UNITS = ("auto", "angstrom", "nm", "voxels")
_DELIMITERS = ("\t", ",", ";", "|")
_ANGSTROMS = {"angstrom": 1.0, "nm": 10.0}
_ANGLE_COLUMNS = ("rot_degrees", "tilt_degrees", "psi_degrees")
_AXIS = re.compile(
    r"(?:rln)?(?:coord(?:inate)?s?|pos(?:ition)?|location|center|centre)?[\s_.-]*(?P<axis>[xyz])[\s_]*"
    r"[\[(]?\s*(?P<unit>a|å|ang|angst|angstroms?|nm|vox|voxels?|px|pixels?)?\s*[\])]?",
    re.IGNORECASE,
)
_UNIT_WORDS = {"a": "angstrom", "å": "angstrom", "n": "nm", "v": "voxels", "p": "voxels", "": ""}
_TOMOGRAM_COLUMNS = ("tomogram", "tomo_name", "rlnTomoName", "rlnMicrographName", "run_name", "filename")


@dataclass(frozen=True)
class DelimitedParams(CoordinateParams):
    """Options of CSV and TSV files."""

    unit: str = param("auto", "Unit of x, y, z; auto reads the header and writes Å", choices=UNITS)
    header: bool = param(True, "Write a header and all columns; otherwise x, y, z alone")


@dataclass(frozen=True)
class _Header:
    """Where a table keeps x, y, z and in which unit."""

    axes: tuple[str, str, str]
    unit: str


def looks_delimited(path: Path, suffixes: Sequence[str]) -> bool:
    """Say whether a file has one of the suffixes, as ``coordinates.csv.gz`` has ``.csv``."""
    return path.name.lower().removesuffix(".gz").endswith(tuple(suffixes))


def read_delimited(path: Path, format: str, params: DelimitedParams) -> Particles:
    """Read particles; the delimiter (tab, comma, semicolon, bar or spaces) is found out.

    Raises
    ------
    FileProblem
        The file is empty, ragged, has no x, y, z, or a cell of them is no number.
    ParameterProblem
        Positions are in voxels and the voxel size is not known.
    """
    table, header, first_row = _read_table(path)
    unit = (header.unit or "voxels") if params.unit == "auto" else params.unit
    voxel_size = params.voxel_size
    positions = numbers(table, header.axes, path, first_row)
    if "voxel_size_angstrom" in table.columns and voxel_size is None and len(table):
        sizes = numbers(table, ["voxel_size_angstrom"], path, first_row)[:, 0]
        voxel_size = float(sizes[0]) if np.ptp(sizes) == 0 and sizes[0] > 0 else None
    if unit == "voxels" and voxel_size is None and len(table):
        raise unknown_voxel_size(path)
    scale = (voxel_size or 0.0) if unit == "voxels" else _ANGSTROMS[unit]
    turned = next((names for names in (_ANGLE_COLUMNS, ANGLES) if set(names) <= set(table.columns)), None)
    named = next((name for name in _TOMOGRAM_COLUMNS if name in table.columns), None)
    read = {*header.axes, *(turned or ()), "score", named}
    return Particles(
        positions_zyx=geometry.xyz(geometry.index_to_angstrom(positions, scale)),
        rotations=geometry.relion_to_matrices(numbers(table, turned, path, first_row)) if turned else None,
        scores=numbers(table, ["score"], path, first_row)[:, 0] if "score" in table.columns else None,
        tomograms=_names(table[named]) if named else np.full(len(table), params.tomogram, dtype=object),
        voxel_size=voxel_size,
        table=table[[name for name in table.columns if name not in read]],
        layout=Layout(format, tuple(map(str, table.columns))),
    )


def _names(column: pd.Series) -> np.ndarray:
    return np.array([series_name(cell) if cell == cell and cell is not None else "" for cell in column], dtype=object)


def _read_table(path: Path) -> tuple[pd.DataFrame, _Header, int]:
    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise FileProblem(path, "is empty")
    delimiter = next((mark for mark in _DELIMITERS if mark in lines[0]), None)
    headerless = _is_numeric(lines[0].split(delimiter)[0])
    try:
        table = pd.read_csv(
            StringIO("\n".join(lines)),
            sep=delimiter or r"\s+",
            header=None if headerless else 0,
            skipinitialspace=True,
            index_col=False,
            keep_default_na=False,
            na_values=["", "nan", "NaN"],
            dtype=None if headerless else {name: str for name in _TOMOGRAM_COLUMNS},
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise FileProblem(path, f"is not a table ({str(error).strip()})") from error
    if headerless:
        if table.shape[1] < 3:
            raise FileProblem(path, f"has {table.shape[1]} columns, x y z are needed")
        table.columns = pd.Index(["x", "y", "z", *(f"column_{number}" for number in range(4, table.shape[1] + 1))])
        return table, _Header(("x", "y", "z"), ""), 1
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    return table, _find_axes(table, path), 2


def _is_numeric(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _find_axes(table: pd.DataFrame, path: Path) -> _Header:
    found: dict[str, tuple[str, str]] = {}
    for name in table.columns:
        match = _AXIS.fullmatch(name)
        if match and match["axis"].lower() not in found:
            found[match["axis"].lower()] = name, _UNIT_WORDS[(match["unit"] or "")[:1].lower()]
    missing = [axis for axis in "xyz" if axis not in found]
    if missing:
        there = ", ".join(map(str, table.columns[:8]))
        raise FileProblem(path, f"has no column {', '.join(missing)} (it has {there})", "rename them to x, y, z")
    units = {unit for _, unit in found.values()}
    if len(units) > 1:
        raise FileProblem(path, f"has x, y, z in different units: {', '.join(name for name, _ in found.values())}")
    return _Header((found["x"][0], found["y"][0], found["z"][0]), units.pop())


def write_delimited(path: Path, particles: Particles, delimiter: str, params: DelimitedParams) -> None:
    """Write a table: tomogram, x, y, z, angles (RELION's), score, voxel size, then all other columns.

    Positions are Å unless another unit is asked for. Without a header only x, y, z are written, as programs that
    need that read nothing else.
    """
    unit = "angstrom" if params.unit == "auto" else params.unit
    scale = required_voxel_size(particles, params.voxel_size, "csv") if unit == "voxels" else _ANGSTROMS[unit]
    positions = fixed(geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), scale))
    axes = dict(zip((f"{axis}_{unit}" for axis in "xyz"), positions.T, strict=True))
    columns: dict[str, np.ndarray] = (
        {"tomogram": names_or(particles, params.tomogram), **axes} if params.header else axes
    )
    if params.header:
        if particles.rotations is not None:
            angles = fixed(geometry.matrices_to_relion(particles.rotations))
            columns |= dict(zip(_ANGLE_COLUMNS, angles.T, strict=True))
        if particles.scores is not None:
            columns["score"] = particles.scores
        size = params.voxel_size if params.voxel_size is not None else particles.voxel_size
        if size is not None:
            columns["voxel_size_angstrom"] = np.full(len(particles), size)
        columns |= {name: particles.table[name].to_numpy() for name in particles.table.columns if name not in columns}
    pd.DataFrame(columns).to_csv(path, sep=delimiter, index=False, header=params.header, lineterminator="\n")

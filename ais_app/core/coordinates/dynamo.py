"""Dynamo tables: one row a particle, 35 to 42 columns; columns 24-26 + 4-6 are the position in voxels.

Tomograms are numbered in column 20; a text file beside the table (``.doc``) says which is which.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, Layout, Particles
from ais_app.core.errors import FileProblem
from ais_app.core.files import read_text
from ais_app.core.formats.star.syntax import fixed, typed
from ais_app.core.formats.tables import numbers, required_voxel_size, unknown_voxel_size
from ais_app.core.formats.tomogram_index import NumberedParams, index_companion, names_in, numbered

# the names that Dynamo's documentation gives the columns; "" has none
COLUMNS = (
    "tag aligned averaged dx dy dz tdrot tilt narot cc cc2 cpu ftype ymintilt ymaxtilt xmintilt xmaxtilt fs1 fs2 tomo "
    "reg class annotation x y z dshift daxis dnarot dcc otag npar column33 ref sref apix def column38 column39 "
    "column40 eig1 eig2"
).split()
_POSITION, _SHIFT, _ANGLES = ("x", "y", "z"), ("dx", "dy", "dz"), ("tdrot", "tilt", "narot")
_FIELDS = {*_POSITION, *_SHIFT, *_ANGLES, "cc", "tomo"}
_FEWEST = 26
_WIDTH = 36  # of a new table: up to apix


def _column(number: int) -> str:
    return f"dynamo_{COLUMNS[number] if number < len(COLUMNS) else f'column{number + 1}'}"


def read(path: Path, params: NumberedParams) -> Particles:
    """Read the table; shifts are applied, columns that are not used are kept."""
    table = _read_table(path)
    count = len(table)
    where = numbers(table, [f"dynamo_{name}" for name in _POSITION], path)
    where = where + numbers(table, [f"dynamo_{name}" for name in _SHIFT], path)
    voxel_size = params.voxel_size if params.voxel_size is not None else _apix(table, path)
    if voxel_size is None and count:
        raise unknown_voxel_size(path)
    tomograms = numbers(table, ["dynamo_tomo"], path)[:, 0]
    used = {f"dynamo_{name}" for name in _FIELDS}
    return Particles(
        positions_zyx=geometry.xyz(geometry.index_to_angstrom(where, voxel_size or 0.0, params.first_index)),
        rotations=geometry.dynamo_to_matrices(numbers(table, [f"dynamo_{name}" for name in _ANGLES], path)),
        scores=numbers(table, ["dynamo_cc"], path)[:, 0],
        tomograms=names_in(path, tomograms, params),
        voxel_size=voxel_size,
        table=table[[name for name in table.columns if name not in used]],
        layout=Layout("dynamo", tuple(table.columns)),
    )


def _read_table(path: Path) -> pd.DataFrame:
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if not rows:
        raise FileProblem(path, "is empty")
    width = len(rows[0])
    if width < _FEWEST:
        raise FileProblem(path, f"has {width} columns, a Dynamo table has {_FEWEST} or more", "is it a Dynamo table?")
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise FileProblem(path, f"row {number} has {len(row)} columns, the first has {width}", "is it complete?")
    cells = zip(*rows, strict=True)
    return pd.DataFrame({_column(number): typed(column) for number, column in enumerate(cells)})


def _apix(table: pd.DataFrame, path: Path) -> float | None:
    if "dynamo_apix" not in table.columns or not len(table):
        return None
    sizes = numbers(table, ["dynamo_apix"], path)[:, 0]
    return float(sizes[0]) if sizes[0] > 0 and np.ptp(sizes) == 0 else None


def write(path: Path, particles: Particles, params: NumberedParams) -> None:
    """Write the table; columns that were read from another one are written again, the others are 0."""
    voxel_size = required_voxel_size(particles, params.voxel_size, "dynamo")
    count = len(particles)
    index = geometry.angstrom_to_index(geometry.xyz(particles.positions_zyx), voxel_size, params.first_index)
    turned = particles.rotations if particles.rotations is not None else np.broadcast_to(np.eye(3), (count, 3, 3))
    zeros = np.zeros(count, dtype=int)
    columns: dict[str, np.ndarray] = {
        "dynamo_tag": np.arange(1, count + 1),
        "dynamo_aligned": zeros + 1,
        "dynamo_apix": np.full(count, voxel_size),
        **{name: particles.table[name].to_numpy() for name in particles.table.columns},
        **{f"dynamo_{name}": zeros for name in _SHIFT},
        **{f"dynamo_{name}": values for name, values in zip(_POSITION, fixed(index).T, strict=True)},
        "dynamo_tomo": numbered(particles, params),
        "dynamo_cc": particles.scores if particles.scores is not None else zeros,
    }
    angles = fixed(geometry.matrices_to_dynamo(turned)).T
    columns |= {f"dynamo_{name}": values for name, values in zip(_ANGLES, angles, strict=True)}
    own = particles.layout is not None and particles.layout.format == "dynamo" and particles.layout.columns
    names = own or [_column(number) for number in range(_WIDTH)]
    cells = [np.asarray(columns.get(name, zeros)).astype(str) for name in names]
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(f"{' '.join(row)}\n" for row in zip(*cells, strict=True))


FORMAT = CoordinateFormat(
    name="dynamo",
    title="Dynamo table",
    suffix=".tbl",
    params=NumberedParams,
    sniff=lambda path: path.name.lower().removesuffix(".gz").endswith(".tbl"),
    read=read,
    write=write,
    companions=index_companion,
)

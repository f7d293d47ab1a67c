"""Numbers for tomograms: Dynamo, STOPGAP and TOM lists name them by number, with a text file that says which is which.

Each line of such an index (Dynamo's ``.doc``) holds a number and the file of the tomogram.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ais_app.core.coordinates import CoordinateParams, Particles
from ais_app.core.errors import FileProblem
from ais_app.core.files import read_text
from ais_app.core.formats.star.columns import series_name
from ais_app.core.formats.tables import names_or
from ais_app.core.params import param


@dataclass(frozen=True)
class NumberedParams(CoordinateParams):
    """Options of the lists of MATLAB programs, which number voxels and tomograms.

    Parameters
    ----------
    first_index
        Index of the first voxel.
    index
        Text file with the number and name of each tomogram.
    """

    first_index: int = param(1, "Index of the first voxel: 1 as in MATLAB, 0 as some converters write", low=0, high=1)
    index: str = param("", "Text file with the number and name of each tomogram; else the .doc beside the list")


def read_index(path: str | Path) -> dict[int, str]:
    """Return tomogram number to name.

    Raises
    ------
    FileProblem
        The file is missing, or a line is not a number and a name.
    """
    index: dict[int, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or not words[0].isdigit():
            raise FileProblem(path, f"line {number} is {line.strip()!r}, not a number and a tomogram")
        index[int(words[0])] = series_name(words[1].strip())
    return index


def names_in(path: Path, numbers: np.ndarray, params: NumberedParams) -> np.ndarray:
    """Return the name of the tomogram of each row of the list `path`, (n,) text.

    The index that was named, or stands beside the list with suffix ``.doc``, tells the names; tomograms without an
    entry are called by their number. Where there is no index and one number only, `params.tomogram` is the name.
    """
    beside = path.with_suffix(".doc")
    file = params.index or (beside if beside.is_file() else None)
    index = read_index(file) if file else {}
    values = [int(number) for number in numbers]
    if params.tomogram and not index and len(set(values)) <= 1:
        return np.full(len(values), params.tomogram, dtype=object)
    return np.array([index.get(value, str(value)) for value in values], dtype=object)


def numbered(particles: Particles, params: NumberedParams) -> np.ndarray:
    """Return the number of the tomogram of each particle, (n,) int64."""
    return _numbering(particles, params)[0]


def index_companion(particles: Particles, params: NumberedParams) -> dict[str, str]:
    """Return the index that must stand beside the list, by its suffix; none where numbers alone say it all."""
    index = _numbering(particles, params)[1]
    if all(str(number) == name or not name for number, name in index.items()):
        return {}
    return {".doc": "".join(f"{number} {name}\n" for number, name in sorted(index.items()))}


def _numbering(particles: Particles, params: NumberedParams) -> tuple[np.ndarray, dict[int, str]]:
    return numbers_for(names_or(particles, params.tomogram), read_index(params.index) if params.index else None)


def numbers_for(names: np.ndarray, index: Mapping[int, str] | None = None) -> tuple[np.ndarray, dict[int, str]]:
    """Return a number for each name, (n,) int64, and the index of all.

    Names keep the number they have in `index`; names that are numbers keep those where none is taken; the others
    are counted on.
    """
    taken = {name: number for number, name in (index or {}).items()}
    unique = list(dict.fromkeys(names))
    for name in unique:
        if name not in taken and name.isdigit() and int(name) > 0 and int(name) not in taken.values():
            taken[name] = int(name)
    free = max(taken.values(), default=0)
    for name in unique:
        if name not in taken:
            free += 1
            taken[name] = free
    numbers = np.array([taken[name] for name in names], dtype=np.int64)
    return numbers, {taken[name]: name for name in unique}

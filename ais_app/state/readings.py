"""How the coordinates of a file may be read: the way its content says, and the other ways it may have been meant.

    file ─► read_as(format, options, correction) ─► Reading ─► placed(reading, tomograms) ─► particles of each tomogram
                     └─► other_readings: other units, first index, origin, pixel size, binning, format

Nothing here changes a project. The choices are those that programs disagree about (docs/formats/coordinates.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import CoordinateFormat, coordinate_format, coordinate_formats, detect_format
from ais_app.core.errors import AisAppError
from ais_app.core.formats.tables import UnknownVoxelSize
from ais_app.core.params import Params, param
from ais_app.core.particle_set import Particles
from ais_app.core.position_check import outside
from ais_app.core.tomogram import tomogram_name
from ais_app.state.records import TomogramEntry

_SAME = 1e-3  # voxels: readings that differ by less show the same picture


@dataclass(frozen=True)
class Correction(Params):
    """What is done to positions after the format has been read, for what no option of the format says."""

    factor: float = param(1.0, "Positions are multiplied by this: 2 for a list of the tomogram binned by 2 more",
                          low=1e-3, high=1e3)  # fmt: skip
    first_index: int = param(0, "Index of the first voxel in the file, on top of what its format says", low=0, high=1)
    centred: bool = param(False, "Positions count from the middle of the tomogram, not from its first voxel")


@dataclass(frozen=True)
class Reading:
    """A file, read in one way.

    Parameters
    ----------
    path
        The file.
    format
        Name of the format it was read as.
    options
        Options of the format that were given, by a person or for the tomogram.
    correction
        What was done to the positions afterwards.
    particles
        What came out, Å, before the correction, which needs the tomogram; ``None`` where it cannot be read so.
    problem
        Why not, in words.
    choice
        What is different from the reading it is compared with, in words.
    """

    path: Path
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)
    correction: Correction = Correction()
    particles: Particles | None = None
    problem: str = ""
    choice: str = ""


@dataclass(frozen=True)
class Placed:
    """The particles of a reading by tomogram.

    Parameters
    ----------
    parts
        Id of the tomogram to its particles, corrected, with its name, shape and voxel size.
    unknown
        Names in the file that are no tomogram of the project.
    assumed
        The name in the file that was taken to be the tomogram in view although it is another; empty for none.
    """

    parts: dict[int, Particles]
    unknown: tuple[str, ...] = ()
    assumed: str = ""

    @property
    def count(self) -> int:
        """Of all particles."""
        return sum(len(part) for part in self.parts.values())

    @property
    def outside(self) -> int:
        """How many of them lie beyond the border of their tomogram."""
        return sum(int(outside(part).sum()) for part in self.parts.values())


def read_as(
    path: Path,
    entry: TomogramEntry,
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    correction: Correction | None = None,
) -> Reading:
    """Read a file; what it does not say is taken from the tomogram, and stands in the options of the reading.

    What cannot be read comes back as a reading with a problem; nothing is raised for the content of a file.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    name = format or ""
    try:
        chosen = detect_format(path) if format is None else coordinate_format(format)
        name = chosen.name
        known = chosen.params.__dataclass_fields__
        if "shape" in known:
            given.setdefault("shape", entry.shape)
        if "pixel_size" in known and entry.voxel_size is not None:  # RELION's, which counts pixels of its own
            given.setdefault("voxel_size", entry.voxel_size)
        given, particles = _read(chosen, path, given, entry)
    except AisAppError as error:
        return Reading(path, name, given, correction or Correction(), problem=str(error))
    except OSError as error:
        return Reading(path, name, given, correction or Correction(), problem=f"{path}: {error.strerror or error}")
    return Reading(path, name, given, correction or Correction(), particles)


def _read(
    chosen: CoordinateFormat, path: Path, given: dict[str, Any], entry: TomogramEntry
) -> tuple[dict[str, Any], Particles]:
    try:
        return given, chosen.read(path, chosen.params.from_dict(given))
    except UnknownVoxelSize:
        if entry.voxel_size is None:
            raise
        given = {**given, "voxel_size": entry.voxel_size}
        return given, chosen.read(path, chosen.params.from_dict(given))


def placed(reading: Reading, entries: Sequence[TomogramEntry], in_view: TomogramEntry) -> Placed:
    """Say to which tomograms the particles belong: those of their names; a file of one nameless or unknown: in view."""
    particles = reading.particles
    if particles is None:
        return Placed({})
    known = {entry.name: entry for entry in entries}
    stems = {name: tomogram_name(str(name)) if name else "" for name in particles.names}
    owners = {name: known[_series(stem, known)] for name, stem in stems.items() if _series(stem, known) in known}
    assumed = ""
    if not owners and len(stems) == 1:
        (name,) = stems
        owners, assumed = {name: in_view}, stems[name]
    elif "" in stems and "" not in owners:
        owners[""] = in_view
    parts: dict[int, list[Particles]] = {}
    for name, entry in owners.items():
        own = particles[particles.tomograms == name]
        parts.setdefault(entry.id, []).append(_corrected(own, entry, reading.correction))
    unknown = tuple(stem for name, stem in stems.items() if name not in owners)
    return Placed({id: Particles.concatenate(own) for id, own in parts.items()}, unknown, assumed)


def _series(stem: str, known: Mapping[str, TomogramEntry]) -> str:
    """Return the tomogram that a name means: RELION writes rec_TS_01 for the tomogram of TS_01."""
    return next((name for name in (stem, f"rec_{stem}", stem.removeprefix("rec_")) if name in known), "")


def _corrected(particles: Particles, entry: TomogramEntry, correction: Correction) -> Particles:
    size = np.array(entry.voxel_size_zyx or (particles.voxel_size or 1.0,) * 3)
    positions = particles.positions_zyx * correction.factor - correction.first_index * size * correction.factor
    if correction.centred:
        positions = positions + np.asarray(entry.shape) / 2 * size
    return replace(
        particles,
        positions_zyx=positions,
        tomograms=np.full(len(particles), entry.name, dtype=object),
        voxel_size=entry.voxel_size or particles.voxel_size,
        shape_zyx=entry.shape,
        shapes={},
    )


def other_readings(
    reading: Reading, entries: Sequence[TomogramEntry], in_view: TomogramEntry, most: int = 10
) -> list[Reading]:
    """Return other ways to read the file that give other positions, those with most particles inside first.

    Parameters
    ----------
    reading
        The way it is read now.
    entries, in_view
        The tomograms of the project, and the one that files without names belong to.
    most
        How many at most.
    """
    seen = [_positions(reading, entries, in_view)]
    size = np.array(in_view.voxel_size_zyx or (1.0,) * 3).min()
    found: list[tuple[float, int, Reading]] = []
    for number, other in enumerate(_candidates(reading, in_view)):
        where = _positions(other, entries, in_view)
        if not len(where) or any(len(where) == len(old) and np.allclose(where, old, 0, _SAME * size) for old in seen):
            continue
        seen.append(where)
        spread = placed(other, entries, in_view)
        found.append((spread.outside / max(spread.count, 1), number, other))
    return [other for _, _, other in sorted(found, key=lambda one: one[:2])[:most]]


def _positions(reading: Reading, entries: Sequence[TomogramEntry], in_view: TomogramEntry) -> np.ndarray:
    parts = placed(reading, entries, in_view).parts
    return np.concatenate([parts[id].positions_zyx for id in sorted(parts)]) if parts else np.empty((0, 3))


def _candidates(reading: Reading, entry: TomogramEntry) -> Iterator[Reading]:
    if not reading.format:
        for name, format in coordinate_formats().items():
            yield replace(read_as(reading.path, entry, name), choice=f"read as {format.title.partition(':')[0]}")
        return
    for words, options in _other_options(reading, entry):
        again = read_as(reading.path, entry, reading.format, {**reading.options, **options}, reading.correction)
        yield replace(again, choice=words)
    for words, changes in _other_corrections(reading):
        yield replace(reading, correction=replace(reading.correction, **changes), choice=words)
    for name, format in coordinate_formats().items():
        if name != reading.format and format.suffix == coordinate_format(reading.format).suffix:
            yield replace(read_as(reading.path, entry, name), choice=f"read as {format.title.partition(':')[0]}")


def _other_options(reading: Reading, entry: TomogramEntry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what the options of the format leave open."""
    known, now = coordinate_format(reading.format).params.__dataclass_fields__, reading.options
    if "unit" in known:
        for unit, words in (("angstrom", "Å"), ("nm", "nm"), ("voxels", "voxels")):
            yield f"positions in {words}", {"unit": unit}
    if "first_index" in known:
        for first in (0, 1):
            yield f"the first voxel is {first}", {"first_index": first}
    if "half_voxel" in known:
        other = not now.get("half_voxel", True)
        yield "x, y from the corner of a voxel" if other else "x, y from the centre of a voxel", {"half_voxel": other}
    if "centre" in known:
        for centre in ("relion-picker", "half", "half-integer"):
            yield f"the centre is {centre}", {"centre": centre}
    if "binning" in known:
        yield "the tomogram was binned by averaging", {"binning": "average"}
    yield from _other_sizes(reading, entry, "pixel_size" if "pixel_size" in known else "voxel_size")


def _other_sizes(reading: Reading, entry: TomogramEntry, key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the voxel size of the tomogram, where the file says another one or counts pixels of its own."""
    if entry.voxel_size is None:
        return
    said = reading.particles.voxel_size if reading.particles is not None else None
    if key == "pixel_size" or (said is not None and abs(said / entry.voxel_size - 1) > 1e-3):
        yield f"pixels of {entry.voxel_size:.4g} Å, as the tomogram's", {key: entry.voxel_size}


def _other_corrections(reading: Reading) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what no option says: shifted by a voxel, scaled by a binning, counted from the middle."""
    now = reading.correction
    yield (
        ("counted from 1 instead of 0", {"first_index": 1}) if not now.first_index else ("from 0", {"first_index": 0})
    )
    yield (
        ("counted from the middle of the tomogram", {"centred": True})
        if not now.centred
        else ("counted from the first voxel", {"centred": False})
    )
    for factor in (2, 4):
        yield f"× {factor}: a list of the tomogram binned {factor} times more", {"factor": now.factor * factor}
        yield f"÷ {factor}: a list of the tomogram binned {factor} times less", {"factor": now.factor / factor}
    if now.factor != 1:
        yield "not scaled", {"factor": 1.0}

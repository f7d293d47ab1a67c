"""RELION 5: rlnCenteredCoordinateX/Y/ZAngst, Å from the centre of the tomogram.

Programs disagree by up to a voxel about where the centre is, so it is an option, and it is written into the file as
a comment (``# ais-app {"centre": …}``), by which it is read back.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ais_app.core import geometry
from ais_app.core.coordinates import CoordinateFormat, Particles
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.formats.star import fixed
from ais_app.core.formats.star.centres import Frame, Statement, frame, is_statement, read_statement
from ais_app.core.formats.star.columns import CENTRED, flavour
from ais_app.core.formats.star.reading import (
    assemble,
    orientations,
    particle_table,
    pixel_sizes,
    shifts_xyz,
    tomogram_names,
)  # fmt: skip
from ais_app.core.formats.star.relion import (
    VERSION_5,
    RelionParams,
    is_relion,
    optics,
    output_pixel_sizes,
    unbinning_shift,
    version_comments,
)  # fmt: skip
from ais_app.core.formats.star.tomograms import TomogramEntry, read_tomograms_star
from ais_app.core.formats.star.writing import angle_columns, name_column, score_column, write_particle_star
from ais_app.core.formats.tables import names_or
from ais_app.core.params import param


@dataclass(frozen=True)
class Relion5Params(RelionParams):
    """Options of RELION 5's files.

    Parameters
    ----------
    centre
        What is called the centre, see `geometry.centre_index`; ``"auto"`` is what the file's comment says, else
        RELION's own picker.
    shape
        Voxels of the tomogram, z y x, at its own (binned) voxel size.
    tomograms
        RELION's tomograms.star, with the size of every tomogram.
    """

    centre: str = param(
        "auto", "Which voxel is the centre; auto follows the file's comment, else RELION's picker (size / 2 - 1)",
        choices=("auto", *geometry.CENTRES),
    )  # fmt: skip
    shape: tuple[int, int, int] | None = param(None, "Size of the tomogram, z y x", unit="voxels", low=1)
    tomograms: str = param("", "RELION's tomograms.star, which has the size of every tomogram")


def read(path: Path, params: Relion5Params) -> Particles:
    """Read the particles."""
    source = particle_table(path, CENTRED)
    known = read_statement(source.star.comments.get(source.block, ()), path)
    names = tomogram_names(source.table, params.tomogram)
    counted = pixel_sizes(source.table, source.star.blocks, path)
    frames = _frames(names, counted, known, params, path)
    centres = _per_row(names, {name: box.centre_xyz(_rule(params, known)) for name, box in frames.items()})
    pixels = _per_row(names, {name: box.pixel_size for name, box in frames.items()})
    voxels = _per_row(names, {name: box.voxel_size for name, box in frames.items()})
    rotations, boxes = orientations(source)
    positions = source.numbers(CENTRED) + centres.reshape(-1, 3) + shifts_xyz(source, pixels, boxes)
    particles = assemble(
        source, "relion5", positions - unbinning_shift(pixels, voxels, params), rotations,
        coordinates=CENTRED, tomogram=params.tomogram, voxel_size=_common(voxels),
    )  # fmt: skip
    return replace(particles, shapes={name: box.shape_zyx for name, box in frames.items()})


def write(path: Path, particles: Particles, params: Relion5Params) -> None:
    """Write data_optics and data_particles; the centre stands in a comment."""
    names = names_or(particles, params.tomogram)
    shapes = {name: shape for name in particles.names if (shape := particles.shape_of(name)) is not None}
    default = {"": particles.shape_zyx} if particles.shape_zyx is not None else {}
    known = Statement(voxel_size=particles.voxel_size, shapes_zyx={**default, **shapes})
    sized = params.pixel_size or params.voxel_size or particles.voxel_size or is_relion(particles)
    counted = output_pixel_sizes(particles, params, "relion5") if sized else None
    frames = _frames(names, counted, known, params, "format relion5")
    rule = _rule(params, known)
    centres = _per_row(names, {name: box.centre_xyz(rule) for name, box in frames.items()})
    pixels = _per_row(names, {name: box.pixel_size for name, box in frames.items()})
    voxels = _per_row(names, {name: box.voxel_size for name, box in frames.items()})
    positions = geometry.xyz(particles.positions_zyx) + unbinning_shift(pixels, voxels, params)
    columns = name_column(particles, "rlnTomoName", names)
    columns |= dict(zip(CENTRED, fixed(positions - centres.reshape(-1, 3)).T, strict=True))
    blocks, groups = optics(particles, pixels, params)
    columns |= angle_columns(particles, boxes=True) | score_column(particles) | groups
    statement = Statement(rule, _common(pixels), _common(voxels), {name: box.shape_zyx for name, box in frames.items()})
    comments = _comments(particles, statement)
    write_particle_star(path, particles, "relion5", columns, blocks=blocks, comments=comments)


def _comments(particles: Particles, statement: Statement) -> dict[str, tuple[str, ...]]:
    comments = version_comments(particles, "relion5", VERSION_5)
    before = comments.get("particles", ())
    if not comments and particles.layout is not None:
        said = particles.layout.comments.get(particles.layout.block, ())
        before = tuple(line for line in said if not is_statement(line))
    return {**comments, "particles": (*before, statement.line())}


def _rule(params: Relion5Params, known: Statement) -> geometry.Centre:
    said = params.centre if params.centre != "auto" else known.centre or "relion-picker"
    for rule in geometry.CENTRES:
        if rule == said:
            return rule
    raise ParameterProblem("centre", f"{said!r} is not known", f"choose {', '.join(geometry.CENTRES)}")


def _frames(
    names: np.ndarray, counted: np.ndarray | None, known: Statement, params: Relion5Params, subject: str | Path
) -> dict[str, Frame]:
    entries = read_tomograms_star(params.tomograms) if params.tomograms else {}
    shapes = {"": params.shape} if params.shape is not None else {}
    asked = Statement(pixel_size=params.pixel_size, voxel_size=params.voxel_size, shapes_zyx=shapes)
    frames: dict[str, Frame] = {}
    for row, name in enumerate(names):
        if name not in frames:
            pixel, entry = float(counted[row]) if counted is not None else None, entries.get(name)
            if not frames and params.pixel_size is None:
                _compare_pixels(pixel, entry, subject)
            frames[name] = frame(name, asked=asked, known=known, entry=entry, optics_pixel=pixel, subject=subject)
    return frames


def _compare_pixels(optics: float | None, entry: TomogramEntry | None, subject: str | Path) -> None:
    there = entry.pixel_size if entry is not None else None
    if optics and there and abs(optics / there - 1) > 1e-3:
        text = f"{subject}: data_optics has pixels of {optics:g} Å, tomograms.star of {there:g} Å"
        warnings.warn(DataWarning(f"{text}; the latter are used, --set-from pixel_size decides"), stacklevel=2)


def _per_row(names: np.ndarray, values: dict[str, np.ndarray] | dict[str, float]) -> np.ndarray:
    return np.array([values[name] for name in names], dtype=float)


def _common(values: np.ndarray) -> float | None:
    return float(values[0]) if len(values) and np.ptp(values) == 0 else None


FORMAT = CoordinateFormat(
    name="relion5",
    title="RELION 5: Å from the centre of the tomogram",
    suffix=".star",
    params=Relion5Params,
    sniff=lambda path: flavour(path) == "relion5",
    read=read,
    write=write,
)

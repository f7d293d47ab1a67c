"""From `Particles` to STAR tables: what the writers of RELION, Warp and plain STAR files share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ais_app.core import geometry
from ais_app.core.formats.star.columns import ANGLES, ORIGINS, ORIGINS_ANGST, SCORE, SUBTOMOGRAM_ANGLES, series_name
from ais_app.core.formats.star.syntax import Block, StarFile, fixed, write_star
from ais_app.core.particle_set import Particles

Columns = dict[str, np.ndarray]


def angle_columns(particles: Particles, names: tuple[str, str, str] = ANGLES, *, boxes: bool = False) -> Columns:
    """Return the columns of orientations, ZYZ; none where the particles have none.

    With `boxes`, particles of turned sub-tomogram boxes (rlnTomoSubtomogramRot/Tilt/Psi in their table) get angles
    within these, as RELION has it; without, the whole rotation, for programs that do not know such boxes.
    """
    if particles.rotations is None:
        return {}
    rotations = particles.rotations
    if boxes and set(SUBTOMOGRAM_ANGLES) <= set(particles.table.columns):
        turned = geometry.relion_to_matrices(particles.table[list(SUBTOMOGRAM_ANGLES)].to_numpy(dtype=float))
        rotations = geometry.transpose(turned) @ rotations
    return dict(zip(names, fixed(geometry.matrices_to_relion(rotations)).T, strict=True))


def name_column(particles: Particles, column: str, names: np.ndarray) -> Columns:
    """Return the column that names the tomograms, as it was read where that says the same (``tilts/TS_1.tomostar``)."""
    if column not in particles.table.columns:
        return {column: names}
    read = particles.table[column].tolist()
    cells = [cell if series_name(cell) == name else name for cell, name in zip(read, names, strict=True)]
    return {column: np.array(cells, dtype=object)}


def score_column(particles: Particles) -> Columns:
    """Return the column of scores; none where the particles have none."""
    return {} if particles.scores is None else {SCORE: particles.scores}


def write_particle_star(
    path: Path,
    particles: Particles,
    format: str,
    columns: Mapping[str, np.ndarray],
    *,
    blocks: Mapping[str, Block],
    comments: Mapping[str, tuple[str, ...]] | None = None,
    without: tuple[str, ...] = (),
    block: str = "particles",
) -> None:
    """Write a STAR file: the columns of a format, then all others that the particles brought along.

    Parameters
    ----------
    path
        Written to directly.
    particles
        Those that were read from the same format keep the order of its columns and blocks, and its comments.
        Shifts were applied when they were read, so that their columns, where there are any, hold 0.
    format
        Name of the format.
    columns
        What the format itself says of the particles.
    blocks
        All other blocks.
    comments
        Block name to the lines before it (``"particles"`` stands for the block of particles, whatever its name);
        they replace those that were read.
    without
        Columns of the table that must not be written.
    block
        Name of the block of particles, when they bring none.
    """
    layout = particles.layout if particles.layout is not None and particles.layout.format == format else None
    cells = dict(columns)
    if layout is not None:
        zeros = [name for name in (*ORIGINS, *ORIGINS_ANGST) if name in layout.columns]
        cells.update({name: fixed(np.zeros(len(particles))) for name in zeros})
    kept = [name for name in particles.table.columns if name not in cells and name not in without]
    cells.update({name: particles.table[name].to_numpy() for name in kept})
    first = [name for name in layout.columns if name in cells] if layout is not None else []
    frame = pd.DataFrame({name: cells[name] for name in dict.fromkeys([*first, *cells])})

    block = layout.block if layout is not None else block
    before = [name for name in (layout.blocks if layout is not None else ()) if name == block or name in blocks]
    order = dict.fromkeys([*before, *(name for name in blocks), block])
    said = {**layout.comments} if layout is not None else {}
    said.update({block if name == "particles" else name: lines for name, lines in (comments or {}).items()})
    write_star(path, StarFile({name: frame if name == block else blocks[name] for name in order}, said))

"""A trial of an export: a file where nobody sees it, its first lines, and what is read back from it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.coordinates import coordinate_format
from ais_app.core.errors import ParameterProblem
from ais_app.core.particle_set import Particles
from ais_app.state.backdrop import Backdrop, backdrop, volume_or_none, voxels
from ais_app.state.commands import picks
from ais_app.state.readings import placed, read_as
from ais_app.state.records import TomogramEntry
from ais_app.state.session import Session

LINES, COLUMNS = 40, 400  # of the file that are shown


@dataclass(frozen=True)
class Trial:
    """What would be in the file, and what another program would find in it."""

    text: str
    positions: np.ndarray
    slices: Backdrop | None
    count: int
    files: int


def tried(
    particles: Particles,
    format: str,
    options: dict[str, Any],
    entry: TomogramEntry,
    session: Session,
    known: Backdrop | None,
) -> Trial:
    """Write a trial file; return its head and what is read back from it. Raises what writing raises."""
    suffix = coordinate_format(format).suffix
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"trial{suffix}"
        files = picks.write_files(path, format, options, particles)
        text = _head(files[0])
        reading = read_as(files[0], entry, format, options)
    if reading.problem:
        raise ParameterProblem(format, f"what it wrote cannot be read back: {reading.problem}")
    part = placed(reading, [entry], entry).parts.get(entry.id)
    positions = voxels(part, entry)
    volume = volume_or_none(session, entry.id) if known is None or known.shape != entry.shape else None
    slices = backdrop(volume, positions) if volume is not None else known
    return Trial(text, positions, slices, len(particles), len(files))


def _head(path: Path) -> str:
    """Return the first lines of a file, or how large it is when it is no text."""
    data = path.read_bytes()
    try:
        text = data[: LINES * COLUMNS].decode("utf-8", "strict" if len(data) <= LINES * COLUMNS else "ignore")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"{len(data):,} bytes of numbers: this format is not text"
    return "\n".join(line[:COLUMNS] for line in text.splitlines()[:LINES])

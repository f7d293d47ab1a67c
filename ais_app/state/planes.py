"""Reading planes for the slice view: image and labels, as (up, across). Called off the main thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ais_app.core.display.view_slice import SliceRequest, read_slice
from ais_app.core.errors import FileProblem
from ais_app.core.tomogram import Tomogram
from ais_app.state.labels import LabelStore


def as_seen(axis: str, plane: np.ndarray) -> np.ndarray:
    """Return a plane (z, y, x without its own axis) as a pane shows it: (up, across); its own inverse."""
    return np.ascontiguousarray(plane.T) if axis == "x" else plane


def read_image(tomogram: Tomogram, request: SliceRequest, bytes: int) -> np.ndarray:
    """Read a plane, (up, across) float32.

    Parameters
    ----------
    tomogram
        Open.
    request
        Which plane.
    bytes
        Size of its file when it was added to the project; 0 when not known.

    Raises
    ------
    FileProblem
        The file is gone, or has become shorter.
    """
    if tomogram.path is not None:
        still_there(tomogram.path, bytes)
    try:
        plane = read_slice(tomogram, request)
    except OSError as error:
        remedy = "see that its disk or network drive is there"
        raise FileProblem(
            tomogram.path or tomogram.name, f"cannot be read ({error.strerror or error})", remedy
        ) from error
    return as_seen(request.axis, plane)


def read_labels(store: LabelStore, axis: str, index: int) -> np.ndarray:
    """Read a plane of labels, (up, across) uint8."""
    return as_seen(axis, store.read_plane(axis, index))


def still_there(path: Path, bytes: int) -> None:
    """Raise `FileProblem` when an open file has gone, or is shorter than it was.

    Reading a memory map beyond the end of its file ends the whole program, and no handler can help: so look first.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        problem = "is no longer there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise FileProblem(
            path, problem, "put it back, or look for it: Tomogram > Look for missing tomograms"
        ) from error
    if path.is_file() and size < bytes:
        problem = f"has become shorter: {size:,} of {bytes:,} bytes"
        raise FileProblem(path, problem, "copy it again, then choose the tomogram anew")

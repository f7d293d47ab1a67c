"""The missing wedge of tomograms: as given, from the file of tilts, or estimated from the voxels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ais_app.core.errors import AisAppError, DataWarning, ParameterProblem
from ais_app.core.formats.tilt_angles import SUFFIXES, read_tilt_angles
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.wedge import Wedge
from ais_app.core.particles.wedge_estimate import (
    WedgeEstimate,
    estimate_wedge_job,
    wedge_of_mask,
    wedge_of_tilts,
)
from ais_app.core.tomogram import Tomogram
from ais_app.operations.per_file import input_files

_UNREADABLE = "its blocks are too small, or of one grey value"
_AGREES = 5.0  # degrees; limits of tilts and of the estimate


@dataclass(frozen=True)
class WedgeResult:
    """The wedge of one tomogram.

    Parameters
    ----------
    path
        The tomogram.
    wedge
        What was measured; ``None`` where nothing was given and no missing wedge is seen.
    source
        ``"given"``, ``"file"`` or ``"estimate"``.
    estimate
        What the voxels say, also where the wedge was given; ``None`` where they say nothing.
    note
        What does not fit together, in words.
    error
        Why it failed; ``None`` when it did not.
    """

    path: Path
    wedge: Wedge | None = None
    source: str = "estimate"
    estimate: WedgeEstimate | None = None
    note: str = ""
    error: AisAppError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values; degrees, and ``None`` for limits that are not known."""
        wedge, seen = self.wedge, self.estimate
        return {
            "tilt_min": None if wedge is None else float(wedge.tilt_min),
            "tilt_max": None if wedge is None else float(wedge.tilt_max),
            "tilt_axis": None if wedge is None else wedge.tilt_axis,
            "beam_axis": None if wedge is None else wedge.beam_axis,
            "source": self.source,
            "certainty": "none seen" if seen is None else seen.certainty,
            "correlation": None if seen is None else seen.correlation,
            "power": None if seen is None else seen.power,
            "file": str(self.path),
            **({"note": self.note} if self.note else {}),
            **({"error": str(self.error)} if self.error is not None else {}),
        }


def wedge_for_job(
    tomogram: Tomogram | str | Path,
    tilt: Sequence[float] | str | None = None,
    tilt_file: str | Path | None = None,
    *,
    tilt_axis: str = "y",
    beam_axis: str = "z",
) -> Job[Wedge]:
    """Return the wedge to work with: of the tilts or the file that a person gave, else estimated from the voxels.

    Parameters
    ----------
    tomogram
        Opened, or its file; only read where neither `tilt` nor `tilt_file` is given.
    tilt
        Lowest and highest tilt, degrees: ``(-60, 60)`` or ``"-60,60"``; ``"-90,90"`` for none missing.
    tilt_file
        Tilts of the series (see `ais_app.core.formats.tilt_angles`), or the mask of a wedge as a volume.
    tilt_axis, beam_axis
        Of `tilt` and of files of tilts; estimates and masks find theirs.

    Raises
    ------
    ParameterProblem
        Both are given, or nothing is and no missing wedge is seen.
    FileProblem
        A file cannot be read.
    """
    if tilt is not None and tilt_file is not None:
        raise ParameterProblem("tilt", "the tilts and a file of tilts are both given", "give one of them")
    if tilt is not None:
        low, high = _limits(tilt)
        return Wedge(low, high, tilt_axis, beam_axis)
    if tilt_file is not None:
        return _of_file(Path(tilt_file), tilt_axis, beam_axis)
    opened = tomogram if isinstance(tomogram, Tomogram) else open_tomogram(tomogram)
    estimate = yield from estimate_wedge_job(opened)
    if estimate is None or not estimate.seen:
        remedy = "give the tilts (-60,60), or -90,90 if none is missing"
        problem = "no missing wedge is seen in it" if estimate else f"no missing wedge can be seen: {_UNREADABLE}"
        raise ParameterProblem(opened.path or opened.name, problem, remedy)
    if estimate.certainty != "clear":
        text = f"{opened.name}: its missing wedge is seen only weakly; give the tilts if you know them"
        warnings.warn(DataWarning(text), stacklevel=2)
    return estimate.wedge


wedge_for = direct(wedge_for_job)


def wedge_job(
    tomograms: Sequence[str | Path],
    *,
    tilt: Sequence[float] | str | None = None,
    tilt_file: str | Path | None = None,
    tilt_axis: str = "y",
    beam_axis: str = "z",
    voxel_size: float | None = None,
) -> Job[list[WedgeResult]]:
    """Find the missing wedges of tomograms.

    Parameters
    ----------
    tomograms
        Files, folders or globs.
    tilt, tilt_file, tilt_axis, beam_axis
        As for `wedge_for`; what they say counts, and is compared with what the voxels say.
    voxel_size
        Å; replaces what the files say.

    Returns
    -------
    list of WedgeResult
        One per tomogram; a failure is in its ``error``.
    """
    given, source = None, "estimate"
    if tilt is not None or tilt_file is not None:
        source = "given" if tilt is not None else "file"
        given = wedge_for("", tilt, tilt_file, tilt_axis=tilt_axis, beam_axis=beam_axis)
    files = input_files(tomograms)
    results = []
    for number, path in enumerate(files):
        yield Progress(number, len(files), path.name)
        try:
            estimate = yield from estimate_wedge_job(open_tomogram(path, voxel_size=voxel_size))
        except AisAppError as error:
            results.append(WedgeResult(path, given, source, error=error))
            continue
        found = estimate.wedge if estimate is not None and estimate.seen else None
        note = _UNREADABLE if estimate is None else _difference(given, found)
        results.append(WedgeResult(path, given or found, source, estimate, note))
    return results


wedge = direct(wedge_job)


def _limits(tilt: Sequence[float] | str) -> tuple[float, float]:
    words = tilt.split(",") if isinstance(tilt, str) else list(tilt)
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        raise ParameterProblem("tilt", f"{tilt!r} is not lowest,highest", "write it as -60,60") from None
    return low, high


def _of_file(path: Path, tilt_axis: str, beam_axis: str) -> Wedge:
    if path.suffix.lower() in SUFFIXES:
        return wedge_of_tilts(read_tilt_angles(path), tilt_axis, beam_axis)
    return wedge_of_mask(open_tomogram(path).read()).wedge


def _difference(given: Wedge | None, found: Wedge | None) -> str:
    """Say how the wedge that was given and that of the voxels differ; empty where they agree."""
    if given is None or found is None:
        return ""
    if (given.tilt_axis, given.beam_axis) != (found.tilt_axis, found.beam_axis):
        return f"the voxels say beam along {found.beam_axis}, tilted about {found.tilt_axis}"
    limits = f"{found.tilt_min:g} to {found.tilt_max:g}"
    if _apart(given, found.tilt_min, found.tilt_max) <= _AGREES:
        return ""
    if _apart(given, -found.tilt_max, -found.tilt_min) <= _AGREES:
        return f"the voxels say {limits}: the tilts have the other sign, or the volume is mirrored"
    return f"the voxels say {limits}"


def _apart(given: Wedge, low: float, high: float) -> float:
    return max(abs(given.tilt_min - low), abs(given.tilt_max - high))

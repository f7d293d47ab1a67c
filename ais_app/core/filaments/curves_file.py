"""Traced filaments as JSON: axes as polylines in Å, for programs and plots.

``docs/formats/filaments.md`` describes the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import FileProblem
from ais_app.core.filaments.axis import Filament
from ais_app.core.files import read_json, write_json
from ais_app.core.tomogram import ZYX

FORMAT, FORMAT_VERSION = "ais-app filaments", 1


@dataclass(frozen=True)
class FilamentCurves:
    """What a filaments file holds.

    Parameters
    ----------
    tomogram
        Name of the tomogram.
    voxel_size_zyx
        Å, of the segmentation they were traced in.
    shape_zyx
        Its voxels.
    filaments
        One dictionary a filament, as in the file.
    """

    tomogram: str
    voxel_size_zyx: ZYX
    shape_zyx: tuple[int, int, int]
    filaments: list[dict[str, Any]]

    @property
    def polylines(self) -> list[np.ndarray]:
        """Axes as (n, 3) arrays z y x, Å from the centre of voxel (0, 0, 0); a closed one repeats its first point."""
        return [np.array(filament["points_zyx"], dtype=float).reshape(-1, 3) for filament in self.filaments]


def write_filaments(
    path: str | Path,
    filaments: Sequence[Filament],
    *,
    tomogram: str,
    voxel_size_zyx: ZYX,
    shape_zyx: tuple[int, int, int],
) -> Path:
    """Write filaments as JSON, with a point per voxel or so, and return the path."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "tomogram": tomogram,
        "voxel_size_zyx": [float(size) for size in voxel_size_zyx],
        "shape_zyx": [int(size) for size in shape_zyx],
        "filaments": [_described(f, number, min(voxel_size_zyx)) for number, f in enumerate(filaments, start=1)],
    }
    return write_json(path, content)


def _described(filament: Filament, number: int, step: float) -> dict[str, Any]:
    curve = filament.curve
    arc = curve.steps(step)
    bend = float(np.median(curve.curvature(arc)))
    points = curve.points(arc)
    if curve.closed:
        points = np.concatenate([points, points[:1]])
    return {
        "id": number,
        "length": round(curve.length, 2),
        "closed": curve.closed,
        "ends": list(filament.ends),
        "radius": round(filament.radius, 2),
        "radius_of_curvature": round(1 / bend, 1) if bend > 1e-9 else None,
        "score": round(filament.score, 4),
        "symmetry": None if filament.symmetry is None else round(filament.symmetry, 4),
        "points_zyx": [[round(value, 3) for value in point] for point in points.tolist()],
    }


def read_filaments(path: str | Path) -> FilamentCurves:
    """Read a filaments file.

    Raises
    ------
    FileProblem
        The file is missing, damaged, or no filaments file.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileProblem(path, "is not a filaments file of ais-app", "ais-app filaments writes them")
    version = content.get("format_version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise FileProblem(path, f"is of a newer format ({version!r})", "update ais-app")
    try:
        z, y, x = (float(size) for size in content["voxel_size_zyx"])
        nz, ny, nx = (int(size) for size in content["shape_zyx"])
        found = FilamentCurves(str(content["tomogram"]), (z, y, x), (nz, ny, nx), list(content["filaments"]))
        found.polylines  # noqa: B018 - points that are no numbers are found here and not by whoever uses them
    except (KeyError, TypeError, ValueError) as error:
        raise FileProblem(path, f"is a damaged filaments file ({error})", "make it again") from error
    return found

"""What a project lists: tomograms, features, models, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ais_app.core.errors import ParameterProblem
from ais_app.core.tomogram import ZYX, mean_size


@dataclass(frozen=True)
class TomogramEntry:
    """A tomogram of a project.

    Parameters
    ----------
    id
        Number in the project; stays the same for ever.
    name
        File name without folder and volume suffixes (the stem), unique in the project.
    path
        Where it was last seen; `Project.find` looks where it is now.
    fingerprint
        Of its content, as `ais_app.core.provenance.fingerprint` gives it.
    shape
        (z, y, x) voxels.
    voxel_size_zyx
        Å; ``None`` when not known.
    origin_zyx, nstart_zyx
        As in `Tomogram`.
    bytes
        Size of the file; 0 for a folder.
    relative_path
        From the project's folder, with forward slashes.
    """

    id: int
    name: str
    path: Path
    fingerprint: str
    shape: tuple[int, int, int]
    voxel_size_zyx: ZYX | None
    origin_zyx: ZYX
    nstart_zyx: tuple[int, int, int]
    bytes: int
    relative_path: str

    @property
    def voxel_size(self) -> float | None:
        """Å; the geometric mean of the three axes, ``None`` when not known."""
        return None if self.voxel_size_zyx is None else mean_size(self.voxel_size_zyx)

    def require_voxel_size_zyx(self) -> ZYX:
        """Return the voxel size in Å along z, y, x, or raise `ParameterProblem` where it is not known."""
        if self.voxel_size_zyx is None:
            remedy = "ais-app project add PROJECT TOMOGRAM --voxel-size ANGSTROM"
            raise ParameterProblem(self.name, "its voxel size is not known", remedy)
        return self.voxel_size_zyx


@dataclass(frozen=True)
class Feature:
    """Something to annotate: membrane, ribosome.

    Parameters
    ----------
    id
        Number in the project; stays the same when the feature is renamed.
    name
        Unique in the project.
    colour
        ``#rrggbb``.
    box_size
        Voxels along an edge of its boxes.
    """

    id: int
    name: str
    colour: str
    box_size: int


@dataclass(frozen=True)
class ModelEntry:
    """A network that a project uses: a file beside it, with the fingerprint of its content."""

    id: int
    name: str
    path: Path
    fingerprint: str

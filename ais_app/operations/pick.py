"""Pick particles from segmentations: files of probabilities in, files of coordinates out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.coordinates import coordinate_format, coordinate_formats, write_particles
from ais_app.core.errors import DataWarning, ParameterProblem
from ais_app.core.io import open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particle_set import Particles
from ais_app.core.pickers.blobs import BlobParams, pick_blobs
from ais_app.core.picking.masking import MaskParams, grid_shift, keeper
from ais_app.core.picking.membrane_normals import MembraneParams, membrane_normals
from ais_app.core.picking.orientation import rotations_to
from ais_app.core.probability import highest_probability, open_probabilities
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.operations.companions import companion, tomogram_of
from ais_app.operations.per_file import FileResult, each_file, input_files


def pick_job(
    segmentations: Sequence[str | Path],
    out_dir: str | Path,
    params: BlobParams | None = None,
    *,
    formats: Sequence[str] = ("star",),
    mask: str | Path | None = None,
    mask_params: MaskParams | None = None,
    membrane: str | Path | None = None,
    membrane_params: MembraneParams | None = None,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Pick the blobs of segmentations.

    Parameters
    ----------
    segmentations
        Files, folders or globs: probabilities as 0…1, 0…127 or 0…255, or masks.
    out_dir
        Folder of the results, ``<segmentation>_coords.star`` and so on; made where it is missing.
    params
        How to pick; lengths in Å, volumes in Å³.
    formats
        Names of coordinate formats, see `ais_app.coordinate_formats`.
    mask
        Another segmentation of the same tomogram that decides which particles are kept: a file, also with
        ``{tomogram}`` in its name, or the name of a feature.
    mask_params
        Which side of the mask, and the distance.
    membrane
        A membrane segmentation of the same tomogram, given like `mask`: the z axis of each particle is turned to the
        normal of the nearest membrane, from inside to outside. Particles far from any membrane are left out.
    membrane_params
        How the normal is found.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave segmentations out whose results are there.

    Returns
    -------
    list of FileResult
        One per segmentation; a failure is in its ``error``. Nothing found is no failure: the file has no particles.

    Raises
    ------
    ParameterProblem
        A format is not known, or two inputs have the same name.
    FileProblem
        A folder or glob holds no volume.
    """
    for name in formats:
        coordinate_format(name)  # an unknown one is said before anything is done
    _check_companions(params or BlobParams(), mask, mask_params, membrane, membrane_params)
    arguments: dict[str, Any] = {
        "params": params or BlobParams(),
        "formats": list(formats),
        "mask": mask,
        "mask_params": mask_params or MaskParams(),
        "membrane": membrane,
        "membrane_params": membrane_params or MembraneParams(),
        "voxel_size": voxel_size,
    }

    def targets(path: Path) -> list[Path]:
        return [coordinate_path(path, out_dir, name) for name in formats]

    def work(path: Path) -> Job[str]:
        return _pick_one(path, Path(out_dir), arguments)

    return (yield from each_file(input_files(segmentations), targets, work, skip_existing=skip_existing))


pick = direct(pick_job)


def _check_companions(
    params: BlobParams,
    mask: str | Path | None,
    mask_params: MaskParams | None,
    membrane: str | Path | None,
    membrane_params: MembraneParams | None,
) -> None:
    """Refuse options that would do nothing."""
    if mask is None and mask_params not in (None, MaskParams()):
        raise ParameterProblem("mask", "options of a mask are given, but no mask", "give the mask, or leave them out")
    if membrane is None and membrane_params not in (None, MembraneParams()):
        remedy = "give the membrane, or leave them out"
        raise ParameterProblem("membrane", "options of a membrane are given, but no membrane", remedy)
    if membrane is not None and params.orientation != "none":
        problem = f"both the membrane and the {params.orientation} are to give the orientation"
        raise ParameterProblem("orientation", problem, "choose one of them")


def coordinate_path(segmentation: str | Path, out_dir: str | Path, format: str) -> Path:
    """Return where the coordinates of a segmentation go.

    ``<segmentation>_coords<suffix>``; formats that share a suffix with another, and are not the one called like it,
    carry their name: ``<segmentation>_coords_relion5.star``.
    """
    suffix = coordinate_format(format).suffix
    shared = [other for other in coordinate_formats().values() if other.suffix == suffix]
    plain = len(shared) == 1 or format == suffix.lstrip(".")
    return Path(out_dir) / f"{tomogram_name(segmentation)}_coords{'' if plain else '_' + format}{suffix}"


def _pick_one(path: Path, out_dir: Path, arguments: dict[str, Any]) -> Job[str]:
    yield Progress(0, 3, "reading")
    volume = _opened(path, arguments["voxel_size"])
    size = volume.require_voxel_size_zyx()
    if max(size) > 1.01 * min(size):
        problem = f"{path}: its voxels are {size[0]:g} x {size[1]:g} x {size[2]:g} Å (z y x)"
        remedy = "formats that count voxels divide Å by the mean; prefer one that holds Å, such as tsv"
        warnings.warn(DataWarning(f"{problem}; {remedy}"), stacklevel=2)
    chosen = {name: companion(path, arguments[name]) for name in ("mask", "membrane") if arguments[name] is not None}
    keep = None
    if "mask" in chosen:
        keep = keeper(_opened(chosen["mask"], arguments["voxel_size"]), volume, arguments["mask_params"])
    yield Progress(1, 3, "picking")
    found = pick_blobs(volume.data, size, arguments["params"], keep)
    if "membrane" in chosen:
        yield Progress(2, 3, "orienting")
        membrane = _opened(chosen["membrane"], arguments["voxel_size"])
        found = _turned_to(found, membrane, volume, arguments["membrane_params"])
    names = np.full(len(found), tomogram_of(path), dtype=object)
    found = replace(found, tomograms=names, shape_zyx=volume.shape)
    message = (
        f"{len(found):,} particle{'s' * (len(found) != 1)}" if len(found) else _why_nothing(volume, arguments["params"])
    )
    recorded = {"segmentations": [str(path)], "out_dir": str(out_dir), **arguments}
    recorded |= {name: str(file) for name, file in chosen.items()}
    for name in arguments["formats"]:
        output = coordinate_path(path, out_dir, name)
        write_particles(output, found, name)
        inputs = [path, *chosen.values()]
        provenance.record("pick", output, recorded, inputs, {"particles": len(found)}).write(output)
    return message


def _opened(path: Path, voxel_size: float | None) -> Tomogram:
    return open_probabilities(open_tomogram(path, voxel_size=voxel_size))


def _turned_to(found: Particles, membrane: Tomogram, volume: Tomogram, params: MembraneParams) -> Particles:
    """Turn z to the normal of the nearest membrane; leave out what has none near."""
    positions = found.positions_zyx + grid_shift(membrane, volume)
    normals = membrane_normals(membrane.data, membrane.require_voxel_size_zyx(), positions, params)
    near = np.isfinite(normals.distances)
    table = found.table[near].reset_index(drop=True)
    table["aisMembraneDistanceA"] = normals.distances[near].round(3)
    table["aisMembraneClosed"] = normals.closed[near].astype(int)
    return replace(found[near], rotations=rotations_to(normals.directions_zyx[near, ::-1]), table=table)


def _why_nothing(volume: Tomogram, params: BlobParams) -> str:
    """Say which step left nothing, so that a person knows what to change."""
    highest = highest_probability(volume)
    if not highest >= params.threshold:
        return f"0 particles: no voxel reaches the threshold {params.threshold:g}; the highest is {highest:.3g}"
    where = "too near the border, on the wrong side of a mask, or far from the membrane"
    return f"0 particles: all groups of voxels are too small, {where}"

"""Pick tomograms by a difference of Gaussians, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ais_app.core.jobs import Job, direct
from ais_app.core.pickers.dog import DogParams, pick_dog_job
from ais_app.core.picking.masking import MaskParams
from ais_app.operations.per_file import FileResult
from ais_app.operations.picking import Picking, pick_each_job


def dog_job(
    tomograms: Sequence[str | Path],
    out_dir: str | Path,
    params: DogParams | None = None,
    *,
    formats: Sequence[str] = ("star",),
    mask: str | Path | None = None,
    mask_params: MaskParams | None = None,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Pick everything of one size in tomograms.

    Parameters
    ----------
    tomograms
        Files, folders or globs: grey values.
    out_dir
        Folder of the results, ``<tomogram>_dog_coords.star`` and so on; made where it is missing.
    params
        What is looked for; lengths in Å.
    formats
        Names of coordinate formats, see `ais_app.coordinate_formats`.
    mask
        A segmentation of the same tomogram that decides which particles are kept: a file, also with ``{tomogram}``
        in its name, or the name of a feature, whose file ``<tomogram>__<feature>.mrc`` lies beside the tomogram.
    mask_params
        Which side of the mask, and the distance.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave tomograms out whose results are there.

    Returns
    -------
    list of FileResult
        One per tomogram; a failure is in its ``error``. Nothing found is no failure: the file has no particles.

    Raises
    ------
    ParameterProblem
        A format is not known, two inputs have the same name, or options of a mask are given without a mask.
    FileProblem
        A folder or glob holds no volume.
    """
    picking = Picking("dog", pick_dog_job, params or DogParams(), formats, mask, mask_params, voxel_size)
    return pick_each_job(tomograms, out_dir, picking, skip_existing)


dog = direct(dog_job)

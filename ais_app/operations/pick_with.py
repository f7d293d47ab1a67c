"""Pick with any picker there is, also those that other packages add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ais_app.core.jobs import Job, direct
from ais_app.core.pickers import picker_named
from ais_app.core.picking.masking import MaskParams
from ais_app.operations.per_file import FileResult
from ais_app.operations.picking import Picking, pick_each_job


def pick_with_job(
    picker: str,
    tomograms: Sequence[str | Path],
    out_dir: str | Path,
    params: Mapping[str, Any] | None = None,
    *,
    formats: Sequence[str] = ("star",),
    mask: str | Path | None = None,
    mask_params: MaskParams | None = None,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Pick tomograms or segmentations with a picker.

    Parameters
    ----------
    picker
        Its name, see `ais_app.pickers`.
    tomograms
        Files, folders or globs: tomograms, or segmentations where that is what the picker reads.
    out_dir
        Folder of the results, ``<tomogram>_<picker>_coords.star`` and so on; made where it is missing.
    params
        Name to value, of the picker's parameters; the others are at their defaults.
    formats, mask, mask_params, voxel_size, skip_existing
        As for `ais_app.dog`.

    Returns
    -------
    list of FileResult
        One per file; a failure is in its ``error``. Nothing found is no failure: the file has no particles.

    Raises
    ------
    ParameterProblem
        The picker, a parameter or a format is not known, two inputs have the same name, or options of a mask are
        given without a mask.
    FileProblem
        A folder or glob holds no volume.
    """
    chosen = picker_named(picker)
    values = chosen.params.from_dict(params or {})
    picking = Picking(
        "pick_with", chosen.job, values, formats, mask, mask_params, voxel_size, picker=picker, reads=chosen.reads
    )
    return (yield from pick_each_job(tomograms, out_dir, picking, skip_existing))


pick_with = direct(pick_with_job)

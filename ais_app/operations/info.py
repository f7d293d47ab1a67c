"""What a volume is, and what is odd about it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core.errors import AisAppError, DataWarning
from ais_app.core.io import format_of, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.particles.stack import SubtomogramStack
from ais_app.core.particles.stack_files import is_stack
from ais_app.core.tomogram import Tomogram
from ais_app.core.volume.preflight import Survey, survey_job
from ais_app.operations.per_file import input_files
from ais_app.operations.stack_info import TITLE, StackInfo


@dataclass(frozen=True)
class VolumeInfo:
    """What a person checks first about one file.

    Parameters
    ----------
    path
        The file.
    format
        Title of its format.
    tomogram
        The opened volume.
    survey
        Range, mean, deviation, contrast, missing wedge, findings.
    stack
        What a stack of subtomograms holds; then there are no `tomogram` and `survey`.
    error
        Why it could not be read; then the others are ``None``.
    """

    path: Path
    format: str = ""
    tomogram: Tomogram | None = None
    survey: Survey | None = None
    stack: StackInfo | None = None
    error: AisAppError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-able values; lengths in Å, axes in z, y, x."""
        if self.stack is not None:
            return {"file": str(self.path), "format": self.format, **self.stack.to_dict()}
        if self.error is not None or self.tomogram is None or self.survey is None:
            return {"file": str(self.path), "error": str(self.error)}
        tomogram, survey, moments = self.tomogram, self.survey, self.survey.moments
        wedge = survey.wedge
        return {
            "file": str(self.path),
            "format": self.format,
            "shape_zyx": list(tomogram.shape),
            "voxel_size_zyx": None if tomogram.voxel_size_zyx is None else list(tomogram.voxel_size_zyx),
            "dtype": np.dtype(tomogram.data.dtype).name,
            "minimum": moments.low if moments.count else None,
            "maximum": moments.high if moments.count else None,
            "mean": moments.mean if moments.count else None,
            "deviation": moments.deviation if moments.count else None,
            "sampled": survey.sampled,
            "origin_zyx": list(tomogram.origin_zyx),
            "nstart_zyx": list(tomogram.nstart_zyx),
            "labels": list(tomogram.labels),
            "kind": survey.kind,
            "contrast": survey.contrast,
            "missing_wedge": None if wedge is None else wedge.to_dict(),
            "problems": [{"code": f.code, "problem": f.problem, "remedy": f.remedy} for f in survey.findings],
        }


def info_job(
    paths: Sequence[str | Path], *, fast: bool = False, voxel_size: float | None = None
) -> Job[list[VolumeInfo]]:
    """Describe volumes and what is odd about them; of stacks of subtomograms, what they hold.

    Parameters
    ----------
    paths
        Files, folders or globs.
    fast
        Take range and mean from a dozen slices instead of reading everything.
    voxel_size
        Å; replaces what the files of volumes say.

    Returns
    -------
    list of VolumeInfo
        One per file; a file that cannot be read has its ``error``.

    Raises
    ------
    FileProblem
        A folder or glob holds no volume.
    """
    found = []
    files = input_files(paths)
    for number, path in enumerate(files):
        yield Progress(number, len(files), path.name)
        try:
            found.append((yield from _one(path, fast, voxel_size)))
        except AisAppError as error:
            found.append(VolumeInfo(path, error=error))
    return found


info = direct(info_job)


def _one(path: Path, fast: bool, voxel_size: float | None) -> Job[VolumeInfo]:
    if is_stack(path):
        return VolumeInfo(path, TITLE, stack=StackInfo.of(SubtomogramStack.open(path)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # they are among the findings
        tomogram = open_tomogram(path, voxel_size=voxel_size)
    survey = yield from survey_job(tomogram, fast=fast)
    return VolumeInfo(path, format_of(path).title, tomogram, survey)

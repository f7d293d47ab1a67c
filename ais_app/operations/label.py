"""Turn segmentations into label volumes: a mask, or a number per component or lobe.

probability ─► threshold ─► components, without dust ─► (lobes, cut at necks) ─► 1 … n, on the same grid
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ais_app.core import provenance
from ais_app.core.errors import ParameterProblem
from ais_app.core.io import create_volume, open_tomogram
from ais_app.core.jobs import Job, Progress, direct
from ais_app.core.params import Params, param
from ais_app.core.picking import labelling, watershed
from ais_app.core.probability import open_probabilities
from ais_app.core.tomogram import Tomogram, tomogram_name
from ais_app.operations.per_file import FileResult, each_file, input_files

MOST_LABELS = 65535  # what 16 bits can hold


@dataclass(frozen=True)
class LabelParams(Params):
    """What a label volume shows."""

    kind: str = param("instances", "A number per component, or 1 for all of them", choices=("instances", "mask"))
    threshold: float = param(0.5, "Prediction from which a voxel counts", unit="0…1", low=0.001, high=1)
    min_volume: float = param(0.0, "Leave out components smaller than this", unit="Å³", low=0)
    neck: float = param(
        0.0, "Cut a component at necks thinner than this fraction of its thinner lobe; 0 never cuts", low=0, high=1
    )


def label_job(
    segmentations: Sequence[str | Path],
    out_dir: str | Path,
    params: LabelParams | None = None,
    *,
    voxel_size: float | None = None,
    skip_existing: bool = False,
) -> Job[list[FileResult]]:
    """Write masks or instance labels of segmentations.

    Parameters
    ----------
    segmentations
        Files, folders or globs: probabilities as 0…1, 0…127 or 0…255, or masks.
    out_dir
        Folder of the results, ``<segmentation>_instances.mrc`` or ``<segmentation>_mask.mrc``; made where it is
        missing. Masks are int8, instances uint16, 0 is background; numbers follow the first voxels in z, y, x.
    params
        What counts, volumes in Å³.
    voxel_size
        Å; replaces what the files say.
    skip_existing
        Leave segmentations out whose results are there.

    Returns
    -------
    list of FileResult
        One per segmentation; a failure is in its ``error``. Nothing found is no failure: the volume is 0.

    Raises
    ------
    ParameterProblem
        Two inputs have the same name.
    FileProblem
        A folder or glob holds no volume.
    """
    chosen = params or LabelParams()

    def targets(path: Path) -> list[Path]:
        return [label_path(path, out_dir, chosen.kind)]

    def work(path: Path) -> Job[str]:
        yield Progress(0, 2, "labelling")
        volume = open_probabilities(open_tomogram(path, voxel_size=voxel_size))
        labels, count = label_volume(volume, chosen)
        yield Progress(1, 2, "writing")
        arguments: dict[str, Any] = {"segmentations": [str(path)], "out_dir": str(out_dir), "params": chosen}
        arguments["voxel_size"] = voxel_size
        (output,) = targets(path)
        made = provenance.record("label", output, arguments, [path], {"instances": count})
        with create_volume(output, labels.shape, labels.dtype, like=volume, label=made.label) as writer:
            writer.write(0, labels)
        made.write(output)
        return f"{count:,} instance{'s' * (count != 1)}"

    return (yield from each_file(input_files(segmentations), targets, work, skip_existing=skip_existing))


label = direct(label_job)


def label_path(segmentation: str | Path, out_dir: str | Path, kind: str) -> Path:
    """Return where the labels of a segmentation go.

    >>> label_path("TS_01__ribosome.mrc", "out", "instances").as_posix()
    'out/TS_01__ribosome_instances.mrc'
    """
    return Path(out_dir) / f"{tomogram_name(segmentation)}_{kind}.mrc"


def label_volume(volume: Tomogram, params: LabelParams) -> tuple[np.ndarray, int]:
    """Return the labels of a map of probabilities and how many components or lobes there are.

    Parameters
    ----------
    volume
        (z, y, x) probability 0…1.
    params
        What counts.

    Returns
    -------
    labels
        (z, y, x): int8 0 and 1 for a mask, uint16 0…n for instances.
    count
        n; for a mask that of its components.

    Raises
    ------
    ParameterProblem
        There are more instances than 16 bits can count.
    """
    size = volume.voxel_size_zyx
    if size is None:
        if params.min_volume > 0:
            volume.require_voxel_size_zyx()
        size = (1.0, 1.0, 1.0)  # lobes depend on ratios of depths only
    found = labelling.components(labelling.at_least(volume.data, params.threshold), size, params.min_volume)
    if params.kind == "mask":
        return found.mask().astype(np.int8), len(found)
    labels, count = _lobes(found, params.neck) if params.neck > 0 else _numbered(found)
    if count > MOST_LABELS:
        remedy = "raise the minimum volume or the threshold"
        raise ParameterProblem(
            volume.path or volume.name, f"has {count:,} instances, more than {MOST_LABELS:,}", remedy
        )
    return labels.astype(np.uint16), count


def _numbered(found: labelling.Components) -> tuple[np.ndarray, int]:
    number = np.zeros(int(found.labels.max(initial=0)) + 1, dtype=np.uint32)
    number[found.ids] = np.arange(1, len(found) + 1)
    return number[found.labels], len(found)


def _lobes(found: labelling.Components, neck: float) -> tuple[np.ndarray, int]:
    """Give a number to every lobe of every component."""
    labels, count = np.zeros(found.labels.shape, dtype=np.uint32), 0
    for index in range(len(found)):
        inside, region = found.crop(index, pad=1)
        depth = watershed.smoothed_depth(inside, found.voxel_size_zyx)
        lobes, several = watershed.split(inside, depth, neck, min(found.voxel_size_zyx))
        labels[region][inside] = lobes[inside] + count
        count += several
    return labels, count

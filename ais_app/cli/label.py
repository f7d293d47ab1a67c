"""``ais-app label``: masks and instance labels from segmentations."""

from __future__ import annotations

import typer

from ais_app.cli.arguments import OutDir, Segmentations, SkipExisting, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.operations.label import LabelParams, label_job

app = typer.Typer(add_completion=False)


@app.command()
@with_params(LabelParams)
def label(
    segmentations: Segmentations,
    out_dir: OutDir,
    params: LabelParams,
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Turn segmentations into masks or instance labels: DIR/<segmentation>_instances.mrc.

    Instances are numbered from 1 in the order of their first voxel; 0 is background.
    """
    job = label_job(segmentations, out_dir, params, voxel_size=voxel_size, skip_existing=skip_existing)
    report(with_progress(job, "Labelling"))

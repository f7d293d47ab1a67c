"""``ais-app label``: masks and instance labels from segmentations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.operations.label import LabelParams, label_job

app = typer.Typer(add_completion=False)


@app.command()
@with_params(LabelParams)
def label(
    segmentations: Annotated[list[str], typer.Argument(help="Segmentations: files, folders or globs.")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    params: LabelParams,
    voxel_size: Annotated[float | None, typer.Option(help="Replaces what the files say. [Å]", min=0.01)] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Turn segmentations into masks or instance labels: DIR/<segmentation>_instances.mrc.

    Instances are numbered from 1 in the order of their first voxel; 0 is background.
    """
    job = label_job(segmentations, out_dir, params, voxel_size=voxel_size, skip_existing=skip_existing)
    report(with_progress(job, "Labelling"))

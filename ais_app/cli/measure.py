"""``ais-app measure``: volumes, areas, distances, thickness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.arguments import Segmentations, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.surfaces.measure import MeasureParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MeasureParams)
def measure(
    segmentations: Segmentations,
    out: Annotated[Path, typer.Option("--out", "-o", help="The table: .csv or .json.")],
    params: MeasureParams,
    distances: Annotated[
        str | None,
        typer.Option(help="Measure distances to this segmentation: a file, {tomogram} allowed, or a feature."),
    ] = None,
    voxel_size: VoxelSize = None,
) -> None:
    """Measure segmentations: a row per component with volume, surface area, position, extents.

    Also the thickness of membranes and the distances to another segmentation. Units stand in the column names.
    """
    from ais_app.operations.measure import measure_job

    job = measure_job(segmentations, out, params, distances=distances, voxel_size=voxel_size)
    report(with_progress(job, "Measuring"))

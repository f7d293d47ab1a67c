"""``ais-app filaments``: axes of filaments, and samples along them."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import Formats, OutDir, Segmentations, SkipExisting, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.filaments.density import DensityParams
from ais_app.core.filaments.parameters import FilamentParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(DensityParams, "refine_params")
@with_params(FilamentParams)
def filaments(
    segmentations: Segmentations,
    out_dir: OutDir,
    params: FilamentParams,
    refine_params: DensityParams,
    formats: Formats = "star",
    refine: Annotated[
        str | None,
        typer.Option(help="Centre the axes on the density of this tomogram: a file, {tomogram} allowed, or a folder."),
    ] = None,
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Trace filaments: DIR/<segmentation>_coords.star with samples, DIR/<segmentation>_filaments.json with axes.

    Threshold, lumens filled, centre lines, spurs pruned, joined through crossings by direction, spline, centred.
    """
    from ais_app.operations.filaments import filaments_job

    job = filaments_job(
        segmentations,
        out_dir,
        params,
        formats=[name.strip() for name in formats.split(",")],
        refine=refine,
        refine_params=refine_params,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Tracing"))

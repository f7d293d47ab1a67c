"""``ais-app pick``: particles from segmentations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ais_app.cli.options import with_params
from ais_app.cli.reporting import SkipExisting, report, with_progress
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.picking.masking import MaskParams
from ais_app.core.picking.membrane_normals import MembraneParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MembraneParams, "membrane_params")
@with_params(MaskParams, "mask_params")
@with_params(BlobParams)
def pick(
    segmentations: Annotated[list[str], typer.Argument(help="Segmentations: files, folders or globs.")],
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder of the results.")],
    params: BlobParams,
    mask_params: MaskParams,
    membrane_params: MembraneParams,
    formats: Annotated[
        str, typer.Option("--format", help="Coordinate formats, with commas between: star, tsv, relion5 …")
    ] = "star",
    mask: Annotated[
        str | None, typer.Option(help="Keep particles by this segmentation: a file, {tomogram} allowed, or a feature.")
    ] = None,
    membrane: Annotated[
        str | None, typer.Option(help="Turn particles to the normals of this membrane segmentation; as --mask.")
    ] = None,
    voxel_size: Annotated[float | None, typer.Option(help="Replaces what the files say. [Å]", min=0.01)] = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Pick particles from segmentations: DIR/<segmentation>_coords.star and other formats.

    Threshold, distance transform, watershed, minimum volume, weight, minimum spacing, weighted centroid.
    """
    from ais_app.operations.pick import pick_job

    job = pick_job(
        segmentations,
        out_dir,
        params,
        formats=[name.strip() for name in formats.split(",")],
        mask=mask,
        mask_params=mask_params,
        membrane=membrane,
        membrane_params=membrane_params,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Picking"))

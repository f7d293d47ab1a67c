"""``ais-app pick``: particles from segmentations."""

from __future__ import annotations

from typing import Annotated

import typer

from ais_app.cli.arguments import Formats, OutDir, ParticleMask, Segmentations, SkipExisting, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.pickers.blobs import BlobParams
from ais_app.core.picking.masking import MaskParams
from ais_app.core.picking.membrane_normals import MembraneParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MembraneParams, "membrane_params")
@with_params(MaskParams, "mask_params")
@with_params(BlobParams)
def pick(
    segmentations: Segmentations,
    out_dir: OutDir,
    params: BlobParams,
    mask_params: MaskParams,
    membrane_params: MembraneParams,
    formats: Formats = "star",
    mask: ParticleMask = None,
    membrane: Annotated[
        str | None, typer.Option(help="Turn particles to the normals of this membrane segmentation; as --mask.")
    ] = None,
    voxel_size: VoxelSize = None,
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

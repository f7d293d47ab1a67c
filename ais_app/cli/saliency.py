"""``ais-app saliency``: particles from tomograms, by what stands out."""

from __future__ import annotations

import typer

from ais_app.cli.arguments import Formats, OutDir, ParticleMask, SkipExisting, Tomograms, VoxelSize
from ais_app.cli.options import with_params
from ais_app.cli.reporting import report, with_progress
from ais_app.core.pickers.saliency import SaliencyParams
from ais_app.core.picking.masking import MaskParams

app = typer.Typer(add_completion=False)


@app.command()
@with_params(MaskParams, "mask_params")
@with_params(SaliencyParams)
def saliency(
    tomograms: Tomograms,
    out_dir: OutDir,
    params: SaliencyParams,
    mask_params: MaskParams,
    formats: Formats = "star",
    mask: ParticleMask = None,
    voxel_size: VoxelSize = None,
    skip_existing: SkipExisting = False,
) -> None:
    """Pick what looks unlike the rest, without a network: DIR/<tomogram>_saliency_coords.star and other formats.

    Supervoxels, features, robust principal components; threshold or the most salient --number.
    """
    from ais_app.operations.saliency import saliency_job

    job = saliency_job(
        tomograms,
        out_dir,
        params,
        formats=[name.strip() for name in formats.split(",")],
        mask=mask,
        mask_params=mask_params,
        voxel_size=voxel_size,
        skip_existing=skip_existing,
    )
    report(with_progress(job, "Picking"))
